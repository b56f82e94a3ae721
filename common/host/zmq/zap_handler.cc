#include "trib/common/host/zmq/zap_handler.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "internal.h"
#include "trib/common/host/zmq/poller.h"

namespace trib::host::zmq {
namespace {

constexpr const char* kZapEndpoint = "inproc://zeromq.zap.01";
constexpr std::size_t kRequestFrames = 7;  // version, id, domain, address, identity, mechanism, key

std::vector<std::string> ReceiveFrames(::zmq::socket_t& socket) {
  std::vector<std::string> frames;
  bool more = true;
  while (more) {
    ::zmq::message_t part;
    if (!socket.recv(part, ::zmq::recv_flags::dontwait)) {
      break;
    }
    more = part.more();
    frames.push_back(part.to_string());
  }
  return frames;
}

/// Refused keys that are told at once, before the line per interval: bounds what strangers can log.
constexpr std::size_t kMaxToldKeys = 256;

std::string HexOf(const CurvePublicKey& key) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::byte b : key) {
    out += kDigits[static_cast<unsigned>(b) >> 4U];
    out += kDigits[static_cast<unsigned>(b) & 15U];
  }
  return out;
}

}  // namespace

struct ZapHandler::Impl {
  struct Domain {
    KeyTable table;
    ZapCounts counts;
    std::uint64_t logged = 0;       // refusals already told
    std::set<CurvePublicKey> told;  // keys whose first refusal was told
    std::string last_address;
  };

  Options options;
  ::zmq::socket_t socket;
  WakeUp stop_signal;
  mutable std::mutex mutex;
  // Guarded by mutex.
  std::map<std::string, Domain, std::less<>> domains;
  bool stopping = false;
  std::thread thread;

  /// The identity, or empty when refused. Counts either way; `line` gets what is to be told at
  /// once.
  std::string Decide(const std::vector<std::string>& request, std::string& line) {
    const std::lock_guard lock(mutex);
    if (request.size() < 6) {
      return {};
    }
    // Only our own sockets ask, and each names its domain. One without a table refuses everybody.
    Domain& domain = domains[request[2]];
    ++domain.counts.refused;
    domain.last_address = request[3];
    if (request.size() == kRequestFrames && request[5] == "CURVE" && request[6].size() == 32) {
      CurvePublicKey key{};
      std::transform(request[6].begin(), request[6].end(), key.begin(), [](char c) {
        return static_cast<std::byte>(c);
      });
      const auto entry = domain.table.find(key);
      if (entry != domain.table.end()) {
        --domain.counts.refused;
        ++domain.counts.accepted;
        return entry->second;
      }
      if (domain.told.size() < kMaxToldKeys && domain.told.insert(key).second) {
        ++domain.logged;
        line = "refused a handshake in domain " + request[2] + " from " + request[3] +
               ": its key is not enrolled here, not accepted yet, or revoked (curve_key " +
               HexOf(key) + ")";
      }
    }
    return {};
  }

  void Answer() {
    const std::vector<std::string> request = ReceiveFrames(socket);
    if (request.empty()) {
      return;
    }
    std::string line;
    const std::string identity = Decide(request, line);
    const std::string id = request.size() > 1 ? request[1] : std::string();
    const std::string reply[] = {"1.0",
                                 id,
                                 identity.empty() ? "400" : "200",
                                 identity.empty() ? "unknown key" : "OK",
                                 identity,
                                 ""};
    for (std::size_t i = 0; i < std::size(reply); ++i) {
      socket.send(::zmq::buffer(reply[i]),
                  i + 1 < std::size(reply) ? ::zmq::send_flags::sndmore : ::zmq::send_flags::none);
    }
    if (!line.empty() && options.log) {
      options.log(line);
    }
  }

  void LogRefusals() {
    std::vector<std::string> lines;
    {
      const std::lock_guard lock(mutex);
      for (auto& [name, domain] : domains) {
        if (domain.told.size() >= kMaxToldKeys) {
          domain.told.clear();
        }
        if (domain.counts.refused > domain.logged) {
          lines.push_back("refused " + std::to_string(domain.counts.refused - domain.logged) +
                          " more handshakes in domain " + name + ", last from " +
                          domain.last_address);
          domain.logged = domain.counts.refused;
        }
      }
    }
    if (options.log) {
      std::for_each(lines.begin(), lines.end(), options.log);
    }
  }

  bool Stopping() const {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  void Run() {
    using Steady = std::chrono::steady_clock;
    auto next_log = Steady::now();
    while (!Stopping()) {
      ::zmq_pollitem_t items[] = {{socket.handle(), 0, ZMQ_POLLIN, 0},
                                  {nullptr, stop_signal.fd(), ZMQ_POLLIN, 0}};
      (void)::zmq_poll(items, 2, 1000);
      try {
        if ((items[0].revents & ZMQ_POLLIN) != 0) {
          Answer();
        }
      } catch (const ::zmq::error_t&) {
        // A failed answer leaves that handshake refused; the next one is served.
      }
      if (Steady::now() >= next_log) {
        LogRefusals();
        next_log = Steady::now() + options.log_interval;
      }
    }
    socket.close();
  }
};

ZapHandler::ZapHandler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<ZapHandler>> ZapHandler::Start(Context& context) {
  return Start(context, Options{});
}

Result<std::unique_ptr<ZapHandler>> ZapHandler::Start(Context& context, Options options) {
  try {
    auto impl = std::make_unique<Impl>();
    impl->options = std::move(options);
    impl->socket = ::zmq::socket_t(context.impl().context, ::zmq::socket_type::rep);
    impl->socket.set(::zmq::sockopt::linger, 0);
    impl->socket.bind(kZapEndpoint);
    impl->thread = std::thread([raw = impl.get()] { raw->Run(); });
    return std::unique_ptr<ZapHandler>(new ZapHandler(std::move(impl)));
  } catch (const ::zmq::error_t& failure) {
    return failure.num() == EADDRINUSE ? Code::kAlreadyExists : Code::kUnavailable;
  }
}

ZapHandler::~ZapHandler() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->stop_signal.Notify();
  impl_->thread.join();
}

void ZapHandler::SetDomain(std::string_view domain, KeyTable table) {
  const std::lock_guard lock(impl_->mutex);
  Impl::Domain& changed = impl_->domains[std::string(domain)];
  changed.table = std::move(table);
  // A key that got in is news again when it is refused later.
  std::erase_if(changed.told,
                [&](const CurvePublicKey& key) { return changed.table.contains(key); });
}

ZapCounts ZapHandler::counts(std::string_view domain) const {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->domains.find(domain);
  return found == impl_->domains.end() ? ZapCounts{} : found->second.counts;
}

}  // namespace trib::host::zmq
