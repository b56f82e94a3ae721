// One file broken by hand for every reason there is: each refusal is reached and is told apart.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "sample_package.h"
#include "trib/common/bytes/crc32c.h"

namespace trib::package {
namespace {

using Bytes = std::vector<std::byte>;
using testing::Encoded;
using testing::SampleSection;
using testing::SampleSeed;
using Sections = std::vector<SampleSection>;

constexpr std::size_t kEntries = 10;  // sections of the sample

void Put(Bytes& file, std::size_t offset, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    file[offset + i] = static_cast<std::byte>(value >> (8 * i));
  }
}
std::uint32_t Get32(const Bytes& file, std::size_t offset) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    out |= static_cast<std::uint32_t>(file[offset + i]) << (8 * i);
  }
  return out;
}
std::size_t EntryAt(std::size_t index) {
  return kHeaderBytes + index * kTableEntryBytes;
}

/// Makes the checksums of header and table right again, so that a change behind them is reached.
void Reseal(Bytes& file, std::size_t entries = kEntries) {
  Put(file, 24, Crc32c(std::span(file).subspan(kHeaderBytes, entries * kTableEntryBytes)), 4);
  Put(file, 28, Crc32c(std::span(file).first(28)), 4);
}

/// Collects which reasons were seen, over all tests of this file.
class BrokenPackage : public ::testing::Test {
 protected:
  static void ExpectRefusal(Status status, Code code, Reason reason) {
    EXPECT_EQ(status, Status(code, reason)) << ReasonName(reason) << " expected, got "
                                            << ReasonName(static_cast<Reason>(status.reason()));
    seen_.insert(static_cast<Reason>(status.reason()));
  }
  static void Open(Reason reason,
                   const std::function<void(Bytes&)>& change,
                   Code code = Code::kDataLoss) {
    Bytes file = testing::Write(testing::SampleSections());
    ASSERT_TRUE(PackageView::Open(file).ok());
    change(file);
    ExpectRefusal(PackageView::Open(file).status(), code, reason);
  }
  static void Contents(Reason reason, const std::function<void(Sections&)>& change) {
    auto sections = testing::SampleSections();
    change(sections);
    const Bytes file = testing::Write(sections);
    const auto view = PackageView::Open(file);
    ASSERT_TRUE(view.ok()) << ReasonName(static_cast<Reason>(view.status().reason()));
    ExpectRefusal(CheckContents(*view), Code::kDataLoss, reason);
  }
  /// Of the sample, changed, beside a recipe of 8 features and 2 channels.
  template <typename Change>
  static void References(Reason reason, Change change) {
    auto sections = testing::SampleSections();
    Normalisation normalisation;
    for (int i = 0; i < 8; ++i) {
      (void)normalisation.features.push_back({.mean = 0, .deviation = 1});
    }
    At(sections, SectionType::kNormalisation).bytes = Encoded(normalisation);
    change(sections);
    const Bytes file = testing::Write(sections);
    const auto view = PackageView::Open(file);
    ASSERT_TRUE(view.ok());
    const Status status = CheckReferences(*view, 8, 2);
    if (reason == Reason::kNone) {
      EXPECT_TRUE(status.ok());
    } else {
      ExpectRefusal(status, Code::kDataLoss, reason);
    }
  }
  static SampleSection& At(Sections& sections, SectionType type) {
    return *std::find_if(sections.begin(), sections.end(), [&](const SampleSection& section) {
      return section.type == type;
    });
  }
  static void AddLearning(Sections& sections) {
    for (const auto& section : testing::LearningSections()) {
      sections.push_back(section);
    }
  }
  static void Remove(Sections& sections, SectionType type) {
    std::erase_if(sections, [&](const SampleSection& section) { return section.type == type; });
  }
  static void Insert(Sections& sections, SampleSection section) {
    const auto at = std::find_if(sections.begin(), sections.end(), [&](const SampleSection& other) {
      return other.type > section.type;
    });
    sections.insert(at, std::move(section));
  }
  static void TearDownTestSuite();

