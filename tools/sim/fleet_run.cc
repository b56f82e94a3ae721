#include "fleet_run.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "trib/common/host/package/package.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/common/package/package.h"
#include "trib/node/app/loaded_package.h"
#include "trib/node/cascade/classifier.h"

namespace trib::tools::sim {
namespace {

using SteadyClock = std::chrono::steady_clock;

// About so many samples of the processes over a run.
constexpr std::int64_t kSamples = 240;
// Nodes that a thread lets run before it looks again at those that wait.
constexpr std::size_t kNodesPerLook = 32;
constexpr Millis kAnswerPoll{20};
// What a node has for a network at most; a package that wants more is refused.
constexpr std::size_t kMostNetworkBytes = 65'536;

std::size_t NetworkBytes(const package::PackageView& view) {
  const auto plan = nn::Plan::Load(view.Find(package::SectionType::kPlan),
                                   view.Find(package::SectionType::kWeights));
  return plan.ok() ? std::min(node::cascade::Classifier::RequiredBytes(*plan), kMostNetworkBytes)
                   : 0;
}

}  // namespace

FleetRun::FleetRun(const Scenario& scenario,
                   std::span<const NodePlan> plan,
                   Deployment& deployment,
                   Options options)
    : scenario_(scenario), deployment_(deployment), options_(std::move(options)) {
  sample_interval_ = std::max(scenario.duration / kSamples, Millis(1));
  SimNode::Setup setup;
  setup.start = scenario.start;
  setup.package = deployment.package();
  setup.package_keys = deployment.package_keys();
  // The shape that the package's recipe asks for; a package that cannot be read is refused by the
  // nodes, with its reason.
  const auto view = package::PackageView::Open(deployment.package());
  if (view.ok()) {
    const auto recipe = dsp::DecodeRecipe(view->Find(package::SectionType::kRecipe));
    if (recipe.ok()) {
      setup.shape = {recipe->sample_rate_hz, recipe->window_frames, recipe->hop_frames};
    }
    setup.network_bytes = NetworkBytes(*view);
  }
  if (setup.shape.window == 0) {
    error_ = "the package holds no readable recipe";
    return;
  }
  nodes_.reserve(plan.size());
  for (std::size_t i = 0; i < plan.size(); ++i) {
    nodes_.push_back(std::make_unique<SimNode>(plan[i], setup, deployment.transport(i)));
  }
  AddEvents();
}

bool FleetRun::Fail(std::string text) {
  error_ = std::move(text);
  return false;
}

void FleetRun::AddEvents() {
  for (const OutageSpec& outage : scenario_.outages) {
    if (outage.what != OutageSpec::What::kCloud) {
      continue;
    }
    for (const std::uint32_t site : outage.sites) {
      for (const auto& [at, open] : {std::pair(outage.begin, false), std::pair(outage.end, true)}) {
        events_.push_back({at, [this, site, open = open] {
                             deployment_.SetCloudLink(site - 1, open);
                             return true;
                           }});
      }
    }
  }
  for (const KillSpec& kill : scenario_.kills) {
    events_.push_back({kill.at, [this, &kill] { return Kill(kill); }});
    events_.push_back({kill.at + kill.down, [this, &kill] { return Restart(kill); }});
  }
  std::stable_sort(
      events_.begin(), events_.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
}

bool FleetRun::Kill(const KillSpec& kill) {
  deployment_.Sample(meter_, now_);  // or what it used since the last one is lost
  if (!kill.gateway) {
    return deployment_.KillCloud() || Fail(deployment_.error());
  }
  if (!deployment_.KillGateway(*kill.gateway - 1)) {
    return Fail(deployment_.error());
  }
  for (const auto& node : nodes_) {
    if (node->plan().site == *kill.gateway - 1) {
      node->link().Drain();
      node->link().CutAnswers(now_);
    }
  }
  return true;
}

bool FleetRun::Restart(const KillSpec& kill) {
  const bool up =
      kill.gateway ? deployment_.RestartGateway(*kill.gateway - 1) : deployment_.RestartCloud();
  if (!up) {
    return Fail(deployment_.error());
  }
  for (const auto& node : nodes_) {
    node->link().Drain();  // what the dead one still said
  }
  return true;
}

bool FleetRun::Run() {
  if (!error_.empty()) {
    return false;
  }
  deployment_.Sample(meter_, now_);
  while (now_ < scenario_.duration && !stopped_) {
    const VirtualTime end = std::min(
        scenario_.duration, Millis((now_ / scenario_.slice + 1) * scenario_.slice.count()));
    if (!RunTo(end)) {
      return false;
    }
  }
  for (const auto& node : nodes_) {
    node->EndSource();
  }
  const VirtualTime limit = now_ + scenario_.drain;
  while (!drained() && now_ < limit && !stopped_) {
    if (!RunTo(now_ + std::min(scenario_.slice, Millis(10'000)))) {
      return false;
    }
  }
  deployment_.Sample(meter_, now_);
  return true;
}

bool FleetRun::RunTo(VirtualTime until) {
  while (now_ < until) {
    const bool event = next_event_ < events_.size() && events_[next_event_].at <= until;
    const VirtualTime end = event ? std::max(events_[next_event_].at, now_) : until;
    if (end > now_) {
      RunSlice(end);
      now_ = end;
      if (!CheckNodes()) {
        return false;
      }
    }
    for (; next_event_ < events_.size() && events_[next_event_].at <= now_; ++next_event_) {
      if (!events_[next_event_].act()) {
        return false;
      }
    }
  }
  if (now_ >= next_sample_) {
    deployment_.Sample(meter_, now_);
    next_sample_ = now_ + sample_interval_;
    // A killed process is no casualty while its restart is still to come.
    if (const auto casualty =
            next_event_ == events_.size() ? deployment_.Casualty() : std::nullopt) {
      return Fail(*casualty);
    }
  }
  if (options_.progress) {
    options_.progress(now_);
  }
  stopped_ = options_.stop && options_.stop();
  return true;
}

bool FleetRun::CheckNodes() {
  for (const auto& node : nodes_) {
    if (!node->failure().ok()) {
      const Status failure = node->failure();
      return Fail("node " + std::to_string(node->plan().node.value()) +
                  " cannot run: " + std::string(CodeName(failure.code())) + ", " +
                  std::string(package::ReasonName(static_cast<package::Reason>(failure.reason()))));
    }
  }
  return true;
}

void FleetRun::RunSlice(VirtualTime until) {
  next_node_ = 0;
  std::vector<std::thread> others;
  for (unsigned i = 1; i < options_.threads; ++i) {
    others.emplace_back([this, until] { Work(until); });
  }
  Work(until);
  for (std::thread& other : others) {
    other.join();
  }
}

void FleetRun::Work(VirtualTime until) {
  std::vector<SimNode*> waiting;
  auto heard = SteadyClock::now();
  while (true) {
    bool moved = false;
    bool more = false;
    for (std::size_t i = 0; i < kNodesPerLook; ++i) {
      const std::size_t next = next_node_.fetch_add(1);
      more = next < nodes_.size();
      if (!more) {
        break;
      }
      moved = true;
      if (nodes_[next]->Advance(until) == SimNode::Progress::kWaiting) {
        waiting.push_back(nodes_[next].get());
      }
    }
    std::erase_if(waiting, [&](SimNode* node) {
      const VirtualTime before = node->now();
      const bool done = node->Advance(until) == SimNode::Progress::kDone;
      moved = moved || done || node->now() != before;
      return done;
    });
    if (!more && waiting.empty()) {
      return;
    }
    if (moved) {
      heard = SteadyClock::now();
    } else if (SteadyClock::now() - heard > options_.answer_limit) {
      for (SimNode* node : waiting) {
        node->GiveUp();
      }
      heard = SteadyClock::now();
    } else if (!more) {
      AwaitAnswers(waiting);
    }
  }
}

void FleetRun::AwaitAnswers(std::vector<SimNode*>& waiting) {
  const auto begin = SteadyClock::now();
  host::zmq::Poller poller;
  for (SimNode* node : waiting) {
    (void)poller.Add(deployment_.transport(node->plan().index).socket());
  }
  poller.Wait(kAnswerPoll);
  waited_us_ +=
      std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - begin).count();
}

bool FleetRun::drained() const {
  return std::all_of(
      nodes_.begin(), nodes_.end(), [](const auto& node) { return node->loop().finished(); });
}

}  // namespace trib::tools::sim
