#include "trib/node/board/entropy_sector.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "trib/node/board/memory.h"

namespace trib::node::board {
namespace {

class Sector : public ::testing::Test {
 protected:
  Sector() {
    seed_.bytes.fill(std::byte{0x5C});
    EncodeEntropySector(3, seed_, sector_);
  }
  crypto::SecretSeed seed_;
  std::array<std::byte, kEntropySectorBytes> sector_{};
};

TEST_F(Sector, ReadsBackWhatWasWritten) {
  EXPECT_EQ(std::memcmp(sector_.data(), "TRIBENT1", 8), 0);
  const auto read = DecodeEntropySector(sector_);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->generation, 3U);
  EXPECT_TRUE(crypto::ConstantTimeEqual(read->seed.span(), seed_.span()));
  EXPECT_EQ(read->units, 504U);
  EXPECT_EQ(read->units_used, 0U);
}

TEST_F(Sector, CountsTheBootsThatDrewOnIt) {
  for (std::size_t unit = 0; unit < 2; ++unit) {
    std::fill_n(
        &sector_[kEntropyUnitsAt + unit * kEntropyUnitBytes], kEntropyUnitBytes, std::byte{0});
  }
  EXPECT_EQ(DecodeEntropySector(sector_)->units_used, 2U);
}

TEST_F(Sector, RefusesDamage) {
  const auto good = sector_;
  for (std::size_t bit = 0; bit < std::size_t{48} * 8; ++bit) {
    sector_ = good;
    sector_[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_EQ(DecodeEntropySector(sector_).status().code(), Code::kDataLoss) << bit;
  }
  sector_.fill(std::byte{0xFF});
  EXPECT_FALSE(DecodeEntropySector(sector_).ok());
  EXPECT_FALSE(DecodeEntropySector({}).ok());
}

}  // namespace
}  // namespace trib::node::board
