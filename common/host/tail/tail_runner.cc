#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/common/host/tail/tail.h"
#include "trib/common/nn/activation.h"
#include "trib/common/nn/runner.h"

namespace trib::host::tail {

Result<TailRunner::Answer> TailRunner::Decide(const Network& network,
                                              std::span<const std::byte> activation,
                                              std::size_t exit) {
  Answer answer;
  TRIB_TRY(Decide(network, activation, {&exit, 1}, {&answer, 1}));
  return answer;
}

Status TailRunner::Decide(const Network& network,
                          std::span<const std::byte> activation,
                          std::span<const std::size_t> exits,
                          std::span<Answer> out) {
  TRIB_CHECK(exits.size() == out.size());
  const nn::Plan& plan = network.plan();
  const package::ClassifierSpec& spec = network.classifier();
  std::size_t done = 0;
  TRIB_TRY_ASSIGN(nn::Runner runner, Open(network, activation, done));
  for (std::size_t i = 0; i < exits.size(); ++i) {
    TRIB_CHECK(exits[i] < spec.exits.size() && spec.exits[exits[i]].operators >= done);
    const package::ExitSpec& exit = spec.exits[exits[i]];
    runner.Run(done, exit.operators);
    done = exit.operators;
    const nn::Port port = plan.output(exit.output);
    out[i].decision = classify::Judge(
        spec, exits[i], runner.output(exit.output), port, plan.tensor(port.tensor).zero_point);
    out[i].final = out[i].decision.accepted || exits[i] == network.last_exit();
  }
  return {};
}

Result<nn::Runner> TailRunner::Open(const Network& network,
                                    std::span<const std::byte> activation,
                                    std::size_t& cut) {
  const nn::Plan& plan = network.plan();
  TRIB_TRY_ASSIGN(const nn::ActivationHeader header, nn::PeekActivation(activation));
  if (header.package != network.hash() || header.cut != network.split().cut) {
    return Code::kDataLoss;
  }
  if (arena_.size() * sizeof(arena_[0]) < plan.arena_bytes()) {
    arena_.resize(plan.arena_bytes() / sizeof(arena_[0]) + 1);
  }
  TRIB_TRY_ASSIGN(nn::Runner runner,
                  nn::Runner::Open(plan, std::as_writable_bytes(std::span(arena_)), {}));
  TRIB_TRY(nn::DecodeActivation(activation, plan, runner));
  cut = header.cut;
  return runner;
}

Result<std::vector<float>> TailRunner::Numbers(const Network& network,
                                               std::span<const std::byte> activation,
                                               std::size_t most) {
  TRIB_CHECK(most > 0);
  const nn::Plan& plan = network.plan();
  std::size_t cut = 0;
  TRIB_TRY_ASSIGN(nn::Runner runner, Open(network, activation, cut));
  TRIB_TRY_ASSIGN(const nn::LiveTensors live, plan.LiveAt(cut));
  std::vector<float> values;
  for (const nn::TensorIndex index : live) {
    if (plan.tensor(index).type == nn::TensorType::kInt8) {
      for (const std::byte value : runner.tensor(index)) {
        values.push_back(static_cast<float>(static_cast<std::int8_t>(value)));
      }
    }
  }
  const std::size_t each = std::max<std::size_t>(1, (values.size() + most - 1) / most);
  std::vector<float> out;
  for (std::size_t begin = 0; begin < values.size(); begin += each) {
    const std::size_t end = std::min(begin + each, values.size());
    float sum = 0;
    for (std::size_t i = begin; i < end; ++i) {
      sum += values[i];
    }
    out.push_back(sum / static_cast<float>(end - begin));
  }
  return out;
}

}  // namespace trib::host::tail
