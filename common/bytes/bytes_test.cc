#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/hash.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"

namespace trib {
namespace {

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(Crc32c, MatchesRfc3720) {
  EXPECT_EQ(Crc32c(AsBytes("123456789")), 0xE3069283U);
  std::array<std::byte, 32> zeros{};
  EXPECT_EQ(Crc32c(zeros), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(AsBytes("6789"), Crc32c(AsBytes("12345"))), 0xE3069283U);
}

TEST(Fnv1a64, MatchesPublishedVectors) {
  EXPECT_EQ(Fnv1a64(""), 0xCBF29CE484222325U);
  EXPECT_EQ(Fnv1a64("foobar"), 0x85944171F73967E8U);
}

TEST(Bytes, RoundTripIsLittleEndian) {
  std::array<std::byte, 64> memory{};
  ByteWriter out(memory);
  out.U8(1);
  out.U16(0x0203);
  out.U32(0x04050607);
  out.U64(0x08090A0B0C0D0E0FU);
  out.F32(1.5F);
  out.Align(16);
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out.position(), 32U);
  EXPECT_EQ(memory[1], std::byte{0x03});
  ByteReader in(out.written());
  EXPECT_EQ(in.U8(), 1);
  EXPECT_EQ(in.U16(), 0x0203);
  EXPECT_EQ(in.U32(), 0x04050607U);
  EXPECT_EQ(in.U64(), 0x08090A0B0C0D0E0FU);
  EXPECT_EQ(in.F32(), 1.5F);
  EXPECT_TRUE(in.ok());
}

TEST(Bytes, ReaderFailsForGoodPastTheEnd) {
  std::array<std::byte, 3> memory{std::byte{1}, std::byte{2}, std::byte{3}};
  ByteReader in(memory);
  EXPECT_EQ(in.U32(), 0U);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.U8(), 0);
  EXPECT_TRUE(in.Bytes(static_cast<std::size_t>(-1)).empty());
  EXPECT_FALSE(in.ok());
}

TEST(Bytes, WriterNeverPassesItsEnd) {
  std::array<std::byte, 3> memory{};
  ByteWriter out(memory);
  out.U16(1);
  out.U16(2);
  EXPECT_FALSE(out.ok());
  out.U8(3);
  EXPECT_EQ(out.position(), 2U);
  EXPECT_EQ(memory[2], std::byte{0});
}

}  // namespace
}  // namespace trib
