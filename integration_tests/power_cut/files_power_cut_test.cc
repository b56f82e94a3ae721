// Power cuts while whole files are written: keys, packages, a node's flash.
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "power_cut.h"
#include "trib/common/host/files/files.h"
#include "trib/common/host/identity/identity.h"
#include "trib/node/sim/file_flash.h"

namespace trib::integration {
namespace {

namespace fs = std::filesystem;
namespace identity = host::identity;

class FilePowerCut : public PowerCutTest {
 protected:
  static std::string Content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

/// `trib key`: a pair is made, and the operator who had no answer makes it again.
class KeyPowerCut : public FilePowerCut {
 protected:
  std::string StateOf(const fs::path& folder) override {
    std::string error;
    const auto pair = identity::LoadKeyPair(folder / "node.key", &error);
    if (!pair.ok()) {
      return pair.status().code() == Code::kNotFound ? "no pair" : error;
    }
    // The file beside it may be missing: the pair is complete without, and `trib key show` tells
    // the public half. One that is there is the right one, or LoadKeyPair() had refused.
    return identity::ToHex(pair->public_key.bytes);
  }
  void Reopen(const fs::path& folder) override {
    std::string error;
    const Status status = identity::SaveKeyPair(folder / "node.key", *pair_, "node", &error);
    EXPECT_TRUE(status.ok() || status.code() == Code::kAlreadyExists) << error;
  }

  Result<identity::KeyPair> pair_ = identity::GenerateKeyPair();
};

TEST_F(KeyPowerCut, IsWholeOrCanBeMadeAgain) {
  ASSERT_TRUE(pair_.ok());
  Record();
  Do("saving a pair", [this] { Reopen(live()); });
  CutEverywhere({.seeds = 8, .recoveries = 4});
}

/// A file that is replaced holds the old content or the new one.
class ReplacedFilePowerCut : public FilePowerCut {
 protected:
  std::string StateOf(const fs::path& folder) override {
    return fs::exists(folder / "package") ? Content(folder / "package") : "no file";
  }
  void Reopen(const fs::path&) override {}
  void Replace(const std::string& content) {
    Do("replacing", [&] {
      std::string error;
      EXPECT_TRUE(
          host::files::Replace(live() / "package", 0600, std::as_bytes(std::span(content)), &error)
              .ok())
          << error;
    });
  }
};

TEST_F(ReplacedFilePowerCut, IsOldOrNew) {
  Record();
  Replace(std::string(3000, 'a'));
  Replace(std::string(2000, 'b'));
  Replace(std::string(5000, 'c'));
  CutEverywhere({.seeds = 8});
}

/// What a node programmed into its flash file, when Program() had returned.
class FlashPowerCut : public FilePowerCut {
 protected:
  static constexpr node::Flash::Geometry kGeometry{
      .sector_bytes = 4096, .sector_count = 4, .program_unit_bytes = 8};

  static std::unique_ptr<node::sim::FileFlash> Open(const fs::path& folder) {
    std::string error;
    auto flash = node::sim::FileFlash::Open(folder / "flash", {.geometry = kGeometry}, error);
    EXPECT_TRUE(flash.ok()) << error;
    return flash.ok() ? *std::move(flash) : nullptr;
  }
  /// First byte of each block of 64 that is not blank or torn; those in the middle of a write are
  /// for the backlog and the state to judge, which are swept with a fake flash.
  std::string StateOf(const fs::path& folder) override {
    const std::string content = Content(folder / "flash");
    std::string state = std::to_string(content.size()) + " bytes ";
    for (std::size_t at = 0; at + 64 <= content.size(); at += 64) {
      const std::string block = content.substr(at, 64);
      const bool whole =
          std::all_of(block.begin(), block.end(), [&](char c) { return c == block[0]; });
      state += whole && block[0] != '\xFF' ? std::string(1, block[0]) : "";
    }
    return state;
  }
  void Reopen(const fs::path& folder) override { Open(folder); }
};

TEST_F(FlashPowerCut, KeepsWhatWasProgrammed) {
  Record();
  std::unique_ptr<node::sim::FileFlash> flash;
  Do("opening", [&] { flash = Open(live()); });
  for (std::uint32_t i = 0; i < 6; ++i) {
    Do("programming", [&] {
      const std::array<std::byte, 64> block = [&] {
        std::array<std::byte, 64> out{};
        out.fill(static_cast<std::byte>('a' + i));
        return out;
      }();
      EXPECT_TRUE(flash->Program(i * 64, block).ok());
    });
  }
  Do("erasing", [&] { EXPECT_TRUE(flash->Erase(node::SectorIndex(1), 2).ok()); });
  CutEverywhere({.seeds = 8, .recoveries = 4});
}

}  // namespace
}  // namespace trib::integration
