#include "costs.h"

#include <algorithm>
#include <array>
#include <memory>

#include "trib/common/energy/model.h"
#include "trib/common/message/codec.h"

namespace trib::tools::evaluation {
namespace {

constexpr double kMicro = 1e6;

/// A header with values as large as a node of some months writes them.
message::Record Typical(const Subject& subject, message::RecordKind kind) {
  message::Record record;
  record.header.key = {NodeId(0x1234), EnrolmentEpoch(0x0123456789ABCDEFU), 3, 100'000};
  record.header.time = LogicalTime(Millis(1'700'000'000'000));
  record.header.sample_index = 1'000'000'000;
  record.header.package_hash = subject.view->hash();
  record.header.recipe_id = RecipeId(0x12345678);
  record.header.tier = message::Tier::kClassifier;
  record.header.energy_nj = 100'000'000;
  record.header.firmware_version = 1;
  record.header.reset_reason = message::ResetReason::kPowerOn;
  record.kind = kind;
  return record;
}

std::uint32_t SizeOf(const message::Record& record) {
  std::vector<std::byte> out(message::kMaxActivationRecordBytes);
  return static_cast<std::uint32_t>(message::EncodeRecord(record, out).value_or(0));
}

}  // namespace

RecordSizes::RecordSizes(const Subject& subject) {
  auto record = std::make_unique<message::Record>(Typical(subject, message::RecordKind::kEvent));
  record->event = {};
  record->event.state = message::EventState::kOnset;
  record->event.label = 2;
  record->event.confidence = 0.9F;
  record->event.severity = 12.5F;
  record->event.windows = 3;
  record->event.actuator = 2;
  record->event.distance = 15.5F;
  for (std::uint32_t i = 0; i < message::kMaxTopFeatures; ++i) {
    (void)record->event.top.push_back({i + 3, 9.5F});
  }
  for (std::size_t i = 0; i < subject.classifier.labels.size(); ++i) {
    (void)record->event.scores.push_back(0.25F);
  }
  event = SizeOf(*record);

  *record = Typical(subject, message::RecordKind::kFeatureFrame);
  record->feature_frame = {};
  for (std::size_t i = 0; i < dsp::OutputCount(subject.recipe); ++i) {
    (void)record->feature_frame.values.push_back(1.5F);
  }
  record->feature_frame.score = 1.5F;
  feature_frame = SizeOf(*record);

  const std::array<std::byte, 64> payload{};
  *record = Typical(subject, message::RecordKind::kActivation);
  record->activation = {payload};
  around_activation = SizeOf(*record) - static_cast<std::uint32_t>(payload.size());

  const double hop_ms =
      1000.0 * subject.recipe.hop_frames / static_cast<double>(subject.recipe.sample_rate_hz);
  const double windows = std::max(1.0, subject.policy.block_ms / hop_ms);
  *record = Typical(subject, message::RecordKind::kSketch);
  record->sketch = {};
  record->sketch.windows = static_cast<std::uint32_t>(windows);
  for (std::size_t i = 0; i < subject.histograms; ++i) {
    message::Histogram histogram;
    histogram.feature = static_cast<std::uint32_t>(i);
    histogram.counts.fill(static_cast<std::uint32_t>(windows / message::kHistogramBins + 1));
    (void)record->sketch.histograms.push_back(histogram);
  }
  sketch = SizeOf(*record);

  *record = Typical(subject, message::RecordKind::kStatus);
  record->status = {};
  record->status.uptime_ms = 1'000'000'000;
  record->status.windows = 10'000'000;
  record->status.records = 100'000;
  record->status.bytes_sent = 10'000'000;
  record->status.bytes_raw = 10'000'000'000;
  record->status.energy_nj = 1'000'000'000'000;
  status = SizeOf(*record);
  background =
      sketch * hop_ms / subject.policy.block_ms + status * hop_ms / subject.policy.status_ms;
}

EnergyModel::EnergyModel(const Subject& subject) {
  constexpr const energy::EnergyTable<double>& kBoard = energy::kStm32L4R5<double>;
  constexpr energy::WindowCycles kCycles = energy::kCortexM4Cycles;
  const dsp::Recipe& recipe = subject.recipe;
  const auto rate = static_cast<double>(recipe.sample_rate_hz);
  const std::uint32_t samples = recipe.window_frames * recipe.channels;
  sense = kMicro *
          (energy::SenseEnergy(kBoard, std::min(recipe.hop_frames, recipe.window_frames) / rate) +
           energy::SleepEnergy(kBoard, recipe.hop_frames / rate));
  guard = kMicro * energy::CycleEnergy(kBoard, samples * kCycles.guardrail_per_sample);
  features = kMicro * energy::CycleEnergy(kBoard, samples * kCycles.feature_per_sample);
  trigger = kMicro * energy::CycleEnergy(kBoard,
                                         static_cast<std::uint32_t>(dsp::OutputCount(recipe)) *
                                             kCycles.trigger_per_feature);
  classify = kMicro * energy::MacEnergy(kBoard, static_cast<std::uint32_t>(subject.macs(0)));
}

double EnergyModel::Transmit(std::uint32_t bytes) const {
  return kMicro * energy::RadioEnergy(energy::kStm32L4R5<double>, bytes);
}

}  // namespace trib::tools::evaluation
