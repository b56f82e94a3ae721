#pragma once

#include <cstddef>
#include <cstdint>

/// Stated maximum sizes, in bytes unless named otherwise. docs/formats/messages.md has the reasons.
namespace trib::message {

inline constexpr std::uint32_t kProtocolVersion = 1;

/// One envelope on a ZeroMQ link. A narrower link states its own, smaller MTU (>= 51).
inline constexpr std::size_t kMaxEnvelopeBytes = 4096;
/// A record that travels inside a batch. The largest is a full sketch.
inline constexpr std::size_t kMaxRecordBytes = 3584;
/// The payload of an activation, whose record travels in chunks.
inline constexpr std::size_t kMaxActivationBytes = 16384;
/// The longest SealedRecord that chunks carry.
inline constexpr std::size_t kMaxTransferBytes = kMaxActivationBytes + 512;
/// What a seal adds to its record at most.
inline constexpr std::size_t kMaxSealOverheadBytes = 24;
inline constexpr std::size_t kMaxActivationRecordBytes = kMaxTransferBytes - kMaxSealOverheadBytes;
inline constexpr std::size_t kMaxChunkDataBytes = 1024;
inline constexpr std::size_t kMacBytes = 16;
inline constexpr std::size_t kDigestBytes = 32;

inline constexpr std::size_t kMaxFeatures = 64;
inline constexpr std::size_t kMaxHistograms = 32;
inline constexpr std::size_t kHistogramBins = 16;
inline constexpr std::size_t kMaxTopFeatures = 4;
inline constexpr std::size_t kMaxLabels = 16;
inline constexpr std::size_t kTierCount = 6;
/// Operating conditions, the unknown one (0) included.
inline constexpr std::size_t kMaxConditions = 4;
inline constexpr std::size_t kMaxAckRanges = 16;
/// Drop counters in a Status, one per Priority.
inline constexpr std::size_t kDropCounters = 5;
/// The narrowest link that chunks are cut for (LoRaWAN at its slowest rates).
inline constexpr std::size_t kMinMtuBytes = 51;

/// Gateway to cloud.
inline constexpr std::size_t kMaxBatchRecords = 512;
inline constexpr std::size_t kMaxSiteEnvelopeBytes = 1U << 20U;
/// Drift flags in one SiteReport.
inline constexpr std::size_t kMaxSiteFlags = 256;

}  // namespace trib::message
