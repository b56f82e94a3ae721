#include "trib/common/host/zmq/zap_handler.h"

#include <algorithm>
#include <mutex>
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

}  // namespace

struct ZapHandler::Impl {
  struct Domain {
    KeyTable table;
    ZapCounts counts;
    std::uint64_t logged = 0;  // refusals already told
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

  /// The identity, or empty when refused. Counts either way.
  std::string Decide(const std::vector<std::string>& request) {
    const std::lock_guard lock(mutex);
    if (request.size() < 6) {
      return {};
    }
    const auto found = domains.find(request[2]);
    if (found == domains.end()) {
      // Only our own sockets ask, and each names its domain: this domain has no table yet.
      Domain& domain = domains[request[2]];
      ++domain.counts.refused;
      domain.last_address = request[3];
      return {};
    }
    Domain& domain = found->second;
    if (request.size() == kRequestFrames && request[5] == "CURVE" && request[6].size() == 32) {
      CurvePublicKey key{};
      std::transform(request[6].begin(), request[6].end(), key.begin(), [](char c) {
        return static_cast<std::byte>(c);
      });
      const auto entry = domain.table.find(key);
      if (entry != domain.table.end()) {
        ++domain.counts.accepted;
        return entry->second;
      }
    }
    ++domain.counts.refused;
    domain.last_address = request[3];
    return {};
  }

  void Answer() {
    const std::vector<std::string> request = ReceiveFrames(socket);
    if (request.empty()) {
      return;
    }
    const std::string identity = Decide(request);
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
  }

  void LogRefusals() {
    std::vector<std::string> lines;
    {
      const std::lock_guard lock(mutex);
      for (auto& [name, domain] : domains) {
        if (domain.counts.refused > domain.logged) {
          lines.push_back("refused " + std::to_string(domain.counts.refused - domain.logged) +
                          " handshakes in domain " + name + ", last from " + domain.last_address);
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
  impl_->domains[std::string(domain)].table = std::move(table);
}

ZapCounts ZapHandler::counts(std::string_view domain) const {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->domains.find(domain);
  return found == impl_->domains.end() ? ZapCounts{} : found->second.counts;
}

}  // namespace trib::host::zmq
