#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trib/common/base/ids.h"
#include "trib/common/base/time.h"
#include "trib/common/message/limits.h"
#include "trib/common/message/types.h"

namespace trib::gateway::forward {

struct Options {
  GatewayId gateway;
  std::string software_version;
  std::size_t max_batch_records = message::kMaxBatchRecords;
  std::size_t max_batch_bytes = std::size_t{512} * 1024;
  std::uint32_t max_window = 8;  ///< batches without acknowledgement, whatever the cloud grants
  Millis resend{3'000};          ///< doubles per attempt, plus up to half of it at random
  Millis resend_max{15'000};
  Millis hello_interval{30'000};
  /// Number of the first batch. Drawn at random per run, so that a late acknowledgement of an
  /// earlier run's batch names none of this one's.
  std::uint64_t first_batch = 1;
};

/// A record from the spool.
struct Record {
  std::int64_t id = 0;
  std::uint64_t received_ms = 0;
  std::string sealed;
  std::string verdict{};  ///< an encoded TierVerdict of this gateway; empty: none
};

/// What forward wants from the spool next.
struct Wanted {
  std::int64_t after = 0;
  std::size_t max = 0;
  std::size_t max_bytes = 0;
};

/// Running totals for Batch.drops.
struct Drop {
  message::Priority priority = message::Priority::kEvent;
  std::string reason;
  std::uint64_t total = 0;
};

struct Member {
  NodeId node;
  std::array<std::byte, 32> public_key{};
};

struct Roster {
  std::uint64_t version = 0;
  std::vector<Member> members;
};

/// An encoded Envelope for a node, for it alone if it is still in this enrolment epoch (0: in any).
struct Downlink {
  NodeId node;
  EnrolmentEpoch epoch;
  std::string envelope;
};

struct Output {
  std::vector<std::string> send;
  std::vector<std::int64_t> stored;    ///< ids that the cloud has: delete them
  std::vector<std::int64_t> rejected;  ///< ids that it refuses for good: discard them
  std::optional<Roster> roster;        ///< newer than the current: make durable, then enforce
  std::vector<Downlink> downlinks;
};

}  // namespace trib::gateway::forward
