#include "link_watch.h"

#include <utility>

namespace trib::node::images {
namespace {

using host::zmq::LinkState;

constexpr std::chrono::seconds kSilence{30};

}  // namespace

LinkWatch::LinkWatch(std::string endpoint, std::uint64_t node, Way way)
    : endpoint_(std::move(endpoint)), node_(node), way_(way) {}

bool LinkWatch::Update(LinkState state,
                       std::uint64_t messages_received,
                       std::uint64_t records_waiting,
                       Time now) {
  const bool changed = state != state_;
  if (changed || messages_received != received_ || records_waiting == 0) {
    heard_ = now;
  }
  const bool silent = state == LinkState::kUp && now - heard_ >= kSilence;
  const bool told = changed || silent != silent_;
  state_ = state;
  received_ = messages_received;
  silent_ = silent;
  return told && !endpoint_.empty();
}

std::string_view LinkWatch::name() const {
  if (endpoint_.empty()) {
    return "none";
  }
  return silent_ ? "silent" : host::zmq::NameOf(state_);
}

bool LinkWatch::good() const {
  return endpoint_.empty() || (state_ == LinkState::kUp && !silent_);
}

std::string LinkWatch::Explain() const {
  const std::string at = " at " + endpoint_;
  const std::string show = " (trib node show " + std::to_string(node_) + ")";
  if (endpoint_.empty()) {
    return "no gateway is configured; records stay in the state file";
  }
  if (silent_) {
    return "connected, but the gateway" + at +
           " has acknowledged nothing for 30 s: this node was revoked or got another key" + show +
           ", or the gateway's spool is full";
  }
  if (way_ == Way::kSerial) {
    return ExplainWire();
  }
  switch (state_) {
    case LinkState::kUnreachable:
      return "nobody listens" + at +
             ", or its name is unknown: is trib-gateway running there, and is this the endpoint of "
             "its [south] bind?";
    case LinkState::kRefused:
      return "the gateway" + at +
             " refuses this node's key: it is not enrolled there, not accepted yet, or revoked" +
             show + "; or this is not the gateway's [south] port";
    case LinkState::kHandshakeFailed:
      return "no secure connection" + at +
             ": the gateway there has another key than --gateway-key, or it is no gateway";
    case LinkState::kUp:
      return "connected to the gateway" + at;
    case LinkState::kDown:
      return "the connection to the gateway" + at + " is lost; trying again";
    case LinkState::kUnknown:
      break;
  }
  return "connecting to the gateway" + at;
}

std::string LinkWatch::ExplainWire() const {
  const std::string at = " at " + endpoint_;
  const std::string names =
      "[serial] nodes of its configuration name node " + std::to_string(node_);
  switch (state_) {
    case LinkState::kUnreachable:
      return "there is no wire" + at +
             ": is trib-gateway running, and is this one of its [serial] endpoints?";
    case LinkState::kRefused:
      return "the gateway" + at + " takes no messages of this node over a wire until " + names;
    case LinkState::kUp:
      return "in session with the gateway" + at;
    case LinkState::kDown:
      return "the wire to the gateway" + at + ", or the session over it, is lost; trying again";
    default:
      return "waiting for an answer of the gateway" + at;
  }
}

}  // namespace trib::node::images
