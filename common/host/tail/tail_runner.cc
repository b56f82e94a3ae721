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
  std::size_t done = header.cut;
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

}  // namespace trib::host::tail
