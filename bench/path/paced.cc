// Question   What CPU time does the gateway spend on a message when 1,000 nodes send one a second
//            each, beside a bare CURVE ROUTER?
// Raw        (1) A bare ROUTER that receives and counts.
//            (2) One that also answers each message with 40 bytes, as an acknowledgement is.
// Ours       trib-gateway, connected to a trib-cloud: a record per message, on disk, acknowledged,
//            sent on to the cloud, deleted when the cloud has it. Its whole process counts.
// Input      One record of the mix in records.h per message (about 230 bytes), nodes spread evenly
//            over the second.
// Command    ./dev bench path --only paced
#include <unistd.h>

#include <functional>

#include "bare_curve.h"
#include "measure.h"
#include "nodes.h"
#include "questions.h"
#include "records.h"
#include "rig.h"

namespace trib::bench::path {
namespace {

/// Lets every node send once a second, for so long. @returns messages sent.
std::uint64_t Pace(std::size_t count,
                   double seconds,
                   const std::function<void(std::size_t)>& send,
                   const std::function<void(std::size_t)>& listen) {
  const double gap_s = 1.0 / static_cast<double>(count);
  const Stopwatch watch;
  std::uint64_t sent = 0;
  std::size_t heard = 0;
  for (double now_s = 0; now_s < seconds; now_s = watch.seconds()) {
    for (; static_cast<double>(sent) * gap_s <= now_s; ++sent) {
      send(sent % count);
    }
    // Answers come within a few hundredths of a second: look at those who sent a tenth ago.
    for (; heard + count / 10 < sent; ++heard) {
      listen(heard % count);
    }
    ::usleep(500);
  }
  return sent;
}

double RawTurn(Dealers& dealers, pid_t server, std::vector<EnvelopeTemplate>& messages, double s) {
  std::string answer;
  const auto send = [&](std::size_t i) {
    (void)dealers.Send(i, messages[i].Numbered(kFirstSequence));
  };
  const auto listen = [&](std::size_t i) {
    while (dealers.Receive(i, answer)) {
    }
  };
  (void)Pace(dealers.size(), s / 4, send, listen);
  const CpuMeter meter(server);
  const auto sent = static_cast<double>(Pace(dealers.size(), s, send, listen));
  return meter.Since().all_s * 1e6 / sent;
}

double OurTurn(Nodes& nodes, Rig& rig, double seconds, double& cloud_us) {
  const auto send = [&](std::size_t i) {
    while (nodes.Listen(i)) {
    }
    (void)nodes.SendOne(i);
  };
  const auto listen = [&](std::size_t i) {
    while (nodes.Listen(i)) {
    }
  };
  (void)Pace(nodes.size(), seconds / 4, send, listen);
  const CpuMeter meter(rig.gateway_pid());
  const CpuMeter cloud(rig.cloud_pid());
  const std::uint64_t before = nodes.sent();
  (void)Pace(nodes.size(), seconds, send, listen);
  const auto sent = static_cast<double>(nodes.sent() - before);
  const double cost = meter.Since().all_s * 1e6 / sent;
  cloud_us = cloud.Since().all_s * 1e6 / sent;
  nodes.Drain();
  return cost;
}

}  // namespace

void AskPaced(const Run& run, Report& report) {
  const std::size_t count = run.tiny ? 16 : 1000;
  Progress("paced", "enrolling and connecting " + std::to_string(count) + " nodes, three times");
  const BareServer counting(run, "paced-count", Serve::kCount);
  const BareServer answering(run, "paced-answer", Serve::kAnswer);
  std::vector<EnvelopeTemplate> messages;
  for (std::size_t i = 0; i < count; ++i) {
    messages.emplace_back(Rig::kFirstNode + i, 1, i);
  }
  const std::string first = messages[0].Numbered(kFirstSequence);
  Dealers to_counting(counting.endpoint(), counting.key(), Rig::kFirstNode, count);
  AwaitConnected(to_counting, counting, first);
  Dealers to_answering(answering.endpoint(), answering.key(), Rig::kFirstNode, count);
  AwaitConnected(to_answering, answering, first);
  Rig rig(run, "paced", count);
  Nodes nodes(rig.endpoint(), rig.gateway_key(), Rig::kFirstNode, count, 1);

  Row strict{"paced", "gateway CPU, raw only receives", "us/message", {}, {}, {}, 1.5};
  Row fair{"paced", "gateway CPU, raw answers too", "us/message", {}, {}, {}, 1.5};
  Row cloud{"paced", "cloud CPU", "us/message", {}, {}, {}, {}};
  const double seconds = run.tiny ? run.seconds : std::max(run.seconds, 4.0);
  for (int turn = 0; turn < run.turns; ++turn) {
    Progress("paced", "turn " + std::to_string(turn + 1));
    strict.raw.push_back(RawTurn(to_counting, counting.pid(), messages, seconds));
    fair.raw.push_back(RawTurn(to_answering, answering.pid(), messages, seconds));
    double cloud_us = 0;
    const double ours = OurTurn(nodes, rig, seconds, cloud_us);
    strict.ours.push_back(ours);
    fair.ours.push_back(ours);
    cloud.ours.push_back(cloud_us);
  }
  report.Add(std::move(strict));
  report.Add(std::move(fair));
  report.Add(std::move(cloud));
  report.Note("paced", std::to_string(count) + " nodes, one message of one record a second each");
}

}  // namespace trib::bench::path
