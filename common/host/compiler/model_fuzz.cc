// Any bytes as a .tflite file: read, compile each way, and run what came of it if it is small.
// Seeds: written by fuzz_seeds_test.cc.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "trib/common/host/compiler/compiler.h"
#include "trib/common/host/tflite/model.h"
#include "trib/common/nn/runner.h"

namespace {

using namespace trib;  // NOLINT(google-build-using-namespace)

constexpr std::uint64_t kMaxMacs = 200'000;
constexpr std::uint32_t kMaxMemory = 1U << 18U;

void Run(const host::compiler::Compiled& compiled) {
  std::uint64_t macs = 0;
  for (const auto& op : compiled.report) {
    macs += op.macs;
  }
  if (macs > kMaxMacs || compiled.arena_bytes > kMaxMemory || compiled.state_bytes > kMaxMemory) {
    return;
  }
  const auto plan = nn::Plan::Load(compiled.plan, compiled.weights);
  std::vector<std::uint32_t> arena((compiled.arena_bytes + 3) / 4);
  std::vector<std::uint32_t> state((compiled.state_bytes + 3) / 4);
  auto runner = nn::Runner::Open(
      *plan, std::as_writable_bytes(std::span(arena)), std::as_writable_bytes(std::span(state)));
  if (!runner.ok()) {
    std::abort();
  }
  runner->Reset();
  runner->Run();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint64_t> aligned(size / 8 + 2);
  auto* const start = reinterpret_cast<std::byte*>(
      (reinterpret_cast<std::uintptr_t>(aligned.data()) + 15) / 16 * 16);
  std::memcpy(start, data, size);
  std::string error;
  const auto model = host::tflite::Read({start, size}, error);
  if (!model.ok()) {
    if (error.empty()) {
      std::abort();
    }
    return 0;
  }
  for (const bool fuse : {true, false}) {
    error.clear();
    const auto compiled = host::compiler::Compile(*model, {.fuse = fuse}, error);
    if (compiled.ok()) {
      Run(*compiled);
    } else if (error.empty() || compiled.status().code() == Code::kInternal) {
      std::abort();  // every refusal is explained, and what is compiled is sound
    }
  }
  return 0;
}
