#include "cycles.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace trib::bench::mcu {
namespace {

constexpr std::uint64_t kRefill = 2;
constexpr std::uint64_t kDivide = 8;
constexpr std::uint64_t kFloatDivide = 14;

bool Any(std::string_view text, std::initializer_list<std::string_view> of) {
  return std::find(of.begin(), of.end(), text) != of.end();
}

bool StartsWithAny(std::string_view text, std::initializer_list<std::string_view> of) {
  return std::any_of(of.begin(), of.end(), [text](auto begin) { return text.starts_with(begin); });
}

/// Names may carry a condition ("ldreq") inside an IT block.
std::string_view WithoutCondition(std::string_view name) {
  constexpr std::array<std::string_view, 15> kConditions = {
      "eq", "ne", "cs", "cc", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt"};
  const auto known = [](std::string_view base) {
    return Any(base, {"ldr",  "ldrb", "ldrh",  "ldrsb", "ldrsh", "str",   "strb", "strh",
                      "ldrd", "strd", "ldmia", "ldmdb", "stmia", "stmdb", "pop",  "push",
                      "bx",   "blx",  "bl",    "sdiv",  "udiv",  "vldr",  "vstr"});
  };
  if (name.size() > 2 && !known(name)) {
    const std::string_view base = name.substr(0, name.size() - 2);
    const std::string_view condition = name.substr(name.size() - 2);
    if (known(base) &&
        (condition == "le" ||
         std::find(kConditions.begin(), kConditions.end(), condition) != kConditions.end())) {
      return base;
    }
  }
  return name;
}

bool IsSingleLoad(std::string_view name) {
  return Any(name, {"ldr", "ldrb", "ldrh", "ldrsb", "ldrsh", "vldr"});
}
bool IsSingleStore(std::string_view name) {
  return Any(name, {"str", "strb", "strh", "vstr"});
}
bool IsMultiple(std::string_view name) {
  return StartsWithAny(name, {"ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop"});
}

int NumberOf(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, int>, 6> kNamed = {
      {{"sl", 10}, {"fp", 11}, {"ip", 12}, {"sp", 13}, {"lr", 14}, {"pc", 15}}};
  for (const auto& [text, number] : kNamed) {
    if (name == text) {
      return number;
    }
  }
  int value = 0;
  for (const char c : name.substr(std::min<std::size_t>(1, name.size()))) {
    value = 10 * value + (c - '0');
  }
  return value;
}

/// How many words "{r4, r5, r7-r9, pc}" or "{d8-d11}" moves.
std::uint64_t WordsOf(std::string_view operands) {
  const auto open = operands.find('{');
  const auto close = operands.find('}');
  if (open == std::string_view::npos || close == std::string_view::npos) {
    return 1;
  }
  std::string_view list = operands.substr(open + 1, close - open - 1);
  const std::uint64_t words_each = list.starts_with("d") ? 2 : 1;
  std::uint64_t registers = 0;
  while (!list.empty()) {
    const auto comma = list.find(", ");
    const std::string_view item = list.substr(0, comma);
    const auto dash = item.find('-');
    registers += dash == std::string_view::npos
                     ? 1
                     : static_cast<std::uint64_t>(NumberOf(item.substr(dash + 1)) -
                                                  NumberOf(item.substr(0, dash)) + 1);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 2);
  }
  return registers * words_each;
}

bool WritesPc(std::string_view name, std::string_view operands) {
  return (IsMultiple(name) && operands.find("pc}") != std::string_view::npos) ||
         ((name == "ldr" || name == "mov") && operands.starts_with("pc,"));
}

bool IsAlwaysTaken(std::string_view name) {
  return Any(name, {"b", "bl", "bx", "blx", "tbb", "tbh"});
}

bool IsConditionalBranch(const Instruction& instruction) {
  const std::string_view name = instruction.mnemonic;
  return Any(name, {"cbz", "cbnz"}) ||
         (name.starts_with("b") && name.size() == 3 && !Any(name, {"bic", "bfi", "bfc", "blx"}) &&
          BranchTarget(instruction).has_value());
}

/// Cycles of one execution, what a taken branch adds left out.
std::uint64_t CyclesOf(std::string_view name, std::string_view operands, bool behind_access) {
  if (IsSingleLoad(name)) {
    return behind_access ? 1 : 2;
  }
  if (IsSingleStore(name)) {
    return 1;
  }
  if (name == "ldrd" || name == "strd") {
    return 3;
  }
  if (IsMultiple(name)) {
    return 1 + WordsOf(operands);
  }
  if (name == "sdiv" || name == "udiv") {
    return kDivide;
  }
  if (StartsWithAny(name, {"vdiv", "vsqrt"})) {
    return kFloatDivide;
  }
  if (StartsWithAny(name, {"vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms"})) {
    return 3;
  }
  return name == "tbb" || name == "tbh" ? 2 : 1;
}

}  // namespace

std::uint64_t EstimateCortexM4Cycles(const Listing& listing, const Executions& executions) {
  const auto times = [&executions](std::uint32_t address) {
    const auto found = executions.find(address);
    return found == executions.end() ? 0 : found->second;
  };
  std::uint64_t cycles = 0;
  const auto& all = listing.instructions();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::uint64_t count = times(all[i].address);
    if (count == 0) {
      continue;
    }
    // Names of float instructions carry their types behind a dot.
    const std::string_view name =
        WithoutCondition(std::string_view(all[i].mnemonic).substr(0, all[i].mnemonic.find('.')));
    bool behind_access = false;
    if (i > 0 && times(all[i - 1].address) != 0) {
      const std::string_view before = WithoutCondition(
          std::string_view(all[i - 1].mnemonic).substr(0, all[i - 1].mnemonic.find('.')));
      behind_access = IsSingleLoad(before) || IsSingleStore(before);
    }
    std::uint64_t taken = 0;
    if (IsConditionalBranch(all[i])) {
      const std::uint64_t next = i + 1 < all.size() ? times(all[i + 1].address) : 0;
      taken = count - std::min(count, next);
    } else if (IsAlwaysTaken(name) || WritesPc(name, all[i].operands)) {
      taken = count;
    }
    cycles += count * CyclesOf(name, all[i].operands, behind_access) + taken * kRefill;
  }
  return cycles;
}

}  // namespace trib::bench::mcu
