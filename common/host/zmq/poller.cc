#include "trib/common/host/zmq/poller.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "internal.h"
#include "trib/common/base/check.h"

namespace trib::host::zmq {

WakeUp::WakeUp() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  TRIB_CHECK(fd_ >= 0);
}
WakeUp::~WakeUp() {
  ::close(fd_);
}

void WakeUp::Notify() noexcept {
  const std::uint64_t one = 1;
  // Full means that it is already awake.
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

void WakeUp::Clear() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
}

struct Poller::Impl {
  std::vector<::zmq_pollitem_t> items;
  std::vector<WakeUp*> wake_ups;  // parallel to items; null for sockets
};

Poller::Poller() : impl_(std::make_unique<Impl>()) {}
Poller::~Poller() = default;

std::size_t Poller::Add(ServerSocket& socket) {
  impl_->items.push_back({socket.impl().socket.handle(), 0, ZMQ_POLLIN, 0});
  impl_->wake_ups.push_back(nullptr);
  return impl_->items.size() - 1;
}

std::size_t Poller::Add(ClientSocket& socket) {
  impl_->items.push_back({socket.impl().socket.handle(), 0, ZMQ_POLLIN, 0});
  impl_->wake_ups.push_back(nullptr);
  return impl_->items.size() - 1;
}

std::size_t Poller::Add(WakeUp& wake_up) {
  const std::size_t index = AddFd(wake_up.fd());
  impl_->wake_ups[index] = &wake_up;
  return index;
}

std::size_t Poller::AddFd(int fd) {
  impl_->items.push_back({nullptr, fd, ZMQ_POLLIN, 0});
  impl_->wake_ups.push_back(nullptr);
  return impl_->items.size() - 1;
}

void Poller::Enable(std::size_t index, bool enabled) {
  impl_->items[index].events = enabled ? ZMQ_POLLIN : 0;
}

void Poller::Wait(Millis timeout) {
  for (auto& item : impl_->items) {
    item.revents = 0;
  }
  (void)::zmq_poll(impl_->items.data(),
                   static_cast<int>(impl_->items.size()),
                   timeout.count() < 0 ? -1 : static_cast<long>(timeout.count()));
  for (std::size_t i = 0; i < impl_->items.size(); ++i) {
    if (impl_->wake_ups[i] != nullptr && Ready(i)) {
      impl_->wake_ups[i]->Clear();
    }
  }
}

bool Poller::Ready(std::size_t index) const {
  return (impl_->items[index].revents & ZMQ_POLLIN) != 0;
}

}  // namespace trib::host::zmq
