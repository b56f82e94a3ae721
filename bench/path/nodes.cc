#include "nodes.h"

#include <algorithm>
#include <bit>

#include "trib/common/host/message/codec.h"

namespace trib::bench::path {
namespace {

constexpr double kPatience_s = 180;
constexpr double kResendAfter_s = 4;
constexpr double kHelloAgain_s = 5;

}  // namespace

Nodes::Nodes(const std::string& endpoint,
             const KeyBytes& gateway_key,
             std::uint64_t first,
             std::size_t count,
             std::size_t records)
    : dealers_(endpoint, gateway_key, first, count) {
  nodes_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    nodes_.push_back({EnvelopeTemplate(first + i, records, records == 1 ? i : 0), first + i});
  }
  std::size_t answered = 0;
  double hello_at_s = -kHelloAgain_s;
  const Stopwatch watch;
  while (answered < count) {
    if (watch.seconds() > kPatience_s) {
      Fail("the gateway answered " + std::to_string(answered) + " of " + std::to_string(count) +
           " nodes");
    }
    if (watch.seconds() - hello_at_s > kHelloAgain_s) {
      hello_at_s = watch.seconds();
      for (std::size_t i = 0; i < count; ++i) {
        if (!nodes_[i].answered) {
          message::Hello hello;
          hello.epoch = EnrolmentEpoch(0x1234'5678'9ABC'0000 + nodes_[i].id);
          hello.boot = 3;
          hello.max_message_bytes = message::kMaxEnvelopeBytes;
          (void)dealers_.Send(i, host::message::EncodeHello(NodeId(nodes_[i].id), hello));
        }
      }
    }
    dealers_.WaitReadable(20);
    for (std::size_t i = 0; i < count; ++i) {
      const bool before = nodes_[i].answered;
      while (Listen(i)) {
      }
      answered += !before && nodes_[i].answered ? 1U : 0U;
    }
  }
}

bool Nodes::SendOne(std::size_t i) {
  Node& node = nodes_[i];
  const std::size_t bytes = node.envelope.bytes();
  if (node.credit == 0 || (!node.open.empty() && (node.open.size() + 1) * bytes > node.credit)) {
    return false;
  }
  if (!dealers_.Send(i, node.envelope.Numbered(node.next))) {
    return false;
  }
  const std::size_t records = node.envelope.records();
  if (node.open.empty()) {
    node.sent_at_s = clock_.seconds();
  }
  node.open.push_back({node.next, (1U << records) - 1U});
  node.next += static_cast<std::uint32_t>(records);
  sent_ += records;
  return true;
}

bool Nodes::Listen(std::size_t i) {
  if (!dealers_.Receive(i, bytes_)) {
    return false;
  }
  message::Downlink down;
  if (!host::message::DecodeDownlink(bytes_, down).ok()) {
    Fail("the gateway sent something that is no downlink");
  }
  Take(nodes_[i], down);
  return true;
}

void Nodes::Take(Node& node, const message::Downlink& down) {
  if (down.kind == message::Downlink::Kind::kTime) {
    node.answered = true;
    node.credit = down.time.credit;
    return;
  }
  if (down.kind != message::Downlink::Kind::kAck) {
    return;
  }
  node.credit = down.ack.credit;  // 0: wait for another Ack
  for (const message::AckRange& range : down.ack.ranges) {
    if (range.refusal != message::RefusalReason::kUnspecified) {
      Fail("the gateway refused a record for good");
    }
    for (Open& open : node.open) {
      const auto records = static_cast<std::uint32_t>(node.envelope.records());
      const std::uint32_t first = std::max(range.first, open.first);
      const std::uint32_t last = std::min(range.last, open.first + records - 1);
      for (std::uint32_t sequence = first; sequence <= last; ++sequence) {
        const std::uint32_t bit = 1U << (sequence - open.first);
        acked_ += (open.waiting & bit) != 0 ? 1U : 0U;
        open.waiting &= ~bit;
      }
    }
  }
  std::erase_if(node.open, [](const Open& open) { return open.waiting == 0; });
  node.sent_at_s = clock_.seconds();
}

void Nodes::SendAgain(std::size_t i) {
  Node& node = nodes_[i];
  if (node.open.empty() || clock_.seconds() - node.sent_at_s < kResendAfter_s) {
    return;
  }
  node.sent_at_s = clock_.seconds();
  for (const Open& open : node.open) {
    resent_ += dealers_.Send(i, node.envelope.Numbered(open.first)) ? 1U : 0U;
  }
}

void Nodes::Pump(double seconds) {
  const Stopwatch watch;
  while (watch.seconds() < seconds) {
    bool busy = false;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      while (Listen(i)) {
        busy = true;
      }
      while (SendOne(i)) {
        busy = true;
      }
      SendAgain(i);
    }
    if (!busy) {
      dealers_.WaitReadable(5);
    }
  }
}

void Nodes::Drain() {
  const Stopwatch watch;
  while (acked_ < sent_) {
    if (watch.seconds() > kPatience_s) {
      Fail("the gateway acknowledged " + std::to_string(acked_) + " of " + std::to_string(sent_) +
           " records");
    }
    bool heard = false;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      while (Listen(i)) {
        heard = true;
      }
      SendAgain(i);
    }
    if (!heard) {
      dealers_.WaitReadable(5);
    }
  }
}

}  // namespace trib::bench::path
