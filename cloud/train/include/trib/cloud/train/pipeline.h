#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "trib/cloud/train/config.h"
#include "trib/cloud/train/dataset.h"
#include "trib/cloud/train/metrics.h"
#include "trib/cloud/train/network.h"
#include "trib/cloud/train/quantise.h"

/// The steps of a training but the fitting itself, which alone needs libtorch.
namespace trib::cloud::train {

/// All samples of a training: recordings, machines simulated to train on, and others to test on.
struct Material {
  WindowShape shape;
  std::vector<Source> sources;
  std::size_t simulated = 0;       ///< first source that is simulated
  std::size_t simulated_test = 0;  ///< first one that only tests
};

/// @returns as LoadSources(); kInvalidArgument also when what the configuration wants of the
///   simulator cannot be simulated
Result<Material> Gather(const TrainConfig& config,
                        const WindowShape& shape,
                        const std::vector<std::filesystem::path>& folders,
                        std::vector<std::string>& errors);

/// The windows of one training: simulated machines join fit and calibrate.
struct Plan {
  Parts parts;
  std::vector<WindowRef> simulated_test;
  /// Of data sets that are outside, in the order of TrainConfig::data.
  std::vector<std::pair<std::string, std::vector<WindowRef>>> outside;
};
Plan MakePlan(const Material& material, const TrainConfig& config, const Split& split);

/// What keeps a plan from being trained, in one line; empty when nothing does: each class needs
/// windows to fit, and there must be some to calibrate and to test with.
std::string CheckPlan(const Plan& plan,
                      const Material& material,
                      const TrainConfig& config,
                      const Split& split);

/// Distinct physical parts that windows come from.
std::size_t Groups(const Material& material, const std::vector<WindowRef>& windows);

/// Draws windows to train on: classes equally often; within a class simulated ones by their share;
/// then physical parts equally often.
class Sampler {
 public:
  Sampler(const Material& material, const TrainConfig& config, const Parts& parts);
  const WindowRef& Draw(SplitMix64& random) const;

 private:
  using Group = std::vector<WindowRef>;
  struct Class {
    std::vector<Group> recorded;
    std::vector<Group> simulated;
  };
  std::vector<Class> classes_;
  double share_;
};

/// A network's int8 input of a window.
std::vector<std::int8_t> InputOf(const Material& material,
                                 std::span<const std::int16_t> samples,
                                 float scale,
                                 const Quantisation& quantisation);

/// The step of the input from what training windows hold.
Quantisation MeasureInput(const Material& material,
                          const std::vector<WindowRef>& windows,
                          double percentile);

/// A network made int8, whole and up to its first exit.
struct Compiled {
  Ranges ranges;
  host::compiler::Compiled head;
  host::compiler::Compiled whole;
  double percentile = 0;  ///< chosen
  double error = 0;       ///< root mean square of logits less those in float, on the engine
};
Result<Compiled> CompileInt8(const FloatNetwork& network, const Ranges& ranges, std::string& error);

/// Tries every percentile on our own engine and keeps the one whose logits are nearest to float.
Result<Compiled> QuantiseBest(const FloatNetwork& network,
                              const Material& material,
                              const std::vector<WindowRef>& windows,
                              const Quantisation& input,
                              std::span<const double> percentiles,
                              std::string& error);

/// What the engine says of windows.
struct Answers {
  std::vector<std::size_t> truth;
  std::vector<std::vector<std::vector<float>>> logits;  ///< [exit][window][class]
};
Answers Ask(Engine& engine,
            const Material& material,
            const std::vector<WindowRef>& windows,
            std::size_t exits);

/// The same of windows changed at random as in the fitting, `rounds` times each: what calibrates
/// must not be easier than what is to come.
Answers AskChanged(Engine& engine,
                   const Material& material,
                   const std::vector<WindowRef>& windows,
                   const Augment& augment,
                   std::size_t rounds,
                   std::uint64_t seed,
                   std::size_t exits);

/// Share of the windows to which float and int8 give the same class, per exit.
std::vector<double> Agreement(const FloatNetwork& network,
                              const Material& material,
                              const std::vector<WindowRef>& windows,
                              const Quantisation& input,
                              const Answers& answers);

}  // namespace trib::cloud::train
