#include "trib/tools/evaluation/run.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>

#include "trib/common/dsp/covariance.h"
#include "trib/common/dsp/summary.h"
#include "trib/common/nn/activation.h"
#include "trib/node/cascade/baseline.h"
#include "trib/node/cascade/classifier.h"
#include "trib/node/cascade/trigger.h"
#include "trib/node/features/feature_stage.h"
#include "trib/node/sensing/guardrails.h"

namespace trib::tools::evaluation {
namespace {

using host::recording::Manifest;
using host::recording::Recording;

/// The baseline is learned from all healthy recordings alike, a third of each one's part in turn: a
/// node is commissioned while its machine runs in all its ways.
constexpr std::size_t kTurns = 3;

std::string NodeOf(const Recording& recording, const std::string& key) {
  std::string out;
  for (const std::string& channel : recording.channels) {
    out += (out.empty() ? "" : ",") + channel;
  }
  return key.empty() ? out : out + " " + ConditionText(recording, key);
}

/// All exits on one window.
class Exits {
 public:
  static Result<std::unique_ptr<Exits>> Open(const Subject& subject) {
    std::unique_ptr<Exits> out(new Exits(subject));
    const std::size_t bytes = node::cascade::Classifier::RequiredBytes(*subject.plan);
    out->memory_.resize(bytes / 8 + 1);
    TRIB_TRY_ASSIGN(
        out->head_,
        node::cascade::Classifier::Open(*subject.plan,
                                        subject.classifier,
                                        subject.normalisation,
                                        std::as_writable_bytes(std::span(out->memory_))));
    if (subject.network == nullptr && subject.exits() > 1) {
      out->tail_memory_.resize(out->memory_.size());
      const auto memory = std::as_writable_bytes(std::span(out->tail_memory_));
      const std::size_t arena = (std::size_t{subject.plan->arena_bytes()} + 3) / 4 * 4;
      TRIB_TRY_ASSIGN(out->rest_,
                      nn::Runner::Open(*subject.plan, memory.first(arena), memory.subspan(arena)));
    }
    return out;
  }

  Status Step(const classify::Window& window, std::span<const float> features, WindowResult& out) {
    Add(head_->Step(window, features), out);
    const std::size_t exits = subject_.exits();
    activation_.resize(nn::MaxActivationBytes(*subject_.plan, head_->cut()));
    TRIB_TRY_ASSIGN(const std::size_t size,
                    head_->EncodeActivation(subject_.view->hash(), activation_));
    out.activation_bytes = static_cast<std::uint32_t>(size);
    const std::span<const std::byte> activation = std::span(activation_).first(size);
    if (exits < 2) {
      return {};
    }
    return subject_.network != nullptr ? AskTail(activation, exits, out)
                                       : GoOn(activation, exits, out);
  }

 private:
  explicit Exits(const Subject& subject) : subject_(subject) {}

  static void Add(const classify::Decision& decision, WindowResult& out) {
    ExitAnswer answer;
    answer.class_index = decision.class_index;
    answer.accepted = decision.accepted;
    answer.probabilities = decision.probabilities;
    out.exits.push_back(answer);
  }

  Status AskTail(std::span<const std::byte> activation, std::size_t exits, WindowResult& out) {
    constexpr std::size_t kLater[] = {1, 2};
    std::array<host::tail::TailRunner::Answer, 2> answers;
    TRIB_TRY(tail_.Decide(*subject_.network,
                          activation,
                          std::span(kLater).first(exits - 1),
                          std::span(answers).first(exits - 1)));
    for (std::size_t i = 0; i + 1 < exits; ++i) {
      Add(answers[i].decision, out);
    }
    return {};
  }

  /// A package that has the whole network goes on in a memory of its own.
  Status GoOn(std::span<const std::byte> activation, std::size_t exits, WindowResult& out) {
    const nn::Plan& plan = *subject_.plan;
    rest_->Reset();
    TRIB_TRY(nn::DecodeActivation(activation, plan, *rest_));
    for (std::size_t i = 1; i < exits; ++i) {
      const package::ExitSpec& exit = subject_.classifier.exits[i];
      rest_->Run(subject_.classifier.exits[i - 1].operators, exit.operators);
      const nn::Port port = plan.output(exit.output);
      Add(classify::Judge(subject_.classifier,
                          i,
                          rest_->output(exit.output),
                          port,
                          plan.tensor(port.tensor).zero_point),
          out);
    }
    return {};
  }

