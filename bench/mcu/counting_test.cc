// What the counts rest on: where a function returns, what the plugin counts, how cycles are
// estimated.
#include <gtest/gtest.h>

#include "board.h"
#include "scratch_folder.h"

namespace trib::bench::mcu {
namespace {

constexpr std::string_view kText = R"(
image.elf:     file format elf32-littlearm

Disassembly of section .text:

00000100 <work(int)>:
     100:	push	{r4, r5, lr}
     102:	ldr.w	r4, [r0, #4]	@ 0x4
     106:	ldr	r5, [r0, #8]
     108:	cbz	r4, 10c <work(int)+0xc>
     10a:	nop
     10c:	pop	{r4, r5, pc}

0000010e <detour()>:
     10e:	movs	r0, #3
     110:	b.n	100 <work(int)>

00000112 <caller()>:
     112:	bl	100 <work(int)>
     116:	bl	10e <detour()>
     11a:	blx	r3
     11c:	bx	lr

0000011e <work(float)>:
     11e:	vldmia	r0!, {s0-s7}
     122:	vdiv.f32	s0, s0, s1
     126:	bx	lr
)";

TEST(Listing, FindsTheOneFunctionOfAName) {
  const Listing listing(kText);
  std::string error;
  const auto found = listing.Find("work(int", error);
  ASSERT_TRUE(found) << error;
  EXPECT_EQ(found->begin, 0x100U);
  EXPECT_EQ(found->end, 0x10EU);
  EXPECT_FALSE(listing.Find("work(", error));
  EXPECT_NE(error.find("several"), std::string::npos) << error;
  EXPECT_FALSE(listing.Find("play(", error));
  EXPECT_NE(error.find("no function"), std::string::npos) << error;
}

TEST(Listing, AFunctionReturnsBehindItsCallsAndBehindThoseOfWhatJumpsToIt) {
  const Listing listing(kText);
  std::string error;
  const auto span = CallOf(listing, "work(int)", error);
  ASSERT_TRUE(span) << error;
  EXPECT_EQ(span->begins, std::vector<std::uint32_t>{0x100});
  EXPECT_EQ(span->ends, (std::vector<std::uint32_t>{0x116, 0x11A}));
  EXPECT_FALSE(CallOf(listing, "caller()", error));
  EXPECT_NE(error.find("nothing calls it"), std::string::npos) << error;
}

TEST(ImageSize, SumsWhatIsLoadedAndWhatLivesInRam) {
  const ImageSize size = SizeIn(R"(
Sections:
Idx Name          Size      VMA       LMA       File off  Algn
  0 .text         00000100  00000000  00000000  00001000  2**2
                  CONTENTS, ALLOC, LOAD, READONLY, CODE
  1 .data         00000010  20000000  00000100  00002000  2**2
                  CONTENTS, ALLOC, LOAD, DATA
  2 .stack        00004000  20000010  20000010  00003000  2**3
                  ALLOC
  3 .bss          00000020  20004010  20004010  00003000  2**3
                  ALLOC
  4 .debug_info   00000999  00000000  00000000  00003000  2**0
                  CONTENTS, READONLY, DEBUGGING, OCTETS
)");
  EXPECT_EQ(size.flash_bytes, 0x110U);
  EXPECT_EQ(size.ram_bytes, 0x30U);
  EXPECT_EQ(size.stack_bytes, 0x4000U);
}

TEST(Cycles, AreTheManuals) {
  const Listing listing(kText);
  // Each once, the branch taken: push of three 4, load 2, load behind it 1, branch 1 + 2, pop of
  // three with the program counter 4 + 2.
  const Executions work = {{0x100, 1}, {0x102, 1}, {0x106, 1}, {0x108, 1}, {0x10C, 1}};
  EXPECT_EQ(EstimateCortexM4Cycles(listing, work), 4U + 2 + 1 + 3 + 6);
  // Not taken twice of three times: 3 + 2.
  EXPECT_EQ(EstimateCortexM4Cycles(listing, {{0x108, 3}, {0x10A, 2}}), 3U + 2 + 2);
  // Eight floats 9, division 14, return 3.
  EXPECT_EQ(EstimateCortexM4Cycles(listing, {{0x11E, 1}, {0x122, 1}, {0x126, 1}}), 9U + 14 + 3);
}

class BoardCounting : public ::testing::TestWithParam<const Board*> {
 protected:
  void SetUp() override {
    const std::string missing = MissingFor(*GetParam(), "mcu_loop", true);
    if (!missing.empty()) {
      GTEST_SKIP() << "NOT TESTED: " << missing;
    }
  }
};

TEST_P(BoardCounting, FindsExactlyTheInstructionsOfKnownLoops) {
  std::string error;
  const auto listing = ListingOf(*GetParam(), "mcu_loop", error);
  ASSERT_TRUE(listing) << error;
  auto loop = CallOf(*listing, "KnownLoop", error);
  ASSERT_TRUE(loop) << error;
  auto detour = CallOf(*listing, "KnownDetour", error);
  ASSERT_TRUE(detour) << error;
  Span late = *loop;
  late.after = 1;
  const ScratchFolder folder;
  const std::vector<std::byte> memory(16);
  const auto run =
      RunImage(*GetParam(),
               {.image = "mcu_loop", .folder = folder.path(), .spans = {*loop, *detour, late}},
               memory,
               error);
  ASSERT_TRUE(run) << error;
  EXPECT_EQ(run->spans[0].instructions,
            (std::vector<std::uint64_t>{4 + 1, 4'000 + 1, 4'000'000 + 1, 4 * 3 + 1}));
  EXPECT_EQ(run->spans[1].instructions, (std::vector<std::uint64_t>{2 + 4 * 3 + 1}));
  EXPECT_EQ(run->spans[2].instructions, (std::vector<std::uint64_t>{4 * 3 + 1}));
  // Three turns of four instructions, two of them with a branch taken; the return.
  EXPECT_EQ(EstimateCortexM4Cycles(*listing, run->spans[2].executions), 3U * 4 + 2 * 2 + 3);
}

TEST_P(BoardCounting, SaysWhatIsWrong) {
  std::string error;
  const ScratchFolder folder;
  const std::vector<std::byte> memory(16);
  EXPECT_FALSE(
      RunImage(*GetParam(), {.image = "mcu_engine", .folder = folder.path()}, memory, error));
  EXPECT_NE(error.find("no jobs in memory"), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(All,
                         BoardCounting,
                         ::testing::Values(&kBoards[0], &kBoards[1]),
                         [](const auto& board) {
                           std::string name(board.param->name);
                           name[name.find('-')] = '_';
                           return name;
                         });

}  // namespace
}  // namespace trib::bench::mcu
