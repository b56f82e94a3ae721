#include "trib/common/package/package.h"

#include <gtest/gtest.h>

#include "sample_package.h"

namespace trib::package {
namespace {

using testing::SampleSections;
using testing::SampleSeed;
using testing::Write;

TEST(Package, HoldsWhatWasWritten) {
  const auto sections = SampleSections();
  const auto file = Write(sections);
  const auto view = PackageView::Open(file);
  ASSERT_TRUE(view.ok());
  ASSERT_EQ(view->section_count(), sections.size());
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const SectionInfo info = view->section(i);
    EXPECT_EQ(info.type, sections[i].type);
    EXPECT_TRUE(std::ranges::equal(info.bytes, sections[i].bytes));
    EXPECT_EQ((info.bytes.data() - file.data()) % 16, 0);
  }
  EXPECT_TRUE(view->Find(SectionType::kPlan).empty());
  EXPECT_EQ(view->signature_count(), 0U);
  EXPECT_TRUE(CheckContents(*view).ok());
}

TEST(Package, SigningKeepsTheDigest) {
  auto file = Write(SampleSections());
  const auto before = PackageView::Open(file);
  ASSERT_TRUE(before.ok());
  const Digest digest = before->digest();
  const auto unsigned_file = file;
  ASSERT_TRUE(SignPackage(file, SampleSeed(1)).ok());
  const auto once = file;
  ASSERT_TRUE(SignPackage(file, SampleSeed(1)).ok());
  EXPECT_EQ(file, once);
  ASSERT_TRUE(SignPackage(file, SampleSeed(2)).ok());
  const auto view = PackageView::Open(file);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->signature_count(), 2U);
  EXPECT_EQ(view->digest(), digest);
  EXPECT_EQ(SignPackage(file, SampleSeed(3)),
            Status(Code::kResourceExhausted, Reason::kTrailerFull));
  ASSERT_TRUE(StripSignatures(file).ok());
  EXPECT_EQ(file, unsigned_file);
}

}  // namespace
}  // namespace trib::package
