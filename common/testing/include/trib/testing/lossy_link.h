#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trib/common/base/random.h"
#include "trib/node/ports/link.h"

namespace trib::testing {

/// Two ends joined by a channel that loses, repeats and reorders messages as its seed says.
/// Messages move at Send(); no time passes inside.
class LossyLink {
 public:
  struct Faults {
    std::uint32_t loss_permille = 0;
    std::uint32_t duplicate_permille = 0;
    /// Chance that a message is put at a random place among those still waiting.
    std::uint32_t reorder_permille = 0;
    std::uint64_t seed = 1;
  };

  LossyLink(std::size_t max_message_bytes, Faults faults);
  LossyLink(const LossyLink&) = delete;
  LossyLink& operator=(const LossyLink&) = delete;

  [[nodiscard]] node::Link& a() { return a_; }
  [[nodiscard]] node::Link& b() { return b_; }

  /// While down, Send() says kUnavailable at both ends and what waited is lost.
  void SetDown(bool down);
  /// Send() refuses with kResourceExhausted while this many messages wait at the other end.
  void SetQueueLimit(std::size_t messages) { queue_limit_ = messages; }
  void SetFaults(Faults faults);

  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  [[nodiscard]] std::uint64_t duplicated() const { return duplicated_; }
  [[nodiscard]] std::uint64_t reordered() const { return reordered_; }

 private:
  using Message = std::vector<std::byte>;

  class End final : public node::Link {
   public:
    End(LossyLink& link, std::vector<Message>& out, std::vector<Message>& in)
        : link_(link), out_(out), in_(in) {}
    Status Send(std::span<const std::byte> message) override;
    Result<std::size_t> Receive(std::span<std::byte> memory) override;
    [[nodiscard]] std::size_t max_message_bytes() const override;

   private:
    LossyLink& link_;
    std::vector<Message>& out_;
    std::vector<Message>& in_;
  };

  bool Chance(std::uint32_t permille) { return random_.Next() % 1000 < permille; }
  void Deliver(std::vector<Message>& queue, Message message);

  std::size_t max_message_bytes_;
  Faults faults_;
  SplitMix64 random_;
  std::size_t queue_limit_ = 1U << 20U;
  bool down_ = false;
  std::uint64_t lost_ = 0;
  std::uint64_t duplicated_ = 0;
  std::uint64_t reordered_ = 0;
  std::vector<Message> to_a_;
  std::vector<Message> to_b_;
  End a_;
  End b_;
};

}  // namespace trib::testing