  static inline std::set<Reason> seen_;
};

TEST_F(BrokenPackage, Frame) {
  Open(Reason::kTruncated, [](Bytes& f) { f.pop_back(); });
  Open(Reason::kTruncated, [](Bytes& f) { f.erase(f.begin() + kHeaderBytes - 1, f.end()); });
  Open(Reason::kTruncated, [](Bytes& f) { f.clear(); });
  Open(Reason::kTooLarge, [](Bytes& f) { f.resize(kMaxPackageBytes + 1); });
  Open(Reason::kTooLarge, [](Bytes& f) {
    Put(f, 12, kMaxPackageBytes + 16, 4);
    Reseal(f);
  });
  Open(Reason::kBadMagic, [](Bytes& f) { f[7] = std::byte{0}; });
  Open(
      Reason::kBadVersion, [](Bytes& f) { f[8] = std::byte{2}; }, Code::kUnimplemented);
  Open(Reason::kHeaderCrc, [](Bytes& f) { f[28] ^= std::byte{1}; });
  Open(Reason::kSizeMismatch, [](Bytes& f) { f.push_back(std::byte{0}); });
  Open(Reason::kSizeMismatch, [](Bytes& f) {
    Put(f, 20, Get32(f, 20) - 16, 4);
    Reseal(f);
  });
  Open(Reason::kBadTable, [](Bytes& f) {
    Put(f, 16, 48, 4);
    Reseal(f);
  });
  Open(Reason::kBadTable, [](Bytes& f) {
    Put(f, 10, 0, 2);
    Reseal(f, 0);
  });
  Open(Reason::kTooManySections, [](Bytes& f) {
    Put(f, 10, kMaxSections + 1, 2);
    Reseal(f);
  });
  Open(Reason::kTableCrc, [](Bytes& f) { f[EntryAt(0) + 16] ^= std::byte{1}; });
}

TEST_F(BrokenPackage, Table) {
  const auto entry =
      [](std::size_t index, std::size_t field, std::uint64_t value, std::size_t size) {
        return [=](Bytes& f) {
          Put(f, EntryAt(index) + field, value, size);
          Reseal(f);
        };
      };
  Open(Reason::kDuplicateSection, entry(1, 0, 1, 2));
  Open(Reason::kSectionOrder, entry(9, 0, 9, 2));
  Open(Reason::kBadTable, entry(0, 0, 0, 2));
  Open(Reason::kBadTable, entry(0, 20, 1, 4));
  Open(Reason::kBadFlags, entry(0, 2, 3, 2));
  Open(Reason::kBadFlags, entry(0, 2, 0, 2));
  Open(Reason::kBadFlags, entry(9, 2, 1, 2));
  Open(Reason::kBadTarget, entry(1, 4, 1, 4));
  Open(
      Reason::kUnknownCriticalSection,
      [](Bytes& f) {
        Put(f, EntryAt(kEntries - 1), 1000, 2);
        Put(f, EntryAt(kEntries - 1) + 2, 1, 2);
        Reseal(f);
      },
      Code::kUnimplemented);
}

