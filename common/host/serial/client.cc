#include "trib/common/host/serial/client.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "trib/common/base/check.h"
#include "trib/common/host/serial/descriptors.h"

namespace trib::host::serial {

struct Client::Impl {
  enum class State : std::uint8_t { kAway, kConnecting, kConnected };

  Impl(const Endpoint& at, const ClientOptions& given)
      : endpoint(at), options(given), pause(given.retry), epoll(::epoll_create1(EPOLL_CLOEXEC)) {}

  Status Try(std::string& error);
  void FinishConnecting();
  void Up();
  void Lose();
  void Flush();
  /// Tells epoll what to wait for.
  void Watch(bool add);

  const Endpoint endpoint;
  const ClientOptions options;
  State state = State::kAway;
  Millis pause;
  bool lost = false;  // since the last Service(), which knows the time
  MonotonicTime retry_at = MonotonicTime::min();
  std::uint64_t connections = 0;
  Descriptor epoll;
  Descriptor fd;
  // [0, out_used) waits to be written.
  std::array<std::byte, 4096> out{};
  std::size_t out_used = 0;
  bool watching_out = false;
};

void Client::Impl::Watch(bool add) {
  watching_out = state == State::kConnecting || out_used > 0;
  epoll_event event{};
  event.events = (state == State::kConnected ? EPOLLIN : 0U) | (watching_out ? EPOLLOUT : 0U);
  (void)::epoll_ctl(epoll.get(), add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd.get(), &event);
}

Status Client::Impl::Try(std::string& error) {
  auto opened = endpoint.kind == Endpoint::Kind::kTcp ? Connect(endpoint, error)
                                                      : OpenDevice(endpoint, error);
  if (!opened.ok()) {
    lost = true;
    return opened.status();
  }
  fd = *std::move(opened);
  state = State::kConnecting;
  Watch(true);
  if (endpoint.kind == Endpoint::Kind::kDevice) {
    Up();
  }
  return {};
}

void Client::Impl::FinishConnecting() {
  pollfd ready{fd.get(), POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1) {
    return;
  }
  int failure = 0;
  socklen_t length = sizeof failure;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failure, &length) != 0 || failure != 0 ||
      MetItself(fd.get())) {
    Lose();
    return;
  }
  Up();
}

void Client::Impl::Up() {
  state = State::kConnected;
  ++connections;
  Watch(false);
}

void Client::Impl::Lose() {
  fd = Descriptor();  // which takes it out of epoll, too
  state = State::kAway;
  lost = true;
  out_used = 0;
}

void Client::Impl::Flush() {
  if (state != State::kConnected) {
    return;
  }
  if (out_used > 0) {
    const Moved put = WriteSome(fd.get(), endpoint.kind, std::span(out).first(out_used));
    if (put.ended) {
      Lose();
      return;
    }
    std::memmove(out.data(), out.data() + put.bytes, out_used - put.bytes);
    out_used -= put.bytes;
  }
  if (watching_out != (out_used > 0)) {
    Watch(false);
  }
}

Result<std::unique_ptr<Client>> Client::Open(const Endpoint& endpoint,
                                             const ClientOptions& options,
                                             std::string& error) {
  auto impl = std::make_unique<Impl>(endpoint, options);
  if (!impl->epoll.ok()) {
    error = "no more file descriptors";
    return Code::kUnavailable;
  }
  std::string why;
  if (const Status status = impl->Try(why); status.code() == Code::kInvalidArgument) {
    error = why;
    return status;
  }
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

void Client::Service(MonotonicTime now) {
  Impl& impl = *impl_;
  if (impl.state == Impl::State::kConnecting) {
    impl.FinishConnecting();
  }
  impl.Flush();
  if (impl.lost) {
    impl.lost = false;
    impl.retry_at = now + impl.pause;
    impl.pause = std::min(2 * impl.pause, impl.options.retry_most);
  } else if (impl.state == Impl::State::kAway && now >= impl.retry_at) {
    std::string ignored;  // it is as it was: away
    (void)impl.Try(ignored);
  }
}

std::size_t Client::Write(std::span<const std::byte> bytes) {
  Impl& impl = *impl_;
  if (impl.state != Impl::State::kConnected || bytes.empty()) {
    return bytes.size();
  }
  const std::size_t taken = std::min(bytes.size(), room());
  std::memcpy(impl.out.data() + impl.out_used, bytes.data(), taken);
  impl.out_used += taken;
  impl.Flush();
  return taken;
}

std::size_t Client::Read(std::span<std::byte> memory) {
  Impl& impl = *impl_;
  if (impl.state != Impl::State::kConnected || memory.empty()) {
    return 0;
  }
  const Moved got = ReadSome(impl.fd.get(), memory);
  if (got.ended) {
    impl.Lose();
  } else if (got.bytes > 0) {
    impl.pause = impl.options.retry;
  }
  return got.bytes;
}

std::size_t Client::room() const {
  return impl_->out.size() - impl_->out_used;
}
int Client::fd() const {
  return impl_->epoll.get();
}
MonotonicTime Client::next_due() const {
  if (impl_->lost) {
    return MonotonicTime::min();
  }
  return impl_->state == Impl::State::kAway ? impl_->retry_at : MonotonicTime::max();
}
bool Client::connected() const {
  return impl_->state == Impl::State::kConnected;
}
std::uint64_t Client::connections() const {
  return impl_->connections;
}

std::uint32_t DrawNonce() {
  std::uint32_t nonce = 0;
  ssize_t got = 0;
  do {
    got = ::getrandom(&nonce, sizeof nonce, 0);
  } while (got < 0 && errno == EINTR);
  TRIB_CHECK(got == sizeof nonce);
  return nonce;
}

}  // namespace trib::host::serial
