#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

/// What a host leaves in a board's memory for the engine image, and what the image leaves there for
/// the host. Plain words, little-endian on both sides; offsets count from the memory's beginning
/// and are multiples of 16.
namespace trib::bench::mcu {

inline constexpr std::array<char, 8> kJobMagic = {'T', 'R', 'I', 'B', 'J', 'O', 'B', '1'};
inline constexpr std::size_t kMostJobs = 256;
inline constexpr std::size_t kJobAlignment = 16;

/// What the image has for any network: enough for each of the golden models.
inline constexpr std::size_t kArenaBytes = 60 * 1024;
inline constexpr std::size_t kStateBytes = 8 * 1024;

enum class JobKind : std::uint32_t {
  kLayers = 1,    ///< per sample, state reset: CRC-32 of each operator's output, then of output 0
  kSequence = 2,  ///< the same with one reset before the first sample
  kWhole = 3,     ///< per sample, state reset: one Run(), then CRC-32 of output 0
  kHead = 4,      ///< per sample, state reset: what lives at the cut, coded for the link
};

/// How far the image came with a job; what a blank memory holds is none of these.
enum class JobOutcome : std::uint32_t {
  kWaiting = 0x57414954,
  kDone = 0x444F4E45,
  kBadPlan = 1,     ///< detail: the plan reason
  kNoRoom = 2,      ///< detail: the plan reason
  kBadInput = 3,    ///< detail: bytes that the network wants
  kBadResults = 4,  ///< detail: bytes that the results take
  kBadCut = 5,      ///< detail: the status code
};

struct Job {
  JobKind kind = JobKind::kLayers;
  std::uint32_t plan_offset = 0;
  std::uint32_t plan_bytes = 0;
  std::uint32_t weights_offset = 0;
  std::uint32_t weights_bytes = 0;
  std::uint32_t inputs_offset = 0;  ///< one after the other, without a gap
  std::uint32_t input_bytes = 0;    ///< of one sample
  std::uint32_t samples = 0;
  std::uint32_t cut = 0;  ///< of kHead
  std::uint32_t results_offset = 0;
  std::uint32_t results_bytes = 0;  ///< room
  JobOutcome outcome = JobOutcome::kWaiting;
  std::uint32_t detail = 0;
  std::array<std::uint32_t, 3> reserved{};
};
static_assert(sizeof(Job) == 64);

struct JobHeader {
  std::array<char, 8> magic{};
  std::uint32_t jobs = 0;
  std::uint32_t bytes = 0;  ///< of all: header, jobs, what they need and what they leave
};
static_assert(sizeof(JobHeader) == 16);

/// A head's result per sample: u32 length, then the payload in so many bytes, made even to 4.
constexpr std::size_t HeadResultBytes(std::size_t most_activation_bytes) {
  return 4 + (most_activation_bytes + 3) / 4 * 4;
}

/// CRC-32 as zlib has it (reflected polynomial 0xEDB88320), four bits at a time: what the golden
/// vectors were marked with.
inline std::uint32_t Crc32(std::span<const std::byte> bytes) {
  constexpr auto kTable = [] {
    std::array<std::uint32_t, 16> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      std::uint32_t crc = i;
      for (int bit = 0; bit < 4; ++bit) {
        crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
      }
      table[i] = crc;
    }
    return table;
  }();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte b : bytes) {
    crc ^= static_cast<std::uint32_t>(b);
    crc = (crc >> 4U) ^ kTable[crc & 15U];
    crc = (crc >> 4U) ^ kTable[crc & 15U];
  }
  return ~crc;
}

}  // namespace trib::bench::mcu
