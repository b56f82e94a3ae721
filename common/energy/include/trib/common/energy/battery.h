#pragma once

#include <cstdint>

/// How long a battery lasts, as a model: what the ledger says a day costs, and what the cell loses
/// by itself. Neither temperature, pulses of current nor a regulator's losses are in it.
namespace trib::energy {

template <typename T>
struct Battery {
  T capacity_mah;
  T supply_v;
  T usable;              ///< of the capacity, before the node's supply fails; 0..1
  T self_discharge_day;  ///< of the capacity, each day; 0..1
};

/// Two alkaline AA in series and one lithium thionyl chloride D cell. Assumed, all of it: round
/// figures of what such cells are sold as.
template <typename T>
inline constexpr Battery<T> kTwoAlkalineAa{T(2500), T(3.0), T(0.85), T(0.03 / 365.25)};
template <typename T>
inline constexpr Battery<T> kLithiumD{T(19000), T(3.6), T(0.85), T(0.01 / 365.25)};

/// Units  joules in 24 hours of `time_us`, at what `nanojoules` were spent in it; 0 of no time.
template <typename T>
constexpr T JoulesPerDay(std::uint64_t nanojoules, std::uint64_t time_us) {
  return time_us == 0 ? T(0) : static_cast<T>(nanojoules) / static_cast<T>(time_us) * T(86.4);
}

/// Units  days. Infinite for a battery that nothing drains.
template <typename T>
constexpr T BatteryDays(const Battery<T>& battery, T joules_per_day) {
  const T full_j = battery.capacity_mah * T(3.6) * battery.supply_v;
  return battery.usable * full_j / (joules_per_day + battery.self_discharge_day * full_j);
}

}  // namespace trib::energy
