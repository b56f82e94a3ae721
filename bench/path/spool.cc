// Question   What does the gateway's spool cost beside a bare SQLite loop on the same schema?
// Raw        Per 512 records: INSERTs in one transaction, one SELECT, DELETEs in one transaction;
//            synchronous=FULL. Without counters, limits and duplicate checks.
// Ours       gateway/spool: Append, Peek, Delete, as the spool thread calls them.
// Input      Records of the mix in records.h from 256 nodes, 16 in a row of each.
// Command    ./dev bench path --only spool
#include "trib/gateway/spool/spool.h"

#include <limits>

#include "bare_sqlite.h"
#include "measure.h"
#include "questions.h"
#include "records.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/message/limits.h"

namespace trib::bench::path {
namespace {

using gateway::spool::Item;
using gateway::spool::Spool;

constexpr std::uint64_t kNodes = 256;
constexpr std::size_t kGroup = message::kMaxBatchRecords;
constexpr std::uint32_t kRun = kRecordsPerEnvelope;  // records in a row of one node
constexpr double kRecordsPerSecond = 50'000;

std::vector<Item> Items(std::size_t records, std::uint32_t& sequence) {
  std::vector<Item> items;
  std::uint64_t node = 0;
  while (items.size() < records) {
    const auto sealed = SealedMix(node + 1, sequence, kRecordsPerEnvelope);
    for (std::size_t i = 0; i < kRecordsPerEnvelope; ++i) {
      const auto record = RecordOfMix(node + 1, static_cast<std::uint32_t>(sequence + i), i);
      items.push_back({record.header.key,
                       message::PriorityOf(record.kind),
                       1'760'000'100'000ULL + sequence,
                       sealed[i]});
    }
    node = (node + 1) % kNodes;
    sequence += node == 0 ? kRun : 0;
  }
  sequence += kRun;
  return items;
}

std::unique_ptr<Spool> OpenSpool(const std::filesystem::path& path) {
  std::string error;
  auto spool = Spool::Open({.path = path}, error);
  if (!spool.ok()) {
    Fail(error);
  }
  return *std::move(spool);
}

struct Cost {
  double records_per_s = 0;
  double cpu_us = 0;
};

template <typename Pass>
Cost Turn(const std::vector<Item>& items, Pass pass) {
  const Stopwatch watch;
  const double begin = ThreadCpuSeconds();
  for (std::size_t at = 0; at < items.size(); at += kGroup) {
    pass(std::span(items).subspan(at, std::min(kGroup, items.size() - at)));
  }
  const auto count = static_cast<double>(items.size());
  return {count / watch.seconds(), (ThreadCpuSeconds() - begin) * 1e6 / count};
}

}  // namespace

void AskSpool(const Run& run, Report& report) {
  const auto raw_path = run.folder / "spool-raw.spool";
  OpenSpool(raw_path).reset();  // makes the tables
  BareSpool raw(raw_path);
  const auto ours = OpenSpool(run.folder / "spool-ours.spool");
  const auto groups = static_cast<std::size_t>(
      std::max(1.0, run.seconds * kRecordsPerSecond / static_cast<double>(kGroup)));
  Row wall{"spool", "in, out, gone, groups of 512", "records/s", {}, {}, {}, {}};
  Row cpu{"spool", "CPU", "us/record", {}, {}, {}, {}};
  std::uint32_t sequence = kFirstSequence;
  std::int64_t raw_after = 0;
  std::int64_t our_after = 0;
  for (int turn = 0; turn < run.turns; ++turn) {
    Progress("spool", "turn " + std::to_string(turn + 1));
    const auto items = Items(groups * kGroup, sequence);
    const Cost theirs = Turn(items, [&](std::span<const Item> group) {
      raw.Append(group);
      const auto ids = raw.Read(raw_after, kGroup);
      raw_after = ids.back();
      raw.Delete(ids);
    });
    const Cost mine = Turn(items, [&](std::span<const Item> group) {
      const auto outcomes = ours->Append(group);
      const auto records = ours->Peek(our_after, kGroup, std::numeric_limits<std::size_t>::max());
      if (!outcomes.ok() || !records.ok() || records->size() != group.size()) {
        Fail("the spool did not take a group: " + ours->last_error());
      }
      std::vector<std::int64_t> ids;
      for (const auto& record : *records) {
        ids.push_back(record.id);
      }
      our_after = ids.back();
      if (!ours->Delete(ids).ok()) {
        Fail("the spool did not delete: " + ours->last_error());
      }
    });
    wall.raw.push_back(theirs.records_per_s);
    wall.ours.push_back(mine.records_per_s);
    cpu.raw.push_back(theirs.cpu_us);
    cpu.ours.push_back(mine.cpu_us);
  }
  report.Add(std::move(wall));
  report.Add(std::move(cpu));
}

}  // namespace trib::bench::path
