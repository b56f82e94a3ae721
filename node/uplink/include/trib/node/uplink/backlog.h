#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/message/types.h"
#include "trib/common/status/result.h"
#include "trib/node/ports/flash.h"
#include "trib/node/uplink/metrics.h"

namespace trib::node::uplink {

struct BacklogRegion {
  SectorIndex first;
  std::uint32_t sectors = 4;  ///< >= 3: one is open, one is kept in reserve
};

/// Per mille of the capacity that must stay free after a record of that priority is taken, so that
/// what matters more still finds room. Index: message::Priority. Rises with the index.
using BacklogReserve = std::array<std::uint16_t, message::kPriorityCount>;
inline constexpr BacklogReserve kDefaultReserve = {0, 50, 100, 200, 300};

/// One stored record.
struct StoredRecord {
  EnrolmentEpoch epoch;
  std::uint32_t boot = 0;
  std::uint32_t sequence = 0;
  message::Priority priority = message::Priority::kFrame;
  std::uint16_t index = 0;  ///< within its sector
  std::uint32_t slot = 0;   ///< sector within the region
  std::uint32_t sector_sequence = 0;
  std::uint32_t offset = 0;  ///< of the sealed bytes, within the flash
  std::uint32_t bytes = 0;   ///< encoded SealedRecord
};

/// RAM state of a sector. Filled by the Backlog; here so that its owner can reserve room.
struct BacklogSector {
  enum class State : std::uint8_t { kFree, kOpen, kClosed, kBad };
  State state = State::kFree;
  bool has_gaps = false;  // damaged places: walk it with the CRCs
  std::uint32_t sequence = 0;
  EnrolmentEpoch epoch;
  std::uint32_t tail = 0;  // bytes used
  std::uint16_t entries = 0;
  std::uint16_t acknowledged = 0;
  std::uint32_t first_boot = 0;
  std::uint32_t first_sequence = 0;
  std::uint32_t last_boot = 0;
  std::uint32_t last_sequence = 0;
};

/// Memory  Borrowed views; BacklogStorage owns them.
struct BacklogMemory {
  std::span<BacklogSector> sectors;
  std::span<std::uint32_t> acknowledged;  // bitmap, equal share per sector
  std::span<std::byte> entry;             // one entry, assembled before it is programmed
};

/// Records that wait for their acknowledgement: a ring of flash sectors, each a log. Layout:
/// docs/formats/node_backlog.md.
///
/// Memory   Borrows all. RAM per sector: a BacklogSector and one bit per possible entry.
/// Durable  Append() before it returns. Acknowledgements live in RAM until a whole sector is done,
///          so after a restart some acknowledged records are sent again; their keys make that
///          harmless.
/// Threads  One caller at a time.
class Backlog {
 public:
  static constexpr std::size_t kEntryHeaderBytes = 28;
  static constexpr std::size_t kMaxProgramUnitBytes = 64;
  /// No entry is counted as smaller than this, which bounds the bitmap.
  static constexpr std::size_t kMinEntryBytes = 32;
  static constexpr std::size_t BitmapWords(std::size_t sector_bytes) {
    return (sector_bytes / kMinEntryBytes + 31) / 32;
  }
  /// `max_record_bytes`: largest encoded SealedRecord.
  static constexpr std::size_t EntryMemoryBytes(std::size_t max_record_bytes) {
    return max_record_bytes + kEntryHeaderBytes + kMaxProgramUnitBytes;
  }

  /// The longest encoded SealedRecord that a sector of that size holds whatever the program unit.
  static constexpr std::size_t LargestRecordBytes(std::size_t sector_bytes) {
    constexpr std::size_t kHeaders =
        4 * kMaxProgramUnitBytes;  // sector's, mark's, entry's, its end
    return sector_bytes > kHeaders ? sector_bytes - kHeaders : 0;
  }

