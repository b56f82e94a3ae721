// The sections about a network: what its input and outputs mean, and where it is split.
#include <bit>

#include "section_io.h"

namespace trib::package {

using namespace internal;  // NOLINT(google-build-using-namespace): this module's own

namespace {

constexpr std::uint32_t kMaxVerdictWaitMs = 600'000;
constexpr std::uint8_t kFirstTier = 3;  // node, gateway, cloud
constexpr std::uint8_t kLastTier = 5;
constexpr std::uint32_t kMaxSplitActivationBytes = 16'384;
constexpr std::size_t kExitHeadBytes = 8;

std::size_t PaddedLabels(std::size_t classes) {
  return (classes + 3) / 4 * 4;
}

bool ReadInput(ByteReader& in, ClassifierSpec& out) {
  out.offset = in.F32();
  out.gain = in.F32();
  switch (out.input) {
    case NetworkInput::kWindow:
    case NetworkInput::kFeatures:
      return std::bit_cast<std::uint32_t>(out.offset) == 0 && out.gain == 1.0F;
    case NetworkInput::kScaledWindow:
      return IsFinite(out.offset) && IsPositive(out.gain);
    case NetworkInput::kUnspecified:
      break;
  }
  return false;
}

bool ReadClassLabels(ByteReader& in, std::size_t classes, ClassifierSpec& out) {
  bool good = true;
  for (std::size_t i = 0; i < classes; ++i) {
    const std::uint8_t label = in.U8();
    good = good && label < kMaxLabels && (i != 0 || label == 0);
    for (const std::uint8_t other : out.labels) {
      good = good && other != label;
    }
    good = out.labels.push_back(label) && good;
  }
  for (std::size_t i = classes; i < PaddedLabels(classes); ++i) {
    good = in.U8() == 0 && good;
  }
  return good && in.ok();
}

bool ReadShares(ByteReader& in, std::size_t classes, FixedVector<float, kMaxLabels>& out) {
  bool good = true;
  for (std::size_t i = 0; i < classes; ++i) {
    const float share = in.F32();
    good = IsWithin(share, 0.0F, 1.0F) && out.push_back(share) && good;
  }
  return good;
}

/// The exit after `previous`, or the first.
bool ReadExit(ByteReader& in, std::size_t classes, const ExitSpec* previous, ExitSpec& out) {
  out.tier = in.U8();
  out.output = in.U8();
  out.operators = in.U16();
  out.inverse_temperature = in.F32();
  bool good =
      in.ok() && out.tier <= kLastTier && out.operators >= 1 && IsPositive(out.inverse_temperature);
  if (previous == nullptr) {
    good = good && out.tier == kFirstTier && out.output == 0;
  } else {
    good = good && out.tier > previous->tier && out.output == previous->output + 1 &&
           out.operators > previous->operators;
  }
  return good && ReadShares(in, classes, out.accept) && ReadShares(in, classes, out.reject);
}

}  // namespace

Status Decode(std::span<const std::byte> section, ClassifierSpec& out) {
  out = {};
  ByteReader in(section);
  out.input = static_cast<NetworkInput>(in.U8());
  const std::size_t exits = in.U8();
  const std::size_t classes = in.U16();
  bool good = ReadInput(in, out);
  out.verdict_wait_ms = in.U32();
  good = good && in.ok() && exits >= 1 && exits <= kMaxExits && classes >= 2 &&
         classes <= kMaxLabels && out.verdict_wait_ms >= 1 &&
         out.verdict_wait_ms <= kMaxVerdictWaitMs &&
         in.remaining() == PaddedLabels(classes) + exits * (kExitHeadBytes + 8 * classes);
  good = good && ReadClassLabels(in, classes, out);
  for (std::size_t i = 0; good && i < exits; ++i) {
    ExitSpec exit;
    good = ReadExit(in, classes, i == 0 ? nullptr : &out.exits[i - 1], exit) &&
           out.exits.push_back(exit);
  }
  return Require(good && in.ok(), Reason::kBadClassifier);
}

Status Decode(std::span<const std::byte> section, SplitPoints& out) {
  ByteReader in(section);
  bool named = false;
  for (auto& b : out.tail_digest) {
    b = static_cast<std::byte>(in.U8());
    named = named || b != std::byte{0};
  }
  out.tail_bytes = in.U32();
  out.cut = in.U16();
  const bool reserved_is_zero = in.U16() == 0;
  out.max_activation_bytes = in.U32();
  return Require(in.ok() && in.remaining() == 0 && named && reserved_is_zero &&
                     out.tail_bytes >= 1 && out.tail_bytes <= kMaxPackageBytes && out.cut >= 1 &&
                     out.max_activation_bytes >= 1 &&
                     out.max_activation_bytes <= kMaxSplitActivationBytes,
                 Reason::kBadSplitPoints);
}

Result<std::size_t> Encode(const ClassifierSpec& value, std::span<std::byte> out) {
  ByteWriter to(out);
  to.U8(static_cast<std::uint8_t>(value.input));
  to.U8(static_cast<std::uint8_t>(value.exits.size()));
  to.U16(static_cast<std::uint16_t>(value.labels.size()));
  to.F32(value.offset);
  to.F32(value.gain);
  to.U32(value.verdict_wait_ms);
  for (const std::uint8_t label : value.labels) {
    to.U8(label);
  }
  for (std::size_t i = value.labels.size(); i < PaddedLabels(value.labels.size()); ++i) {
    to.U8(0);
  }
  for (const ExitSpec& exit : value.exits) {
    to.U8(exit.tier);
    to.U8(exit.output);
    to.U16(exit.operators);
    to.F32(exit.inverse_temperature);
    for (const auto* shares : {&exit.accept, &exit.reject}) {
      for (const float share : *shares) {
        to.F32(share);
      }
    }
  }
  return FinishByDecoding<ClassifierSpec>(to);
}

Result<std::size_t> Encode(const SplitPoints& value, std::span<std::byte> out) {
  ByteWriter to(out);
  to.Bytes(value.tail_digest);
  to.U32(value.tail_bytes);
  to.U16(value.cut);
  to.U16(0);
  to.U32(value.max_activation_bytes);
  return FinishByDecoding<SplitPoints>(to);
}

}  // namespace trib::package
