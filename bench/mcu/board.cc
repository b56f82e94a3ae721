#include "board.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "trib/common/base/check.h"
#include "trib/tools/launcher/board.h"
#include "trib/tools/launcher/board_memory.h"
#include "trib/tools/launcher/process.h"

namespace trib::bench::mcu {
namespace {

namespace fs = std::filesystem;
namespace launcher = tools::launcher;

const launcher::EmulatedBoard& EmulatedOf(const Board& board) {
  const launcher::EmulatedBoard* const found = launcher::FindBoard(board.name);
  TRIB_CHECK(found != nullptr);
  return *found;
}

/// In the board's build of this source tree.
fs::path FlatImageOf(const Board& board, std::string_view image) {
  const char* const source = std::getenv("TRIB_SOURCE_DIR");
  return fs::path(source == nullptr ? "." : source) / "build" / EmulatedOf(board).preset / "bin" /
         (std::string(image) + ".bin");
}

void WriteSpans(const fs::path& path, const std::vector<Span>& spans) {
  std::ofstream out(path);
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const auto write = [&out, i](const char* word, const std::vector<std::uint32_t>& addresses) {
      for (const std::uint32_t address : addresses) {
        out << word << ' ' << std::dec << i << ' ' << std::hex << address << '\n';
      }
    };
    write("begin", spans[i].begins);
    write("anew", spans[i].anew);
    write("end", spans[i].ends);
    if (spans[i].after) {
      write("after", {static_cast<std::uint32_t>(*spans[i].after)});
    }
  }
}

/// Layout: plugin/count.c. @returns whether the file is whole.
bool ReadCounts(const fs::path& path, std::vector<SpanCounts>& spans) {
  std::ifstream in(path);
  std::string kind;
  while (in >> kind) {
    std::size_t span = 0;
    std::uint32_t address = 0;
    std::uint64_t count = 0;
    if (kind == "end") {
      return true;
    }
    if (kind == "span") {
      in >> span >> count;
    } else {
      in >> span >> std::hex >> address >> std::dec >> count;
    }
    if (!in || span >= spans.size()) {
      return false;
    }
    if (kind == "span") {
      spans[span].instructions.push_back(count);
    } else {
      spans[span].executions[address] += count;
    }
  }
  return false;
}

std::string TextOf(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::optional<Span> CallOf(const Listing& listing, std::string_view function, std::string& error) {
  const auto found = listing.Find(function, error);
  if (!found) {
    return std::nullopt;
  }
  const auto ends = listing.ReturnAddresses(*found);
  if (ends.empty()) {
    error = std::string(function) + ": nothing calls it by name";
    return std::nullopt;
  }
  return Span{std::string(function), {found->begin}, {ends.begin(), ends.end()}};
}

std::optional<Listing> ListingOf(const Board& board, std::string_view image, std::string& error) {
  return Listing::Of(FlatImageOf(board, image).replace_extension(".elf"), error);
}

std::optional<ImageSize> SizeOf(const Board& board, std::string_view image, std::string& error) {
  return SizeOf(FlatImageOf(board, image).replace_extension(".elf"), error);
}

std::string MissingFor(const Board& board, std::string_view image, bool counting) {
  if (counting && std::string_view(TRIB_ARM_OBJDUMP).empty()) {
    return "no arm-none-eabi-objdump to read images with";
  }
  if (counting && std::string_view(TRIB_COUNT_PLUGIN).empty()) {
    return "no qemu-plugin.h in build/sources when this was configured, so nothing counts";
  }
  return launcher::MissingFor(FlatImageOf(board, image));
}

std::optional<BoardRun> RunImage(const Board& board,
                                 const BoardRunOptions& options,
                                 std::span<const std::byte> memory,
                                 std::string& error) {
  error = MissingFor(board, options.image, !options.spans.empty());
  if (!error.empty()) {
    return std::nullopt;
  }
  const launcher::EmulatedBoard& emulated = EmulatedOf(board);
  const fs::path file = options.folder / "memory";
  const fs::path console = options.folder / "console.txt";
  const fs::path counts = options.folder / "counts.txt";
  const fs::path spans = options.folder / "spans.txt";
  if (!launcher::MakeBlankMemory(emulated, file, error) ||
      !launcher::WriteMemory(emulated, file, 0, memory, error)) {
    return std::nullopt;
  }
  // The emulator goes on writing where it is.
  fs::remove(console);
  launcher::BoardMachine machine{.emulator = launcher::FindEmulator().value_or(""),
                                 .board = std::string(board.name),
                                 .image = FlatImageOf(board, options.image),
                                 .memory = file,
                                 .console = console,
                                 .semihosting = true};
  if (!options.spans.empty()) {
    WriteSpans(spans, options.spans);
    fs::remove(counts);
    machine.more = {
        "-plugin",
        std::string(TRIB_COUNT_PLUGIN) + ",spans=" + spans.string() + ",out=" + counts.string()};
  }
  auto process = launcher::Process::Start(
      {.argv = launcher::EmulatorCommand(machine), .log = options.folder / "qemu.log"}, error);
  if (!process) {
    return std::nullopt;
  }
  const auto exit = process->Wait(options.limit);
  const std::string where = std::string(board.name) + ", " + std::string(options.image) + ": ";
  if (!exit || !exit->clean()) {
    const std::string last = process->LastLogLine();
    std::string said = TextOf(console);
    std::replace(said.begin(), said.end(), '\n', ' ');
    error = where + (exit ? exit->Describe() : "did not end in time") +
            (said.empty() ? "" : ": " + said) + (last.empty() ? "" : ": " + last);
    return std::nullopt;
  }
  BoardRun run;
  run.console = TextOf(console);
  run.memory = launcher::ReadMemory(emulated, file, 0, memory.size());
  run.spans.resize(options.spans.size());
  if (run.memory.size() != memory.size()) {
    error = file.string() + ": cannot be read";
    return std::nullopt;
  }
  if (!options.spans.empty() && !ReadCounts(counts, run.spans)) {
    error = counts.string() + ": the plugin's counts are not whole";
    return std::nullopt;
  }
  return run;
}

}  // namespace trib::bench::mcu
