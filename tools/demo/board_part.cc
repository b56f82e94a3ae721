#include "board_part.h"

#include <array>
#include <chrono>
#include <utility>

#include "trib/tools/launcher/board.h"

namespace trib::tools::demo {
namespace {

constexpr std::uint64_t kFirstBoard = 401;
constexpr std::array kBoards = {"mps2-an386", "mps3-an547"};
constexpr const char* kImage = "node";
constexpr std::chrono::seconds kPowerDown{10};

}  // namespace

BoardPart::BoardPart(launcher::Fleet& fleet,
                     std::filesystem::path bin,
                     double seconds,
                     std::uint64_t seed)
    : fleet_(fleet), bin_(std::move(bin)), seconds_(seconds), seed_(seed) {}

std::string BoardPart::Missing(const std::filesystem::path& bin) {
  for (const char* board : kBoards) {
    if (std::string text = launcher::MissingFor(launcher::ImagePath(bin, kImage, board));
        !text.empty()) {
      return text + "; ./dev demo --mcu installs and builds what is missing";
    }
  }
  return {};
}

std::vector<std::uint64_t> BoardPart::Nodes() {
  std::vector<std::uint64_t> nodes;
  for (std::size_t i = 0; i < kBoards.size(); ++i) {
    nodes.push_back(kFirstBoard + i);
  }
  return nodes;
}

bool BoardPart::Start(std::uint64_t first_gateway,
                      std::size_t gateways,
                      const std::string& package,
                      Snapshot& snapshot) {
  // A board's second is ours. Playing takes three quarters of the time, as with other nodes.
  const int normal_s = static_cast<int>(seconds_ * 0.45);
  const int fault_s = static_cast<int>(seconds_ * 0.3);
  for (std::size_t i = 0; i < kBoards.size(); ++i) {
    const std::uint64_t id = kFirstBoard + i;
    const std::uint64_t gateway = first_gateway + i % gateways;
    const launcher::Fleet::BoardRun run{
        .board = kBoards[i],
        .image = launcher::ImagePath(bin_, kImage, kBoards[i]),
        .arguments = {"--generate",
                      std::to_string(seed_ * 1000 + id),
                      "--phases",
                      "normal:" + std::to_string(normal_s) + ",fault:" + std::to_string(fault_s),
                      "--seed",
                      std::to_string(seed_ + i)},
        .package = package};
    if (!fleet_.AdmitNode(id, gateway) || !fleet_.StartBoard(id, run)) {
      return false;
    }
    snapshot.nodes[id].gateway = gateway;
    snapshot.nodes[id].board = kBoards[i];
  }
  return true;
}

void BoardPart::Collect(Snapshot& snapshot) {
  for (auto& [id, node] : snapshot.nodes) {
    if (node.board.empty() || !node.running) {
      continue;
    }
    node.report = launcher::BoardReport(fleet_.BoardConsole(id));
    if (node.report.value("progress", "") == "done") {
      fleet_.node(id)->Stop(kPowerDown);
    }
  }
}

}  // namespace trib::tools::demo