TEST_F(BrokenPackage, Places) {
  const auto shift = [](std::size_t index, std::int64_t by) {
    return [=](Bytes& f) {
      const std::size_t at = EntryAt(index) + 8;
      Put(f, at, static_cast<std::uint64_t>(Get32(f, at) + by), 4);
      Reseal(f);
    };
  };
  Open(Reason::kMisaligned, shift(1, 4));
  Open(Reason::kOverlap, shift(1, -16));
  Open(Reason::kOverlap, shift(0, -256));
  Open(Reason::kGap, shift(1, 16));
  Open(Reason::kOutOfBounds, shift(1, 1 << 20));
  Open(Reason::kOutOfBounds, shift(1, 0x7FFFFF00));
  Open(Reason::kOutOfBounds, [](Bytes& f) {
    Put(f, EntryAt(1) + 12, 0xFFFFFFFF, 4);
    Reseal(f);
  });
  Open(Reason::kEmptySection, [](Bytes& f) {
    Put(f, EntryAt(1) + 12, 0, 4);
    Reseal(f);
  });
  Open(Reason::kGap, [](Bytes& f) {
    // The last section gives sixteen bytes away: nothing may lie between it and the trailer.
    const std::size_t last = EntryAt(kEntries - 1);
    const std::uint32_t length = Get32(f, last + 12) - 16;
    Put(f, last + 12, length, 4);
    Put(f, last + 16, Crc32c(std::span(f).subspan(Get32(f, last + 8), length)), 4);
    Reseal(f);
  });
  // Behind the recipe's 21 bytes, and behind the last section.
  Open(Reason::kPaddingNotZero, [](Bytes& f) { f[Get32(f, EntryAt(1) + 8) + 21] = std::byte{1}; });
  Open(Reason::kPaddingNotZero, [](Bytes& f) { f[f.size() - kTrailerBytes - 1] = std::byte{1}; });
  Open(Reason::kSectionCrc, [](Bytes& f) { f[Get32(f, EntryAt(1) + 8)] ^= std::byte{1}; });
}

TEST_F(BrokenPackage, Trailer) {
  const auto at = [](Bytes& f, std::size_t offset) -> std::byte& {
    return f[f.size() - kTrailerBytes + offset];
  };
  Open(Reason::kBadTrailer, [&](Bytes& f) { at(f, 0) = std::byte{0}; });
  Open(Reason::kBadTrailer, [&](Bytes& f) { at(f, 8) = std::byte{3}; });
  Open(Reason::kBadTrailer, [&](Bytes& f) { at(f, 12) = std::byte{1}; });
  Open(Reason::kBadTrailer, [&](Bytes& f) { at(f, 20) = std::byte{1}; });
  Open(Reason::kBadTrailer, [&](Bytes& f) { at(f, 159) = std::byte{1}; });
  // Two slots of one key: both are zero here.
  Open(Reason::kBadTrailer, [&](Bytes& f) { at(f, 8) = std::byte{2}; });
}

TEST_F(BrokenPackage, Contents) {
  for (const SectionType type : {SectionType::kManifest,
                                 SectionType::kRecipe,
                                 SectionType::kTrigger,
                                 SectionType::kExitPolicy,
                                 SectionType::kFallbackRules,
                                 SectionType::kGuardrails,
                                 SectionType::kLabels}) {
    Contents(Reason::kMissingSection, [&](Sections& s) { Remove(s, type); });
  }
  const std::pair<SectionType, Reason> malformed[] = {
      {SectionType::kManifest, Reason::kBadManifest},
      {SectionType::kNormalisation, Reason::kBadNormalisation},
      {SectionType::kTrigger, Reason::kBadTrigger},
      {SectionType::kExitPolicy, Reason::kBadExitPolicy},
      {SectionType::kFallbackRules, Reason::kBadFallbackRules},
      {SectionType::kGuardrails, Reason::kBadGuardrails},
      {SectionType::kLabels, Reason::kBadLabels},
      {SectionType::kSketchEdges, Reason::kBadSketchEdges},
      {SectionType::kDriftReference, Reason::kBadDriftReference},
  };
  for (const auto& [type, reason] : malformed) {
    Contents(reason, [type = type](Sections& s) { At(s, type).bytes.pop_back(); });
  }
  const std::pair<SectionType, Reason> learning[] = {
      {SectionType::kDistance, Reason::kBadDistance},
      {SectionType::kCommissioning, Reason::kBadCommissioning},
      {SectionType::kSeverity, Reason::kBadSeverity},
      {SectionType::kConditions, Reason::kBadConditions},
  };
  for (const auto& [type, reason] : learning) {
    Contents(reason, [type = type](Sections& s) {
      AddLearning(s);
      At(s, type).bytes.pop_back();
    });
  }
  Contents(Reason::kMissingSection, [](Sections& s) {
    AddLearning(s);
    Remove(s, SectionType::kTrigger);
  });
  Contents(Reason::kUnknownLabel, [](Sections& s) {
    AddLearning(s);
    auto severity = testing::SampleSeverity();
    severity.label[3] = 2;
    At(s, SectionType::kSeverity).bytes = Encoded(severity);
  });
  Contents(Reason::kUnknownLabel, [](Sections& s) {
    auto rules = testing::SampleRules();
    rules.rules[2].label = 2;
    At(s, SectionType::kFallbackRules).bytes = Encoded(rules);
  });
  Contents(Reason::kRuleChannelAbsent, [](Sections& s) {
    auto rules = testing::SampleRules();
    rules.rules[1].channel = 2;
    At(s, SectionType::kFallbackRules).bytes = Encoded(rules);
  });
  Contents(Reason::kThresholdsDoNotMatchLabels, [](Sections& s) {
    auto policy = testing::SamplePolicy();
    policy.thresholds.resize(1);
    At(s, SectionType::kExitPolicy).bytes = Encoded(policy);
  });
  Contents(Reason::kDriftReferenceDoesNotMatchEdges,
           [](Sections& s) { Remove(s, SectionType::kSketchEdges); });
  Contents(Reason::kDriftReferenceDoesNotMatchEdges, [](Sections& s) {
    auto reference = testing::SampleReference();
    reference.histograms[1].feature = 4;
    At(s, SectionType::kDriftReference).bytes = Encoded(reference);
  });
}

