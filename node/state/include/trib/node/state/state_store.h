#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/status/result.h"
#include "trib/node/ports/flash.h"

namespace trib::node::state {

/// What the node remembers over power loss. Persisted; values are never reused. Keys below
/// kFirstPlainKey name the node to the fleet and are forgotten when the region is damaged.
enum class StateKey : std::uint16_t {
  kUnspecified = 0,
  kIdentityEpoch = 1,
  kBootCount = 2,
  kNodeId = 3,          ///< whose state this is
  kBaseline = 16,       ///< sub key: RecipeId; of the unknown condition
  kConfiguration = 17,  ///< newest message::Configuration applied
  kPackage = 18,        ///< what runs, for the update stage
  kCounters = 19,       ///< totals over all boots
  kBaselineOf1 = 20,    ///< of conditions 1 to 3, each with the RecipeId as its sub key
  kBaselineOf2 = 21,
  kBaselineOf3 = 22,
  kCovariance = 32,  ///< 32 + 4 * condition + part, up to 47; sub key: RecipeId
};
inline constexpr std::uint16_t kFirstPlainKey = 16;

inline constexpr std::size_t kMaxValueBytes = 1024;

/// Sectors given to a store, used in groups in turn.
struct StateRegion {
  SectorIndex first;
  std::uint32_t sectors = 2;
  /// A group holds everything that is alive. sectors / sectors_per_group >= 2.
  std::uint32_t sectors_per_group = 1;
};

struct StateMetrics {
  std::uint32_t puts = 0;
  std::uint32_t puts_unchanged = 0;  ///< same value as stored: nothing was written
  std::uint32_t compactions = 0;
  std::uint32_t entries_corrupt = 0;  ///< refused by their CRC, found by Open() or Get()
  std::uint32_t data_losses = 0;      ///< times Open() found damage and re-formatted
};

/// Small durable values, each named by a key and a sub key. A log in flash: docs/formats/
/// node_state.md.
///
/// Memory   Borrows the flash and `scratch`, kScratchBytes, for life. No index: Get() reads the
/// log. Durable  Put() and Remove() before they return. After a power cut in any call each name has
/// its
///          old or its new value.
/// Threads  One caller at a time.
class StateStore {
 public:
  static constexpr std::size_t kMaxProgramUnitBytes = 64;
  static constexpr std::size_t kEntryHeaderBytes = 24;
  static constexpr std::size_t kScratchBytes =
      kMaxValueBytes + kEntryHeaderBytes + kMaxProgramUnitBytes;

  StateStore(Flash& flash, StateRegion region, std::span<std::byte> scratch);
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  /// Finds the newest log, or makes one in a blank region. Call before anything else; again at
  /// will.
  ///
  /// @returns kOk
  ///   kDataLoss         something was damaged. The store is open, freshly formatted, and holds
  ///                     what could be read, without the identity keys: a boot count that may have
  ///                     gone back would let record keys be used twice.
  ///   kInvalidArgument  the region does not fit the flash or the rules of StateRegion
  ///   else              the flash's failure; the store is closed
  Status Open();

  /// @returns the value's length; or
  ///   kNotFound           never stored, removed, or forgotten after damage
  ///   kResourceExhausted  longer than `out`
  ///   kDataLoss           damaged since Open()
  ///   kFailedPrecondition not open
  Result<std::size_t> Get(StateKey key, std::uint32_t sub, std::span<std::byte> out);

  /// @returns kInvalidArgument    longer than kMaxValueBytes, or no key
  ///          kResourceExhausted  a group cannot hold all living values and this one
  ///          kFailedPrecondition not open
  ///          else                the flash's failure; the old or the new value stands
  Status Put(StateKey key, std::uint32_t sub, std::span<const std::byte> value);

  /// No error when there was none.
  Status Remove(StateKey key, std::uint32_t sub);

