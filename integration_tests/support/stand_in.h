#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/crypto/crypto.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/host/zmq/client_socket.h"
#include "trib/common/host/zmq/context.h"
#include "trib/common/message/types.h"
#include "trib/tools/launcher/fleet.h"

namespace trib::integration {

/// A peer that does what no program of ours does. It has a CURVE connection of its own and sends
/// whatever bytes it is given.
class RawPeer {
 public:
  /// `secret` and `server` name key files (server: the public one). Ends the test when they fail.
  RawPeer(const std::string& endpoint,
          const std::filesystem::path& secret,
          const std::filesystem::path& server,
          std::size_t max_message_bytes = 4096);

  /// Waits for room and queues one message.
  void Send(std::string_view bytes);
  /// Queues one message if the link is up and has room.
  bool TrySend(std::string_view bytes);
  /// The next message, or an empty text after `limit`.
  std::string Receive(std::chrono::milliseconds limit);
  /// Takes what is there; empty when nothing is.
  std::string Poll();
  host::zmq::LinkState link() { return socket_->link(); }
  std::uint64_t connections() const { return socket_->connections(); }
  bool AwaitLink(host::zmq::LinkState state);

 private:
  host::zmq::Context context_;
  std::unique_ptr<host::zmq::ClientSocket> socket_;
};

/// A node made by hand: a RawPeer that speaks for `node` and keeps account of the answers.
class StandInNode {
 public:
  /// A record's name without its node: what Acks speak of.
  struct Name {
    std::uint64_t epoch = 0;
    std::uint32_t boot = 0;
    std::uint32_t sequence = 0;
    friend auto operator<=>(const Name&, const Name&) = default;
  };

  StandInNode(tools::launcher::Fleet& fleet,
              std::uint64_t node,
              std::string_view key,
              std::uint64_t gateway,
              std::uint64_t epoch);

  RawPeer& peer() { return peer_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  /// Introduces itself until the gateway answers. @returns false when it never does.
  bool Greet(std::uint32_t boot);
  /// One turn of greeting, for a caller that waits itself: says Hello when the link is up and the
  /// last one is `again` ago. @returns whether the gateway has answered since Forget().
  bool Hail(std::uint32_t boot, std::chrono::milliseconds again);
  void Forget() { greeted_ = false; }
  /// An event record, sealed, with this name.
  [[nodiscard]] std::string Sealed(std::uint32_t boot, std::uint32_t sequence) const;
  void SendRecords(const std::vector<std::string>& sealed);
  bool TrySendRecords(const std::vector<std::string>& sealed);
  /// Takes all answers that are there.
  void Listen();
  /// Named by an Ack as durable.
  [[nodiscard]] const std::map<Name, std::uint64_t>& durable() const { return durable_; }
  /// Named by an Ack as refused for good.
  [[nodiscard]] const std::map<Name, message::RefusalReason>& refused() const { return refused_; }
  /// Verdicts on deferred windows, in the order of their coming.
  [[nodiscard]] const std::vector<message::Verdict>& verdicts() const { return verdicts_; }
  /// Downlinks that were not understood, or for another node.
  [[nodiscard]] std::uint64_t strange() const { return strange_; }

 private:
  NodeId node_;
  std::uint64_t epoch_;
  RawPeer peer_;
  bool greeted_ = false;
  std::chrono::steady_clock::time_point hail_at_{};
  std::map<Name, std::uint64_t> durable_;  // -> how often it was named
  std::map<Name, message::RefusalReason> refused_;
  std::vector<message::Verdict> verdicts_;
  std::uint64_t strange_ = 0;
};

/// An event record of any node, as that node would seal it.
std::string SealedEvent(std::uint64_t node,
                        std::uint64_t epoch,
                        std::uint32_t boot,
                        std::uint32_t sequence);

/// A deferred window of any node, whose payload no network knows.
std::string SealedDeferred(std::uint64_t node,
                           std::uint64_t epoch,
                           std::uint32_t boot,
                           std::uint32_t sequence);

/// A sketch of any node, of the `length_ms` that begin at `begin_ms`.
std::string SealedSketch(std::uint64_t node,
                         std::uint64_t epoch,
                         std::uint32_t boot,
                         std::uint32_t sequence,
                         std::uint64_t begin_ms,
                         std::uint32_t length_ms);

/// Makes a key pair `name`.key in the fleet's folder.
void MakeKeyFile(tools::launcher::Fleet& fleet, std::string_view name);
/// Hex form of `name`.key.pub in the fleet's folder.
std::string PublicHex(tools::launcher::Fleet& fleet, std::string_view name);

}  // namespace trib::integration
