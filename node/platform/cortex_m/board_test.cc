// The boards' ports and start-up, in their images under QEMU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "emulated_board.h"
#include "trib/node/board/entropy_sector.h"
#include "trib/node/board/identity_page.h"
#include "trib/node/board/memory.h"
#include "trib/node/board/seeded_entropy.h"
#include "trib/node/board/sensor_memory.h"
#include "trib/node/cortex_m/nor_flash.h"

namespace trib::node::cortex_m {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Listens on a port of 127.0.0.1 and sends back what comes, until destroyed.
class EchoServer {
 public:
  EchoServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~EchoServer() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  [[nodiscard]] std::string address() const { return "tcp://127.0.0.1:" + std::to_string(port_); }

 private:
  static constexpr int kLook_ms = 100;

  bool Readable(int fd) const {
    pollfd poll{.fd = fd, .events = POLLIN, .revents = 0};
    while (!stop_) {
      if (::poll(&poll, 1, kLook_ms) > 0) {
        return true;
      }
    }
    return false;
  }
  void Serve() {
    while (Readable(listener_)) {
      const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      std::array<char, 4096> bytes{};
      while (peer >= 0 && Readable(peer)) {
        const ssize_t got = ::read(peer, bytes.data(), bytes.size());
        if (got <= 0 ||
            ::send(peer, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) {
          break;
        }
      }
      ::close(peer);
    }
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class BoardTest : public EmulatedBoardTest {
 protected:
  BoardTest() {
    seed_.bytes.fill(std::byte{0x17});
    std::array<std::byte, board::kEntropySectorBytes> sector{};
    board::EncodeEntropySector(1, seed_, sector);
    std::string error;
    EXPECT_TRUE(
        launcher::WriteMemory(GetParam(), memory(), board::kEntropyArea.offset, sector, error))
        << error;
  }
  crypto::SecretSeed seed_;
};

TEST_P(BoardTest, StartsWithMemoryStackAndFloatsInOrder) {
  TRIB_IMAGE_OR_SKIP("hello");
  PowerOn("hello", "", true);
  const auto exit = board_->Wait(kEmulatorPatience);
  ASSERT_TRUE(exit) << Text();
  EXPECT_EQ(exit->code, 0) << exit->Describe() << "\n" << Text();
  EXPECT_THAT(Lines(), Contains("board " + std::string(GetParam().name)));
  EXPECT_THAT(Lines(), Contains("ok floating point"));
}

TEST_P(BoardTest, PortsKeepTheContracts) {
  TRIB_IMAGE_OR_SKIP("contracts");
  const EchoServer echo;
  PowerOn("contracts", echo.address());
  EXPECT_THAT(LinesUntilDone(),
              ElementsAre("flash: ok",
                          "entropy: ok",
                          "clock: ok",
                          "link: ok",
                          "sleep: ok",
                          "actuator normal",
                          "actuator warn",
                          "actuator: ok",
                          "done"));
}

class NoSwitch final : public WriteSwitch {
 public:
  void SetWritable(bool /*writable*/) override {}
};

/// What a board with this memory draws at its next boot, worked out here.
std::string ExpectedEntropy(std::vector<std::byte>& area) {
  NoSwitch no_switch;
  NorFlash flash(area,
                 {.sector_bytes = board::kEntropySectorBytes,
                  .sector_count = 2,
                  .program_unit_bytes = board::kProgramUnitBytes},
                 no_switch);
  board::SeededEntropy entropy(flash);
  std::array<std::byte, 100> drawn{};
  EXPECT_TRUE(entropy.Fill(drawn).ok());
  std::string out = "entropy 0 ";
  for (const std::byte b : drawn) {
    for (const unsigned half :
         {std::to_integer<unsigned>(b) / 16, std::to_integer<unsigned>(b) % 16}) {
      out += "0123456789abcdef"[half];
    }
  }
  return out;
}

TEST_P(BoardTest, KeepsFlashAndNeverDrawsTheSameOverPowerCuts) {
  TRIB_IMAGE_OR_SKIP("survive");
  auto area = launcher::ReadMemory(
      GetParam(), memory(), board::kEntropyArea.offset, board::kEntropyArea.bytes);
  std::string before;
  for (int boot = 1; boot <= 3; ++boot) {
    PowerOn("survive");
    const auto lines = LinesUntilDone();
    PowerOff();
    const std::string expected = ExpectedEntropy(area);
    EXPECT_NE(expected, before);
    EXPECT_THAT(lines, ElementsAre("boots " + std::to_string(boot), "cause 1", expected, "done"));
    before = expected;
    // Not a byte differs from what the same class did here.
    EXPECT_EQ(launcher::ReadMemory(
                  GetParam(), memory(), board::kEntropyArea.offset, board::kEntropyArea.bytes),
              area);
  }
}

TEST_P(BoardTest, GivesNoEntropyToABoardThatWasNeverSeeded) {
  TRIB_IMAGE_OR_SKIP("survive");
  std::string error;
  ASSERT_TRUE(launcher::MakeBlankMemory(GetParam(), memory(), error)) << error;
  PowerOn("survive");
  const auto lines = LinesUntilDone();
  const auto failed = static_cast<int>(Code::kFailedPrecondition);
  EXPECT_THAT(lines, Contains(HasSubstr("entropy " + std::to_string(failed) + " 0000")));
}

/// Memory of a board that was told all but its entropy: its node cannot start.
void WriteUnseededNode(const launcher::EmulatedBoard& emulated, const std::filesystem::path& file) {
  std::string error;
  ASSERT_TRUE(launcher::MakeBlankMemory(emulated, file, error)) << error;
  board::IdentityPage identity;
  identity.node = NodeId(7);
  std::array<std::byte, board::kIdentityArea.bytes> page{};
  const auto length = board::EncodeIdentity(identity, page);
  ASSERT_TRUE(length.ok());
  ASSERT_TRUE(launcher::WriteMemory(emulated,
                                    file,
                                    board::kIdentityArea.offset,
                                    std::span<const std::byte>(page).first(*length),
                                    error))
      << error;
  std::array<std::byte, 1024> sensor{};
  const std::array blocks = {board::StoredBlock{.frames = 100, .scale = 1}};
  ASSERT_TRUE(
      board::EncodeSensor({.sample_rate_hz = 100, .channels = 1, .loop = true}, blocks, sensor)
          .ok());
  ASSERT_TRUE(launcher::WriteMemory(emulated, file, board::kSensorArea.offset, sensor, error))
      << error;
}

TEST_P(BoardTest, ANodeThatCannotStartSaysSoAndStaysUp) {
  TRIB_IMAGE_OR_SKIP("node");
  WriteUnseededNode(GetParam(), memory());
  PowerOn("node");
  const auto count = [this](std::string_view text) {
    return std::ranges::count_if(
        Lines(), [text](const std::string& line) { return line.find(text) != std::string::npos; });
  };
  // Said every 16 s: the watchdog would have bitten after 10.
  EXPECT_TRUE(launcher::WaitUntil([&] { return count("nothing to do") >= 2; }, kEmulatorPatience))
      << Text();
  EXPECT_EQ(count("node firmware"), 1) << Text();
}

INSTANTIATE_TEST_SUITE_P(Emulated,
                         BoardTest,
                         ::testing::ValuesIn(launcher::EmulatedBoards().begin(),
                                             launcher::EmulatedBoards().end()),
                         BoardName);

}  // namespace
}  // namespace trib::node::cortex_m
