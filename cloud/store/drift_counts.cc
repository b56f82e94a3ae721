// The blob of a block: docs/formats/store.md, "Counts of a block".
#include <algorithm>

#include "trib/cloud/store/drift.h"

namespace trib::cloud::store {
namespace {

constexpr std::uint64_t kVersion = 1;

void Put(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) {
    out += static_cast<char>(value | 0x80U);
  }
  out += static_cast<char>(value);
}

/// As many as there are up to the last that is not 0.
template <std::size_t kSize>
void PutList(std::string& out, const std::array<std::uint64_t, kSize>& values) {
  std::size_t size = kSize;
  while (size > 0 && values[size - 1] == 0) {
    --size;
  }
  Put(out, size);
  for (std::size_t i = 0; i < size; ++i) {
    Put(out, values[i]);
  }
}

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t Take() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) {
        return value;
      }
    }
    sound_ = false;
    return 0;
  }
  /// A number of things, of which there may be `most`.
  std::size_t TakeSize(std::size_t most) {
    const std::uint64_t size = Take();
    sound_ = sound_ && size <= most;
    return sound_ ? static_cast<std::size_t>(size) : 0;
  }
  template <std::size_t kSize>
  void TakeList(std::array<std::uint64_t, kSize>& out) {
    out = {};
    const std::size_t size = TakeSize(kSize);
    for (std::size_t i = 0; i < size; ++i) {
      out[i] = Take();
    }
  }
  [[nodiscard]] bool sound() const { return sound_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool sound_ = true;
};

}  // namespace

std::string PackCounts(const BlockCounts& counts) {
  std::string out;
  out.reserve(64 + counts.histograms.size() * 48);
  Put(out, kVersion);
  PutList(out, counts.exits);
  PutList(out, counts.labels);
  Put(out, counts.histograms.size());
  for (const BlockHistogram& histogram : counts.histograms) {
    Put(out, histogram.feature);
    PutList(out, histogram.counts);
  }
  return out;
}

Status UnpackCounts(std::string_view bytes, BlockCounts& out) {
  Cursor cursor(bytes);
  out.histograms.clear();
  if (cursor.Take() != kVersion) {
    return Code::kDataLoss;
  }
  cursor.TakeList(out.exits);
  cursor.TakeList(out.labels);
  const std::size_t histograms = cursor.TakeSize(message::kMaxHistograms);
  for (std::size_t i = 0; i < histograms && cursor.sound(); ++i) {
    BlockHistogram& histogram = out.histograms.emplace_back();
    histogram.feature = static_cast<std::uint32_t>(cursor.Take());
    cursor.TakeList(histogram.counts);
  }
  return cursor.sound() && cursor.at_end() ? Status() : Status(Code::kDataLoss);
}

}  // namespace trib::cloud::store
