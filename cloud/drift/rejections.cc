#include "rejections.h"

#include <algorithm>

#include "evidence.h"
#include "trib/common/host/drift/statistics.h"

namespace trib::cloud::drift {

double ThresholdOf(double alpha, std::size_t rejected, std::size_t tests) {
  return alpha * static_cast<double>(std::max<std::size_t>(1, rejected)) /
         static_cast<double>(std::max<std::size_t>(1, tests));
}

Rejections Reject(const Fleet& fleet,
                  std::span<const NodeTest* const> tests,
                  double alpha,
                  double min_psi) {
  std::vector<double> p;
  for (const NodeTest* test : tests) {
    p.push_back(test->scored->p);
  }
  std::vector<bool> rejected;
  Rejections out;
  out.rejected = host::drift::BenjaminiHochberg(p, alpha, rejected);
  out.threshold = ThresholdOf(alpha, out.rejected, tests.size());
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const NodeTest& test = *tests[i];
    if (rejected[i] && NodeHasEffect(*fleet.Find(test.node)->reference,
                                     test.division->pool.channels(),
                                     *test.scored,
                                     min_psi)) {
      out.hits.push_back(&test);
    }
  }
  return out;
}

}  // namespace trib::cloud::drift
