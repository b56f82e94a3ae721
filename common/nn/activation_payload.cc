#include <algorithm>
#include <cstring>

#include "blocks.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"
#include "trib/common/nn/activation.h"

namespace trib::nn {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kTensorHeaderBytes = 8;
constexpr std::uint8_t kRaw = 0;
constexpr std::uint8_t kCoded = 1;
constexpr unsigned kLongest = 15;  // ones in a row; then the number as it is
constexpr unsigned kPlainBits = 8;
constexpr unsigned kMostRun = 255;

/// The Rice parameter of one kind of number, adapted alike by both sides.
class Parameter {
 public:
  [[nodiscard]] unsigned k() const {
    unsigned k = 0;
    while (k < 7 && (count_ << k) < sum_) {
      ++k;
    }
    return k;
  }
  void Add(unsigned u) {
    sum_ += u;
    if (++count_ == 32) {
      sum_ /= 2;
      count_ /= 2;
    }
  }

 private:
  unsigned sum_ = 4;
  unsigned count_ = 1;
};

class BitWriter {
 public:
  explicit BitWriter(std::span<std::byte> out) : out_(out) {}
  void Bits(unsigned value, unsigned count) {
    for (unsigned i = count; i-- > 0;) {
      Bit(value >> i & 1U);
    }
  }
  void Number(unsigned u, Parameter& parameter) {
    const unsigned k = parameter.k();
    const unsigned ones = u >> k;
    if (ones >= kLongest) {
      Bits((1U << kLongest) - 1, kLongest);
      Bits(u, kPlainBits);
    } else {
      Bits(((1U << ones) - 1) << 1U, ones + 1);
      Bits(u, k);
    }
    parameter.Add(u);
  }
  /// Bytes begun; more than the room when it did not suffice.
  [[nodiscard]] std::size_t bytes() const { return (bits_ + 7) / 8; }

 private:
  void Bit(unsigned bit) {
    const std::size_t at = bits_ / 8;
    if (at < out_.size()) {
      const auto mask = static_cast<std::byte>(0x80U >> (bits_ % 8));
      out_[at] = bits_ % 8 == 0 ? std::byte{0} : out_[at];
      out_[at] = bit != 0 ? out_[at] | mask : out_[at];
    }
    ++bits_;
  }

  std::span<std::byte> out_;
  std::size_t bits_ = 0;
};

class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> in) : in_(in) {}
  /// Zero past the end, where ok() turns false.
  unsigned Bits(unsigned count) {
    unsigned value = 0;
    for (unsigned i = 0; i < count; ++i) {
      value = value << 1U | Bit();
    }
    return value;
  }
  unsigned Number(Parameter& parameter) {
    unsigned ones = 0;
    while (ones < kLongest && Bit() != 0) {
      ++ones;
    }
    const unsigned k = parameter.k();
    const unsigned u = ones == kLongest ? Bits(kPlainBits) : ones << k | Bits(k);
    parameter.Add(u);
    return u;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  /// Everything was read but for zeros in the last byte.
  [[nodiscard]] bool AtEnd() {
    if (in_.size() * 8 - bits_ >= 8) {
      return false;
    }
    while (bits_ < in_.size() * 8) {
      if (Bit() != 0) {
        return false;
      }
    }
    return ok_;
  }

 private:
  unsigned Bit() {
    if (bits_ >= in_.size() * 8) {
      ok_ = false;
      return 0;
    }
    const unsigned bit = static_cast<unsigned>(in_[bits_ / 8]) >> (7 - bits_ % 8) & 1U;
    ++bits_;
    return bit;
  }

  std::span<const std::byte> in_;
  std::size_t bits_ = 0;
  bool ok_ = true;
};

/// Between an int8 value and the number that stands for it: small where values are likely.
class Folding {
 public:
  explicit Folding(const Tensor& tensor)
      : zero_(tensor.zero_point), one_sided_(tensor.zero_point == -128) {}
  [[nodiscard]] unsigned Fold(std::byte value) const {
    const auto s = static_cast<std::int8_t>(
        static_cast<std::uint8_t>(static_cast<unsigned>(value) - static_cast<unsigned>(zero_)));
    if (one_sided_) {
      return static_cast<std::uint8_t>(s);
    }
    return s >= 0 ? 2U * static_cast<unsigned>(s) : static_cast<unsigned>(-2 * s - 1);
  }
  [[nodiscard]] std::byte Unfold(unsigned u) const {
    const unsigned s = one_sided_ ? u : (u & 1U) == 0 ? u / 2 : 0U - (u + 1) / 2;
    return static_cast<std::byte>(s + static_cast<unsigned>(zero_));
  }

 private:
  const std::int16_t zero_;
  const bool one_sided_;
};

/// @returns the length, more than out.size() when that was too little.
std::size_t EncodeValues(const Tensor& tensor,
                         std::span<const std::byte> values,
                         std::span<std::byte> out) {
  const Folding folding(tensor);
  BitWriter writer(out);
  Parameter of_values;
  Parameter of_runs;
  bool not_zero = false;  // the next value cannot be 0
  for (std::size_t i = 0; i < values.size(); ++i) {
    const unsigned u = folding.Fold(values[i]);
    writer.Number(not_zero ? u - 1 : u, of_values);
    not_zero = false;
    if (u != 0) {
      continue;
    }
    unsigned run = kMostRun;
    while (run == kMostRun) {
      run = 0;
      while (run < kMostRun && i + 1 < values.size() && folding.Fold(values[i + 1]) == 0) {
        ++run;
        ++i;
      }
      writer.Number(run, of_runs);
    }
    not_zero = true;
  }
  return writer.bytes();
}

