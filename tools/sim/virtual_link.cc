#include "virtual_link.h"

#include <algorithm>
#include <utility>

#include "trib/common/host/message/codec.h"

namespace trib::tools::sim {
namespace {

using message::Downlink;
using message::RefusalReason;

constexpr VirtualTime kNever = VirtualTime::max();

std::string_view TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

VirtualLink::VirtualLink(NodeId node,
                         const LinkModel& model,
                         std::uint64_t seed,
                         std::vector<DeadTime> dead,
                         Transport& transport)
    : node_(node),
      model_(model),
      dice_(seed, node.value()),
      dead_(std::move(dead)),
      transport_(transport) {}

bool VirtualLink::Dead(VirtualTime at) const {
  return std::any_of(dead_.begin(), dead_.end(), [at](const DeadTime& dead) {
    return at >= dead.begin && at < dead.end;
  });
}

VirtualTime VirtualLink::Latency() {
  Millis latency =
      model_.latency +
      Millis(static_cast<std::int64_t>(Draw() * static_cast<double>(model_.spread.count() + 1)));
  if (Draw() < model_.reorder) {
    ++counts_.reordered;
    latency += Millis(
        static_cast<std::int64_t>((1 + 3 * Draw()) * static_cast<double>(model_.latency.count())));
  }
  return latency;
}

Status VirtualLink::Send(std::span<const std::byte> message) {
  if (message.size() > max_message_bytes()) {
    return Code::kInvalidArgument;
  }
  if (Dead(now_)) {
    return Code::kUnavailable;
  }
  ++counts_.messages;
  counts_.bytes += message.size();
  // The same number of draws whatever happens keeps one message's fate apart from the next one's.
  const bool lost = Draw() < model_.loss;
  const bool twice = Draw() < model_.duplicate;
  if (lost) {
    ++counts_.lost_up;
    return {};
  }
  Queue(message);
  if (twice) {
    ++counts_.duplicated;
    Queue(message);
  }
  return {};
}

void VirtualLink::Queue(std::span<const std::byte> message) {
  const VirtualTime arrive = now_ + Latency();
  if (Dead(arrive)) {
    ++counts_.lost_up;
    return;
  }
  Outgoing out{arrive, order_++, std::string(TextOf(message))};
  const auto place = std::upper_bound(
      outgoing_.begin(), outgoing_.end(), out, [](const Outgoing& a, const Outgoing& b) {
        return std::pair(a.arrive, a.order) < std::pair(b.arrive, b.order);
      });
  outgoing_.insert(place, std::move(out));
}

bool VirtualLink::SendArrived(VirtualTime now) {
  while (!outgoing_.empty() && outgoing_.front().arrive <= now) {
    const Outgoing& next = outgoing_.front();
    if (!transport_.Send(next.bytes)) {
      return false;
    }
    const VirtualTime arrived = next.arrive;
    Exchange exchange = Open(next.bytes);
    const bool lost = Draw() < model_.loss;
    exchange.due = arrived + Latency();
    exchange.wanted = !lost && !Dead(exchange.due);
    if (exchange.hello || !exchange.sequences.empty()) {
      counts_.lost_down += exchange.wanted ? 0U : 1U;
      open_.push_back(std::move(exchange));
    }
    outgoing_.erase(outgoing_.begin());
  }
  return true;
}

VirtualLink::Exchange VirtualLink::Open(const std::string& bytes) {
  Exchange exchange;
  const auto uplink = host::message::DecodeUplink(bytes);
  if (!uplink.ok()) {
    return exchange;  // not one of ours; the gateway will say nothing
  }
  if (uplink->kind == host::message::Uplink::Kind::kHello) {
    exchange.hello = true;
    epoch_ = uplink->hello.epoch;
    boot_ = uplink->hello.boot;
    return exchange;
  }
  if (uplink->kind == host::message::Uplink::Kind::kChunk) {
    // Nothing is said about a record before its last chunk is there.
    const auto whole = chunks_.Add(node_, uplink->chunk, MonotonicTime(now_));
    if (whole.ok()) {
      Note(*whole, exchange);
    }
    return exchange;
  }
  for (const auto& received : uplink->records) {
    Note(received.sealed, exchange);
  }
  return exchange;
}

void VirtualLink::Note(const std::string& sealed, Exchange& exchange) {
  const auto opened = host::message::OpenSealedRecord(sealed);
  message::Record record;
  if (!opened.ok() || !host::message::DecodeRecord(opened->record, record).ok()) {
    return;
  }
  const std::uint32_t sequence = record.header.key.sequence;
  exchange.sequences.push_back(sequence);
  if (sequence >= acknowledged_.size()) {
    acknowledged_.resize(sequence + 1);
    refusals_.resize(sequence + 1);
    seen_.resize(sequence + 1);
  }
  if (!seen_[sequence]) {
    seen_[sequence] = true;
    ++counts_.records[static_cast<std::size_t>(message::PriorityOf(record.kind))];
  }
}

bool VirtualLink::Known(std::uint32_t sequence) const {
  return acknowledged_[sequence] || refusals_[sequence] != RefusalReason::kUnspecified;
}

bool VirtualLink::Settled(const Exchange& exchange) const {
  if (exchange.hello) {
    return !exchange.answer.empty();
  }
  return std::all_of(exchange.sequences.begin(),
                     exchange.sequences.end(),
                     [this](std::uint32_t sequence) { return Known(sequence); });
}

void VirtualLink::TakeAck(const message::Ack& ack) {
  credit_ = ack.credit;
  if (ack.epoch != epoch_) {
    return;
  }
  for (const message::AckRange& range : ack.ranges) {
    if (range.boot != boot_) {
      continue;
    }
    const auto end = std::min<std::uint64_t>(std::uint64_t{range.last} + 1, acknowledged_.size());
    for (std::uint64_t sequence = range.first; sequence < end; ++sequence) {
      if (range.refusal == RefusalReason::kUnspecified) {
        acknowledged_[sequence] = true;
      } else if (refusals_[sequence] == RefusalReason::kUnspecified) {
        refusals_[sequence] = range.refusal;
        ++refused_count_;
      }
    }
  }
}

void VirtualLink::Drain() {
  while (auto bytes = transport_.Receive()) {
    Downlink downlink;
    if (!host::message::DecodeDownlink(*bytes, downlink).ok()) {
      unexpected_.push_back(*std::move(bytes));
      continue;
    }
    if (downlink.kind == Downlink::Kind::kAck) {
      TakeAck(downlink.ack);
      // An Ack that names nothing grants credit. A node that has some hears of it with its next
      // answer, as otherwise the gateway's real moments would show; one that has none waits for it.
      if (downlink.ack.ranges.empty() && told_credit_ == 0 && credit_ > 0) {
        unexpected_.push_back(*std::move(bytes));
      }
      continue;
    }
    if (downlink.kind == Downlink::Kind::kTime) {
      const auto hello = std::find_if(open_.begin(), open_.end(), [](const Exchange& exchange) {
        return exchange.hello && exchange.answer.empty();
      });
      if (hello != open_.end()) {
        credit_ = downlink.time.credit;
        hello->answer = *std::move(bytes);
      }
      continue;  // or it answers a Hello of before a kill, whose answer is lost
    }
    unexpected_.push_back(*std::move(bytes));
  }
  std::erase_if(open_,
                [this](const Exchange& exchange) { return !exchange.wanted && Settled(exchange); });
}

bool VirtualLink::Awaits(VirtualTime now) const {
  return std::any_of(open_.begin(), open_.end(), [&](const Exchange& exchange) {
    return exchange.wanted && exchange.due <= now && !Settled(exchange);
  });
}

void VirtualLink::GiveUp(VirtualTime now) {
  for (Exchange& exchange : open_) {
    if (exchange.wanted && exchange.due <= now && !Settled(exchange)) {
      exchange.wanted = false;
      ++counts_.unanswered;
    }
  }
}

void VirtualLink::CutAnswers(VirtualTime now) {
  for (Exchange& exchange : open_) {
    if (exchange.wanted && exchange.due >= now) {
      exchange.wanted = false;
      ++counts_.lost_down;
    }
  }
  // A Hello that the dead gateway did not answer will never be answered.
  std::erase_if(open_, [](const Exchange& exchange) { return exchange.hello && !exchange.wanted; });
}

VirtualTime VirtualLink::NextEvent() const {
  VirtualTime next = outgoing_.empty() ? kNever : outgoing_.front().arrive;
  for (const Exchange& exchange : open_) {
    next = exchange.wanted ? std::min(next, exchange.due) : next;
  }
  return unexpected_.empty() ? next : std::min(next, now_);
}

std::string VirtualLink::AnswerTo(const Exchange& exchange) const {
  if (exchange.hello) {
    return exchange.answer;
  }
  Downlink down;
  down.node = node_;
  down.kind = Downlink::Kind::kAck;
  down.ack.epoch = epoch_;
  down.ack.credit = credit_;
  for (const std::uint32_t sequence : exchange.sequences) {
    auto& ranges = down.ack.ranges;
    const RefusalReason refusal =
        acknowledged_[sequence] ? RefusalReason::kUnspecified : refusals_[sequence];
    message::AckRange* last = ranges.empty() ? nullptr : &ranges[ranges.size() - 1];
    if (last != nullptr && last->last + 1 == sequence && last->refusal == refusal) {
      last->last = sequence;
    } else if (!ranges.push_back({boot_, sequence, sequence, refusal})) {
      break;  // the rest is sent again, and answered then
    }
  }
  return host::message::EncodeDownlink(down);
}

Result<std::size_t> VirtualLink::Receive(std::span<std::byte> memory) {
  std::string bytes;
  if (!unexpected_.empty()) {
    bytes = std::move(unexpected_.front());
    unexpected_.erase(unexpected_.begin());
    told_credit_ = credit_;
    ++counts_.unexpected;
  } else {
    auto next = open_.end();
    for (auto it = open_.begin(); it != open_.end(); ++it) {
      if (it->wanted && it->due <= now_ && (next == open_.end() || it->due < next->due)) {
        next = it;
      }
    }
    if (next == open_.end() || !Settled(*next)) {
      return Code::kUnavailable;
    }
    bytes = AnswerTo(*next);
    told_credit_ = credit_;
    ++counts_.answers;
    open_.erase(next);
  }
  if (bytes.size() > memory.size()) {
    return Code::kResourceExhausted;
  }
  std::copy_n(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(), memory.begin());
  return bytes.size();
}

}  // namespace trib::tools::sim
