#pragma once

#include <cstddef>
#include <cstdint>

#include "trib/tools/evaluation/run.h"

namespace trib::tools::evaluation {

/// Encoded records of a node that runs this package, in bytes.
struct RecordSizes {
  explicit RecordSizes(const Subject& subject);

  std::uint32_t event = 0;
  std::uint32_t feature_frame = 0;
  std::uint32_t sketch = 0;
  std::uint32_t status = 0;
  std::uint32_t around_activation = 0;  ///< a record's bytes beside its payload
  double background = 0;                ///< sketches and status records, per window
};

/// Model energy of one window's parts on the board of common/energy, in microjoules.
struct EnergyModel {
  explicit EnergyModel(const Subject& subject);

  double sense = 0;  ///< sensor and sleep
  double guard = 0;  ///< guardrails
  double features = 0;
  double trigger = 0;
  double classify = 0;  ///< the node's part of the network
  [[nodiscard]] double Transmit(std::uint32_t bytes) const;
};

}  // namespace trib::tools::evaluation
