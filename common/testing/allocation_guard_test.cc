#include "trib/testing/allocation_guard.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <vector>

namespace trib::testing {
namespace {

void Escape(void* memory) {
  asm volatile("" : : "g"(memory) : "memory");
}

class AllocationGuardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!AllocationGuard::enforced()) {
      GTEST_SKIP() << "NOT TESTED: a sanitizer owns the heap in this build";
    }
  }
};

TEST_F(AllocationGuardTest, CountsNewAndMalloc) {
  const AllocationGuard guard;
  EXPECT_EQ(guard.allocations(), 0U);
  auto number = std::make_unique<int>(1);
  Escape(number.get());
  EXPECT_EQ(guard.allocations(), 1U);
  void* memory = std::malloc(8);
  Escape(memory);
  std::free(memory);
  EXPECT_EQ(guard.allocations(), 2U);
}

TEST_F(AllocationGuardTest, CountsNothingInsideAPause) {
  const AllocationGuard guard;
  {
    const AllocationGuard::Pause port;
    std::vector<int> numbers(100);
    Escape(numbers.data());
  }
  EXPECT_EQ(guard.allocations(), 0U);
}

TEST_F(AllocationGuardTest, EndsTheProgramWhenForbidden) {
  EXPECT_DEATH(
      {
        const AllocationGuard guard(AllocationGuard::Mode::kForbid);
        std::vector<int> numbers(100);
        Escape(numbers.data());
      },
      "heap allocation under an AllocationGuard");
}

}  // namespace
}  // namespace trib::testing
