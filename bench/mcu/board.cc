#include "board.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "trib/tools/launcher/process.h"

namespace trib::bench::mcu {
namespace {

namespace fs = std::filesystem;

/// An open file, closed when this goes.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : fd_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool WriteMemory(const fs::path& path, const Board& board, std::span<const std::byte> memory) {
  const Descriptor file(path, O_RDWR | O_CREAT | O_TRUNC);
  if (file.get() < 0 || ftruncate(file.get(), static_cast<off_t>(board.file_bytes)) != 0) {
    return false;
  }
  const auto at = static_cast<off_t>(board.file_offset);
  return pwrite(file.get(), memory.data(), memory.size(), at) ==
         static_cast<ssize_t>(memory.size());
}

bool ReadMemory(const fs::path& path, const Board& board, std::span<std::byte> memory) {
  const Descriptor file(path, O_RDONLY);
  const auto at = static_cast<off_t>(board.file_offset);
  return file.get() >= 0 &&
         pread(file.get(), memory.data(), memory.size(), at) == static_cast<ssize_t>(memory.size());
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

fs::path ImageOf(const Board& board, std::string_view name) {
  return fs::path(TRIB_IMAGES) / board.preset / "bin" / (std::string(name) + ".elf");
}

std::string MissingFor(const Board& board, std::string_view image) {
  const std::string missing = Missing(false);
  if (!missing.empty() || fs::exists(ImageOf(board, image))) {
    return missing;
  }
  return "no " + ImageOf(board, image).string() + " (cmake --workflow --preset " +
         std::string(board.preset) + " makes it)";
}

std::string Missing(bool counting) {
  const std::string_view qemu = TRIB_QEMU_ARM;
  const std::string_view plugin = TRIB_COUNT_PLUGIN;
  if (qemu.empty()) {
    return "no qemu-system-arm to run boards";
  }
  if (std::string_view(TRIB_ARM_OBJDUMP).empty()) {
    return "no arm-none-eabi tools, so there are no images for boards";
  }
  return counting && plugin.empty() ? "no qemu-plugin.h, so there is no plugin that counts" : "";
}

std::optional<BoardRun> RunImage(const Board& board,
                                 const BoardRunOptions& options,
                                 std::span<const std::byte> memory,
                                 std::string& error) {
  error = Missing(!options.spans.empty());
  if (!error.empty()) {
    return std::nullopt;
  }
  const fs::path file = options.folder / "memory";
  const fs::path console = options.folder / "console.txt";
  const fs::path counts = options.folder / "counts.txt";
  const fs::path spans = options.folder / "spans.txt";
  if (memory.size() > board.memory_bytes || !WriteMemory(file, board, memory)) {
    error = file.string() + ": cannot be written";
    return std::nullopt;
  }
  const std::string machine(board.name);
  std::vector<std::string> argv = {TRIB_QEMU_ARM,
                                   "-M",
                                   machine + ",memory-backend=memory",
                                   "-object",
                                   "memory-backend-file,id=memory,mem-path=" + file.string() +
                                       ",size=" + std::to_string(board.file_bytes) + ",share=on",
                                   "-display",
                                   "none",
                                   "-monitor",
                                   "none",
                                   "-serial",
                                   "file:" + console.string(),
                                   "-semihosting-config",
                                   "enable=on,target=native",
                                   "-kernel",
                                   options.image.string()};
  if (!options.spans.empty()) {
    WriteSpans(spans, options.spans);
    fs::remove(counts);
    argv.insert(
        argv.end(),
        {"-plugin",
         std::string(TRIB_COUNT_PLUGIN) + ",spans=" + spans.string() + ",out=" + counts.string()});
  }
  auto process =
      tools::launcher::Process::Start({.argv = argv, .log = options.folder / "qemu.log"}, error);
  if (!process) {
    return std::nullopt;
  }
  const auto exit = process->Wait(options.limit);
  const std::string where = machine + ", " + options.image.filename().string() + ": ";
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
  run.memory.resize(memory.size());
  run.spans.resize(options.spans.size());
  if (!ReadMemory(file, board, run.memory)) {
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