  /// The region held nothing when Open() came: a new or wiped node.
  [[nodiscard]] bool blank() const { return blank_; }
  /// The last write before Open() was cut short, so one value may be older than its writer knew.
  /// Stays true until the next Open() that finds a whole log.
  [[nodiscard]] bool torn() const { return torn_; }
  [[nodiscard]] const StateMetrics& metrics() const { return metrics_; }

 private:
  struct Entry {
    std::uint32_t offset = 0;  // of the header
    std::uint32_t footprint = 0;
    std::uint32_t sequence = 0;
    std::uint16_t key = 0;
    std::uint16_t flags = 0;
    std::uint32_t sub = 0;
    std::uint32_t length = 0;
  };
  struct Group {
    bool valid = false;  // whole header
    bool retired = false;
    bool used = false;  // anything programmed after the header
    std::uint32_t sequence = 0;
  };
  struct Log {
    std::uint32_t tail = 0;  // after the last whole entry
    std::uint32_t entries = 0;
    std::uint32_t gaps = 0;  // damaged places with a whole entry after them
    bool torn = false;       // something unreadable after the last whole entry
  };
  /// A value that takes the place of its predecessor while a log is copied.
  struct Replacement {
    std::uint16_t key = 0;
    std::uint16_t flags = 0;
    std::uint32_t sub = 0;
    std::span<const std::byte> value;
  };
  enum class Check : std::uint8_t { kHeader, kAll };

  [[nodiscard]] std::uint32_t GroupOffset(std::uint32_t group) const;
  [[nodiscard]] std::uint32_t GroupEnd(std::uint32_t group) const;
  [[nodiscard]] std::uint32_t RoundUp(std::size_t bytes) const;
  [[nodiscard]] bool FitsFlash();
  /// End of the last byte in [begin, end) that is not 0xFF; `begin` when there is none.
  Result<std::uint32_t> UsedEnd(std::uint32_t begin, std::uint32_t end);
  Status ReadGroup(std::uint32_t group, Group& out);
  /// False when no entry of log `sequence` (kAnySequence: of any) is at `offset`.
  Result<bool> ReadEntry(
      std::uint32_t offset, std::uint32_t end, std::uint32_t sequence, Check check, Entry& out);
  Status Scan(std::uint32_t group, std::uint32_t sequence, Log& out);
  /// Of a group whose header cannot be read: the entry of its newest log. False: no entry.
  Result<bool> FindNewestEntry(std::uint32_t group, Entry& out);
  Result<bool> FindLast(std::uint16_t key, std::uint32_t sub, Entry& out);
  Result<bool> Superseded(const Entry& entry, Check check);
  Result<bool> Equals(const Entry& entry, std::span<const std::byte> value);
  Result<std::uint32_t> LivingBytesWithout(std::uint16_t key, std::uint32_t sub);
  Status OpenDamaged(bool used);
  Status Format(std::uint32_t group, std::uint32_t sequence);
  Status WriteHeader(std::uint32_t group, std::uint32_t sequence);
  Status Write(const Replacement& entry);
  Status Append(std::uint32_t offset, std::uint32_t sequence, const Replacement& entry);
  Status Compact(const Replacement* replacement, Check check);
  Result<std::uint32_t> CopyTo(std::uint32_t group,
                               std::uint32_t sequence,
                               const Replacement* replacement,
                               Check check);
  Status Retire(std::uint32_t group);

  static constexpr std::uint32_t kAnySequence = 0;

  Flash& flash_;
  const StateRegion region_;
  const std::span<std::byte> scratch_;

  // 1. After Open(), group_ is the only group with a whole header that is not retired.
  // 2. Entries of the log lie in [first entry, tail_) of group_ without a gap, newest last.
  // 3. appendable_: [tail_, end of group_) has been erased in full and not programmed since.
  Flash::Geometry geometry_;
  std::uint32_t groups_ = 0;
  std::uint32_t group_bytes_ = 0;
  std::uint32_t header_bytes_ = 0;
  std::uint32_t group_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint32_t tail_ = 0;
  bool open_ = false;
  bool appendable_ = false;
  bool blank_ = false;
  bool torn_ = false;
  StateMetrics metrics_;
};

}  // namespace trib::node::state
