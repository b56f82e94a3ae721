#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measure.h"
#include "trib/tools/launcher/process.h"

/// The raw side of everything on the network: libzmq's C API, ROUTER and DEALER with CURVE, nothing
/// else. The same dealers also play the nodes against our programs, so that both sides of a turn
/// meet the same clients.
namespace trib::bench::path {

using KeyBytes = std::array<std::byte, 32>;
struct CurvePair {
  KeyBytes public_key{};
  KeyBytes secret_key{};
};

/// The key pair of a benchmark's node; the same on every call.
CurvePair CurveOf(std::uint64_t node);
/// Its public key as the registry knows it (Ed25519).
KeyBytes IdentityOf(std::uint64_t node);

/// What a server process tells of itself, in a file that both sides map.
struct ServerState {
  std::atomic<std::uint32_t> port;
  KeyBytes public_key;
  std::atomic<std::uint64_t> messages;
};

class SharedState {
 public:
  SharedState(const std::filesystem::path& file, bool create);
  ~SharedState();
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;
  ServerState* operator->() const { return state_; }

 private:
  ServerState* state_;
};

enum class Serve {
  kCount,    ///< receives and counts
  kAnswer,   ///< and answers every message with 40 bytes, the size of an acknowledgement
  kDurable,  ///< and before that writes 4 KiB to a file with fdatasync
};

/// Body of a server process; runs until it is killed.
[[noreturn]] void ServeBare(Serve serve, const std::filesystem::path& state_file);

/// A bare server in a process of its own, so that its memory and CPU time are its own.
class BareServer {
 public:
  BareServer(const Run& run, const std::string& name, Serve serve);
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] std::string endpoint() const;
  [[nodiscard]] KeyBytes key() const { return state_->public_key; }
  [[nodiscard]] std::uint64_t messages() const { return state_->messages; }

 private:
  SharedState state_;
  std::optional<tools::launcher::Process> process_;
};

/// Many DEALERs to one server.
///
/// Threads  One caller.
class Dealers {
 public:
  /// One socket per node `first`..., each with that node's key.
  Dealers(const std::string& endpoint,
          const KeyBytes& server_key,
          std::uint64_t first,
          std::size_t count);
  ~Dealers();
  Dealers(const Dealers&) = delete;
  Dealers& operator=(const Dealers&) = delete;

  [[nodiscard]] std::size_t size() const { return sockets_.size(); }
  /// @returns false when the queue is full. Never blocks.
  bool Send(std::size_t i, std::string_view bytes);
  /// @returns false when there is nothing. Never blocks.
  bool Receive(std::size_t i, std::string& bytes);
  /// Waits until one of them has something, or has room.
  void WaitReadable(int most_ms);
  void WaitWritable(int most_ms);
  bool WaitReadable(std::size_t i, int most_ms);

 private:
  void Wait(short events, int most_ms);
  void* context_;
  std::vector<void*> sockets_;
};

/// Sends from all dealers as fast as they take it, for so long.
void Flood(Dealers& dealers, std::span<const std::string> messages, double seconds);
/// Every dealer's first message has arrived: all connections stand.
void AwaitConnected(Dealers& dealers, const BareServer& server, std::string_view message);

}  // namespace trib::bench::path