  const Subject& subject_;
  std::vector<std::uint64_t> memory_;
  std::vector<std::uint64_t> tail_memory_;
  std::optional<node::cascade::Classifier> head_;
  std::optional<nn::Runner> rest_;
  host::tail::TailRunner tail_;
  std::vector<std::byte> activation_;
};

/// One evaluation at work.
class Worker {
 public:
  Worker(const Subject& subject, const RunOptions& options, std::vector<std::string>& errors)
      : subject_(subject),
        options_(options),
        errors_(errors),
        scratch_(std::size_t{2} * dsp::kMaxWindowFrames),
        features_(scratch_),
        cut_{.window_frames = subject.recipe.window_frames,
             .hop_frames = subject.recipe.hop_frames,
             .sample_rate_hz = subject.recipe.sample_rate_hz,
             .channels = subject.recipe.channels,
             .resample = options.resample} {}

  Result<Outcome> Work(const Manifest& manifest);

 private:
  struct Chosen {
    const Recording* recording;
    std::size_t truth;
    std::string node;
    bool judged;  ///< of the part that is asked for
  };

  bool uses_trigger() const { return options_.use_trigger && subject_.trigger.has_value(); }
  Result<std::vector<Chosen>> Choose(const Manifest& manifest);
  /// Where what is judged of a recording begins.
  double JudgedFrom(const Chosen& chosen) const {
    return uses_trigger() && chosen.truth == 0 ? options_.commissioning_share : 0;
  }
  Result<std::vector<message::FeatureFrame>> HealthyFrames(const Recording& recording);
  Status Commission(const std::vector<Chosen>& chosen, const std::string& node);
  Status Judge(const Chosen& chosen, Exits& exits);
  Status JudgeWindow(std::span<const std::int16_t> samples, Exits& exits, WindowResult& result);
  /// False when the guardrails or the features refuse the window.
  bool Frame(std::span<const std::int16_t> samples, std::uint32_t non_finite);

