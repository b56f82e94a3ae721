#include "trib/common/host/package/recalibrate.h"

#include <algorithm>
#include <cctype>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <optional>

#include "build.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/host/package/package.h"

namespace trib::host::package {
namespace {

constexpr double kCertainErrors = 4;
constexpr double kMaxRatio = 16;

Status Refuse(Status status, std::string* error, const std::string& text) {
  if (error != nullptr) {
    *error = text;
  }
  return status;
}

std::string HashText(PackageHash hash) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64, hash.value());
  return text.data();
}

bool IsNumber(const FeatureShift& shift) {
  return std::isfinite(shift.mean_then) && std::isfinite(shift.mean_now) &&
         std::isfinite(shift.deviation_then) && std::isfinite(shift.deviation_now) &&
         shift.deviation_then >= 0 && shift.deviation_now >= 0;
}

/// How much the feature's scale changed; 1 unless that is certain.
double CertainRatio(const FeatureShift& shift) {
  if (!(shift.deviation_then > 0) || !(shift.deviation_now > 0)) {
    return 1;  // a feature that stands still has no scale
  }
  const double ratio = shift.deviation_now / shift.deviation_then;
  const double deviation_of_log = std::sqrt(0.5 / static_cast<double>(shift.frames_then) +
                                            0.5 / static_cast<double>(shift.frames_now));
  const bool certain = std::abs(std::log(ratio)) > kCertainErrors * deviation_of_log;
  return certain && ratio <= kMaxRatio && ratio >= 1 / kMaxRatio ? ratio : 1;
}

/// The last number in `version` raised by one, or ".1" after a version without any.
std::string RaisedVersion(const std::string& version) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto last = std::find_if(version.rbegin(), version.rend(), is_digit);
  if (last == version.rend()) {
    return version + ".1";
  }
  std::string out = version;
  for (auto at = static_cast<std::ptrdiff_t>(version.rend() - last) - 1;; --at) {
    if (at < 0 || !is_digit(out[static_cast<std::size_t>(at)])) {
      out.insert(static_cast<std::size_t>(at + 1), "1");  // 9.9 becomes 9.10
      return out;
    }
    char& digit = out[static_cast<std::size_t>(at)];
    digit = digit == '9' ? '0' : static_cast<char>(digit + 1);
    if (digit != '0') {
      return out;
    }
  }
}

template <typename T>
Result<std::vector<std::byte>> EncodeSection(const T& value) {
  std::vector<std::byte> bytes(kMaxTypedSectionBytes);
  TRIB_TRY_ASSIGN(const std::size_t size, Encode(value, bytes));
  bytes.resize(size);
  return bytes;
}

Status CheckBase(const PackageView& base, const Shift& shift, std::string* error) {
  if (base.hash() != shift.package) {
    return Refuse(Code::kFailedPrecondition,
                  error,
                  "the base is package " + HashText(base.hash()) + "; what drifted runs " +
                      HashText(shift.package));
  }
  ClassifierSpec classifier;
  if (base.Find(SectionType::kNormalisation).empty() ||
      base.Find(SectionType::kClassifier).empty() ||
      !Decode(base.Find(SectionType::kClassifier), classifier).ok() ||
      classifier.input != NetworkInput::kFeatures) {
    return Refuse(Code::kFailedPrecondition,
                  error,
                  "the base has no network that takes features, so there is no normalisation to "
                  "correct; a node that starts anew learns its baseline anew");
  }
  if (!base.Find(SectionType::kSplitPoints).empty()) {
    return Refuse(Code::kFailedPrecondition,
                  error,
                  "the base has a tail, which must have the same normalisation: make both anew");
  }
  return {};
}

/// Of the feature that has the fewest; without features there was no frame.
std::string TooFewFrames(const Shift& shift) {
  std::uint64_t then = shift.features.empty() ? 0 : UINT64_MAX;
  std::uint64_t now = then;
  for (const FeatureShift& feature : shift.features) {
    then = std::min(then, feature.frames_then);
    now = std::min(now, feature.frames_now);
  }
  if (then >= kMinShiftFrames && now >= kMinShiftFrames) {
    return {};
  }
  return "too few audited feature frames: " + std::to_string(then) + " then and " +
         std::to_string(now) + " now, " + std::to_string(kMinShiftFrames) +
         " of each are needed; wait, or raise audit_permille";
}

