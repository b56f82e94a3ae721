#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trib/common/base/time.h"
#include "trib/node/sim/paced_sensor.h"
#include "trib/node/sim/sample_source.h"

namespace trib::node::sim {

/// A source of samples as a command line asks for it: a recording, or a simulated machine.
struct SourceRequest {
  std::string replay = {};                     ///< manifest; empty: a machine
  std::string machine = {};                    ///< machine file; empty: the default one
  std::optional<std::uint64_t> generate = {};  ///< seed of the machine instead of its file's
  std::optional<std::string> phases = {};      ///< of the machine
  bool loop = false;
};

/// What a node senses with: samples, what is wrong with them, and how long there are none.
struct Source {
  std::unique_ptr<SampleSource> samples;
  std::vector<InjectedFault> faults = {};
  std::vector<InjectedDrift> drifts = {};
  Millis pause{0};
  bool endless = false;
};

/// @returns no samples, and one-line texts appended to `errors`, when something is wrong. The last
///   names the option.
Source OpenSource(const SourceRequest& request, std::vector<std::string>& errors);

}  // namespace trib::node::sim
