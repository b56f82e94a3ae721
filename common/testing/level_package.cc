#include "trib/testing/level_package.h"

#include <array>
#include <fstream>
#include <sstream>
#include <vector>

#include "trib/testing/tflite_writer.h"

namespace trib::testing {
namespace {

namespace tflite = host::tflite;

constexpr auto kFeatures = static_cast<std::int32_t>(kLevelFeatures);

tflite::Tensor Int8(std::string name, std::vector<std::int32_t> shape, float scale) {
  tflite::Tensor tensor = MakeTensor(std::move(name), std::move(shape));
  tensor.scales = {scale};
  return tensor;
}

std::vector<std::byte> Model() {
  // Class by feature; 64 steps are 1.
  std::array<std::byte, std::size_t{2} * kFeatures> weights{};
  weights[0] = std::byte{256 - 64};
  weights[kFeatures] = std::byte{64};
  TfliteFile file;
  file.model.tensors = {Int8("features", {1, kFeatures}, 1.0F / 16),
                        Int8("weights", {2, kFeatures}, 1.0F / 64),
                        Int8("logits", {1, 2}, 1.0F / 16)};
  file.model.tensors[1].data = weights;
  tflite::Operator op;
  op.builtin = tflite::Builtin::kFullyConnected;
  op.inputs = {0, 1, tflite::kAbsent};
  op.outputs = {2};
  file.model.operators = {op};
  file.model.inputs = {0};
  file.model.outputs = {2};
  return WriteTflite(file);
}

constexpr const char* kRest = R"toml(
[network]
model = "level.tflite"
[[recipe.op]]
op = "log_rms"
[[recipe.op]]
op = "rms"
[[recipe.op]]
op = "log_crest"
[[recipe.op]]
op = "log_kurtosis"
[[guardrails]]
clip_level_raw = 32760
max_clipped_permille = 5
max_stuck_run = 0
min_peak_to_peak_raw = 0
max_missing_permille = 10
scale_min = 1e-9
scale_max = 1e9
[classifier]
input = "features"
verdict_wait = "1s"
classes = ["normal", "outer_race"]
[[classifier.exit]]
tier = "node"
operators = 1
accept = [0, 0]
[[label]]
name = "normal"
actuator = "normal"
[[label]]
name = "anomaly"
actuator = "warn"
alarm = true
[[label]]
name = "outer_race"
actuator = "reduce"
alarm = true
[[fallback_rule]]
source = "any_fault"
actuator = "warn"
label = "anomaly"
[sketch_edges]
edges = [-16, -8, -4, -2.5, -1.5, -0.8, -0.25, 0.25, 0.8, 1.5, 2.5, 4, 8, 16, 32]
confidence_edges = [0.52, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.84, 0.88, 0.91, 0.94, 0.96, 0.98, 0.99, 0.995]
)toml";

}  // namespace

std::filesystem::path WriteLevelSpecification(const std::filesystem::path& folder,
                                              const LevelShape& shape) {
  const auto model = Model();
  std::ofstream(folder / "level.tflite", std::ios::binary)
      .write(reinterpret_cast<const char*>(model.data()),
             static_cast<std::streamsize>(model.size()));
  std::ostringstream text;
  text << "[manifest]\nname = \"level\"\nversion = \"" << shape.version
       << "\"\nhardware_class = \"any\"\n[recipe]\nsample_rate_hz = " << shape.sample_rate_hz
       << "\nchannels = 1\nwindow = " << shape.window << "\nhop = " << shape.hop
       << "\n[normalisation]\nmean = [" << std::showpoint << shape.border
       << ", 1.0, 1.5, 1.2]\ndeviation = [" << shape.deviation
       << ", 1.0, 0.2, 0.2]\n[trigger]\ncommissioning_windows = " << shape.commissioning_windows
       << "\newma_alpha = 1.0\nfalse_alarm_rate = 1e-9\nmin_std = 0.001\nenter_m = 32\nenter_n = 32"
          "\nclear_n = 1\nthreshold_scale = 1000.0\n[exit_policy]\nheartbeat = \"1ms\"\nreminder = "
          "\"1h\"\nblock = \""
       << shape.block << "\"\nstatus = \"" << shape.status
       << "\"\naudit_permille = " << shape.audit_permille << "\n"
       << kRest << shape.more;
  std::ofstream(folder / "package.toml") << text.str();
  return folder / "package.toml";
}

}  // namespace trib::testing
