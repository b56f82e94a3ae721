#include "trib/common/host/package/recalibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"
#include "trib/testing/level_package.h"

namespace trib::host::package {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Bytes = std::vector<std::byte>;

class RecalibrateTest : public ::testing::Test {
 protected:
  RecalibrateTest() {
    std::string pattern = (fs::temp_directory_path() / "trib_recalibrate_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    base_ = Build({.border = -1.5F, .deviation = 0.25F});
    shift_.package = ViewOf(base_).hash();
    // log rms by a gain of 1.5, rms with its scale, and shapes that stay.
    shift_.features = {{-1.6, 0.30, 2'000, -1.6 + std::log(1.5), 0.305, 1'000},
                       {0.21, 0.06, 2'000, 0.315, 0.09, 1'000},
                       {1.20, 0.15, 2'000, 1.20, 0.148, 1'000},
                       {1.30, 0.20, 2'000, 1.31, 0.204, 1'000}};
  }
  ~RecalibrateTest() override { fs::remove_all(folder_); }

  Bytes Build(const trib::testing::LevelShape& shape) {
    auto built = BuildPackage(trib::testing::WriteLevelSpecification(folder_, shape), &error_);
    EXPECT_TRUE(built.ok()) << error_;
    return built.ok() ? *std::move(built) : Bytes();
  }
  static PackageView ViewOf(const Bytes& file) {
    auto view = PackageView::Open(file);
    EXPECT_TRUE(view.ok()) << DescribeRefusal(view.status());
    return *view;
  }
  /// `base_` with this section beside or instead of its own.
  template <typename T>
  Bytes With(SectionType type, const T& value) const {
    Bytes section(kMaxTypedSectionBytes);
    section.resize(Encode(value, section).value_or(0));
    std::vector<SectionInput> sections = {{.type = type, .bytes = section}};
    const auto view = ViewOf(base_);
    for (std::size_t i = 0; i < view.section_count(); ++i) {
      const SectionInfo old = view.section(i);
      if (old.type != type) {
        sections.push_back({.type = old.type, .target = old.target, .bytes = old.bytes});
      }
    }
    std::ranges::stable_sort(sections, {}, &SectionInput::type);
    Bytes file(PackageBytes(sections));
    EXPECT_TRUE(WritePackage(sections, file).ok());
    return file;
  }
  void Refuses(const Bytes& base, Code code, const std::string& says) {
    const auto made = Recalibrate(base, shift_, &error_);
    EXPECT_EQ(made.status().code(), code);
    EXPECT_THAT(error_, HasSubstr(says));
    EXPECT_EQ(error_.find('\n'), error_.npos);
  }

  fs::path folder_;
  std::string error_;
  Bytes base_;
  Shift shift_;
};

TEST_F(RecalibrateTest, OnlyNormalisationAndManifestDiffer) {
  const auto made = Recalibrate(base_, shift_, &error_);
  ASSERT_TRUE(made.ok()) << error_;
  const auto before = ViewOf(base_);
  const auto after = ViewOf(made->file);
  EXPECT_EQ(made->file.size(), base_.size());
  EXPECT_NE(after.digest(), before.digest());
  ASSERT_EQ(after.section_count(), before.section_count());
  for (std::size_t i = 0; i < before.section_count(); ++i) {
    const SectionInfo then = before.section(i);
    const SectionInfo now = after.section(i);
    EXPECT_EQ(now.type, then.type);
    EXPECT_EQ(now.target, then.target);
    EXPECT_EQ(now.critical, then.critical);
    const bool may_differ =
        then.type == SectionType::kManifest || then.type == SectionType::kNormalisation;
    EXPECT_EQ(std::ranges::equal(now.bytes, then.bytes), !may_differ) << SectionName(then.type);
  }
  Manifest old;
  Manifest manifest;
  ASSERT_TRUE(Decode(before.Find(SectionType::kManifest), old).ok());
  ASSERT_TRUE(Decode(after.Find(SectionType::kManifest), manifest).ok());
  EXPECT_EQ(manifest.version.view(), "1.0.1");
  EXPECT_TRUE(std::ranges::equal(manifest.parent, before.digest()));
  manifest.version = old.version;
  manifest.parent = old.parent;
  EXPECT_EQ(manifest, old);
}

TEST_F(RecalibrateTest, WhatIsMadeVerifiesOnceItIsSigned) {
  const auto made = Recalibrate(base_, shift_, &error_);
  ASSERT_TRUE(made.ok()) << error_;
  EXPECT_EQ(ViewOf(made->file).signature_count(), 0U);
  const auto key = identity::GenerateKeyPair();
  ASSERT_TRUE(key.ok());
  const auto file = SignPackage(made->file, key->seed, &error_);
  ASSERT_TRUE(file.ok()) << error_;
  const Platform platform{.operators = UINT64_MAX, .arena_bytes = 65'536};
  EXPECT_TRUE(Verify(ViewOf(*file), {&key->public_key, 1}, platform).ok());
}

TEST_F(RecalibrateTest, TheNetworkSeesNowWhatItSawThen) {
  const auto made = Recalibrate(base_, shift_, &error_);
  ASSERT_TRUE(made.ok()) << error_;
  ASSERT_EQ(made->features.size(), trib::testing::kLevelFeatures);
  EXPECT_EQ(made->features[0].name, "ch0.log_rms");
  EXPECT_EQ(made->features[1].name, "ch0.rms");
  Normalisation normalisation;
  ASSERT_TRUE(Decode(ViewOf(made->file).Find(SectionType::kNormalisation), normalisation).ok());
  for (std::size_t i = 0; i < made->features.size(); ++i) {
    const auto& feature = made->features[i];
    EXPECT_EQ(normalisation.features[i], feature.after);
    EXPECT_EQ(feature.rescaled, i == 1) << feature.name;
  }
  // A logarithm is shifted and keeps its deviation, though 1.7 % more was measured: by chance.
  EXPECT_FLOAT_EQ(made->features[0].after.mean, -1.5F + std::log(1.5F));
  EXPECT_EQ(made->features[0].after.deviation, 0.25F);
  // What is proportional to the gain is stretched about 0, as 0.21 -> 0.315 and 0.06 -> 0.09 say,
  // also far away from what the node had seen.
  EXPECT_FLOAT_EQ(made->features[1].after.mean, 1.5F);
  EXPECT_FLOAT_EQ(made->features[1].after.deviation, 1.5F);
  EXPECT_FLOAT_EQ(made->features[3].after.mean, 1.21F);
}

TEST_F(RecalibrateTest, AScaleIsChangedOnlyWhenThatIsCertain) {
  const auto rescaled = [&](double then, double now, std::uint64_t frames) {
    shift_.features[0] = {0, then, frames, 0, now, frames};
    const auto made = Recalibrate(base_, shift_, &error_);
    EXPECT_TRUE(made.ok()) << error_;
    return made.ok() && made->features[0].rescaled;
  };
  EXPECT_FALSE(rescaled(1, 1.4, 100)) << "4 standard errors of 100 frames are 49 %";
  EXPECT_TRUE(rescaled(1, 1.5, 100));
  EXPECT_TRUE(rescaled(1, 1.4, 200));
  EXPECT_TRUE(rescaled(1.4, 1, 200));
  EXPECT_FALSE(rescaled(0, 1, 10'000)) << "stood still then";
  EXPECT_FALSE(rescaled(1, 0, 10'000)) << "stands still now: a dead sensor, not another scale";
  EXPECT_FALSE(rescaled(1, 20, 10'000));
}

TEST_F(RecalibrateTest, TheLastNumberOfTheVersionIsRaised) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"1", "2"},
                                                                  {"1.9", "1.10"},
                                                                  {"2.0.99", "2.0.100"},
                                                                  {"1.2-rc3", "1.2-rc4"},
                                                                  {"2026-09", "2026-10"},
                                                                  {"9b", "10b"},
                                                                  {"first", "first.1"}};
  for (const auto& [before, after] : cases) {
    const Bytes base = Build({.version = before});
    shift_.package = ViewOf(base).hash();
    const auto made = Recalibrate(base, shift_, &error_);
    ASSERT_TRUE(made.ok()) << error_;
    EXPECT_EQ(made->version, after);
  }
}

TEST_F(RecalibrateTest, RefusesWhatItCannotPutRight) {
  shift_.features[2].frames_now = 99;
  Refuses(base_, Code::kFailedPrecondition, "2000 then and 99 now, 100 of each are needed");
  shift_.features[2].frames_now = 100;
  EXPECT_TRUE(Recalibrate(base_, shift_, &error_).ok());
  shift_.features[2].mean_now = std::nan("");
  Refuses(base_, Code::kInvalidArgument, "is no number");
  shift_.features[2].mean_now = 1e39;
  Refuses(base_, Code::kInvalidArgument, "ch0.log_crest: its new mean is no number");
  shift_.features.pop_back();
  Refuses(base_, Code::kInvalidArgument, "the shift is of 3 features; the base has 4");
  shift_.features.clear();
  Refuses(base_, Code::kFailedPrecondition, "0 then and 0 now");
  shift_.package = PackageHash(0x12);
  Refuses(base_, Code::kFailedPrecondition, "what drifted runs 0000000000000012");
  Bytes broken = base_;
  broken[40] ^= std::byte{1};
  Refuses(broken, Code::kDataLoss, "checksum wrong");
}

TEST_F(RecalibrateTest, RefusesABaseWhoseNormalisationNothingReads) {
  const char* source = std::getenv("TRIB_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run through ctest";
  const auto without = BuildPackage(fs::path(source) / "workloads/bearing/package.toml", &error_);
  ASSERT_TRUE(without.ok()) << error_;
  shift_.package = ViewOf(*without).hash();
  Refuses(*without, Code::kFailedPrecondition, "no network that takes features");

  ClassifierSpec classifier;
  ASSERT_TRUE(Decode(ViewOf(base_).Find(SectionType::kClassifier), classifier).ok());
  classifier.input = NetworkInput::kWindow;
  const Bytes of_windows = With(SectionType::kClassifier, classifier);
  shift_.package = ViewOf(of_windows).hash();
  Refuses(of_windows, Code::kFailedPrecondition, "no network that takes features");

  SplitPoints split;
  split.tail_digest.fill(std::byte{7});
  split.tail_bytes = 4096;
  split.cut = 1;
  split.max_activation_bytes = 64;
  const Bytes head = With(SectionType::kSplitPoints, split);
  shift_.package = ViewOf(head).hash();
  Refuses(head, Code::kFailedPrecondition, "has a tail");
}

}  // namespace
}  // namespace trib::host::package
