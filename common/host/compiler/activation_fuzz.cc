// Any bytes as an activation of a small network: decoded or refused, and what is decoded can be run
// and encodes again. Seeds: written by fuzz_seeds_test.cc.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "trib/common/host/compiler/compiler.h"
#include "trib/common/nn/activation.h"
#include "trib/testing/tflite_writer.h"

namespace {

using namespace trib;  // NOLINT(google-build-using-namespace)

struct Network {
  host::compiler::Compiled compiled;
  std::vector<nn::Plan> plan;
  std::vector<std::uint32_t> arena;
};

Network* Make() {
  auto* network = new Network;  // lives as long as the process
  std::vector<std::vector<std::byte>> storage;
  const auto file = testing::WriteTflite(testing::SmallConvNet(1, storage));
  std::string error;
  const auto model = host::tflite::Read(file, error);
  auto compiled = host::compiler::Compile(*model, {}, error);
  network->compiled = *std::move(compiled);
  network->plan.push_back(*nn::Plan::Load(network->compiled.plan, network->compiled.weights));
  network->arena.resize(network->compiled.arena_bytes / 4 + 1);
  return network;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Network* const network = Make();
  const nn::Plan& plan = network->plan[0];
  auto runner = nn::Runner::Open(plan, std::as_writable_bytes(std::span(network->arena)), {});
  const auto bytes = std::as_bytes(std::span(data, size));
  if (!nn::DecodeActivation(bytes, plan, *runner).ok()) {
    return 0;
  }
  const auto header = nn::PeekActivation(bytes);
  std::vector<std::byte> again(nn::MaxActivationBytes(plan, header->cut));
  if (!nn::EncodeActivation(*runner, plan, *header, again).ok()) {
    std::abort();
  }
  runner->Run(header->cut, plan.operators());
  return 0;
}