Status CheckFrames(const Shift& shift, std::size_t features, std::string* error) {
  if (const std::string text = TooFewFrames(shift); !text.empty()) {
    return Refuse(Code::kFailedPrecondition, error, text);
  }
  if (shift.features.size() != features) {
    return Refuse(Code::kInvalidArgument,
                  error,
                  "the shift is of " + std::to_string(shift.features.size()) +
                      " features; the base has " + std::to_string(features));
  }
  if (!std::ranges::all_of(shift.features, IsNumber)) {
    return Refuse(Code::kInvalidArgument, error, "a mean or deviation of the shift is no number");
  }
  return {};
}

/// Nullopt where the result is no normalisation.
std::optional<Normalisation::Feature> Moved(const Normalisation::Feature& before,
                                            const FeatureShift& shift,
                                            double ratio) {
  const double mean = shift.mean_now + ratio * (static_cast<double>(before.mean) - shift.mean_then);
  const Normalisation::Feature after{
      .mean = static_cast<float>(mean),
      .deviation = static_cast<float>(ratio * static_cast<double>(before.deviation))};
  const bool good =
      std::isfinite(after.mean) && std::isfinite(after.deviation) && after.deviation > 0;
  return good ? std::optional(after) : std::nullopt;
}

/// All sections of `base` but these two.
Result<std::vector<std::byte>> Rewrite(const PackageView& base,
                                       std::span<const std::byte> manifest,
                                       std::span<const std::byte> normalisation) {
  std::vector<SectionInput> sections;
  for (std::size_t i = 0; i < base.section_count(); ++i) {
    const SectionInfo section = base.section(i);
    auto bytes = section.bytes;
    if (section.type == SectionType::kManifest) {
      bytes = manifest;
    } else if (section.type == SectionType::kNormalisation) {
      bytes = normalisation;
    }
    sections.push_back({.type = section.type,
                        .target = section.target,
                        .bytes = bytes,
                        .critical = section.critical});
  }
  std::vector<std::byte> file(std::min(PackageBytes(sections), kMaxPackageBytes));
  TRIB_TRY(WritePackage(sections, file).status());
  TRIB_TRY_ASSIGN(const PackageView view, PackageView::Open(file));
  TRIB_TRY(CheckContents(view));
  return file;
}

}  // namespace

Result<Recalibration> Recalibrate(std::span<const std::byte> base,
                                  const Shift& shift,
                                  std::string* error) {
  const auto view = PackageView::Open(base);
  const Status sound = view.ok() ? CheckContents(*view) : view.status();
  if (!sound.ok()) {
    return Refuse({Code::kDataLoss, sound.reason()}, error, DescribeRefusal(sound));
  }
  TRIB_TRY(CheckBase(*view, shift, error));
  Normalisation normalisation;
  Manifest manifest;
  TRIB_TRY(Decode(view->Find(SectionType::kNormalisation), normalisation));
  TRIB_TRY(Decode(view->Find(SectionType::kManifest), manifest));
  const auto recipe = dsp::DecodeRecipe(view->Find(SectionType::kRecipe));
  if (!recipe.ok()) {
    const Status bad(Code::kDataLoss, Reason::kBadRecipe);
    return Refuse(bad, error, DescribeRefusal(bad));
  }
  Recalibration out;
  const std::vector<std::string> names = FeatureNames(*recipe);
  if (names.size() != normalisation.features.size()) {
    return Refuse({Code::kDataLoss, Reason::kFeatureAbsent},
                  error,
                  "the base's normalisation is not of the features that its recipe gives");
  }
  TRIB_TRY(CheckFrames(shift, names.size(), error));
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto& feature = normalisation.features[i];
    const double ratio = CertainRatio(shift.features[i]);
    const auto after = Moved(feature, shift.features[i], ratio);
    if (!after) {
      return Refuse(Code::kInvalidArgument, error, names[i] + ": its new mean is no number");
    }
    out.features.push_back(
        {.name = names[i], .before = feature, .after = *after, .rescaled = ratio != 1});
    feature = *after;
  }
  out.name = manifest.name.view();
  out.version = RaisedVersion(std::string(manifest.version.view()));
  if (out.version.size() > ShortText::kMaxBytes) {
    return Refuse(
        Code::kFailedPrecondition, error, "the base's version has no room for a next one");
  }
  manifest.version = ShortText(out.version);
  manifest.parent = view->digest();
  TRIB_TRY_ASSIGN(const auto manifest_bytes, EncodeSection(manifest));
  TRIB_TRY_ASSIGN(const auto normalisation_bytes, EncodeSection(normalisation));
  auto file = Rewrite(*view, manifest_bytes, normalisation_bytes);
  if (!file.ok()) {
    return Refuse(file.status(), error, DescribeRefusal(file.status()));
  }
  out.file = *std::move(file);
  return out;
}

}  // namespace trib::host::package
