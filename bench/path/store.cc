// Question   What does the cloud's store cost beside a bare SQLite loop of the same schema, commit
//            size and synchronous=FULL?
// Raw        Prepared INSERT into `record` with all columns and indexes, one transaction per
//            commit. Without the rollups, totals, latest rows and duplicate checks that ours also
//            writes.
// Ours       cloud/store's Writer::Commit, as the store thread calls it.
// Input      Records of the mix in records.h from 256 nodes, 16 in a row of each, decoded before;
//            commits of 512 (one batch) and of 4,096 (eight batches, a gateway's whole credit).
// Command    ./dev bench path --only store
#include "bare_sqlite.h"
#include "measure.h"
#include "questions.h"
#include "raw_limits.h"
#include "records.h"
#include "trib/cloud/store/writer.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/message/limits.h"

namespace trib::bench::path {
namespace {

constexpr std::uint64_t kNodes = 256;
constexpr std::size_t kLargeCommit = 4096;
constexpr std::uint32_t kRun = kRecordsPerEnvelope;  // records in a row of one node
constexpr double kRowsPerSecond = 50'000;  // of turn length: bounds the file, not the speed

cloud::RecordRow RowOf(std::uint64_t node, std::uint32_t sequence, std::size_t i) {
  const message::Record record = RecordOfMix(node, sequence, i);
  cloud::RecordRow row;
  row.header = record.header;
  row.kind = record.kind;
  row.sealed = host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  row.received_ms = 1'760'000'100'000 + sequence;
  row.index = static_cast<std::uint32_t>(i);
  switch (record.kind) {
    case message::RecordKind::kEvent:
      row.body = record.event;
      break;
    case message::RecordKind::kSketch:
      row.body = cloud::SketchSummary{
          record.sketch.windows, record.sketch.triggered, record.sketch.invalid};
      break;
    case message::RecordKind::kStatus:
      row.body = record.status;
      break;
    default:
      row.body = cloud::FrameSummary{record.feature_frame.score};
      break;
  }
  return row;
}

/// Batches of the size that a gateway sends; every record's key is new.
class Input {
 public:
  std::vector<cloud::Batch> Next(std::size_t records) {
    std::vector<cloud::Batch> batches;
    while (records > 0) {
      cloud::Batch& batch = batches.emplace_back();
      batch.gateway = GatewayId(1);
      batch.batch_id = ++number_;
      while (records > 0 && batch.records.size() < message::kMaxBatchRecords) {
        for (std::size_t i = 0; i < kRecordsPerEnvelope; ++i) {
          batch.records.push_back(RowOf(node_ + 1, static_cast<std::uint32_t>(sequence_ + i), i));
        }
        records -= std::min(records, kRecordsPerEnvelope);
        node_ = (node_ + 1) % kNodes;
        sequence_ += node_ == 0 ? kRun : 0;
      }
    }
    return batches;
  }

 private:
  std::uint64_t number_ = 0;
  std::uint64_t node_ = 0;
  std::uint32_t sequence_ = kFirstSequence;
};

struct Cost {
  double rows_per_s = 0;
  double cpu_us = 0;
};

template <typename Commit>
Cost Turn(Input& input, std::size_t per_commit, std::size_t rows, Commit commit) {
  const auto batches = input.Next(rows);
  const std::size_t group = per_commit / message::kMaxBatchRecords;
  const Stopwatch watch;
  const double begin = ThreadCpuSeconds();
  for (std::size_t at = 0; at < batches.size(); at += group) {
    commit(std::span(batches).subspan(at, std::min(group, batches.size() - at)));
  }
  const auto count = static_cast<double>(rows);
  return {count / watch.seconds(), (ThreadCpuSeconds() - begin) * 1e6 / count};
}

/// Rows of one turn: whole commits.
std::size_t RowsOf(const Run& run, std::size_t per_commit) {
  const double commits = run.seconds * kRowsPerSecond / static_cast<double>(per_commit);
  return static_cast<std::size_t>(std::max(1.0, commits)) * per_commit;
}

std::unique_ptr<cloud::store::Writer> OpenWriter(const std::string& path) {
  std::string error;
  auto writer = cloud::store::Writer::Open(path, {}, &error);
  if (!writer.ok()) {
    Fail(error);
  }
  return *std::move(writer);
}

}  // namespace

struct RawStore::Impl {
  explicit Impl(const std::string& path) : store((OpenWriter(path).reset(), path)) {}
  Input input;
  BareStore store;
};

RawStore::RawStore(const Run& run, const std::string& name)
    : impl_(std::make_unique<Impl>(run.folder / (name + ".db"))) {}
RawStore::~RawStore() = default;

RawRate RawStore::Rate(const Run& run) {
  const Cost cost = Turn(impl_->input, kLargeCommit, RowsOf(run, kLargeCommit), [&](auto batches) {
    impl_->store.Commit(batches);
  });
  return {cost.rows_per_s, 1e6 / cost.cpu_us};
}

void AskStore(const Run& run, Report& report) {
  for (const std::size_t per_commit : {std::size_t{512}, kLargeCommit}) {
    const std::string size = std::to_string(per_commit);
    const std::string raw_path = run.folder / ("store-raw-" + size + ".db");
    OpenWriter(raw_path).reset();  // makes the tables
    BareStore raw(raw_path);
    const auto ours = OpenWriter(run.folder / ("store-ours-" + size + ".db"));
    Input raw_input;
    Input our_input;
    const std::size_t rows = RowsOf(run, per_commit);
    Row wall{"store", "rows, commits of " + size, "rows/s", {}, {}, 0.7, {}};
    Row cpu{"store", "CPU, commits of " + size, "us/row", {}, {}, {}, {}};
    for (int turn = 0; turn < run.turns; ++turn) {
      Progress("store", "commits of " + size + ", turn " + std::to_string(turn + 1));
      const Cost theirs =
          Turn(raw_input, per_commit, rows, [&](auto batches) { raw.Commit(batches); });
      const Cost mine = Turn(our_input, per_commit, rows, [&](auto batches) {
        const auto outcomes = ours->Commit(batches, 1'760'000'200'000);
        if (!outcomes.ok() || outcomes->front().stored != message::kMaxBatchRecords) {
          Fail("the store did not take a batch: " + ours->last_error());
        }
      });
      wall.raw.push_back(theirs.rows_per_s);
      wall.ours.push_back(mine.rows_per_s);
      cpu.raw.push_back(theirs.cpu_us);
      cpu.ours.push_back(mine.cpu_us);
    }
    report.Add(std::move(wall));
    report.Add(std::move(cpu));
  }
  report.Note("store",
              "raw writes rows and indexes only; ours also rollups, totals, latest, duplicates");
}

}  // namespace trib::bench::path
