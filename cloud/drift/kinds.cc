#include "trib/cloud/drift/kinds.h"

namespace trib::cloud::drift {
namespace {

FeatureKind KindOf(dsp::Op op) {
  using dsp::Op;
  switch (op) {
    case Op::kMean:
      return FeatureKind::kOffset;
    // These two move with gain and mean alike.
    case Op::kMin:
    case Op::kMax:
    case Op::kUnspecified:
      return FeatureKind::kUnknown;
    case Op::kRms:
      return FeatureKind::kTotal;
    case Op::kStd:
    case Op::kVariance:
    case Op::kPeakToPeak:
    case Op::kRateOfChange:
    case Op::kBandEnergy:
    case Op::kEnvelopeLines:
    case Op::kVelocityRms:
      return FeatureKind::kLevel;
    case Op::kCrest:
    case Op::kShape:
    case Op::kImpulse:
    case Op::kMargin:
    case Op::kSkewness:
    case Op::kKurtosis:
    case Op::kZeroCrossingRate:
    case Op::kCorrelation:
      return FeatureKind::kShape;
  }
  return FeatureKind::kUnknown;
}

}  // namespace

std::vector<FeatureKind> KindsOfRecipe(const dsp::Recipe& recipe) {
  std::vector<FeatureKind> out;
  for (const dsp::Operation& operation : recipe.operations) {
    out.insert(out.end(), dsp::OutputCount(operation), KindOf(operation.op));
  }
  return out;
}

}  // namespace trib::cloud::drift