  const Subject& subject_;
  const RunOptions& options_;
  std::vector<std::string>& errors_;
  std::vector<float> scratch_;
  node::features::FeatureStage features_;
  const WindowCut cut_;
  double scale_ = 1;
  std::vector<dsp::Summary> summaries_;
  message::FeatureFrame frame_;
  std::vector<float> covariance_;
  node::cascade::Baseline baseline_;
  node::cascade::Trigger trigger_;
  Outcome run_;
};

Result<std::vector<Worker::Chosen>> Worker::Choose(const Manifest& manifest) {
  std::vector<Chosen> out;
  std::set<std::string> unknown;
  for (const Recording& recording : manifest.recordings) {
    const auto mapped = options_.map.find(recording.label);
    const std::string label = mapped == options_.map.end() ? recording.label : mapped->second;
    if (label == "-") {
      continue;
    }
    const auto truth = subject_.ClassOf(label);
    if (!truth) {
      unknown.insert(recording.label);
      continue;
    }
    const bool judged =
        options_.split_key.empty() || ConditionText(recording, options_.split_key) == options_.part;
    out.push_back({&recording, *truth, NodeOf(recording, options_.node_key), judged});
  }
  std::string classes;
  for (std::size_t i = 0; i < subject_.classifier.labels.size(); ++i) {
    classes.append(classes.empty() ? "" : ", ").append(subject_.class_name(i));
  }
  for (const std::string& label : unknown) {
    std::string text = "label \"";
    text.append(label).append("\" is no class of the package (").append(classes);
    text.append("); --map ").append(label).append("=CLASS, or =- to leave it out");
    errors_.push_back(std::move(text));
  }
  if (!unknown.empty()) {
    return Code::kInvalidArgument;
  }
  if (std::none_of(out.begin(), out.end(), [](const Chosen& c) { return c.judged; })) {
    errors_.push_back("no recording is left to evaluate" +
                      (options_.split_key.empty()
                           ? std::string()
                           : ": none has " + options_.split_key + " = " + options_.part));
    return Code::kInvalidArgument;
  }
  return out;
}

bool Worker::Frame(std::span<const std::int16_t> samples, std::uint32_t non_finite) {
  summaries_.assign(cut_.channels, {});
  for (std::uint32_t channel = 0; channel < cut_.channels; ++channel) {
    dsp::Append(summaries_[channel],
                dsp::ChannelView<std::int16_t>(samples, cut_.channels, channel),
                node::sensing::LimitsOf(subject_.guardrails, channel).clip_level_raw);
  }
  node::sensing::CutWindow window;
  window.samples = samples;
  window.summaries = summaries_;
  window.channels = cut_.channels;
  window.scale = static_cast<float>(scale_);
  window.non_finite_frames = non_finite;
  std::array<dsp::Summary, package::kMaxChannels> summaries{};
  for (std::size_t channel = 0; channel < cut_.channels; ++channel) {
    dsp::Append(summaries[channel],
                dsp::ChannelView<std::int16_t>(samples, cut_.channels, channel),
                node::sensing::LimitsOf(subject_.guardrails, channel).clip_level_raw);
  }
  window.summaries = std::span(summaries).first(cut_.channels);
  if (!node::sensing::Judge(window, subject_.guardrails).ok()) {
    return false;
  }
  dsp::Window input;
  input.samples = samples;
  input.summaries = summaries_;
  input.channels = cut_.channels;
  input.frames = cut_.window_frames;
  input.scale = static_cast<float>(scale_);
  input.sample_rate_hz = cut_.sample_rate_hz;
  return features_.Extract(input, frame_).ok();
}

/// Of the share of a normal recording that a baseline may be learned from.
Result<std::vector<message::FeatureFrame>> Worker::HealthyFrames(const Recording& recording) {
  std::vector<message::FeatureFrame> out;
  scale_ = recording.scale;
  TRIB_TRY(ForEachWindow(
      recording,
      0,
      options_.commissioning_share,
      cut_,
      [&](std::span<const std::int16_t> samples, std::uint32_t non_finite) {
        if (Frame(samples, non_finite)) {
          out.push_back(frame_);
        }
        return true;
      },
      errors_));
  return out;
}

Status Worker::Commission(const std::vector<Chosen>& chosen, const std::string& node) {
  const package::DistanceSpec* distance =
      subject_.distance.has_value() ? &*subject_.distance : nullptr;
  covariance_.assign(node::cascade::Baseline::JointNumbers(distance), 0);
  baseline_.Start({.recipe = RecipeId(1),
                   .features = dsp::OutputCount(subject_.recipe),
                   .trigger = &*subject_.trigger,
                   .distance = distance},
                  covariance_);
  std::vector<std::vector<message::FeatureFrame>> healthy;
  for (const Chosen& one : chosen) {
    if (one.truth == 0 && one.node == node) {
      TRIB_TRY_ASSIGN(auto frames, HealthyFrames(*one.recording));
      healthy.push_back(std::move(frames));
    }
  }
  std::size_t available = 0;
  for (const auto& frames : healthy) {
    available += frames.size();
  }
  available = std::max<std::size_t>(available, 1);  // divided by
  const std::size_t wanted =
      std::size_t{subject_.trigger->commissioning_windows} + subject_.trigger->skip_windows;
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    for (const auto& frames : healthy) {
      // Its part of what is wanted, as long as there is enough.
      const std::size_t part =
          std::min(frames.size(), (wanted * frames.size() + available - 1) / available);
      for (std::size_t i = part * turn / kTurns; i < part * (turn + 1) / kTurns; ++i) {
        const bool taken = !baseline_.complete() && baseline_.Learn(frames[i].values.span()).ok();
        run_.commissioning_windows += taken ? 1 : 0;
      }
    }
  }
  if (!baseline_.complete()) {
    errors_.push_back("channels " + node + ": " + std::to_string(baseline_.seen()) +
                      " windows of normal recordings are left for a baseline of " +
                      std::to_string(baseline_.needed()) + "; --no-trigger does without");
    return Code::kInvalidArgument;
  }
  return baseline_.Seal();
}

Status Worker::JudgeWindow(std::span<const std::int16_t> samples,
                           Exits& exits,
                           WindowResult& result) {
  if (uses_trigger()) {
    const auto triggered = trigger_.Step(frame_.values.span(), baseline_);
    result.over = triggered.over;
    result.score = triggered.score / trigger_.threshold();
  }
  result.coded_raw_bytes =
      CodedRawBytes(samples, cut_.channels, std::min(cut_.hop_frames, cut_.window_frames));
  const classify::Window window{samples, cut_.channels, static_cast<float>(scale_)};
  return exits.Step(window, frame_.values.span(), result);
}

Status Worker::Judge(const Chosen& chosen, Exits& exits) {
  if (uses_trigger()) {
    // Each recording is a machine of its own: nothing of the one before is remembered.
    const package::DistanceSpec* distance =
        subject_.distance.has_value() ? &*subject_.distance : nullptr;
    trigger_ = node::cascade::Trigger();
    trigger_.Arm(*subject_.trigger, baseline_, 0, distance);
  }
  const std::size_t source = run_.sources.size();
  run_.sources.push_back({chosen.recording->file.filename().string(), chosen.truth, chosen.node});
  scale_ = chosen.recording->scale;
  std::size_t windows = 0;
  Status status;
  const Status read = ForEachWindow(
      *chosen.recording,
      JudgedFrom(chosen),
      1,
      cut_,
      [&](std::span<const std::int16_t> samples, std::uint32_t non_finite) {
        WindowResult result;
        result.source = source;
        result.truth = chosen.truth;
        result.refused = !Frame(samples, non_finite);
        status = result.refused ? Status() : JudgeWindow(samples, exits, result);
        run_.windows.push_back(result);
        ++windows;
        return status.ok() && (options_.limit == 0 || windows < options_.limit);
      },
      errors_);
  return read.ok() ? status : read;
}

Result<Outcome> Worker::Work(const Manifest& manifest) {
  TRIB_TRY(features_.Load(subject_.recipe));
  TRIB_TRY_ASSIGN(const std::vector<Chosen> chosen, Choose(manifest));
  TRIB_TRY_ASSIGN(const std::unique_ptr<Exits> exits, Exits::Open(subject_));
  std::set<std::string> nodes;
  std::size_t judged = 0;
  for (const Chosen& one : chosen) {
    if (one.judged) {
      nodes.insert(one.node);
      ++judged;
    }
  }
  std::size_t done = 0;
  for (const std::string& node : nodes) {
    if (uses_trigger()) {
      TRIB_TRY(Commission(chosen, node));
    }
    for (const Chosen& one : chosen) {
      if (one.judged && one.node == node) {
        TRIB_TRY(Judge(one, *exits));
        if (options_.progress) {
          options_.progress(++done, judged);
        }
      }
    }
  }
  return std::move(run_);
}

/// Bits of numbers in Rice codes of the best parameter, which itself takes four.
std::uint64_t RiceBits(std::span<const std::uint32_t> numbers) {
  std::uint64_t best = std::numeric_limits<std::uint64_t>::max();
  for (unsigned k = 0; k < 16; ++k) {
    std::uint64_t bits = 4;
    for (const std::uint32_t u : numbers) {
      bits += (u >> k) + 1 + k;
    }
    best = std::min(best, bits);
  }
  return best;
}

}  // namespace

