// Any bytes as plan and weights: load, and run what is accepted, in memory of exactly its size.
// Seeds: written by common/host/compiler/fuzz_seeds_test.cc.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "trib/common/nn/runner.h"

namespace {

using namespace trib::nn;  // NOLINT(google-build-using-namespace)

constexpr std::uint32_t kMaxMemory = 1U << 16U;
constexpr std::uint64_t kMaxWork = 300'000;

/// Multiplications, roughly: a sound plan may still be slow.
std::uint64_t WorkOf(const Plan& plan) {
  std::uint64_t work = 0;
  Plan::Walk walk(plan);
  for (std::size_t i = 0; i < plan.operators(); ++i) {
    const Operator op = walk.Next();
    const Tensor in = plan.tensor(op.input);
    const Tensor out = plan.tensor(op.output);
    const std::uint64_t taps = std::uint64_t{op.geometry.kernel_height} * op.geometry.kernel_width;
    work += out.elements() * (taps * in.channels() + in.elements()) * op.rank + op.memory;
    work += op.opcode == Opcode::kLstm
                ? in.elements() * out.channels() * 8 + out.elements() * out.channels() * 8
                : 0;
    work += op.opcode == Opcode::kSvdf
                ? out.elements() * op.rank * (std::uint64_t{op.memory} + in.channels())
                : 0;
  }
  return work;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::size_t asked = data[0] | static_cast<std::size_t>(data[1]) << 8U;
  const std::size_t plan_bytes = asked < size - 2 ? asked : size - 2;
  const std::vector<std::uint8_t> plan_copy(data + 2, data + 2 + plan_bytes);
  const std::vector<std::uint8_t> weights(data + 2 + plan_bytes, data + size);
  const auto plan =
      Plan::Load(std::as_bytes(std::span(plan_copy)), std::as_bytes(std::span(weights)));
  if (!plan.ok()) {
    if (plan.status().reason() == 0) {
      std::abort();
    }
    return 0;
  }
  if (plan->arena_bytes() > kMaxMemory || plan->state_bytes() > kMaxMemory ||
      WorkOf(*plan) > kMaxWork) {
    return 0;
  }
  std::vector<std::byte> arena(plan->arena_bytes());
  std::vector<std::byte> state(plan->state_bytes());
  auto runner = Runner::Open(*plan, arena, state);
  if (!runner.ok()) {
    std::abort();
  }
  runner->Reset();
  runner->Run();
  for (std::size_t cut = 0; cut <= plan->operators(); ++cut) {
    (void)plan->LiveAt(cut).ok();
  }
  return 0;
}
