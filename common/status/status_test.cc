#include "trib/common/status/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "trib/common/status/result.h"

namespace trib {
namespace {

enum class Reason : std::uint16_t { kTooLong = 7 };

Result<int> Half(int value) {
  if (value % 2 != 0) {
    return Status(Code::kInvalidArgument, Reason::kTooLong);
  }
  return value / 2;
}

Result<int> Quarter(int value) {
  TRIB_TRY_ASSIGN(const int half, Half(value));
  TRIB_TRY_ASSIGN(const int quarter, Half(half));
  return quarter;
}

TEST(Status, CarriesCodeAndReason) {
  const Status status(Code::kDataLoss, Reason::kTooLong);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), Code::kDataLoss);
  EXPECT_EQ(status.reason(), 7);
  EXPECT_EQ(CodeName(status.code()), "DATA_LOSS");
  EXPECT_EQ(CodeName(static_cast<Code>(200)), "UNKNOWN");
}

TEST(Result, TryAssignReturnsTheFirstFailure) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Quarter(6).value_or(-1), -1);
}

TEST(Result, OkStatusWithoutValueIsAFault) {
  EXPECT_EQ(Result<int>(Status()).status().code(), Code::kInternal);
}

TEST(Result, CopiesMovesAndDestroysItsValue) {
  auto shared = std::make_shared<std::string>("text");
  {
    Result<std::shared_ptr<std::string>> first(shared);
    Result<std::shared_ptr<std::string>> second(first);
    EXPECT_EQ(shared.use_count(), 3);
    Result<std::shared_ptr<std::string>> third(std::move(second));
    EXPECT_EQ(shared.use_count(), 3);
    first = Code::kNotFound;
    EXPECT_EQ(shared.use_count(), 2);
    const auto& same = third;
    third = same;
    EXPECT_EQ(**third, "text");
  }
  EXPECT_EQ(shared.use_count(), 1);
}

}  // namespace
}  // namespace trib