Result<Outcome> Evaluate(const Subject& subject,
                         const Manifest& manifest,
                         const RunOptions& options,
                         std::vector<std::string>& errors) {
  auto run = Worker(subject, options, errors).Work(manifest);
  if (!run.ok()) {
    if (errors.empty()) {
      errors.emplace_back("the package does not run on these recordings");
    }
    return run;
  }
  const auto& windows = run->windows;
  if (std::all_of(windows.begin(), windows.end(), [](const auto& w) { return w.refused; })) {
    errors.push_back("no window is left to judge: " +
                     (windows.empty()
                          ? std::string("the recordings are shorter than one")
                          : "the guardrails refused all " + std::to_string(windows.size())));
    return Code::kInvalidArgument;
  }
  return run;
}

std::uint32_t CodedRawBytes(std::span<const std::int16_t> samples,
                            std::uint32_t channels,
                            std::uint32_t frames) {
  constexpr unsigned kOrderBits = 2;
  std::uint64_t bits = 0;
  for (std::uint32_t c = 0; c < channels; ++c) {
    std::vector<std::int32_t> values;
    const std::size_t total = samples.size() / channels;
    for (std::size_t i = total - frames; i < total; ++i) {
      values.push_back(samples[i * channels + c]);
    }
    std::uint64_t best = std::numeric_limits<std::uint64_t>::max();
    for (int order = 0; order < 3; ++order) {
      std::vector<std::uint32_t> folded;
      folded.reserve(values.size());
      for (const std::int32_t v : values) {
        folded.push_back(static_cast<std::uint32_t>(v >= 0 ? 2 * v : -2 * v - 1));
      }
      best = std::min(best, RiceBits(folded));
      for (std::size_t i = values.size(); i-- > 1;) {
        values[i] -= values[i - 1];
      }
    }
    bits += kOrderBits + best;
  }
  return static_cast<std::uint32_t>((bits + 7) / 8);
}

}  // namespace trib::tools::evaluation