TEST_F(BrokenPackage, Network) {
  const auto with_operators = [](Sections& s) {
    auto manifest = testing::SampleManifest();
    manifest.operators = 1;
    manifest.arena_bytes = 64;
    At(s, SectionType::kManifest).bytes = Encoded(manifest);
  };
  const auto part = [](SectionType type, Target target) {
    return SampleSection{.type = type, .target = target, .bytes = Bytes(3, std::byte{1})};
  };
  Contents(Reason::kPlanWithoutWeights, with_operators);
  Contents(Reason::kPlanWithoutWeights, [&](Sections& s) {
    with_operators(s);
    Insert(s, part(SectionType::kPlan, Target::kPortable));
  });
  Contents(Reason::kPlanWithoutWeights, [&](Sections& s) {
    with_operators(s);
    Insert(s, part(SectionType::kWeights, Target::kPortable));
  });
  Contents(Reason::kPlanWithoutWeights, [&](Sections& s) {
    with_operators(s);
    Insert(s, part(SectionType::kPlan, Target::kPortable));
    Insert(s, part(SectionType::kWeights, Target::kArmv81mMve));
  });
  Contents(Reason::kPlanWithoutWeights, [&](Sections& s) {
    Insert(s, part(SectionType::kPlan, Target::kPortable));
    Insert(s, part(SectionType::kWeights, Target::kPortable));
  });
  // With a network, a package may do without trigger.
  auto sections = testing::SampleSections();
  with_operators(sections);
  Insert(sections, part(SectionType::kPlan, Target::kArmv7emDsp));
  Insert(sections, part(SectionType::kWeights, Target::kArmv7emDsp));
  Remove(sections, SectionType::kTrigger);
  const Bytes file = testing::Write(sections);
  const auto view = PackageView::Open(file);
  ASSERT_TRUE(view.ok());
  EXPECT_TRUE(CheckContents(*view).ok());
}

