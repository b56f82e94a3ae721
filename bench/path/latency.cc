// Question   How long from a window's last sample to the Actuator, until a record is durable in the
//            gateway, and until a reader of the store sees it, beside a raw round trip with one
//            fdatasync?
// Raw        A bare ROUTER with CURVE that writes 4 KiB with fdatasync and then answers: send to
//            answer. Its own round trip without the disk is shown beside.
// Ours       trib-gateway and trib-cloud, with no other traffic: send to acknowledgement, and send
//            to the row being visible through a read-only connection that looks every 0.2 ms. The
//            decision is timed in a NodeLoop in this process (decision.h), on this machine's
//            processor.
// Input      Single records of the mix in records.h, one after the other, 5 to 25 ms apart.
// Command    ./dev bench path --only latency
#include <unistd.h>

#include <functional>

#include "bare_curve.h"
#include "decision.h"
#include "measure.h"
#include "nodes.h"
#include "questions.h"
#include "records.h"
#include "rig.h"
#include "trib/common/base/random.h"

namespace trib::bench::path {
namespace {

constexpr double kPatience_s = 60;

/// Times `once` again and again, apart from each other. @returns milliseconds.
std::vector<double> Times(std::size_t samples,
                          SplitMix64& random,
                          const std::function<void()>& once) {
  std::vector<double> times_ms;
  for (std::size_t i = 0; i < samples; ++i) {
    ::usleep(static_cast<useconds_t>(5'000 + random.Next() % 20'000));
    const Stopwatch watch;
    once();
    times_ms.push_back(watch.seconds() * 1e3);
  }
  return times_ms;
}

void RoundTrip(Dealers& dealers, std::string_view message) {
  std::string answer;
  if (!dealers.Send(0, message) || !dealers.WaitReadable(0, static_cast<int>(kPatience_s * 1e3)) ||
      !dealers.Receive(0, answer)) {
    Fail("the bare server does not answer");
  }
}

void Send(Nodes& nodes) {
  if (!nodes.SendOne(0)) {
    Fail("an idle node has no credit");
  }
}

void AwaitAck(Nodes& nodes) {
  const Stopwatch watch;
  while (nodes.open(0) > 0) {
    (void)nodes.WaitFor(0, 1000);
    (void)nodes.Listen(0);
    if (watch.seconds() > kPatience_s) {
      Fail("the gateway does not acknowledge");
    }
  }
}

struct Rows {
  Row p50;
  Row p99;
  explicit Rows(const std::string& what)
      : p50{"latency", what + ", P50", "ms", {}, {}, {}, {}},
        p99{"latency", what + ", P99", "ms", {}, {}, {}, {}} {}
  void Add(const std::vector<double>& raw, const std::vector<double>& ours) {
    p50.raw.push_back(Quantile(raw, 0.5));
    p50.ours.push_back(Quantile(ours, 0.5));
    p99.raw.push_back(Quantile(raw, 0.99));
    p99.ours.push_back(Quantile(ours, 0.99));
  }
};

}  // namespace

void AskLatency(const Run& run, Report& report) {
  Progress("latency", "starting bare servers, a cloud and a gateway");
  const BareServer answering(run, "latency-answer", Serve::kAnswer);
  const BareServer durable(run, "latency-durable", Serve::kDurable);
  Dealers to_answering(answering.endpoint(), answering.key(), Rig::kFirstNode, 1);
  Dealers to_durable(durable.endpoint(), durable.key(), Rig::kFirstNode, 1);
  const std::string message = EnvelopeTemplate(Rig::kFirstNode, 1).Numbered(kFirstSequence);
  RoundTrip(to_answering, message);
  RoundTrip(to_durable, message);
  Rig rig(run, "latency", 1);
  Nodes nodes(rig.endpoint(), rig.gateway_key(), Rig::kFirstNode, 1, 1);
  (void)rig.Visible(Rig::kFirstNode, kFirstSequence);  // opens the store

  Rows trip("raw round trip without the disk");
  Rows decision("last sample to Actuator");
  Rows gateway("sent to durable in the gateway");
  Rows store("sent to visible in the store");
  SplitMix64 random(7);
  const std::size_t samples =
      run.tiny ? 5 : std::max<std::size_t>(50, static_cast<std::size_t>(run.seconds * 60));
  for (int turn = 0; turn < run.turns; ++turn) {
    Progress("latency", "turn " + std::to_string(turn + 1));
    const auto trips = Times(samples, random, [&] { RoundTrip(to_answering, message); });
    const auto raw = Times(samples, random, [&] { RoundTrip(to_durable, message); });
    const auto acked = Times(samples, random, [&] {
      Send(nodes);
      AwaitAck(nodes);
    });
    const auto visible = Times(samples, random, [&] {
      Send(nodes);
      const Stopwatch watch;
      while (!rig.Visible(Rig::kFirstNode, nodes.last_sequence(0))) {
        ::usleep(200);
        if (watch.seconds() > kPatience_s) {
          Fail("a record does not appear in the store");
        }
      }
    });
    nodes.Drain();
    trip.Add(raw, trips);
    decision.Add(raw, DecisionTimes(run.folder / "decision.state", samples));
    gateway.Add(raw, acked);
    store.Add(raw, visible);
  }
  for (Rows* rows : {&trip, &decision, &gateway, &store}) {
    report.Add(std::move(rows->p50));
    report.Add(std::move(rows->p99));
  }
  report.Note("latency",
              "raw is everywhere the round trip with one fdatasync of 4 KiB; " +
                  std::to_string(samples) + " samples a turn");
}

}  // namespace trib::bench::path
