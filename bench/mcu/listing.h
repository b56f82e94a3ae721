#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace trib::bench::mcu {

struct Instruction {
  std::uint32_t address = 0;
  std::string mnemonic;  ///< without its width: "ldr" for "ldr.w"
  std::string operands;
};

struct Function {
  std::string name;         ///< demangled
  std::uint32_t begin = 0;  ///< address of its first instruction
  std::uint32_t end = 0;    ///< behind its last byte
};

/// What a linked image takes.
struct ImageSize {
  std::uint64_t flash_bytes = 0;  ///< code, constants, and what RAM is initialised with
  std::uint64_t ram_bytes = 0;    ///< variables, without the stack
  std::uint64_t stack_bytes = 0;  ///< kept for it
};
/// Runs `objdump` on the image. @returns nullopt with one line in `error`.
std::optional<ImageSize> SizeOf(const std::filesystem::path& image, std::string& error);
/// Of a text as `objdump -h` prints it.
ImageSize SizeIn(std::string_view sections);

/// The code of a linked image, as binutils lists it.
///
/// Threads  Immutable once read.
class Listing {
 public:
  /// Runs `objdump` on the image. @returns nullopt with one line in `error`.
  static std::optional<Listing> Of(const std::filesystem::path& image, std::string& error);
  /// Of a text as `objdump -d -C --no-show-raw-insn` prints it.
  explicit Listing(std::string_view text);

  /// In rising order of addresses.
  [[nodiscard]] const std::vector<Instruction>& instructions() const { return instructions_; }
  [[nodiscard]] const std::vector<Function>& functions() const { return functions_; }

  /// The one function whose name begins so, e.g. "trib::nn::Runner::Run(".
  /// @returns nullopt with one line in `error` when there is none, or more than one.
  [[nodiscard]] std::optional<Function> Find(std::string_view name, std::string& error) const;

  /// Where execution goes on when the function has returned: behind each direct call of it. What
  /// jumps to it as its last act returns where that one's caller goes on.
  [[nodiscard]] std::set<std::uint32_t> ReturnAddresses(const Function& function) const;

 private:
  [[nodiscard]] const Function* FunctionAt(std::uint32_t address) const;
  void Collect(const Function& function,
               std::set<std::uint32_t>& visited,
               std::set<std::uint32_t>& out) const;

  std::vector<Instruction> instructions_;
  std::vector<Function> functions_;
};

/// The address that a branch names; nullopt for one through a register.
std::optional<std::uint32_t> BranchTarget(const Instruction& instruction);

}  // namespace trib::bench::mcu
