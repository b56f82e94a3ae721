#include "listing.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>

namespace trib::bench::mcu {
namespace {

std::optional<std::uint32_t> Hex(std::string_view text) {
  std::uint32_t value = 0;
  if (text.empty() || text.size() > 8) {
    return std::nullopt;
  }
  for (const char c : text) {
    const auto digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    value = value << 4U | static_cast<std::uint32_t>(digit);
  }
  return value;
}

std::string_view Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  const auto last = text.find_last_not_of(" \t\r");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, last - first + 1);
}

/// "00001a2c <name>:"
std::optional<Function> FunctionOf(std::string_view line) {
  const auto open = line.find(" <");
  if (open == std::string_view::npos || !line.ends_with(">:")) {
    return std::nullopt;
  }
  const auto address = Hex(line.substr(0, open));
  if (!address) {
    return std::nullopt;
  }
  return Function{std::string(line.substr(open + 2, line.size() - open - 4)), *address, *address};
}

/// "    1a2c:\tldr.w\tr3, [r0, #4]\t; comment"
std::optional<Instruction> InstructionOf(std::string_view line) {
  const auto colon = line.find(":\t");
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const auto address = Hex(Trimmed(line.substr(0, colon)));
  if (!address) {
    return std::nullopt;
  }
  std::string_view rest = line.substr(colon + 2);
  const auto tab = rest.find('\t');
  std::string_view mnemonic = Trimmed(rest.substr(0, tab));
  std::string_view operands = tab == std::string_view::npos ? "" : rest.substr(tab + 1);
  operands = Trimmed(operands.substr(0, operands.find('\t')));
  for (const std::string_view width : {".w", ".n"}) {
    if (mnemonic.ends_with(width)) {
      mnemonic.remove_suffix(width.size());
    }
  }
  return Instruction{*address, std::string(mnemonic), std::string(operands)};
}

/// What objdump prints, both streams.
std::string Dump(const std::string& options, const std::filesystem::path& image) {
  const std::string command = TRIB_ARM_OBJDUMP " " + options + " '" + image.string() + "' 2>&1";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 65536> buffer{};
  for (std::size_t count = 1; pipe && count > 0;) {
    count = std::fread(buffer.data(), 1, buffer.size(), pipe.get());
    text.append(buffer.data(), count);
  }
  return text;
}

bool IsCall(const Instruction& instruction) {
  return instruction.mnemonic == "bl" || instruction.mnemonic == "blx";
}

}  // namespace

std::optional<std::uint32_t> BranchTarget(const Instruction& instruction) {
  std::string_view operands = instruction.operands;
  if (instruction.mnemonic == "cbz" || instruction.mnemonic == "cbnz") {
    operands.remove_prefix(std::min(operands.size(), operands.find(", ") + 2));
  } else if (instruction.mnemonic.empty() || instruction.mnemonic[0] != 'b') {
    return std::nullopt;
  }
  return Hex(operands.substr(0, operands.find(' ')));
}

std::optional<ImageSize> SizeOf(const std::filesystem::path& image, std::string& error) {
  const std::string text = Dump("-h", image);
  const ImageSize size = SizeIn(text);
  if (size.flash_bytes == 0) {
    error = "no sections: " + text.substr(0, text.find('\n'));
    return std::nullopt;
  }
  return size;
}

ImageSize SizeIn(std::string_view sections) {
  ImageSize size;
  std::istringstream lines{std::string(sections)};
  std::string number;
  std::string name;
  std::string bytes;
  std::string flags;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    // "  3 .text  00001a2c  00000100  00000100  00001100  2**2", and on the next line its flags.
    if (!(words >> number >> name >> bytes) || name[0] != '.' || !std::getline(lines, flags)) {
      continue;
    }
    const std::uint64_t count = Hex(bytes).value_or(0);
    const bool loaded = flags.find("LOAD") != std::string::npos;
    const bool read_only = flags.find("READONLY") != std::string::npos;
    if (flags.find("ALLOC") == std::string::npos) {
      continue;
    }
    if (name == ".stack") {
      size.stack_bytes += count;
    } else {
      size.flash_bytes += loaded ? count : 0;
      size.ram_bytes += loaded && read_only ? 0 : count;
    }
  }
  return size;
}

std::optional<Listing> Listing::Of(const std::filesystem::path& image, std::string& error) {
  const std::string text = Dump("-d -C --no-show-raw-insn", image);
  Listing listing(text);
  if (listing.instructions_.empty()) {
    error = "no code: " + text.substr(0, text.find('\n'));
    return std::nullopt;
  }
  return listing;
}

Listing::Listing(std::string_view text) {
  while (!text.empty()) {
    const auto newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (auto function = FunctionOf(line)) {
      functions_.push_back(*std::move(function));
    } else if (auto instruction = InstructionOf(line)) {
      instructions_.push_back(*std::move(instruction));
    }
  }
  std::sort(functions_.begin(), functions_.end(), [](const Function& a, const Function& b) {
    return a.begin < b.begin;
  });
  for (std::size_t i = 0; i < functions_.size(); ++i) {
    functions_[i].end = i + 1 < functions_.size() ? functions_[i + 1].begin : UINT32_MAX;
  }
  std::sort(instructions_.begin(),
            instructions_.end(),
            [](const Instruction& a, const Instruction& b) { return a.address < b.address; });
}

std::optional<Function> Listing::Find(std::string_view name, std::string& error) const {
  std::vector<Function> found;
  for (const Function& function : functions_) {
    if (function.name.starts_with(name)) {
      found.push_back(function);
    }
  }
  if (found.size() != 1) {
    error = std::string(name) + ": " +
            (found.empty()
                 ? "no function of the image has this name"
                 : "begins the names of several, e.g. " + found[0].name + " and " + found[1].name);
    return std::nullopt;
  }
  return found[0];
}

std::set<std::uint32_t> Listing::ReturnAddresses(const Function& function) const {
  std::set<std::uint32_t> visited;
  std::set<std::uint32_t> out;
  Collect(function, visited, out);
  return out;
}

const Function* Listing::FunctionAt(std::uint32_t address) const {
  const auto after = std::upper_bound(
      functions_.begin(), functions_.end(), address, [](std::uint32_t at, const Function& f) {
        return at < f.begin;
      });
  return after == functions_.begin() ? nullptr : &*(after - 1);
}

void Listing::Collect(const Function& function,
                      std::set<std::uint32_t>& visited,
                      std::set<std::uint32_t>& out) const {
  if (!visited.insert(function.begin).second) {
    return;
  }
  for (std::size_t i = 0; i + 1 < instructions_.size(); ++i) {
    const Instruction& instruction = instructions_[i];
    if (BranchTarget(instruction) != function.begin) {
      continue;
    }
    if (IsCall(instruction)) {
      out.insert(instructions_[i + 1].address);
      continue;
    }
    const Function* const from = FunctionAt(instruction.address);
    if (from != nullptr && from->begin != function.begin) {
      Collect(*from, visited, out);
    }
  }
}

}  // namespace trib::bench::mcu