TEST_F(BrokenPackage, ClassifierAndSplitPoints) {
  const auto head = [](Reason reason, const std::function<void(Sections&)>& change) {
    auto sections = testing::HeadSections();
    change(sections);
    const Bytes file = testing::Write(sections);
    const auto view = PackageView::Open(file);
    ASSERT_TRUE(view.ok()) << ReasonName(static_cast<Reason>(view.status().reason()));
    if (reason == Reason::kNone) {
      EXPECT_TRUE(CheckContents(*view).ok());
    } else {
      ExpectRefusal(CheckContents(*view), Code::kDataLoss, reason);
    }
  };
  const auto classifier = [](Sections& s, const auto& change) {
    auto spec = testing::SampleClassifier();
    change(spec);
    At(s, SectionType::kClassifier).bytes = Encoded(spec);
    ASSERT_FALSE(At(s, SectionType::kClassifier).bytes.empty());
  };
  head(Reason::kNone, [](Sections&) {});
  head(Reason::kNone, [](Sections& s) { Remove(s, SectionType::kTrigger); });
  head(Reason::kNone, [](Sections& s) { Remove(s, SectionType::kSplitPoints); });
  head(Reason::kBadClassifier,
       [](Sections& s) { At(s, SectionType::kClassifier).bytes.pop_back(); });
  head(Reason::kBadSplitPoints,
       [](Sections& s) { At(s, SectionType::kSplitPoints).bytes.pop_back(); });
  // A label that is no alarm must not keep others from being accepted.
  head(Reason::kBadClassifier,
       [&](Sections& s) { classifier(s, [](ClassifierSpec& c) { c.exits[1].reject[0] = 0.5F; }); });
  head(Reason::kUnknownLabel,
       [&](Sections& s) { classifier(s, [](ClassifierSpec& c) { c.labels[1] = 2; }); });
  head(Reason::kClassifierDoesNotMatchPlan, [](Sections& s) {
    At(s, SectionType::kManifest).bytes = Encoded(testing::SampleManifest());
    Remove(s, SectionType::kPlan);
    Remove(s, SectionType::kWeights);
  });
  head(Reason::kMissingSection, [&](Sections& s) {
    classifier(s, [](ClassifierSpec& c) {
      c.input = NetworkInput::kFeatures;
      c.offset = 0;
      c.gain = 1;
    });
    Remove(s, SectionType::kNormalisation);
  });
  head(Reason::kThresholdsDoNotMatchLabels, [](Sections& s) {
    At(s, SectionType::kExitPolicy).bytes = Encoded(testing::SamplePolicy());
  });
  head(Reason::kSplitPointsDoNotMatchPlan,
       [](Sections& s) { Remove(s, SectionType::kClassifier); });
  head(Reason::kSplitPointsDoNotMatchPlan, [](Sections& s) {
    auto split = testing::SampleSplit();
    split.cut = 7;
    At(s, SectionType::kSplitPoints).bytes = Encoded(split);
  });
}

TEST_F(BrokenPackage, Signatures) {
  const auto key = crypto::Ed25519KeyPairFromSeed(SampleSeed(1)).public_key;
  const auto next = crypto::Ed25519KeyPairFromSeed(SampleSeed(2)).public_key;
  const auto other = crypto::Ed25519KeyPairFromSeed(SampleSeed(3)).public_key;
  Bytes file = testing::Write(testing::SampleSections());
  const auto verify = [&](const std::vector<crypto::PublicKey>& pinned) {
    const auto view = PackageView::Open(file);
    return view.ok() ? Verify(*view, pinned, Platform{.min_security_counter = 5}) : view.status();
  };
  ExpectRefusal(verify({key}), Code::kUnauthenticated, Reason::kNoSignature);
  ASSERT_TRUE(SignPackage(file, SampleSeed(1)).ok());
  EXPECT_TRUE(verify({key}).ok());
  EXPECT_TRUE(verify({other, key}).ok());
  ExpectRefusal(verify({other}), Code::kUnauthenticated, Reason::kUnknownKey);
  ExpectRefusal(verify({}), Code::kUnauthenticated, Reason::kUnknownKey);
  // During a change of keys both are there, and either is enough.
  ASSERT_TRUE(SignPackage(file, SampleSeed(2)).ok());
  EXPECT_TRUE(verify({key}).ok());
  EXPECT_TRUE(verify({next}).ok());
  EXPECT_TRUE(verify({key, next}).ok());
  ASSERT_EQ(SignPackage(file, SampleSeed(3)).code(), Code::kResourceExhausted);
  seen_.insert(Reason::kTrailerFull);

  const Bytes good = file;
  file[file.size() - 1] ^= std::byte{1};  // of the second signature
  EXPECT_TRUE(verify({key}).ok());
  ExpectRefusal(verify({next}), Code::kUnauthenticated, Reason::kBadSignature);
  ExpectRefusal(verify({key, next}), Code::kUnauthenticated, Reason::kBadSignature);

  // Signatures of another package of the same key.
  auto sections = testing::SampleSections();
  At(sections, SectionType::kRecipe).bytes[0] = std::byte{99};
  file = testing::Write(sections);
  ASSERT_EQ(file.size(), good.size());
  std::copy(good.end() - kTrailerBytes, good.end(), file.end() - kTrailerBytes);
  ExpectRefusal(verify({key}), Code::kUnauthenticated, Reason::kBadSignature);
}

