#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "kill_switch.h"
#include "river.h"
#include "stand_in.h"

namespace trib::integration {

/// A river with one stand-in node, one gateway and the cloud, of which one, the victim, is killed
/// at each of its file steps in turn.
class Sweep : public River {
 protected:
  static constexpr std::uint64_t kGateway = 1;
  static constexpr std::uint64_t kNode = 101;
  static constexpr std::uint64_t kEpoch = 0x5EEB5EEB5EEB5EEB;
  static constexpr std::uint32_t kBoot = 1;

  /// One thing that the victim does, and that is swept.
  struct Phase {
    std::string name;
    /// Brings about the state before; the river is drained, the victim runs or is made to.
    std::function<void()> prepare;
    /// Has the thing done. @returns when it is done or the victim is dead.
    std::function<void()> provoke;
    /// More to check, with the victim running again and the river drained.
    std::function<void()> check = [] {};
  };
  /// Before, half-way and after every step.
  static constexpr std::size_t kEvery = ~std::size_t{0};

  void SetUp() override;
  void TearDown() override;

  /// Gives `victim` the switch, from its next start on.
  void Choose(const std::string& victim);
  /// Starts the gateway and the stand-in; `victim` ("cloud" or "gateway-1") gets the switch.
  void StartRiver(const std::string& victim);
  /// What must hold after each kill, with the victim running again: by default that the river
  /// drains and each record is stored exactly once.
  virtual void Verify() {
    Drain();
    ExpectExactlyOnce();
  }
  /// Kills the victim in every manner at every step of the phase, or at `kills` of them, spread
  /// evenly, and checks after each kill that it starts again by itself and that nothing was lost or
  /// doubled.
  void SweepPhase(const Phase& phase, std::size_t kills);
  /// Kills during `phase` at a random step, and again at a random step of the restart.
  void SweepRecovery(const Phase& phase, std::size_t rounds);

  KillSwitch& kill_switch() { return *switch_; }
  tools::launcher::Process* Victim();
  bool VictimDied() { return Victim() == nullptr || Victim()->Poll().has_value(); }
  /// Starts it; it may die on the way if the switch is armed.
  void StartVictim();
  void KillVictim();
  /// Waits, for the condition or for the victim's death.
  void AwaitOrDeath(const std::function<bool()>& condition);

  /// One turn of greeting the gateway. @returns whether it has answered since the victim's last
  /// start.
  bool Greeted();
  /// Makes `count` more records and sends each once.
  void SendNew(std::uint32_t count);
  /// What was sent so far and never acknowledged.
  std::vector<std::uint32_t> Unacknowledged();
  /// The node has all its acknowledgements and the spool is empty.
  bool Drained();
  /// Resends until everything is acknowledged, forwarded and stored.
  void Drain();
  /// The same, but also ends when the victim dies. @returns whether all is drained.
  bool DrainOrDeath();
  /// Acknowledged = stored + counted drops, no drops, no doubles, sums that agree.
  void ExpectExactlyOnce();
  /// False once the store was replaced by an older one, which does not note who waits.
  bool all_noted_ = true;

  /// One number from the gateway's spool; nullopt while the file is not there yet.
  std::optional<std::int64_t> SpoolQuery(const std::string& sql);
  std::string SpoolText(const std::string& sql);
  std::string StoreText(const std::string& sql);

  /// The node's record of this sequence. Every second one is a deferred window.
  [[nodiscard]] std::string Sealed(std::uint32_t sequence) const;
  /// The others: events.
  [[nodiscard]] virtual std::string SealedOther(std::uint32_t sequence) const;

 private:
  struct Tally {
    std::uint64_t kills = 0;
    std::uint64_t failed = 0;
  };
  void Recover(const Phase& phase);
  void Count(const std::string& phase, testing::disk::Manner manner, bool failed);
  void PrintTable();

  std::string victim_;
  std::unique_ptr<KillSwitch> switch_;
  std::unique_ptr<StandInNode> node_;
  std::uint32_t sent_ = 0;
  std::uint64_t seed_ = 0;
  std::mt19937_64 random_;
  /// (phase, step) -> manner -> tally
  std::map<std::pair<std::string, std::string>, std::array<Tally, 3>> table_;
  std::map<std::string, std::uint64_t> not_reached_;
  std::uint64_t kills_ = 0;
};

}  // namespace trib::integration
