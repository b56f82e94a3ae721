#pragma once

#include <cstdint>

/// Time on air and transmit energy of a LoRa frame: the manufacturer's closed form. A model.
namespace trib::energy {

struct LoraModem {
  std::uint32_t spreading_factor = 7;  ///< 7..12
  std::uint32_t bandwidth_hz = 125'000;
  std::uint32_t coding_rate = 1;  ///< 4/(4 + this), 1..4
  std::uint32_t preamble_symbols = 8;
  bool explicit_header = true;
  bool crc = true;
};

/// LoRaWAN's own bytes around an application payload.
inline constexpr std::uint32_t kLorawanOverheadBytes = 13;

/// Symbols after the preamble. Integers only.
///
/// Requires  a modem within the ranges above.
constexpr std::uint32_t LoraPayloadSymbols(const LoraModem& modem, std::uint32_t phy_bytes) {
  const auto sf = static_cast<std::int64_t>(modem.spreading_factor);
  // Low data rate optimisation from 16 ms per symbol on: 2^SF / BW >= 0.016.
  const bool slow = (1000ULL << modem.spreading_factor) >= 16ULL * modem.bandwidth_hz;
  const std::int64_t bits = 8 * static_cast<std::int64_t>(phy_bytes) - 4 * sf + 28 +
                            (modem.crc ? 16 : 0) - (modem.explicit_header ? 0 : 20);
  const std::int64_t per_block = 4 * (sf - (slow ? 2 : 0));
  const std::int64_t blocks = bits > 0 ? (bits + per_block - 1) / per_block : 0;
  return static_cast<std::uint32_t>(8 + blocks * (modem.coding_rate + 4));
}

/// Units  seconds.
template <typename T>
constexpr T LoraTimeOnAir(const LoraModem& modem, std::uint32_t phy_bytes) {
  const T symbol_s =
      static_cast<T>(1U << modem.spreading_factor) / static_cast<T>(modem.bandwidth_hz);
  return (static_cast<T>(modem.preamble_symbols) + T(4.25)) * symbol_s +
         static_cast<T>(LoraPayloadSymbols(modem, phy_bytes)) * symbol_s;
}

/// Units  joule from ampere and volt.
template <typename T>
constexpr T LoraTransmitEnergy(const LoraModem& modem,
                               std::uint32_t phy_bytes,
                               T transmit_a,
                               T supply_v) {
  return LoraTimeOnAir<T>(modem, phy_bytes) * transmit_a * supply_v;
}

}  // namespace trib::energy