TEST_F(BrokenPackage, SignatureComesBeforeContents) {
  auto sections = testing::SampleSections();
  At(sections, SectionType::kManifest).bytes.pop_back();
  const Bytes file = testing::Write(sections);
  const auto view = PackageView::Open(file);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(Verify(*view, {}, {}), Status(Code::kUnauthenticated, Reason::kNoSignature));
}

TEST_F(BrokenPackage, EverySignatureCoversEveryByteBeforeTheTrailer) {
  const auto key = crypto::Ed25519KeyPairFromSeed(SampleSeed(1)).public_key;
  Bytes file = testing::Write(testing::SampleSections());
  ASSERT_TRUE(SignPackage(file, SampleSeed(1)).ok());
  for (std::size_t i = 0; i < file.size(); ++i) {
    file[i] ^= std::byte{0x10};
    const auto view = PackageView::Open(file);
    EXPECT_FALSE(view.ok() && Verify(*view, {&key, 1}, {}).ok()) << "byte " << i;
    file[i] ^= std::byte{0x10};
  }
}

TEST_F(BrokenPackage, Platform) {
  auto sections = testing::SampleSections();
  auto manifest = testing::SampleManifest();
  manifest.abi_min = 2;
  manifest.abi_max = 3;
  manifest.operators = 0b101;
  manifest.arena_bytes = 1000;
  At(sections, SectionType::kManifest).bytes = Encoded(manifest);
  Insert(sections, {.type = SectionType::kPlan, .bytes = Bytes(3)});
  Insert(sections, {.type = SectionType::kWeights, .bytes = Bytes(3)});
  const Bytes file = testing::Write(sections);
  const auto view = PackageView::Open(file);
  ASSERT_TRUE(view.ok());
  const trib::package::Platform fits = {.hardware_class = HardwareClass::kLinux,
                                        .firmware_abi = 3,
                                        .operators = 0b111,
                                        .arena_bytes = 1000,
                                        .min_security_counter = 5};
  ASSERT_TRUE(CheckPlatform(*view, fits).ok());
  const auto refuses = [&](Reason reason, const auto& change) {
    auto platform = fits;
    change(platform);
    ExpectRefusal(CheckPlatform(*view, platform), Code::kFailedPrecondition, reason);
  };
  refuses(Reason::kWrongHardwareClass,
          [](auto& p) { p.hardware_class = HardwareClass::kMps3An547; });
  refuses(Reason::kAbiTooOld, [](auto& p) { p.firmware_abi = 1; });
  refuses(Reason::kAbiTooNew, [](auto& p) { p.firmware_abi = 4; });
  refuses(Reason::kMissingOperator, [](auto& p) { p.operators = 0b011; });
  refuses(Reason::kArenaTooSmall, [](auto& p) { p.arena_bytes = 999; });
  refuses(Reason::kCounterTooLow, [](auto& p) { p.min_security_counter = 6; });
}

TEST_F(BrokenPackage, WriterRefusesWhatTheReaderWould) {
  auto sections = testing::SampleSections();
  std::swap(sections[0], sections[1]);
  const auto inputs = testing::Inputs(sections);
  Bytes out(PackageBytes(inputs));
  EXPECT_EQ(WritePackage(inputs, out).status(),
            Status(Code::kInvalidArgument, Reason::kSectionOrder));
  const auto good = testing::Inputs(testing::SampleSections());
  ExpectRefusal(WritePackage(good, std::span(out).first(out.size() - 1)).status(),
                Code::kResourceExhausted,
                Reason::kNoRoom);
}

