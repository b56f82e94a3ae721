#include "sim_node.h"

#include <algorithm>

namespace trib::tools::sim {
namespace {

// The loop is stepped when samples, messages or its own times are due; in between it may sleep for
// long, which is what makes a quiet node cheap.
constexpr Millis kLongestSleep{60'000};

node::app::NodeConfig ConfigOf(const NodePlan& plan,
                               const MachineSensor::Shape& shape,
                               std::uint32_t state_sectors,
                               std::uint32_t backlog_sectors) {
  node::app::NodeConfig config;
  config.node = plan.node;
  config.state_region = {.first = node::SectorIndex(0), .sectors = state_sectors};
  config.backlog_region = {.first = node::SectorIndex(state_sectors), .sectors = backlog_sectors};
  config.seed = plan.seed;
  const auto cadence = Millis(std::int64_t{1000} * shape.hop / shape.sample_rate_hz);
  config.sensor_silence = 3 * cadence + Millis(1'000);
  config.longest_sleep = kLongestSleep;
  return config;
}

}  // namespace

SimNode::SimNode(const NodePlan& plan, const Setup& setup, Transport& transport)
    : plan_(plan),
      clock_(setup.start, plan.skew, plan.ppm),
      sensor_(plan, setup.shape),
      link_(plan.node, plan.link, plan.seed, plan.dead, transport),
      entropy_(plan.seed),
      setup_(setup),
      next_step_(plan.boot) {}

void SimNode::Start(const Setup& setup) {
  started_ = true;
  network_.resize(setup.network_bytes);
  node::app::NodeMemory memory = storage_.memory();
  memory.network = network_;
  loop_ = std::make_unique<node::app::NodeLoop>(
      node::app::NodePorts{clock_, sensor_, link_, flash_, watchdog_, actuator_, entropy_, power_},
      ConfigOf(plan_, setup.shape, kStateSectors, kBacklogSectors),
      memory);
  failure_ = loop_->Start(setup.package, setup.package_keys);
  if (failure_.ok()) {
    failure_ = loop_->package_status();
  }
}

SimNode::Progress SimNode::Advance(VirtualTime until) {
  while (failure_.ok()) {
    const VirtualTime event =
        std::min({next_step_, started_ ? sensor_.NextReady() : next_step_, link_.NextEvent()});
    const VirtualTime next = std::max(event, clock_.now());
    if (next > until) {
      break;
    }
    if (link_.Awaits(next)) {
      link_.Drain();
      if (link_.Awaits(next)) {
        return Progress::kWaiting;
      }
    }
    clock_.Set(next);
    sensor_.SetNow(next);
    link_.SetNow(next);
    if (!started_) {
      Start(setup_);
      continue;
    }
    if (!link_.SendArrived(next)) {
      return Progress::kWaiting;
    }
    StepLoop();
  }
  clock_.Set(std::max(clock_.now(), until));
  link_.SetNow(clock_.now());
  return Progress::kDone;
}

void SimNode::StepLoop() {
  ++steps_;
  const std::uint64_t windows = loop_->metrics().windows;
  const Millis sleep = loop_->Step();
  next_step_ = clock_.now() + sleep;
  if (loop_->metrics().windows != windows) {
    NoteEpisode();
  }
}

void SimNode::NoteEpisode() {
  const bool open = !episodes_.empty() && episodes_.back().end < VirtualTime(0);
  const std::uint64_t begun = loop_->metrics().episodes;
  if (begun != episodes_seen_) {
    if (open) {
      episodes_.back().end = clock_.now();
    }
    episodes_.push_back({clock_.now()});
    episodes_seen_ = begun;
  } else if (open && loop_->state() == node::app::NodeState::kNormal) {
    episodes_.back().end = clock_.now();
  }
}

}  // namespace trib::tools::sim
