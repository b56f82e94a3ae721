#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trib/common/message/types.h"

namespace trib::bench::path {

/// The input of every question: what nodes of the reference package send, as encoded by our own
/// codec. Of sixteen records ten are audit frames (21 features), three sketches (22 histograms),
/// two events and one status: the shares of docs/formats/messages.md with a few more events.
inline constexpr std::size_t kRecordsPerEnvelope = 16;
/// Sequences with four bytes on the wire, so that a template can be renumbered in place.
inline constexpr std::uint32_t kFirstSequence = 1U << 21U;
inline constexpr std::uint32_t kLastSequence = (1U << 28U) - 1;

/// Record `i` of the mix. `sequence` within the range above.
message::Record RecordOfMix(std::uint64_t node, std::uint32_t sequence, std::size_t i);

/// One node's full envelope, ready to be sent again and again with new sequences and times.
///
/// Memory  One envelope.
class EnvelopeTemplate {
 public:
  /// `records` of the mix, from record `first` of it on.
  EnvelopeTemplate(std::uint64_t node, std::size_t records, std::size_t first = 0);

  /// Numbers the records `sequence`, `sequence` + 1, ... and dates them 100 ms apart.
  /// @returns the envelope, valid until the next call.
  const std::string& Numbered(std::uint32_t sequence);
  [[nodiscard]] std::size_t records() const { return places_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }

 private:
  struct Place {
    std::size_t sequence = 0;
    std::size_t time = 0;
  };
  std::string bytes_;
  std::vector<Place> places_;
};

/// The sealed records of one mix, numbered from `sequence`.
std::vector<std::string> SealedMix(std::uint64_t node, std::uint32_t sequence, std::size_t records);

}  // namespace trib::bench::path
