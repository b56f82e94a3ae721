// The detectors as they are compared: one setting each, the same for every series.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace trib::bench::drift {

/// The chance of a false alarm that windows share out over all their looks at one series.
inline constexpr double kWindowAlpha = 0.05;

class StreamDetector {
 public:
  virtual ~StreamDetector() = default;
  /// @returns whether it fires at this value.
  virtual bool Push(double value) = 0;
};

struct Setting {
  std::string name;
  std::string what;     ///< for the table's legend
  bool values = false;  ///< runs on series of values
  bool errors = false;  ///< runs on series of errors
  /// `reference` was healthy; `coming` is how many values there will be, which windows need to
  /// share their chance of a false alarm out. The reference is borrowed during the call only.
  std::function<std::unique_ptr<StreamDetector>(std::span<const double> reference,
                                                std::size_t coming)>
      make;
};

const std::vector<Setting>& Settings();

}  // namespace trib::bench::drift
