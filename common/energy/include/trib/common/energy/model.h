#pragma once

#include <cstdint>

/// A model of a node's energy: operation counts times a board's table. Nothing here is measured on
/// the node that runs it. The node uses the float instantiation, oracles the double one.
namespace trib::energy {

/// Where a table's number comes from.
enum class Source : std::uint8_t {
  kMeasured,   ///< power monitor, published by a third party
  kDataSheet,  ///< manufacturer's document
  kDerived,    ///< computed from the two above
  kAssumed,    ///< plausible, unverified; replace it for your board
};

template <typename T>
struct Parameter {
  T value;
  Source source;
};

/// Units  SI: ampere, volt, joule, second.
template <typename T>
struct EnergyTable {
  Parameter<T> supply_v;
  Parameter<T> sleep_a;               ///< everything but the sensor asleep, clock running
  Parameter<T> peripheral_a;          ///< one more peripheral that keeps its clock in sleep
  Parameter<T> sense_a;               ///< sensor and its converter while sampling
  Parameter<T> cycle_j;               ///< one cycle of the awake core
  Parameter<T> mac_j;                 ///< one int8 multiply-accumulate, everything included
  Parameter<T> radio_byte_j;          ///< one byte on the air, IEEE 802.15.4
  Parameter<T> radio_frame_j;         ///< channel sensing and waiting for the acknowledgement
  std::uint32_t radio_payload_bytes;  ///< application bytes in one frame
};

/// A board like STM32L4R5 (Cortex-M4F, 120 MHz, 1.8 V) with an nRF52840-class 802.15.4 radio at 3
/// V. mac_j and cycle_j: MLPerf Tiny v1.2 submissions for this part (0.52-0.77 nJ per MAC; 39-44
/// mW). radio_byte_j: 6.4 mA x 3 V x 32 us. radio_frame_j: middle of 0.1-0.2 mJ.
/// peripheral_a: what a UART or timer on a 32 kHz clock may take.
template <typename T>
inline constexpr EnergyTable<T> kStm32L4R5{
    .supply_v = {T(1.8), Source::kMeasured},
    .sleep_a = {T(1.4e-6), Source::kAssumed},
    .peripheral_a = {T(2e-7), Source::kAssumed},
    .sense_a = {T(1.5e-4), Source::kAssumed},
    .cycle_j = {T(3.46e-10), Source::kDerived},
    .mac_j = {T(6.5e-10), Source::kDerived},
    .radio_byte_j = {T(6.144e-7), Source::kDerived},
    .radio_frame_j = {T(1.5e-4), Source::kDerived},
    .radio_payload_bytes = 80,
};

/// Cycles of the awake core for one window: a model of the Cortex-M4F build, not a measurement.
struct WindowCycles {
  std::uint32_t guardrail_per_sample;
  std::uint32_t feature_per_sample;
  std::uint32_t trigger_per_feature;
};
inline constexpr WindowCycles kCortexM4Cycles{
    .guardrail_per_sample = 30, .feature_per_sample = 160, .trigger_per_feature = 120};

/// Expected cost of one window of a cascade. Probabilities in 0..1; energies in any one unit, which
/// is then the unit of the result.
template <typename T>
struct CascadeCost {
  T trigger;  ///< sense and trigger, paid by every window
  T p_wake;   ///< windows that wake the classifier
  T acquire;  ///< acquisition and features of a woken window
  T classify;
  T p_exit;    ///< woken windows that are decided here
  T transmit;  ///< sending one that is not
};

template <typename T>
constexpr T ExpectedEnergy(const CascadeCost<T>& cost) {
  return cost.trigger +
         cost.p_wake * (cost.acquire + cost.classify + (T(1) - cost.p_exit) * cost.transmit);
}

template <typename T>
constexpr T SleepEnergy(const EnergyTable<T>& table, T seconds) {
  return table.sleep_a.value * table.supply_v.value * seconds;
}
/// What `count` peripherals take, or would take if they were not off.
template <typename T>
constexpr T PeripheralEnergy(const EnergyTable<T>& table, std::uint32_t count, T seconds) {
  return table.peripheral_a.value * table.supply_v.value * static_cast<T>(count) * seconds;
}
template <typename T>
constexpr T SenseEnergy(const EnergyTable<T>& table, T seconds) {
  return table.sense_a.value * table.supply_v.value * seconds;
}
template <typename T>
constexpr T CycleEnergy(const EnergyTable<T>& table, std::uint32_t cycles) {
  return table.cycle_j.value * static_cast<T>(cycles);
}
template <typename T>
constexpr T MacEnergy(const EnergyTable<T>& table, std::uint32_t macs) {
  return table.mac_j.value * static_cast<T>(macs);
}
/// Sending `bytes` of application payload over 802.15.4, split into as many frames as needed.
template <typename T>
constexpr T RadioEnergy(const EnergyTable<T>& table, std::uint32_t bytes) {
  const std::uint32_t room = table.radio_payload_bytes;
  const std::uint32_t frames = bytes / room + (bytes % room != 0 ? 1 : 0);
  return table.radio_byte_j.value * static_cast<T>(bytes) +
         table.radio_frame_j.value * static_cast<T>(frames);
}

/// Nanojoules as ledgers and records count them: never negative, stops at the maximum. NaN gives 0.
template <typename T>
constexpr std::uint64_t ToNanojoules(T joules) {
  const T nanojoules = joules * T(1e9);
  constexpr T kHalf = T(4294967296);  // 2^32
  if (!(nanojoules > T(0))) {
    return 0;
  }
  if (nanojoules >= kHalf * kHalf) {
    return UINT64_MAX;
  }
  // In two halves: the library's float to 64-bit conversion goes through double on a Cortex-M4.
  const auto high = static_cast<std::uint32_t>(nanojoules / kHalf);
  const auto low = static_cast<std::uint32_t>(nanojoules - static_cast<T>(high) * kHalf);
  return (static_cast<std::uint64_t>(high) << 32U) | low;
}

}  // namespace trib::energy
