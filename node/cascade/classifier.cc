#include "trib/node/cascade/classifier.h"

#include <algorithm>
#include <limits>

#include "trib/common/nn/activation.h"

namespace trib::node::cascade {
namespace {

constexpr std::size_t kStateAlignment = 4;

std::size_t ArenaRoom(const nn::Plan& plan) {
  return (plan.arena_bytes() + kStateAlignment - 1) / kStateAlignment * kStateAlignment;
}

std::uint64_t MacsOf(const nn::Plan& plan, const nn::Operator& op) {
  const nn::Tensor input = plan.tensor(op.input);
  const nn::Tensor output = plan.tensor(op.output);
  const std::uint64_t area = std::uint64_t{op.geometry.kernel_height} * op.geometry.kernel_width;
  switch (op.opcode) {
    case nn::Opcode::kConv2D:
      return output.elements() * area * input.channels();
    case nn::Opcode::kDepthwiseConv2D:
    case nn::Opcode::kAveragePool2D:
      return output.elements() * area;
    case nn::Opcode::kFullyConnected:
    case nn::Opcode::kLinear:
    case nn::Opcode::kBinary:
      // Each row of the input meets every output channel.
      return input.elements() * output.channels();
    case nn::Opcode::kSvdf:
      return output.elements() * op.rank * (std::uint64_t{input.channels()} + op.memory);
    case nn::Opcode::kLstm:
      return output.elements() * nn::kGates * (std::uint64_t{input.channels()} + output.channels());
    case nn::Opcode::kAdd:
    case nn::Opcode::kSoftmax:
    case nn::Opcode::kRequantize:
      return output.elements();
    case nn::Opcode::kCopy:
    case nn::Opcode::kForest:
      break;
  }
  return 0;
}

}  // namespace

std::uint32_t MacsOf(const nn::Plan& plan, std::size_t cut) {
  std::uint64_t macs = 0;
  nn::Plan::Walk walk(plan);
  for (std::size_t i = 0; i < cut; ++i) {
    macs += MacsOf(plan, walk.Next());
  }
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(macs, std::numeric_limits<std::uint32_t>::max()));
}

std::size_t Classifier::RequiredBytes(const nn::Plan& plan) {
  return ArenaRoom(plan) + plan.state_bytes();
}

Result<Classifier> Classifier::Open(const nn::Plan& plan,
                                    const package::ClassifierSpec& spec,
                                    const package::Normalisation& normalisation,
                                    std::span<std::byte> memory) {
  if (memory.size() < RequiredBytes(plan)) {
    return Code::kResourceExhausted;
  }
  TRIB_TRY_ASSIGN(const nn::Runner runner,
                  nn::Runner::Open(plan,
                                   memory.first(ArenaRoom(plan)),
                                   memory.subspan(ArenaRoom(plan), plan.state_bytes())));
  return Classifier(plan, spec, normalisation, runner);
}

Classifier::Classifier(const nn::Plan& plan,
                       const package::ClassifierSpec& spec,
                       const package::Normalisation& normalisation,
                       nn::Runner runner)
    : plan_(&plan),
      spec_(&spec),
      normalisation_(&normalisation),
      runner_(runner),
      macs_(MacsOf(plan, spec.exits[0].operators)) {}

classify::Decision Classifier::Step(const classify::Window& window,
                                    std::span<const float> features) {
  runner_.Reset();
  const nn::Port input = plan_->input(0);
  const std::int16_t input_zero = plan_->tensor(input.tensor).zero_point;
  if (spec_->input == package::NetworkInput::kFeatures) {
    classify::QuantiseFeatures(*normalisation_, features, input, input_zero, runner_.input(0));
  } else {
    classify::QuantiseWindow(*spec_, window, input, input_zero, runner_.input(0));
  }
  const package::ExitSpec& exit = spec_->exits[0];
  runner_.Run(0, exit.operators);
  const nn::Port logits = plan_->output(exit.output);
  return classify::Judge(
      *spec_, 0, runner_.output(exit.output), logits, plan_->tensor(logits.tensor).zero_point);
}

Result<std::size_t> Classifier::EncodeActivation(PackageHash package, std::span<std::byte> out) {
  return nn::EncodeActivation(runner_, *plan_, {.package = package, .cut = cut()}, out);
}

}  // namespace trib::node::cascade
