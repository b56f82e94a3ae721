#include "detectors.h"

#include <algorithm>
#include <optional>

#include "trib/common/drift/watch.h"
#include "trib/common/host/drift/adwin.h"
#include "trib/common/host/drift/charts.h"
#include "trib/common/host/drift/ddm.h"
#include "trib/common/host/drift/page_hinkley.h"
#include "trib/common/host/drift/statistics.h"
#include "trib/common/host/drift/windows.h"

namespace trib::bench::drift {
namespace {

using Reference = std::span<const double>;
using host::drift::Baseline;
using trib::drift::Flag;

/// Below it a change of the stability index is too small to matter, however sure it is.
constexpr double kLeastStability = 0.1;

Baseline Learn(Reference reference) {
  Baseline out;
  for (const double value : reference) {
    out.Add(value);
  }
  return out;
}

/// ADWIN or Page-Hinkley in units of the reference's deviation; they begin anew by themselves.
template <typename Detector>
class Scaled final : public StreamDetector {
 public:
  explicit Scaled(Reference reference) : baseline_(Learn(reference)) {
    for (const double value : reference) {
      (void)Push(value);
    }
  }
  bool Push(double value) override { return detector_.Push(baseline_.Standardise(value)); }

 private:
  Baseline baseline_;
  Detector detector_;
};

/// On errors as they are: zeros and ones have their scale.
class AdwinOnErrors final : public StreamDetector {
 public:
  explicit AdwinOnErrors(Reference reference) {
    for (const double value : reference) {
      (void)Push(value);
    }
  }
  bool Push(double value) override { return detector_.Push(value); }

 private:
  host::drift::Adwin detector_;
};

class DdmOnErrors final : public StreamDetector {
 public:
  explicit DdmOnErrors(Reference reference) {
    for (const double value : reference) {
      (void)Push(value);
    }
  }
  bool Push(double value) override {
    return detector_.Push(value != 0) == host::drift::ErrorTrend::kDrift;
  }

 private:
  host::drift::Ddm detector_;
};

/// One of the node's charts against the reference; once it fired, as many values as that had are
/// the new reference, and it is silent meanwhile.
template <typename Chart, typename Parameters>
class Charted final : public StreamDetector {
 public:
  explicit Charted(Reference reference) : baseline_(Learn(reference)), warm_up_(reference.size()) {}

  bool Push(double value) override {
    if (baseline_.values() < warm_up_) {
      baseline_.Add(value);
      return false;
    }
    const Flag flag = chart_.Push(baseline_.Standardise(value), Parameters());
    if (flag != Flag::kUp && flag != Flag::kDown) {
      return false;
    }
    baseline_ = Baseline();
    return true;
  }

 private:
  Baseline baseline_;
  std::size_t warm_up_;
  Chart chart_;
};

/// Sliding windows against the reference, replaced as above once they fired.
class Windowed final : public StreamDetector {
 public:
  enum class By { kDistance, kStability };

  Windowed(Reference reference, std::size_t coming, By by)
      : by_(by), reference_size_(reference.size()) {
    options_.window = std::clamp<std::size_t>(reference.size() / 4, 20, 200);
    options_.step = options_.window / 2;
    options_.bins = std::clamp<std::size_t>(options_.window / 10, 2, 10);
    const std::size_t looks =
        coming < options_.window ? 1 : 1 + (coming - options_.window) / options_.step;
    alpha_ = kWindowAlpha / static_cast<double>(looks);
    Begin(reference);
  }

  bool Push(double value) override {
    if (!windows_) {
      learning_.push_back(value);
      if (learning_.size() == reference_size_) {
        Begin(learning_);
        learning_.clear();
      }
      return false;
    }
    const auto difference = windows_->Push(value);
    if (!difference || !Differs(*difference)) {
      return false;
    }
    windows_.reset();
    return true;
  }

 private:
  void Begin(Reference reference) {
    windows_.emplace(reference, options_);
    critical_ = std::max(kLeastStability,
                         host::drift::PsiCritical(alpha_,
                                                  options_.bins,
                                                  static_cast<double>(reference.size()),
                                                  static_cast<double>(options_.window)));
  }
  [[nodiscard]] bool Differs(const host::drift::WindowDifference& difference) const {
    return by_ == By::kDistance ? difference.p_value < alpha_ : difference.stability > critical_;
  }

  By by_;
  std::size_t reference_size_;
  host::drift::WindowTest::Options options_;
  double alpha_ = 0;
  double critical_ = 0;
  std::optional<host::drift::WindowTest> windows_;
  std::vector<double> learning_;
};

template <typename Detector>
auto From() {
  return [](Reference reference, std::size_t) -> std::unique_ptr<StreamDetector> {
    return std::make_unique<Detector>(reference);
  };
}

auto Window(Windowed::By by) {
  return [by](Reference reference, std::size_t coming) -> std::unique_ptr<StreamDetector> {
    return std::make_unique<Windowed>(reference, coming, by);
  };
}

}  // namespace

const std::vector<Setting>& Settings() {
  using Sums = Charted<trib::drift::Cusum<double>, trib::drift::CusumParameters<double>>;
  using Average = Charted<trib::drift::Ewma<double>, trib::drift::EwmaParameters<double>>;
  static const std::vector<Setting> settings = {
      {"ADWIN", "delta 0.002, clock 32", true, false, From<Scaled<host::drift::Adwin>>()},
      {"Page-Hinkley",
       "delta 0.1, threshold 50",
       true,
       false,
       From<Scaled<host::drift::PageHinkley>>()},
      {"CUSUM", "slack 0.25, threshold 15", true, false, From<Sums>()},
      {"EWMA", "weight 0.05, limit 4.5", true, false, From<Average>()},
      {"KS", "windows, 0.05 / looks", true, false, Window(Windowed::By::kDistance)},
      {"PSI",
       "windows, critical value at 0.05 / looks, and above 0.1",
       true,
       false,
       Window(Windowed::By::kStability)},
      {"DDM", "warning 2, drift 3", false, true, From<DdmOnErrors>()},
      {"ADWIN errors", "as ADWIN, on zeros and ones", false, true, From<AdwinOnErrors>()},
  };
  return settings;
}

}  // namespace trib::bench::drift
