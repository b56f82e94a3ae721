#include "trib/cloud/train/pipeline.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "trib/common/classify/classify.h"

namespace trib::cloud::train {
namespace {

/// At most so many of them, spread evenly.
std::vector<WindowRef> Thin(const std::vector<WindowRef>& windows, std::size_t most) {
  if (windows.size() <= most) {
    return windows;
  }
  std::vector<WindowRef> out;
  for (std::size_t i = 0; i < most; ++i) {
    out.push_back(windows[i * windows.size() / most]);
  }
  return out;
}

std::span<const std::int16_t> Samples(const Material& material, const WindowRef& window) {
  const std::size_t channels = material.shape.channels;
  return std::span(material.sources[window.source].samples)
      .subspan(window.begin * channels, material.shape.frames * channels);
}

std::vector<std::int8_t> Input(const Material& material,
                               const WindowRef& window,
                               const Quantisation& quantisation) {
  return InputOf(
      material, Samples(material, window), material.sources[window.source].scale, quantisation);
}

std::vector<float> Real(std::span<const std::int8_t> input, const Quantisation& quantisation) {
  std::vector<float> out;
  for (const std::int8_t value : input) {
    out.push_back(quantisation.scale * static_cast<float>(value - quantisation.zero_point));
  }
  return out;
}

constexpr std::size_t kRangeWindows = 256;  // of which ranges and percentiles are taken

}  // namespace

Result<Material> Gather(const TrainConfig& config,
                        const WindowShape& shape,
                        const std::vector<std::filesystem::path>& folders,
                        std::vector<std::string>& errors) {
  if (config.simulator.share > 0 && shape.channels != 1) {
    errors.push_back("simulator: its machines have one channel; the recipe has " +
                     std::to_string(shape.channels));
    return Code::kInvalidArgument;
  }
  Material material;
  material.shape = shape;
  TRIB_TRY_ASSIGN(material.sources, LoadSources(config, shape, folders, errors));
  material.simulated = material.sources.size();
  const auto add = [&](std::size_t machines, std::uint64_t seed) {
    for (Source& source : Simulate(config, shape, machines, seed)) {
      material.sources.push_back(std::move(source));
    }
  };
  add(config.simulator.machines, SplitMix64::Mix(config.seed + 1));
  material.simulated_test = material.sources.size();
  add((config.simulator.machines + 2) / 3, SplitMix64::Mix(config.seed + 2));
  return material;
}

Plan MakePlan(const Material& material, const TrainConfig& config, const Split& split) {
  Plan plan;
  plan.parts =
      Divide(material.sources, config, split, material.shape, SplitMix64::Mix(config.seed + 3));
  const auto join = [](std::vector<WindowRef>& to, const std::vector<WindowRef>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (std::size_t i = material.simulated; i < material.sources.size(); ++i) {
    const Source& source = material.sources[i];
    const std::size_t frames = source.samples.size() / material.shape.channels;
    if (i >= material.simulated_test) {
      join(plan.simulated_test, WindowsOf(source, i, material.shape, {0, frames}));
      continue;
    }
    const Tail tail = CutTail(frames, config.exits, material.shape);
    join(plan.parts.fit, WindowsOf(source, i, material.shape, tail.fit));
    join(plan.parts.calibrate, WindowsOf(source, i, material.shape, tail.calibrate));
  }
  for (std::size_t set = 0; set < config.data.size(); ++set) {
    if (!config.data[set].outside) {
      continue;
    }
    std::vector<WindowRef> windows;
    for (std::size_t i = 0; i < material.simulated; ++i) {
      const Source& source = material.sources[i];
      if (source.set == set) {
        join(windows,
             WindowsOf(
                 source, i, material.shape, {0, source.samples.size() / material.shape.channels}));
      }
    }
    plan.outside.emplace_back(config.data[set].folder.filename().string(), std::move(windows));
  }
  return plan;
}

std::string CheckPlan(const Plan& plan,
                      const Material& material,
                      const TrainConfig& config,
                      const Split& split) {
  const std::string name = "split " + split.name + ": ";
  const auto none = [&](const std::vector<std::string>& values) -> std::string {
    if (split.by == "random") {
      return "the recordings are too few or too short";
    }
    std::string text = "no recording that is long enough has " + split.by;
    for (std::size_t i = 0; i < values.size(); ++i) {
      text += (i == 0 ? " = " : " or ") + values[i];
    }
    return text;
  };
  if (plan.parts.test.empty()) {
    return name + "no windows to test with: " + none(split.test);
  }
  std::vector<std::size_t> windows(config.classes.size());
  for (const WindowRef& window : plan.parts.fit) {
    ++windows[material.sources[window.source].label];
  }
  for (std::size_t k = 0; k < windows.size(); ++k) {
    if (windows[k] == 0) {
      return name + "no windows of class \"" + config.classes[k] +
             "\" to train with: " + none(split.train);
    }
  }
  return plan.parts.calibrate.empty()
             ? name +
                   "no windows to calibrate with: the ends of the training recordings are "
                   "shorter than a window; raise exits.tail"
             : "";
}

std::size_t Groups(const Material& material, const std::vector<WindowRef>& windows) {
  std::set<std::string> names;
  for (const WindowRef& window : windows) {
    names.insert(material.sources[window.source].group);
  }
  return names.size();
}

Sampler::Sampler(const Material& material, const TrainConfig& config, const Parts& parts)
    : classes_(config.classes.size()), share_(config.simulator.share) {
  std::map<std::pair<std::size_t, std::string>, Group> groups;
  for (const WindowRef& window : parts.fit) {
    const Source& source = material.sources[window.source];
    groups[{source.set, source.group}].push_back(window);
  }
  for (auto& [key, group] : groups) {
    Class& of = classes_[material.sources[group[0].source].label];
    (key.first == config.data.size() ? of.simulated : of.recorded).push_back(std::move(group));
  }
  // A class without any window cannot be drawn.
  std::erase_if(classes_, [](const Class& c) { return c.recorded.empty() && c.simulated.empty(); });
}

const WindowRef& Sampler::Draw(SplitMix64& random) const {
  const auto choose = [&](std::size_t count) {
    return static_cast<std::size_t>(random.Next() % count);
  };
  const Class& of = classes_[choose(classes_.size())];
  const bool simulate = random.Uniform() < share_;
  const auto& groups =
      (simulate && !of.simulated.empty()) || of.recorded.empty() ? of.simulated : of.recorded;
  const Group& group = groups[choose(groups.size())];
  return group[choose(group.size())];
}

std::vector<std::int8_t> InputOf(const Material& material,
                                 std::span<const std::int16_t> samples,
                                 float scale,
                                 const Quantisation& quantisation) {
  package::ClassifierSpec spec;
  spec.input = package::NetworkInput::kWindow;
  nn::Port port{};
  port.scale = quantisation.scale;
  std::vector<std::int8_t> out(samples.size());
  classify::QuantiseWindow(spec,
                           {samples, static_cast<std::uint32_t>(material.shape.channels), scale},
                           port,
                           static_cast<std::int16_t>(quantisation.zero_point),
                           std::as_writable_bytes(std::span(out)));
  return out;
}

Quantisation MeasureInput(const Material& material,
                          const std::vector<WindowRef>& windows,
                          double percentile) {
  // With a step of 1/4 deviation the int8 input reaches 32 deviations: enough to see its size.
  const Quantisation coarse{0.25F, 0};
  std::vector<float> sizes;
  for (const WindowRef& window : Thin(windows, kRangeWindows)) {
    for (const float value : Real(Input(material, window, coarse), coarse)) {
      sizes.push_back(std::abs(value));
    }
  }
  const auto at = sizes.begin() + static_cast<std::ptrdiff_t>(
                                      percentile / 100 * static_cast<double>(sizes.size() - 1));
  std::nth_element(sizes.begin(), at, sizes.end());
  return SymmetricFor(*at);
}

Result<Compiled> CompileInt8(const FloatNetwork& network,
                             const Ranges& ranges,
                             std::string& error) {
  Compiled out;
  out.ranges = ranges;
  const auto int8 = BuildInt8(network, ranges);
  const host::compiler::Options up_to_exit{.operators = OperatorsUpTo(network, 0)};
  TRIB_TRY_ASSIGN(out.whole, host::compiler::Compile(int8->model, {}, error));
  TRIB_TRY_ASSIGN(out.head, host::compiler::Compile(int8->model, up_to_exit, error));
  return out;
}

Result<Compiled> QuantiseBest(const FloatNetwork& network,
                              const Material& material,
                              const std::vector<WindowRef>& windows,
                              const Quantisation& input,
                              std::span<const double> percentiles,
                              std::string& error) {
  std::vector<std::vector<std::int8_t>> int8;
  std::vector<std::vector<float>> real;
  std::vector<std::vector<std::vector<float>>> wanted;
  for (const WindowRef& window : Thin(windows, kRangeWindows)) {
    int8.push_back(Input(material, window, input));
    real.push_back(Real(int8.back(), input));
    wanted.push_back(Run(network, real.back()).logits);
  }
  Compiled best;
  best.error = -1;
  for (const double percentile : percentiles) {
    TRIB_TRY_ASSIGN(Compiled compiled,
                    CompileInt8(network, MeasureRanges(network, input, real, percentile), error));
    TRIB_TRY_ASSIGN(const auto engine, Engine::Open(compiled.whole.plan, compiled.whole.weights));
    double sum = 0;
    double count = 0;
    for (std::size_t i = 0; i < int8.size(); ++i) {
      const auto logits = engine->Run(int8[i], network.heads.size());
      for (std::size_t e = 0; e < logits.size(); ++e) {
        for (std::size_t k = 0; k < logits[e].size(); ++k) {
          const double difference = logits[e][k] - wanted[i][e][k];
          sum += difference * difference;
          count += 1;
        }
      }
    }
    compiled.percentile = percentile;
    compiled.error = std::sqrt(sum / count);
    if (best.error < 0 || compiled.error < best.error) {
      best = std::move(compiled);
    }
  }
  return best;
}

Answers Ask(Engine& engine,
            const Material& material,
            const std::vector<WindowRef>& windows,
            std::size_t exits) {
  const nn::Port port = engine.plan().input(0);
  const Quantisation input{port.scale, engine.plan().tensor(port.tensor).zero_point};
  Answers answers;
  answers.logits.resize(exits);
  for (const WindowRef& window : windows) {
    answers.truth.push_back(material.sources[window.source].label);
    auto logits = engine.Run(Input(material, window, input), exits);
    for (std::size_t e = 0; e < exits; ++e) {
      answers.logits[e].push_back(std::move(logits[e]));
    }
  }
  return answers;
}

Answers AskChanged(Engine& engine,
                   const Material& material,
                   const std::vector<WindowRef>& windows,
                   const Augment& augment,
                   std::size_t rounds,
                   std::uint64_t seed,
                   std::size_t exits) {
  SplitMix64 random(seed);
  const nn::Port port = engine.plan().input(0);
  const Quantisation input{port.scale, engine.plan().tensor(port.tensor).zero_point};
  std::vector<std::int16_t> samples(material.shape.frames * material.shape.channels);
  Answers answers;
  answers.logits.resize(exits);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (const WindowRef& window : windows) {
      const Source& source = material.sources[window.source];
      CutWindow(source, window, material.shape, &augment, random, samples);
      answers.truth.push_back(source.label);
      auto logits = engine.Run(InputOf(material, samples, source.scale, input), exits);
      for (std::size_t e = 0; e < exits; ++e) {
        answers.logits[e].push_back(std::move(logits[e]));
      }
    }
  }
  return answers;
}

std::vector<double> Agreement(const FloatNetwork& network,
                              const Material& material,
                              const std::vector<WindowRef>& windows,
                              const Quantisation& input,
                              const Answers& answers) {
  std::vector<double> same(network.heads.size());
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto logits = Run(network, Real(Input(material, windows[i], input), input)).logits;
    for (std::size_t e = 0; e < same.size(); ++e) {
      same[e] += ArgMax(logits[e]) == ArgMax(answers.logits[e][i]) ? 1 : 0;
    }
  }
  for (double& share : same) {
    share /= static_cast<double>(std::max<std::size_t>(windows.size(), 1));
  }
  return same;
}

}  // namespace trib::cloud::train
