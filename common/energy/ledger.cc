#include "trib/common/energy/ledger.h"

namespace trib::energy {
namespace {

std::uint64_t Sum(std::uint64_t a, std::uint64_t b) {
  return b <= UINT64_MAX - a ? a + b : UINT64_MAX;
}

}  // namespace

void EnergyLedger::Add(Category category, std::uint64_t nanojoules) {
  std::uint64_t& spent = spent_nj_[static_cast<std::size_t>(category)];
  spent = Sum(spent, nanojoules);
}

void EnergyLedger::AddSaved(std::uint64_t nanojoules) {
  saved_nj_ = Sum(saved_nj_, nanojoules);
}

void EnergyLedger::AddTime(std::uint64_t microseconds) {
  time_us_ = Sum(time_us_, microseconds);
}

std::uint64_t EnergyLedger::total_nj() const {
  std::uint64_t total = 0;
  for (const std::uint64_t spent : spent_nj_) {
    total = Sum(total, spent);
  }
  return total;
}

std::uint64_t EnergyLedger::TakeSinceLast() {
  const std::uint64_t total = total_nj();
  const std::uint64_t share = total - taken_nj_;
  taken_nj_ = total;
  return share;
}

}  // namespace trib::energy