  Backlog(Flash& flash,
          BacklogRegion region,
          BacklogMemory memory,
          BacklogReserve reserve = kDefaultReserve);
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;

  /// Recovers what the flash holds; everything recovered counts as unacknowledged. New records get
  /// `epoch`. Damage never fails it: what is readable stays, the rest is counted.
  ///
  /// @returns kInvalidArgument  region or memory do not fit the flash
  ///          else              the flash cannot be read
  Status Open(EnrolmentEpoch epoch);

  /// Where the next record's encoded SealedRecord goes, then Append() stores it in place.
  [[nodiscard]] std::span<std::byte> record_memory();

  /// Stores the first `bytes` of record_memory().
  ///
  /// Requires  (boot, sequence) above that of the last record of this epoch.
  /// @returns kResourceExhausted  no room at this priority; counted as dropped. Priority kEvent
  ///                              gives up the oldest sector instead.
  ///          kInvalidArgument    longer than a sector or record_memory(), empty, or key not above
  ///          kFailedPrecondition not open
  ///          else                the flash failed; the record is not stored, counted as dropped
  Status Append(std::uint32_t boot,
                std::uint32_t sequence,
                message::Priority priority,
                std::size_t bytes);

  /// A place in age order. Default: before the oldest.
  struct Cursor {
    std::uint32_t sector_sequence = 0;
    std::uint32_t index = 0;   // next entry in that sector
    std::uint32_t offset = 0;  // its place within the sector; 0 = start
  };
  /// The next unacknowledged record from `cursor` on, oldest first; moves the cursor past it.
  /// @returns false at the end; later appends are found by the same cursor.
  bool Next(Cursor& cursor, StoredRecord& out);

  /// Still here and not acknowledged.
  [[nodiscard]] bool Holds(const StoredRecord& record) const;

  /// Forgets a record that cannot be sent; counted as dropped.
  void GiveUp(const StoredRecord& record);

  /// Sealed bytes [from, from + out.size()) of a record. Requires Holds(record).
  Status Read(const StoredRecord& record, std::uint32_t from, std::span<std::byte> out);
  /// @returns kDataLoss when a record's CRC no longer holds. Requires Holds(record).
  Status Verify(const StoredRecord& record);

  /// Forgets every record of that epoch and boot with sequence in [first, last]; adds them per
  /// priority to `forgotten` when given. Unknown keys are ignored. @returns how many.
  std::uint32_t Acknowledge(EnrolmentEpoch epoch,
                            std::uint32_t boot,
                            std::uint32_t first,
                            std::uint32_t last,
                            PriorityCounts* forgotten = nullptr);

  [[nodiscard]] EnrolmentEpoch epoch() const { return epoch_; }
  [[nodiscard]] const BacklogMetrics& metrics() const { return metrics_; }
  /// Bytes of entries, headers included, that fit a fresh region.
  [[nodiscard]] std::uint64_t capacity_bytes() const;

 private:
  struct EntryHeader {
    std::uint32_t bytes = 0;
    std::uint32_t boot = 0;
    std::uint32_t sequence = 0;
    std::uint32_t footprint = 0;
    message::Priority priority = message::Priority::kFrame;
  };
  struct SectorHeader {
    bool valid = false;
    bool blank = false;
    bool freed = false;
    std::uint32_t sequence = 0;
    std::uint32_t gives_up = 0;
    EnrolmentEpoch epoch;
    PriorityCounts dropped{};
  };
  enum class Check : std::uint8_t { kHeader, kAll };
  /// What a readable header's sector is to the others.
  enum class Claim : std::uint8_t {
    kStands,
    kGivenUp,  // another says so: power went after that header and before this sector's mark
    kRepeats,  // no two are opened with one sequence: the later one is not ours
  };

