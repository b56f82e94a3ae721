// Holds the seeds of package_fuzz to the format. With TRIB_UPDATE_SEEDS=1 it writes them first.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "sample_package.h"

namespace trib::package {
namespace {

std::map<std::string, std::vector<std::byte>> Seeds() {
  const auto sections = testing::SampleSections();
  std::map<std::string, std::vector<std::byte>> seeds;
  auto file = testing::Write(sections);
  seeds["unsigned"] = file;
  EXPECT_TRUE(SignPackage(file, testing::SampleSeed(1)).ok());
  seeds["signed"] = file;
  EXPECT_TRUE(SignPackage(file, testing::SampleSeed(2)).ok());
  seeds["signed_twice"] = file;
  auto more = sections;
  more.push_back({.type = static_cast<SectionType>(1000),
                  .bytes = std::vector<std::byte>(5, std::byte{1}),
                  .critical = false});
  seeds["unknown_ignorable"] = testing::Write(more);
  auto learning = sections;
  for (const auto& section : testing::LearningSections()) {
    learning.push_back(section);
    seeds["section_" + std::string(SectionName(section.type))] = section.bytes;
  }
  seeds["learning"] = testing::Write(learning);
  const auto head = testing::HeadSections();
  seeds["head"] = testing::Write(head);
  for (const auto& section : head) {
    if (section.type == SectionType::kClassifier || section.type == SectionType::kSplitPoints) {
      seeds["section_" + std::string(SectionName(section.type))] = section.bytes;
    }
  }
  // Each section alone, for the decoders.
  for (const auto& section : sections) {
    seeds["section_" + std::string(SectionName(section.type))] = section.bytes;
  }
  return seeds;
}

TEST(FuzzSeeds, AreOfTheFormatAsItIs) {
  const char* source = std::getenv("TRIB_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run through ctest";
  const auto folder = std::filesystem::path(source) / "common/package/corpus/package_fuzz";
  for (const auto& [name, bytes] : Seeds()) {
    ASSERT_FALSE(bytes.empty()) << name;
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (std::getenv("TRIB_UPDATE_SEEDS") != nullptr) {
      std::filesystem::create_directories(folder);
      std::ofstream(folder / name, std::ios::binary) << text;
    }
    std::ifstream in(folder / name, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text) << name;
  }
}

}  // namespace
}  // namespace trib::package