bool DecodeValues(const Tensor& tensor,
                  std::span<const std::byte> coded,
                  std::span<std::byte> values) {
  const Folding folding(tensor);
  BitReader reader(coded);
  Parameter of_values;
  Parameter of_runs;
  bool not_zero = false;
  for (std::size_t i = 0; i < values.size() && reader.ok(); ++i) {
    const unsigned u = reader.Number(of_values) + (not_zero ? 1U : 0U);
    if (u > 255) {
      return false;
    }
    not_zero = false;
    values[i] = folding.Unfold(u);
    if (u != 0) {
      continue;
    }
    unsigned run = kMostRun;
    while (run == kMostRun && reader.ok()) {
      run = reader.Number(of_runs);
      if (run > kMostRun || run >= values.size() - i) {
        return false;
      }
      std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(i + 1), run, folding.Unfold(0));
      i += run;
    }
    not_zero = true;
  }
  return reader.AtEnd();
}

}  // namespace

std::size_t MaxActivationBytes(const Plan& plan, std::size_t cut) {
  const auto live = plan.LiveAt(cut);
  std::size_t bytes = kHeaderBytes;
  if (live.ok()) {
    for (const TensorIndex index : *live) {
      bytes += kTensorHeaderBytes + Fitting(plan.tensor(index).bytes());
    }
  }
  return bytes;
}

Result<std::size_t> EncodeActivation(Runner& runner,
                                     const Plan& plan,
                                     const ActivationHeader& header,
                                     std::span<std::byte> out) {
  if (header.cut == 0 || header.cut > plan.operators()) {
    return Code::kOutOfRange;
  }
  TRIB_TRY_ASSIGN(const LiveTensors live, plan.LiveAt(header.cut));
  ByteWriter writer(out);
  writer.U8(kVersion);
  writer.U8(static_cast<std::uint8_t>(live.size()));
  writer.U16(header.cut);
  writer.U64(header.package.value());
  for (const TensorIndex index : live) {
    const Tensor tensor = plan.tensor(index);
    const std::span<const std::byte> values = runner.tensor(index);
    const std::size_t begin = writer.position() + kTensorHeaderBytes;
    if (!writer.ok() || begin > out.size()) {
      return Code::kResourceExhausted;
    }
    // Coded in place where it belongs, and overwritten where that was no gain.
    const std::size_t room = std::min(out.size() - begin, values.size());
    const std::size_t coded = tensor.type == TensorType::kInt8
                                  ? EncodeValues(tensor, values, out.subspan(begin, room))
                                  : values.size();
    const bool shorter = coded < values.size() && coded <= room;
    writer.U16(index);
    writer.U8(shorter ? kCoded : kRaw);
    writer.U8(0);
    writer.U32(static_cast<std::uint32_t>(shorter ? coded : values.size()));
    writer.Bytes(shorter ? std::span<const std::byte>(out.subspan(begin, coded)) : values);
  }
  return writer.ok() ? Result<std::size_t>(writer.position())
                     : Result<std::size_t>(Code::kResourceExhausted);
}

Result<ActivationHeader> PeekActivation(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  const std::uint8_t version = reader.U8();
  reader.Skip(1);
  ActivationHeader header;
  header.cut = reader.U16();
  header.package = PackageHash(reader.U64());
  if (!reader.ok() || version != kVersion || header.cut == 0) {
    return Code::kDataLoss;
  }
  return header;
}

Status DecodeActivation(std::span<const std::byte> bytes, const Plan& plan, Runner& runner) {
  TRIB_TRY_ASSIGN(const ActivationHeader header, PeekActivation(bytes));
  if (header.cut > plan.operators()) {
    return Code::kDataLoss;
  }
  const auto live = plan.LiveAt(header.cut);
  ByteReader reader(bytes);
  reader.Skip(1);
  if (!live.ok() || reader.U8() != live->size()) {
    return Code::kDataLoss;
  }
  reader.Skip(kHeaderBytes - 2);
  for (const TensorIndex index : *live) {
    const Tensor tensor = plan.tensor(index);
    const std::uint16_t named = reader.U16();
    const std::uint8_t coding = reader.U8();
    const std::uint8_t reserved = reader.U8();
    const std::span<const std::byte> part = reader.Bytes(reader.U32());
    if (!reader.ok() || named != index || reserved != 0) {
      return Code::kDataLoss;
    }
    const std::span<std::byte> values = runner.tensor(index);
    if (coding == kRaw && part.size() == values.size()) {
      std::memcpy(values.data(), part.data(), part.size());
    } else if (coding != kCoded || tensor.type != TensorType::kInt8 ||
               !DecodeValues(tensor, part, values)) {
      return Code::kDataLoss;
    }
  }
  return reader.remaining() == 0 ? Status() : Status(Code::kDataLoss);
}

}  // namespace trib::nn
