#include "south_server.h"

#include <unistd.h>

#include "south_loop.h"
#include "trib/common/host/zmq/context.h"
#include "trib/common/host/zmq/server_socket.h"
#include "trib/common/host/zmq/zap_handler.h"

namespace trib::bench::path {
namespace {

constexpr std::uint64_t kServerNode = 0xBE7C'4000'0000'0002;

}  // namespace

void ServeSouth(std::uint64_t first, std::size_t nodes, const std::filesystem::path& state_file) {
  const SharedState state(state_file, false);
  const CurvePair keys = CurveOf(kServerNode);
  host::zmq::Context context;
  auto zap = host::zmq::ZapHandler::Start(context, {});
  if (!zap.ok()) {
    Fail("no ZAP handler");
  }
  host::zmq::KeyTable table;
  std::vector<gateway::SouthLoop::Member> members;
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::string identity = std::to_string(first + i) + ":bench";
    table.emplace(CurveOf(first + i).public_key, identity);
    members.push_back({NodeId(first + i), identity});
  }
  (*zap)->SetDomain("south", std::move(table));
  std::string error;
  auto socket = host::zmq::ServerSocket::Open(context,
                                              **zap,
                                              {keys.public_key, keys.secret_key},
                                              {.endpoint = "tcp://127.0.0.1:*",
                                               .zap_domain = "south",
                                               .max_message_bytes = message::kMaxEnvelopeBytes},
                                              error);
  if (!socket.ok()) {
    Fail(error);
  }
  const std::string endpoint = (*socket)->endpoint();
  gateway::SouthLoop* south = nullptr;
  gateway::SouthLoop loop(*std::move(socket),
                          nullptr,
                          {},
                          GatewayId(1),
                          false,
                          {.append =
                               [&](std::vector<gateway::spool::Item> items) {
                                 std::vector<gateway::spool::Outcome> outcomes(
                                     items.size(), gateway::spool::Outcome::kStored);
                                 south->Settle(std::move(items), std::move(outcomes));
                               },
                           .report = [](std::string) {},
                           .spool_depth = [] { return std::uint64_t{0}; },
                           .spool_room = [] { return std::uint64_t{1} << 34U; }});
  south = &loop;
  loop.Run(members);
  state->public_key = keys.public_key;
  state->port = static_cast<std::uint32_t>(std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
  while (true) {
    ::pause();
  }
}

SouthServer::SouthServer(const Run& run,
                         const std::string& name,
                         std::uint64_t first,
                         std::size_t nodes)
    : state_(run.folder / (name + ".state"), true) {
  std::string error;
  process_ =
      tools::launcher::Process::Start({.argv = {(run.bin / "trib-bench-path").string(),
                                                "--serve-south",
                                                std::to_string(first) + "," + std::to_string(nodes),
                                                "--state",
                                                (run.folder / (name + ".state")).string()},
                                       .log = run.folder / (name + ".log")},
                                      error);
  if (!process_ ||
      !tools::launcher::WaitUntil([&] { return state_->port != 0 || process_->Poll(); },
                                  std::chrono::seconds(60)) ||
      state_->port == 0) {
    Fail("south server: " + (process_ ? process_->LastLogLine() : error));
  }
}

std::string SouthServer::endpoint() const {
  return "tcp://127.0.0.1:" + std::to_string(state_->port);
}

}  // namespace trib::bench::path
