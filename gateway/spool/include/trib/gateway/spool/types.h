#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trib/common/message/types.h"

namespace trib::gateway::spool {

/// A record on its way in. `sealed` is the encoded SealedRecord as the node sent it.
struct Item {
  message::RecordKey key;
  message::Priority priority = message::Priority::kFrame;
  std::uint64_t received_ms = 0;  ///< gateway wall clock
  std::string sealed;
  bool deferred = false;  ///< waits for the tail's outcome before it is given to Peek()
};

/// The tail's outcome about a deferred record.
struct Decided {
  std::int64_t id = 0;
  std::string verdict;  ///< an encoded TierVerdict; empty: the cloud is asked instead
};

/// What became of an Item.
enum class Outcome : std::uint8_t {
  kStored = 1,     ///< durable
  kDuplicate = 2,  ///< its key is here already: durable
  kDropped = 3,    ///< given up by policy, durably counted: to be acknowledged like a stored one
  kRefused = 4,    ///< no room: not to be acknowledged
};

/// What a full spool does. Values are named in the configuration.
enum class FullPolicy : std::uint8_t {
  kReject = 1,           ///< refuse new records; nodes keep theirs and resend
  kDropLowPriority = 2,  ///< give up the least important, oldest first, and count
};

struct Options {
  std::filesystem::path path;
  std::uint64_t max_bytes = std::uint64_t{1} << 30U;  ///< of sealed records and their row overhead
  std::uint64_t max_records = 4'000'000;
  FullPolicy policy = FullPolicy::kReject;
  /// SQLite empties the WAL into the file when it has grown to so many pages.
  std::uint32_t wal_autocheckpoint_pages = 4000;
};

/// A record on its way out.
struct Stored {
  std::int64_t id = 0;  ///< rises with arrival; never used twice
  std::uint64_t received_ms = 0;
  std::string sealed;
  std::string verdict{};  ///< what the tail said; empty: nothing
};

struct Depth {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

/// Records given up since the spool was made, by priority and reason.
struct DropTotals {
  std::array<std::uint64_t, message::kPriorityCount> full{};      ///< by FullPolicy
  std::array<std::uint64_t, message::kPriorityCount> rejected{};  ///< the cloud refused them
};

struct RosterMember {
  NodeId node;
  std::array<std::byte, 32> public_key{};  ///< Ed25519
  friend bool operator==(const RosterMember&, const RosterMember&) = default;
};

struct Roster {
  std::uint64_t version = 0;
  std::vector<RosterMember> members;
};

}  // namespace trib::gateway::spool
