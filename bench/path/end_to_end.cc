// Question   How many records a second go from nodes to the cloud's store, durable at each step,
//            beside the slower of the two raw limits: CURVE batches and bare SQLite inserts?
// Raw        In each turn both: the bare ROUTER of ingest.cc, and the bare loop of store.cc in
//            commits of 4,096, each with the machine to itself. The slower one counts.
// Ours       trib-gateway and trib-cloud with their default configuration; from the first record
//            sent until a reader of the store sees the last one. Everything shares the machine:
//            clients, gateway (two writes to its disk per record: in and out of the spool) and
//            cloud.
// Input      Full envelopes of the mix in records.h from 64 nodes within their credit, every key
//            new.
// Command    ./dev bench path --only end_to_end
#include <algorithm>
#include <cmath>

#include "bare_curve.h"
#include "measure.h"
#include "nodes.h"
#include "questions.h"
#include "raw_limits.h"
#include "rig.h"

namespace trib::bench::path {

void AskEndToEnd(const Run& run, Report& report) {
  const std::size_t count = run.tiny ? 4 : 64;
  Progress("end_to_end", "starting a bare server, a cloud and a gateway");
  const BareServer server(run, "path-raw", Serve::kCount);
  Dealers dealers(server.endpoint(), server.key(), Rig::kFirstNode, count);
  const auto messages = FullEnvelopes(Rig::kFirstNode, count);
  AwaitConnected(dealers, server, messages[0]);
  RawStore raw_store(run, "path-raw-store");
  Rig rig(run, "path", count);
  Nodes nodes(rig.endpoint(), rig.gateway_key(), Rig::kFirstNode, count, kRecordsPerEnvelope);

  Row wall{"end_to_end", "node to store, durable", "records/s", {}, {}, 0.5, {}};
  Row gateway_cpu{"end_to_end", "gateway CPU", "us/record", {}, {}, {}, {}};
  Row cloud_cpu{"end_to_end", "cloud CPU", "us/record", {}, {}, {}, {}};
  Row bound{"end_to_end", "busiest thread allows", "records/s", {}, {}, 0.5, {}};
  // Without the disk: a core for every thread.
  double slower_is_store = 0;
  for (int turn = 0; turn < run.turns; ++turn) {
    Progress("end_to_end", "turn " + std::to_string(turn + 1));
    const RawRate ingest = RawIngestRate(run, dealers, server, messages);
    const RawRate store = raw_store.Rate(run);
    slower_is_store += store.per_s < ingest.per_s ? 1 : 0;
    const CpuMeter gateway(rig.gateway_pid());
    const CpuMeter cloud(rig.cloud_pid());
    const std::uint64_t before = nodes.sent();
    const Stopwatch watch;
    nodes.Pump(run.seconds);
    nodes.Drain();
    rig.AwaitStored(nodes.sent());
    const auto records = static_cast<double>(nodes.sent() - before);
    const double wall_s = watch.seconds();
    const auto gateway_used = gateway.Since();
    const auto cloud_used = cloud.Since();
    wall.raw.push_back(std::min(ingest.per_s, store.per_s));
    wall.ours.push_back(records / wall_s);
    bound.raw.push_back(std::min(ingest.bound_per_s, store.bound_per_s));
    bound.ours.push_back(records / std::max(gateway_used.busiest_s, cloud_used.busiest_s));
    gateway_cpu.ours.push_back(gateway_used.all_s * 1e6 / records);
    cloud_cpu.ours.push_back(cloud_used.all_s * 1e6 / records);
  }
  report.Add(std::move(wall));
  report.Add(std::move(bound));
  report.Add(std::move(gateway_cpu));
  report.Add(std::move(cloud_cpu));
  report.Note("end_to_end",
              "the slower raw limit was the store in " +
                  std::to_string(std::lround(slower_is_store)) + " of " +
                  std::to_string(run.turns) +
                  " turns; envelopes sent again: " + std::to_string(nodes.resent()));
}

}  // namespace trib::bench::path
