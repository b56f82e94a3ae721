#include "trib/node/board/identity_page.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/writer.h"
#include "trib/node/board/memory.h"

namespace trib::node::board {
namespace {

class Page : public ::testing::Test {
 protected:
  Page() { area_.fill(std::byte{0xFF}); }

  static IdentityPage Example() {
    IdentityPage page;
    page.node = NodeId(42);
    page.seed = 7;
    page.start = LogicalTime(Millis(1'767'225'600'000));
    page.own_time = true;
    page.full_speed = true;
    page.package_bytes = 1000;
    page.mtu = 51;
    crypto::PublicKey key;
    key.bytes.fill(std::byte{0xAB});
    (void)page.package_keys.push_back(key);
    return page;
  }
  std::size_t Write(const IdentityPage& page) {
    const auto length = EncodeIdentity(page, area_);
    EXPECT_TRUE(length.ok());
    return length.ok() ? *length : 0;
  }
  /// Changes a byte and makes the checksum right again.
  void Change(std::size_t at, std::uint8_t value) {
    std::size_t length = 0;
    std::memcpy(&length, &area_[8], 4);
    area_[at] = std::byte{value};
    ByteWriter(std::span(area_).subspan(length - 4))
        .U32(Crc32c(std::span(area_).first(length - 4)));
  }
  PageReason Refusal() {
    const auto page = DecodeIdentity(area_);
    EXPECT_FALSE(page.ok());
    return static_cast<PageReason>(page.status().reason());
  }

  std::array<std::byte, kIdentityArea.bytes> area_{};
};

TEST_F(Page, ReadsBackWhatWasWritten) {
  IdentityPage page = Example();
  page.hold_for_verdicts = true;
  EXPECT_EQ(Write(page), 48U + 32 + 4);
  const auto read = DecodeIdentity(area_);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->node, page.node);
  EXPECT_EQ(read->seed, 7U);
  EXPECT_EQ(read->start, page.start);
  EXPECT_TRUE(read->own_time);
  EXPECT_TRUE(read->hold_for_verdicts);
  EXPECT_TRUE(read->full_speed);
  EXPECT_EQ(read->package_bytes, 1000U);
  EXPECT_EQ(read->mtu, 51);
  ASSERT_EQ(read->package_keys.size(), 1U);
  EXPECT_EQ(read->package_keys[0], page.package_keys[0]);
}

TEST_F(Page, LiesAsThePageOfFormatsSays) {
  Write(Example());
  EXPECT_EQ(std::memcmp(area_.data(), "TRIBBRD1", 8), 0);
  EXPECT_EQ(area_[8], std::byte{84});
  EXPECT_EQ(area_[12], std::byte{1 | 4});
  EXPECT_EQ(area_[16], std::byte{42});
  EXPECT_EQ(area_[24], std::byte{7});
  EXPECT_EQ(area_[40], std::byte{1000 % 256});
  EXPECT_EQ(area_[44], std::byte{51});
  EXPECT_EQ(area_[46], std::byte{1});
  EXPECT_EQ(area_[48], std::byte{0xAB});
}

TEST_F(Page, BlankMemoryIsNoIdentity) {
  const auto page = DecodeIdentity(area_);
  EXPECT_EQ(page.status().code(), Code::kNotFound);
  EXPECT_EQ(Refusal(), PageReason::kBlank);
}

TEST_F(Page, AnyBitThatFlipsIsSeen) {
  const std::size_t length = Write(Example());
  const auto good = area_;
  for (std::size_t bit = 0; bit < length * 8; ++bit) {
    area_ = good;
    area_[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(DecodeIdentity(area_).ok()) << "bit " << bit;
  }
}

TEST_F(Page, RefusesWhatAPageMayNotSay) {
  Write(Example());
  Change(12, 0x80);  // a flag that nobody knows
  EXPECT_EQ(Refusal(), PageReason::kValue);
  Write(Example());
  Change(16, 0);  // node 0
  EXPECT_EQ(Refusal(), PageReason::kValue);
  Write(Example());
  Change(44, 50);  // an MTU below the least
  EXPECT_EQ(Refusal(), PageReason::kValue);
  Write(Example());
  Change(38, 1);  // a start after the year 4000
  EXPECT_EQ(Refusal(), PageReason::kValue);
  Write(Example());
  Change(43, 1);  // a package beyond the slot
  EXPECT_EQ(Refusal(), PageReason::kValue);
  Write(Example());
  Change(46, 2);  // more keys than its length has
  EXPECT_EQ(Refusal(), PageReason::kLength);
}

TEST_F(Page, OwnTimeNeedsAStart) {
  IdentityPage page = Example();
  page.start = {};
  EXPECT_EQ(EncodeIdentity(page, area_).status().code(), Code::kInvalidArgument);
  page.own_time = false;
  EXPECT_TRUE(EncodeIdentity(page, area_).ok());
}

TEST_F(Page, IsNotReadBeyondItsArea) {
  Write(Example());
  for (std::size_t size = 0; size < 84; ++size) {
    EXPECT_FALSE(DecodeIdentity(std::span(area_).first(size)).ok()) << size;
  }
  EXPECT_TRUE(DecodeIdentity(std::span(area_).first(84)).ok());
}

}  // namespace
}  // namespace trib::node::board
