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
  kBaseline = 16,       ///< sub key: RecipeId
  kConfiguration = 17,  ///< newest message::Configuration applied
  kPackage = 18,        ///< what runs, for the update stage
  kCounters = 19,       ///< totals over all boots
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
  ///          else                the flash's failure; the old value stands after the next Open()
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
    std::uint16_t key = 0;
    std::uint16_t flags = 0;
    std::uint32_t sub = 0;
    std::uint16_t length = 0;
    std::uint32_t crc = 0;
  };
  struct GroupHeader {
    bool valid = false;
    bool retired = false;
    bool blank = false;
    std::uint32_t sequence = 0;
  };

  [[nodiscard]] std::uint32_t GroupOffset(std::uint32_t group) const;
  [[nodiscard]] std::uint32_t RoundUp(std::uint32_t bytes) const;
  Status ReadGroupHeader(std::uint32_t group, GroupHeader& out);
  Status IsBlank(std::uint32_t begin, std::uint32_t end, bool& blank);
  /// False when no whole entry of log `sequence` starts there. Checks the value's CRC too.
  Result<bool> ReadEntry(std::uint32_t offset,
                         std::uint32_t end,
                         std::uint32_t sequence,
                         Entry& out);
  Result<bool> FindLast(StateKey key, std::uint32_t sub, Entry& out);
  Result<bool> SupersededAfter(const Entry& entry, std::uint32_t end);
  Result<bool> Equals(const Entry& entry, std::span<const std::byte> value);
  Status Scan(std::uint32_t group,
              std::uint32_t sequence,
              bool& torn,
              bool& damaged,
              std::uint32_t& entries,
              std::uint32_t& tail);
  Status Salvage(std::uint32_t& group, std::uint32_t& sequence, bool& found);
  Status WriteEntry(std::uint32_t sequence,
                    std::uint32_t offset,
                    std::uint16_t key,
                    std::uint16_t flags,
                    std::uint32_t sub,
                    std::uint16_t length);
  Status Write(StateKey key,
               std::uint32_t sub,
               std::uint16_t flags,
               std::span<const std::byte> value);
  Status Compact(bool keep_identity);
  Status WriteGroupHeader(std::uint32_t group, std::uint32_t sequence);
  Status Retire(std::uint32_t group);
  Status OpenAs(bool& damaged);

  Flash& flash_;
  const StateRegion region_;
  const std::span<std::byte> scratch_;

  // 1. group_ is the only group whose header is whole and not retired, or Open() retires the rest.
  // 2. Entries of the log lie in [first entry, tail_) of group_ without a gap, newest last.
  // 3. appendable_: [tail_, end of group) reads blank and was erased in full.
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
