// Question   What memory and what handshake does a connected node cost the gateway beside a bare
//            CURVE peer?
// Raw        A bare ROUTER with CURVE: resident memory and CPU time before and after 1,000 DEALERs
//            connected and sent one envelope each.
// Ours       trib-gateway, restarted each turn, with its roster of 1,000 nodes already loaded; the
//            same nodes connect, say Hello and are answered; then each sends 32 records.
// Input      Envelopes of 16 records of the mix in records.h.
// Command    ./dev bench path --only memory
#include <unistd.h>

#include "bare_curve.h"
#include "measure.h"
#include "nodes.h"
#include "questions.h"
#include "raw_limits.h"
#include "rig.h"

namespace trib::bench::path {

void AskMemory(const Run& run, Report& report) {
  const std::size_t count = run.tiny ? 8 : 1000;
  const int turns = std::min(run.turns, 3);
  Progress("memory", "enrolling " + std::to_string(count) + " nodes");
  Rig rig(run, "memory", count);
  rig.StopCloud();
  const auto messages = FullEnvelopes(Rig::kFirstNode, 1);
  Row connected{"memory", "per connected node", "bytes", {}, {}, {}, 2.0};
  Row active{"memory", "per node that sent 32 records", "bytes", {}, {}, {}, 2.0};
  Row handshake{"memory", "server CPU per handshake", "us", {}, {}, {}, 1.5};
  const auto per_node = [&](double all) { return all / static_cast<double>(count); };
  for (int turn = 0; turn < turns; ++turn) {
    Progress("memory", "turn " + std::to_string(turn + 1));
    {
      const BareServer server(run, "memory-raw", Serve::kCount);
      const auto before = static_cast<double>(ResidentBytes(server.pid()));
      const CpuMeter meter(server.pid());
      Dealers dealers(server.endpoint(), server.key(), Rig::kFirstNode, count);
      AwaitConnected(dealers, server, messages[0]);
      handshake.raw.push_back(per_node(meter.Since().all_s * 1e6));
      const double each = per_node(static_cast<double>(ResidentBytes(server.pid())) - before);
      connected.raw.push_back(each);
      active.raw.push_back(each);
    }
    rig.RestartGateway();
    const auto before = static_cast<double>(ResidentBytes(rig.gateway_pid()));
    const CpuMeter meter(rig.gateway_pid());
    Nodes nodes(rig.endpoint(), rig.gateway_key(), Rig::kFirstNode, count, kRecordsPerEnvelope);
    handshake.ours.push_back(per_node(meter.Since().all_s * 1e6));
    connected.ours.push_back(
        per_node(static_cast<double>(ResidentBytes(rig.gateway_pid())) - before));
    for (int round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        (void)nodes.SendOne(i);
      }
      nodes.Drain();
    }
    active.ours.push_back(per_node(static_cast<double>(ResidentBytes(rig.gateway_pid())) - before));
  }
  report.Add(std::move(connected));
  report.Add(std::move(active));
  report.Add(std::move(handshake));
  report.Note("memory",
              std::to_string(count) +
                  " nodes; ours includes one Hello and its answer per node, and "
                  "what SQLite's cache grew by");
}

}  // namespace trib::bench::path
