#include "package_names.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"

namespace trib::cloud {
namespace {

namespace fs = std::filesystem;
using drift::FeatureKind;

class PackageNamesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "trib_names_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// The bearing's package, signed by `key`.
  PackageHash Save(const std::string& name, const crypto::KeyPair& key) {
    const char* source = std::getenv("TRIB_SOURCE_DIR");
    EXPECT_NE(source, nullptr) << "run through ctest";
    std::string error;
    const auto built = host::package::BuildPackage(
        fs::path(source == nullptr ? "" : source) / "workloads/bearing/package.toml", &error);
    EXPECT_TRUE(built.ok()) << error;
    const auto file = host::package::SignPackage(*built, key.seed, &error);
    EXPECT_TRUE(file.ok()) << error;
    EXPECT_TRUE(host::package::WritePackageFile(folder_ / name, *file, &error).ok()) << error;
    return package::PackageView::Open(*file)->hash();
  }

  fs::path folder_;
  const crypto::KeyPair key_ = *host::identity::GenerateKeyPair();
  const crypto::KeyPair other_ = *host::identity::GenerateKeyPair();
};

TEST_F(PackageNamesTest, APackageNamesItsFeaturesKindsLabelsAndEdges) {
  PackageNames names({folder_}, {key_.public_key});
  EXPECT_TRUE(names.Rescan().empty());
  const PackageHash hash = Save("bearing.trib", key_);
  EXPECT_EQ(names.Find(hash), nullptr);
  EXPECT_TRUE(names.Rescan().empty());
  const auto facts = names.Find(hash);
  ASSERT_NE(facts, nullptr);
  ASSERT_EQ(facts->features.size(), facts->kinds.size());
  const auto kind_of = [&](const char* name) {
    const auto found = std::ranges::find(facts->features, name);
    return found == facts->features.end()
               ? FeatureKind::kUnknown
               : facts->kinds[static_cast<std::size_t>(found - facts->features.begin())];
  };
  EXPECT_EQ(kind_of("ch0.log_rms"), FeatureKind::kTotal);
  EXPECT_EQ(kind_of("ch0.log_kurtosis"), FeatureKind::kShape);
  ASSERT_GE(facts->labels.size(), 2U);
  ASSERT_FALSE(facts->histograms.empty());
  EXPECT_LT(facts->histograms[0].edges[0], facts->histograms[0].edges[14]);
}

TEST_F(PackageNamesTest, WhatIsNotTrustedOrDamagedIsNamedOnce) {
  PackageNames names({folder_}, {key_.public_key});
  const PackageHash hash = Save("other.trib", other_);
  std::ofstream(folder_ / "bad.trib") << "no package";
  std::ofstream(folder_ / "README") << "no package either";
  const auto lines = names.Rescan();
  EXPECT_EQ(lines.size(), 2U) << ::testing::PrintToString(lines);
  EXPECT_TRUE(names.Rescan().empty());
  EXPECT_EQ(names.Find(hash), nullptr);
  EXPECT_EQ(Save("other.trib", key_), hash) << "a signature does not change it";
  EXPECT_TRUE(names.Rescan().empty());
  EXPECT_NE(names.Find(hash), nullptr);
}

TEST_F(PackageNamesTest, AFolderThatIsNotThereIsNamed) {
  PackageNames names({folder_ / "none"}, {key_.public_key});
  EXPECT_EQ(names.Rescan().size(), 1U);
}

}  // namespace
}  // namespace trib::cloud
