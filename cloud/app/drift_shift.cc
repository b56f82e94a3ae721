#include "drift_shift.h"

#include <cmath>

#include "trib/common/host/message/codec.h"

namespace trib::cloud {

double FrameMoments::Feature::Deviation() const {
  return std::sqrt(squares / static_cast<double>(frames));
}

void FrameMoments::Add(std::string_view sealed) {
  const auto opened = host::message::OpenSealedRecord(sealed);
  if (!opened.ok()) {
    return;
  }
  message::Record record;
  host::message::ReadCheckedRecord(opened->record, record);
  if (record.kind != message::RecordKind::kFeatureFrame) {
    return;
  }
  const auto& values = record.feature_frame.values;
  if (features_.size() < values.size()) {
    features_.resize(values.size());
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = static_cast<double>(values[i]);
    if (!std::isfinite(value)) {
      continue;
    }
    Feature& feature = features_[i];
    ++feature.frames;
    const double off = value - feature.mean;
    feature.mean += off / static_cast<double>(feature.frames);
    feature.squares += off * (value - feature.mean);
  }
}

}  // namespace trib::cloud
