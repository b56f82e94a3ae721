#include "trib/common/host/message/chunk_assembler.h"

#include <algorithm>
#include <utility>

#include "convert.h"
#include "trib/common/bytes/crc32c.h"

namespace trib::host::message {
namespace {

using Extents = std::map<std::uint32_t, std::uint32_t>;

bool WithinBounds(const Uplink::ChunkData& chunk) {
  return chunk.total_bytes <= kMaxTransferBytes && !chunk.data.empty() &&
         chunk.offset <= chunk.total_bytes && chunk.data.size() <= chunk.total_bytes - chunk.offset;
}

// Whether every byte that both hold is the same; sets `covered` to how many both hold.
bool Agrees(const std::string& bytes,
            const Extents& extents,
            const Uplink::ChunkData& chunk,
            std::size_t& covered) {
  const auto chunk_end = static_cast<std::uint32_t>(chunk.offset + chunk.data.size());
  covered = 0;
  for (const auto& [begin, end] : extents) {
    const std::uint32_t from = std::max(begin, chunk.offset);
    const std::uint32_t to = std::min(end, chunk_end);
    if (from >= to) {
      continue;
    }
    if (bytes.compare(from, to - from, chunk.data, from - chunk.offset, to - from) != 0) {
      return false;
    }
    covered += to - from;
  }
  return true;
}

void Insert(Extents& extents, std::uint32_t begin, std::uint32_t end) {
  auto it = extents.begin();
  while (it != extents.end()) {
    if (it->second < begin || it->first > end) {
      ++it;
      continue;
    }
    begin = std::min(begin, it->first);
    end = std::max(end, it->second);
    it = extents.erase(it);
  }
  extents.emplace(begin, end);
}

}  // namespace

Status ChunkAssembler::Refuse(Code code, ChunkReason reason) {
  ++counters_.refused;
  return {code, reason};
}

void ChunkAssembler::Drop(Transfers::iterator transfer) {
  held_bytes_ -= transfer->second.bytes.size();
  transfers_.erase(transfer);
}

void ChunkAssembler::Evict(MonotonicTime now) {
  for (auto it = transfers_.begin(); it != transfers_.end();) {
    const auto current = it++;
    if (now - current->second.touched >= limits_.stale_after) {
      ++counters_.stale;
      Drop(current);
    }
  }
}

void ChunkAssembler::Forget(NodeId node) {
  auto it = transfers_.lower_bound({node, 0, 0});
  while (it != transfers_.end() && it->first.node == node) {
    Drop(it++);
  }
}

Result<ChunkAssembler::Transfers::iterator> ChunkAssembler::FindOrStart(
    const Key& key, const Uplink::ChunkData& chunk, MonotonicTime now) {
  if (const auto found = transfers_.find(key); found != transfers_.end()) {
    return found;
  }
  const auto unfinished = [&] {
    const auto first = transfers_.lower_bound({key.node, 0, 0});
    return static_cast<std::size_t>(
        std::count_if(first, transfers_.end(), [&, past = false](const auto& entry) mutable {
          past = past || entry.first.node != key.node;
          return !past;
        }));
  };
  const auto no_room = [&] { return held_bytes_ + chunk.total_bytes > limits_.total_bytes; };
  if (unfinished() >= limits_.transfers_per_node || no_room()) {
    Evict(now);
  }
  if (unfinished() >= limits_.transfers_per_node) {
    return Refuse(Code::kResourceExhausted, ChunkReason::kTooManyTransfers);
  }
  if (no_room()) {
    return Refuse(Code::kResourceExhausted, ChunkReason::kNoMemory);
  }
  Transfer transfer;
  transfer.bytes.resize(chunk.total_bytes);
  transfer.crc32c = chunk.crc32c;
  transfer.touched = now;
  held_bytes_ += chunk.total_bytes;
  return transfers_.emplace(key, std::move(transfer)).first;
}

Result<std::string> ChunkAssembler::Add(NodeId node,
                                        const Uplink::ChunkData& chunk,
                                        MonotonicTime now) {
  if (!WithinBounds(chunk)) {
    return Refuse(Code::kDataLoss, ChunkReason::kOutOfBounds);
  }
  TRIB_TRY_ASSIGN(const auto it, FindOrStart({node, chunk.boot, chunk.transfer}, chunk, now));
  Transfer& transfer = it->second;
  std::size_t covered = 0;
  if (transfer.bytes.size() != chunk.total_bytes || transfer.crc32c != chunk.crc32c ||
      !Agrees(transfer.bytes, transfer.extents, chunk, covered)) {
    ++counters_.dropped;
    Drop(it);
    return Refuse(Code::kDataLoss, ChunkReason::kInconsistent);
  }
  if (covered == chunk.data.size()) {
    ++counters_.repeated;
    return Code::kUnavailable;
  }
  transfer.touched = now;
  std::copy(chunk.data.begin(), chunk.data.end(), transfer.bytes.begin() + chunk.offset);
  const auto end = static_cast<std::uint32_t>(chunk.offset + chunk.data.size());
  Insert(transfer.extents, chunk.offset, end);
  if (transfer.extents.size() > kMaxPieces) {
    ++counters_.dropped;
    Drop(it);
    return Refuse(Code::kResourceExhausted, ChunkReason::kScattered);
  }
  const auto& [begin, reached] = *transfer.extents.begin();
  if (begin != 0 || reached != chunk.total_bytes) {
    return Code::kUnavailable;
  }
  const bool intact = Crc32c(internal::AsBytes(transfer.bytes)) == transfer.crc32c;
  std::string complete = std::exchange(transfer.bytes, {});
  held_bytes_ -= complete.size();
  Drop(it);
  if (!intact) {
    ++counters_.dropped;
    return Refuse(Code::kDataLoss, ChunkReason::kChecksum);
  }
  ++counters_.completed;
  return complete;
}

}  // namespace trib::host::message
