#include "networks.h"

#include <algorithm>

#include "golden.h"
#include "job_memory.h"
#include "scratch_folder.h"

namespace trib::bench::mcu {
namespace {

constexpr std::string_view kRun = "trib::nn::Runner::Run(";

using Compiled = host::compiler::Compiled;

NetworkCost Stated(const CountedNetwork& network) {
  NetworkCost cost;
  cost.name = network.name;
  cost.arena_bytes = network.compiled.arena_bytes;
  cost.state_bytes = network.compiled.state_bytes;
  cost.plan_bytes = network.compiled.plan.size();
  cost.weights_bytes = network.compiled.weights.size();
  for (const auto& op : network.compiled.report) {
    cost.operators.push_back({op.name, op.macs, 0});
    cost.macs += op.macs;
  }
  return cost;
}

/// One inference: Run() as a whole, then operator by operator.
std::optional<NetworkCost> Count(const Board& board,
                                 std::string_view image,
                                 const Listing& listing,
                                 const CountedNetwork& network,
                                 std::string& error) {
  const auto span = CallOf(listing, kRun, error);
  if (!span) {
    return std::nullopt;
  }
  NetworkCost cost = Stated(network);
  const std::vector<std::vector<std::byte>> inputs = {network.input};
  for (const JobKind kind : {JobKind::kWhole, JobKind::kLayers}) {
    JobMemory jobs;
    (void)jobs.Add(kind, network.compiled, inputs);
    const ScratchFolder folder;
    const auto run = RunImage(
        board, {.image = image, .folder = folder.path(), .spans = {*span}}, jobs.Build(), error);
    const auto words = run ? jobs.Words(run->memory, 0, error) : std::nullopt;
    if (!words) {
      return std::nullopt;
    }
    const SpanCounts& counts = run->spans[0];
    const std::size_t calls = kind == JobKind::kWhole ? 1 : cost.operators.size();
    if ((*words)[0].back() != network.output_crc || counts.instructions.size() != calls) {
      error = network.name + " on " + std::string(board.name) +
              ": the output is not what it must be, so nothing was counted";
      return std::nullopt;
    }
    if (kind == JobKind::kWhole) {
      cost.instructions = counts.instructions[0];
      cost.cycles = board.cortex_m4 ? EstimateCortexM4Cycles(listing, counts.executions) : 0;
    } else {
      for (std::size_t i = 0; i < calls; ++i) {
        cost.operators[i].instructions = counts.instructions[i];
      }
    }
  }
  return cost;
}

}  // namespace

std::optional<std::vector<CountedNetwork>> GoldenNetworks(const std::filesystem::path& folder,
                                                          const std::vector<std::string>& only,
                                                          std::string& error) {
  std::vector<CountedNetwork> networks;
  for (const GoldenName& name : kGoldens) {
    if (!only.empty() && std::find(only.begin(), only.end(), name.short_name) == only.end()) {
      continue;
    }
    const auto golden = ReadGolden(folder, name, error);
    if (!golden) {
      return std::nullopt;
    }
    auto compiled = host::compiler::Compile(golden->model, {}, error);
    if (!compiled.ok()) {
      return std::nullopt;
    }
    networks.push_back(
        {name.short_name, *std::move(compiled), golden->inputs[0], golden->output_crcs[0]});
  }
  return networks;
}

std::optional<std::vector<NetworkCost>> CountNetworks(const Board& board,
                                                      std::string_view image,
                                                      const std::vector<CountedNetwork>& networks,
                                                      std::string& error) {
  const auto listing = ListingOf(board, image, error);
  if (!listing) {
    return std::nullopt;
  }
  std::vector<NetworkCost> costs;
  for (const CountedNetwork& network : networks) {
    auto cost = Count(board, image, *listing, network, error);
    if (!cost) {
      return std::nullopt;
    }
    costs.push_back(*std::move(cost));
  }
  return costs;
}

}  // namespace trib::bench::mcu