  [[nodiscard]] bool FitsFlash();
  [[nodiscard]] std::uint32_t SectorOffset(std::uint32_t slot) const;
  [[nodiscard]] std::uint32_t RoundUp(std::size_t bytes) const;
  [[nodiscard]] std::uint32_t Footprint(std::size_t bytes) const;
  [[nodiscard]] std::uint32_t usable_bytes() const;
  [[nodiscard]] bool Acked(std::uint32_t slot, std::uint32_t index) const;
  void SetAcked(std::uint32_t slot, std::uint32_t index);
  void ClearAcked(std::uint32_t slot);
  /// The used sector with the lowest sequence of at least `at_least`; kNoSlot when there is none.
  [[nodiscard]] std::uint32_t FindSector(std::uint32_t at_least) const;
  [[nodiscard]] std::uint32_t FreeSectors() const;
  [[nodiscard]] std::uint64_t FreeBytes() const;
  [[nodiscard]] bool FitsCurrent(std::uint32_t footprint) const;

  Status ReadSectorHeader(std::uint32_t slot, SectorHeader& out);
  bool ReadEntry(
      std::uint32_t slot, std::uint32_t at, std::uint32_t end, Check check, EntryHeader& out);
  /// Finds the entry at or, across damage, after `at`. @returns false at the tail.
  bool WalkTo(std::uint32_t slot, std::uint32_t& at, EntryHeader& out);
  /// Slot of the highest sequence, or kNoSlot; takes over next sequence and drops from its header.
  Result<std::uint32_t> ReadNewestHeader();
  Result<Claim> ClaimOf(std::uint32_t slot, const SectorHeader& header);
  Status RecoverSector(std::uint32_t slot, const SectorHeader& header, bool& clean_tail);
  Result<std::uint32_t> UsedEnd(std::uint32_t slot);
  Status OpenSector(std::uint32_t gives_up);
  Status MakeRoom(message::Priority priority, std::uint32_t footprint);
  Status GiveUpOldest();
  Status ProgramEntry(std::uint32_t boot,
                      std::uint32_t sequence,
                      message::Priority priority,
                      std::size_t bytes);
  void CountIn(BacklogSector& sector, const EntryHeader& entry);
  void Forget(std::uint32_t slot, std::uint32_t index, std::uint32_t bytes);
  void CloseCurrent();
  void Free(std::uint32_t slot);
  void MarkFreed(std::uint32_t slot);

  static constexpr std::uint32_t kNoSlot = 0xFFFFFFFF;

  Flash& flash_;
  const BacklogRegion region_;
  const BacklogMemory memory_;
  const BacklogReserve reserve_;

  // 1. At most one sector is kOpen: current_, the one with the highest sequence.
  // 2. Every kClosed sector holds an unacknowledged record; one that does not becomes kFree.
  // 3. A kFree sector is erased immediately before it is opened, never trusted to be blank.
  // 4. One sector is free at rest, so that giving up another is a single header write.
  Flash::Geometry geometry_;
  std::uint32_t header_bytes_ = 0;
  std::uint32_t words_per_sector_ = 0;
  EnrolmentEpoch epoch_;
  std::uint32_t next_sequence_ = 1;
  std::uint32_t current_ = kNoSlot;
  std::uint32_t last_slot_ = 0;
  std::uint32_t last_boot_ = 0;
  std::uint32_t last_sequence_ = 0;
  bool open_ = false;
  BacklogMetrics metrics_;
};

/// Room for a Backlog over `kSectors` sectors of `kSectorBytes` and records up to
/// `kMaxRecordBytes`.
template <std::size_t kSectors, std::size_t kSectorBytes, std::size_t kMaxRecordBytes>
class BacklogStorage {
 public:
  BacklogMemory memory() { return {sectors_, acknowledged_, entry_}; }

 private:
  std::array<BacklogSector, kSectors> sectors_{};
  std::array<std::uint32_t, kSectors * Backlog::BitmapWords(kSectorBytes)> acknowledged_{};
  std::array<std::byte, Backlog::EntryMemoryBytes(kMaxRecordBytes)> entry_{};
};

}  // namespace trib::node::uplink
