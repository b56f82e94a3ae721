#include "trib/testing/lossy_link.h"

#include <algorithm>
#include <utility>

#include "trib/testing/allocation_guard.h"

namespace trib::testing {

LossyLink::LossyLink(std::size_t max_message_bytes, Faults faults)
    : max_message_bytes_(max_message_bytes),
      faults_(faults),
      random_(faults.seed),
      a_(*this, to_b_, to_a_),
      b_(*this, to_a_, to_b_) {}

void LossyLink::SetDown(bool down) {
  down_ = down;
  if (down) {
    to_a_.clear();
    to_b_.clear();
  }
}

void LossyLink::SetFaults(Faults faults) {
  faults_ = faults;
  random_ = SplitMix64(faults.seed);
}

void LossyLink::Deliver(std::vector<Message>& queue, Message message) {
  if (!queue.empty() && Chance(faults_.reorder_permille)) {
    ++reordered_;
    const auto place = random_.Next() % queue.size();
    queue.insert(queue.begin() + static_cast<std::ptrdiff_t>(place), std::move(message));
    return;
  }
  queue.push_back(std::move(message));
}

Status LossyLink::End::Send(std::span<const std::byte> message) {
  const AllocationGuard::Pause port;
  if (message.size() > link_.max_message_bytes_) {
    return Code::kInvalidArgument;
  }
  if (link_.down_) {
    return Code::kUnavailable;
  }
  if (out_.size() >= link_.queue_limit_) {
    return Code::kResourceExhausted;
  }
  if (link_.Chance(link_.faults_.loss_permille)) {
    ++link_.lost_;
    return {};
  }
  link_.Deliver(out_, Message(message.begin(), message.end()));
  if (link_.Chance(link_.faults_.duplicate_permille)) {
    ++link_.duplicated_;
    link_.Deliver(out_, Message(message.begin(), message.end()));
  }
  return {};
}

Result<std::size_t> LossyLink::End::Receive(std::span<std::byte> memory) {
  const AllocationGuard::Pause port;
  if (in_.empty()) {
    return Code::kUnavailable;
  }
  const Message message = std::move(in_.front());
  in_.erase(in_.begin());
  if (message.size() > memory.size()) {
    return Code::kResourceExhausted;
  }
  std::ranges::copy(message, memory.begin());
  return message.size();
}

std::size_t LossyLink::End::max_message_bytes() const {
  return link_.max_message_bytes_;
}

}  // namespace trib::testing
