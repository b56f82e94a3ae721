#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/frame/channel.h"
#include "trib/common/host/serial/client.h"
#include "trib/common/host/serial/descriptors.h"
#include "trib/common/host/serial/endpoint.h"

/// What this module's tests share: they use real descriptors, so time is real, too.
namespace trib::host::serial::testing {

inline MonotonicTime Now() {
  return MonotonicTime(
      std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch()));
}

/// Calls `turn` until `done`, or too long. @returns done().
inline bool Until(const std::function<bool()>& done, const std::function<void()>& turn) {
  constexpr Millis kLong{60'000};
  const MonotonicTime end = Now() + kLong;
  while (!done()) {
    if (Now() >= end) {
      return false;
    }
    turn();
    ::poll(nullptr, 0, 1);
  }
  return true;
}

inline Endpoint Parsed(const std::string& text, Use use) {
  std::string error;
  const auto endpoint = ParseEndpoint(text, use, error);
  EXPECT_TRUE(endpoint.ok()) << error;
  return endpoint.ok() ? *endpoint : Endpoint();
}

/// The node's end of a wire.
class Station {
 public:
  Station(const std::string& endpoint, std::uint64_t id)
      : channel_({.role = frame::Role::kInitiator, .station = id}, storage_.memory()) {
    std::string error;
    auto client = Client::Open(
        Parsed(endpoint, Use::kConnect), {.retry = Millis(5), .retry_most = Millis(20)}, error);
    EXPECT_TRUE(client.ok()) << error;
    client_ = *std::move(client);
    channel_.Start(DrawNonce(), Now());
  }

  /// Moves what can be moved.
  void Turn() {
    client_->Service(Now());
    if (in_.empty()) {
      std::array<std::byte, 1024> bytes{};
      const std::size_t got = client_->Read(bytes);
      in_.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(got));
    }
    const std::size_t taken = channel_.TakeBytes(in_, Now());
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(taken));
    std::array<std::byte, frame::kMaxMessageBytes> message{};
    while (const auto got = channel_.Receive(message).value_or(0)) {
      received.emplace_back(reinterpret_cast<const char*>(message.data()), got);
    }
    if (out_.empty()) {
      std::array<std::byte, frame::kMaxMtu + 1> wire{};
      const std::size_t given = channel_.GiveBytes(wire, Now());
      out_.assign(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(given));
    }
    const std::size_t written = client_->Write(out_);
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(written));
  }
  Status Send(std::string_view text) {
    return channel_.Send(std::as_bytes(std::span(text)), Now());
  }
  void Close() { channel_.Close(frame::CloseReason::kUnspecified, Now()); }
  [[nodiscard]] const frame::Channel& channel() const { return channel_; }
  [[nodiscard]] const Client& client() const { return *client_; }

  std::vector<std::string> received;

 private:
  frame::ChannelStorage<frame::kMaxMtu, frame::kBitmapBits, 3 * frame::kMaxMessageBytes> storage_;
  frame::Channel channel_;
  std::unique_ptr<Client> client_;
  std::vector<std::byte> in_;
  std::vector<std::byte> out_;
};

/// A pair of terminals; the far one has a name below /dev that outlives it.
class FakeDevice {
 public:
  FakeDevice() { Plug(); }
  ~FakeDevice() { std::filesystem::remove(name_); }
  FakeDevice(const FakeDevice&) = delete;
  FakeDevice& operator=(const FakeDevice&) = delete;

  void Plug() {
    int near = -1;
    int far = -1;
    std::array<char, 64> path{};
    ASSERT_EQ(::openpty(&near, &far, path.data(), nullptr, nullptr), 0);
    ::close(far);
    near_ = Descriptor(near);
    std::filesystem::remove(name_);
    std::filesystem::create_symlink(path.data(), name_);
  }
  void Unplug() {
    near_ = Descriptor();
    std::filesystem::remove(name_);
  }
  [[nodiscard]] std::string name() const { return name_.string(); }
  [[nodiscard]] int near() const { return near_.get(); }

 private:
  const std::filesystem::path name_ = "/dev/shm/trib-serial-test-" + std::to_string(::getpid());
  Descriptor near_;
};

}  // namespace trib::host::serial::testing
