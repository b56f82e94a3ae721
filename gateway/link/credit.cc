#include "trib/gateway/link/credit.h"

#include <algorithm>

namespace trib::gateway::link {

std::uint64_t CreditBook::room() const {
  return std::min(options_.memory_bytes, spool_room_);
}

std::uint64_t CreditBook::share() const {
  const std::size_t nodes = std::max({active_, waiting_.size(), std::size_t{1}});
  return std::min<std::uint64_t>(options_.most_bytes, room() / nodes);
}

void CreditBook::Recount(Account& account) {
  const std::uint64_t counts =
      account.active_ ? std::max<std::uint64_t>(account.granted_, account.held_) : account.held_;
  committed_ += counts - account.counted_;  // wraps back when it falls
  account.counted_ = counts;
}

void CreditBook::Heard(Account& account, MonotonicTime now) {
  account.heard_ = now;
  if (!account.active_) {
    account.active_ = true;
    ++active_;
    Recount(account);
  }
}

void CreditBook::Hold(Account& account, std::uint64_t bytes) {
  account.held_ += bytes;
  Recount(account);
}

void CreditBook::Release(Account& account, std::uint64_t bytes) {
  account.held_ -= std::min(bytes, account.held_);
  Recount(account);
}

std::uint64_t CreditBook::Allowed(const Account& account, MonotonicTime now) const {
  if (!account.told_) {
    return options_.most_bytes;
  }
  return now < account.before_until_ ? std::max(account.before_, account.granted_)
                                     : account.granted_;
}

std::uint32_t CreditBook::Decide(const Account& account) const {
  const std::uint64_t others = committed_ - account.counted_;
  const std::uint64_t free = room() > others ? room() - others : 0;
  const std::uint64_t want = std::max<std::uint64_t>(share(), options_.least_bytes);
  const std::uint64_t grant = std::min({want, free, std::uint64_t{options_.most_bytes}});
  return grant < options_.least_bytes ? 0 : static_cast<std::uint32_t>(grant);
}

void CreditBook::Tell(Account& account, std::uint32_t grant, MonotonicTime now) {
  if (grant < account.granted_) {
    account.before_ = now < account.before_until_ ? std::max(account.before_, account.granted_)
                                                  : account.granted_;
    account.before_until_ = now + options_.grace;
  }
  account.granted_ = grant;
  account.told_ = true;
  Recount(account);
}

std::uint32_t CreditBook::Grant(NodeId node, Account& account, MonotonicTime now) {
  std::uint32_t grant = 0;
  // Those who wait come first while there is not enough for all; and a session that begins when too
  // many begin waits for its second.
  const bool first = account.granted_ == 0;
  const bool yields = !waiting_.empty() && (share() < options_.least_bytes || first);
  if (!yields && !(first && grants_left_ == 0)) {
    grant = Decide(account);
  }
  if (grant != 0 && first) {
    --grants_left_;
  }
  if (grant == 0 && !account.waiting_) {
    account.waiting_ = true;
    waiting_.push_back(node);
  }
  Tell(account, grant, now);
  return grant;
}

void CreditBook::Expire(Account& account, MonotonicTime now) {
  if (account.active_ && now - account.heard_ >= options_.idle) {
    account.active_ = false;
    --active_;
    Recount(account);
  }
}

std::optional<NodeId> CreditBook::NextWaiting() {
  if (waiting_.empty() || grants_left_ == 0 ||
      room() < committed_ + std::uint64_t{options_.least_bytes}) {
    return std::nullopt;
  }
  --grants_left_;
  const NodeId node = waiting_.front();
  waiting_.pop_front();
  return node;
}

std::uint32_t CreditBook::GrantTurn(Account& account, MonotonicTime now) {
  account.waiting_ = false;
  // The promise lapses `idle` from now, however long ago the node was heard.
  Heard(account, now);
  const std::uint32_t grant = Decide(account);
  Tell(account, grant, now);
  return grant;
}

void CreditBook::Close(Account& account) {
  if (account.active_) {
    account.active_ = false;
    --active_;
  }
  account.granted_ = 0;
  account.before_until_ = {};
  account.told_ = true;
  Recount(account);
}

}  // namespace trib::gateway::link