TEST_F(BrokenPackage, UnknownIgnorableSectionIsSkipped) {
  auto sections = testing::SampleSections();
  sections.push_back(
      {.type = static_cast<SectionType>(1000), .bytes = Bytes(5, std::byte{1}), .critical = false});
  const Bytes file = testing::Write(sections);
  const auto view = PackageView::Open(file);
  ASSERT_TRUE(view.ok());
  EXPECT_TRUE(CheckContents(*view).ok());
  EXPECT_EQ(SectionName(view->section(kEntries).type), "unknown");
}

TEST_F(BrokenPackage, ReferencesBeyondTheRecipe) {
  References(Reason::kNone, [](Sections&) {});
  References(Reason::kNone, [](Sections& s) {
    Remove(s, SectionType::kNormalisation);
    Remove(s, SectionType::kDriftReference);
    Remove(s, SectionType::kSketchEdges);
  });
  References(Reason::kFeatureAbsent, [](Sections& s) {
    auto trigger = testing::SampleTrigger();
    trigger.feature_mask = 0x1FF;
    At(s, SectionType::kTrigger).bytes = Encoded(trigger);
  });
  References(Reason::kFeatureAbsent, [](Sections& s) {
    At(s, SectionType::kNormalisation).bytes = Encoded(testing::SampleNormalisation());
  });
  References(Reason::kFeatureAbsent, [](Sections& s) {
    auto edges = testing::SampleEdges();
    edges.histograms[1].feature = 8;
    At(s, SectionType::kSketchEdges).bytes = Encoded(edges);
  });
  References(Reason::kNone, AddLearning);
  References(Reason::kFeatureAbsent, [](Sections& s) {
    AddLearning(s);
    auto distance = testing::SampleDistance();
    distance.feature_mask = 0x100;
    At(s, SectionType::kDistance).bytes = Encoded(distance);
  });
  References(Reason::kFeatureAbsent, [](Sections& s) {
    AddLearning(s);
    auto commissioning = testing::SampleCommissioning();
    commissioning.limits[1].feature = 8;
    At(s, SectionType::kCommissioning).bytes = Encoded(commissioning);
  });
  References(Reason::kFeatureAbsent, [](Sections& s) {
    AddLearning(s);
    auto severity = testing::SampleSeverity();
    severity.feature = 8;
    At(s, SectionType::kSeverity).bytes = Encoded(severity);
  });
  References(Reason::kRuleChannelAbsent, [](Sections& s) {
    auto rules = testing::SampleRules();
    rules.rules[1].channel = 2;
    At(s, SectionType::kFallbackRules).bytes = Encoded(rules);
  });
}

/// Reasons that common/package names but others give: recipes are decoded by common/dsp's users,
/// plans by common/nn's.
constexpr bool GivenElsewhere(Reason reason) {
  return reason == Reason::kBadRecipe || reason == Reason::kWrongSensor ||
         reason == Reason::kBadPlan;
}

void BrokenPackage::TearDownTestSuite() {
  const auto* suite = ::testing::UnitTest::GetInstance()->current_test_suite();
  if (suite->test_to_run_count() != suite->total_test_count()) {
    return;  // a filtered run sees only some
  }
  std::set<std::string_view> names;
  for (std::uint16_t number = 1; number < 200; ++number) {
    const auto reason = static_cast<Reason>(number);
    if (ReasonName(reason) == "unknown reason") {
      continue;
    }
    EXPECT_TRUE(names.insert(ReasonName(reason)).second) << number << " shares its name";
    EXPECT_TRUE(seen_.contains(reason) || GivenElsewhere(reason))
        << "no broken file reaches: " << ReasonName(reason);
  }
  EXPECT_EQ(ReasonName(static_cast<Reason>(9999)), "unknown reason");
}

}  // namespace
}  // namespace trib::package
