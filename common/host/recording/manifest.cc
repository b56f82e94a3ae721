#include "trib/common/host/recording/manifest.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <set>
#include <system_error>

#include "trib/common/host/config/config_file.h"

namespace trib::host::recording {
namespace {

using config::ConfigFile;
using config::Section;

constexpr std::string_view kFormat = "trib.recording";
constexpr std::array<std::string_view, 2> kEncodings = {"int16le", "float32le"};
constexpr std::size_t kMaxRecordings = 100'000;
constexpr std::size_t kMaxChannels = 16;
constexpr double kMaxRateHz = 1e7;
constexpr std::int64_t kMaxFrames = std::int64_t{1} << 48U;

std::uint64_t Frames(Section& table, std::string_view key, std::int64_t min) {
  return static_cast<std::uint64_t>(table.Int(key, min, {min, kMaxFrames}));
}

std::optional<std::uint64_t> MaybeFrames(Section& table, std::string_view key) {
  return table.Has(key) ? std::optional<std::uint64_t>(Frames(table, key, 1)) : std::nullopt;
}

Recording ReadRecording(Section& table, const std::filesystem::path& folder) {
  Recording recording;
  const std::string file = table.String("file");
  recording.file = folder / file;  // an absolute file replaces the folder
  if (file.empty() && table.Has("file")) {
    table.Fail("file", "is empty; it must name the file of samples");
  }
  recording.encoding = table.Enum("encoding", kEncodings) == kEncodings[1] ? Encoding::kFloat32Le
                                                                           : Encoding::kInt16Le;
  recording.channels = table.Strings("channels");
  const std::set<std::string> distinct(recording.channels.begin(), recording.channels.end());
  if (recording.channels.empty() || recording.channels.size() > kMaxChannels ||
      distinct.size() != recording.channels.size() || distinct.contains("")) {
    table.Fail("channels", "must be a list of 1 to 16 distinct names");
  }
  recording.fs_hz = table.Double("fs_hz", {0, kMaxRateHz});
  if (table.Has("fs_hz") && recording.fs_hz <= 0) {
    table.Fail("fs_hz", "must be above 0");
  }
  if (!table.Has("scale")) {
    table.Fail("scale", "is missing; it must be the physical units per count");
  }
  recording.scale = table.Number("scale", 1);
  if (recording.encoding == Encoding::kFloat32Le &&
      !(std::isfinite(recording.scale) && recording.scale > 0)) {
    table.Fail("scale", "must be finite and above 0 for float32le");
  }
  recording.unit = table.String("unit", "");
  recording.label = table.String("label", "");
  recording.begin_frame = Frames(table, "begin_frame", 0);
  recording.end_frame = MaybeFrames(table, "end_frame");
  if (recording.end_frame && *recording.end_frame <= recording.begin_frame) {
    table.Fail("end_frame", "must be above begin_frame");
  }
  recording.record_frames = Frames(table, "record_frames", 0);
  for (const std::int64_t at : table.Ints("boundaries", {0, kMaxFrames})) {
    recording.boundaries.push_back(static_cast<std::uint64_t>(at));
  }
  if (std::adjacent_find(recording.boundaries.begin(),
                         recording.boundaries.end(),
                         std::greater_equal<>()) != recording.boundaries.end()) {
    table.Fail("boundaries", "must rise strictly");
  }
  recording.frames = MaybeFrames(table, "frames");
  for (auto& [key, value] : table.Values("conditions")) {
    recording.conditions.emplace(key, std::move(value));
  }
  return recording;
}

Result<Manifest> Read(ConfigFile file,
                      const std::filesystem::path& folder,
                      std::vector<std::string>& errors) {
  static constexpr std::array<std::string_view, 1> kFormats = {kFormat};
  file.Enum("format", kFormats);
  file.Int("version", {1, 1});
  Manifest manifest;
  std::vector<Section> tables = file.Tables("recording");
  if (tables.empty() || tables.size() > kMaxRecordings) {
    file.Fail("recording", "must be there 1 to 100000 times, as [[recording]]");
    tables.clear();
  }
  for (Section& table : tables) {
    manifest.recordings.push_back(ReadRecording(table, folder));
  }
  const Status status = file.Finish();
  if (!status.ok()) {
    const std::vector<std::string> texts = file.errors();
    errors.insert(errors.end(), texts.begin(), texts.end());
    return status;
  }
  return manifest;
}

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04X", static_cast<unsigned>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string Text(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return value > 0 ? "inf" : "-inf";
  }
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  std::string out(text.data(), end);
  // TOML tells floats from integers by their look.
  return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

std::string Text(const Condition& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? Quote(*text) : ConditionText(value);
}

template <typename List, typename Format>
std::string Join(const List& list, Format format) {
  std::string out;
  for (const auto& item : list) {
    out += (out.empty() ? "" : ", ") + format(item);
  }
  return out;
}

}  // namespace

std::string ConditionText(const Condition& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return std::to_string(*integer);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return Text(*number);
  }
  if (const auto* flag = std::get_if<bool>(&value)) {
    return *flag ? "true" : "false";
  }
  return *std::get_if<std::string>(&value);
}

std::optional<std::uint64_t> Recording::NextBoundary(std::uint64_t frame) const {
  std::optional<std::uint64_t> next;
  if (record_frames != 0) {
    next = (frame / record_frames + 1) * record_frames;
  }
  const auto listed = std::upper_bound(boundaries.begin(), boundaries.end(), frame);
  if (listed != boundaries.end() && (!next || *listed < *next)) {
    next = *listed;
  }
  return next;
}

Result<Manifest> Manifest::Load(const std::filesystem::path& path,
                                std::vector<std::string>& errors) {
  std::error_code error;
  return Read(ConfigFile::Load(path), std::filesystem::absolute(path, error).parent_path(), errors);
}

Result<Manifest> Manifest::Parse(std::string_view text,
                                 std::string_view name,
                                 const std::filesystem::path& folder,
                                 std::vector<std::string>& errors) {
  return Read(ConfigFile::Parse(text, name), folder, errors);
}

std::string Manifest::ToToml() const {
  std::string out = "format = " + Quote(kFormat) + "\nversion = 1\n";
  const auto line = [&](std::string_view key, const std::string& value) {
    out.append(key).append(" = ").append(value).append("\n");
  };
  for (const Recording& r : recordings) {
    out += "\n[[recording]]\n";
    line("file", Quote(r.file.string()));
    line("encoding", Quote(kEncodings[r.encoding == Encoding::kInt16Le ? 0 : 1]));
    line("channels", "[" + Join(r.channels, [](const auto& name) { return Quote(name); }) + "]");
    line("fs_hz", Text(r.fs_hz));
    line("scale", Text(r.scale));
    line("unit", Quote(r.unit));
    line("label", Quote(r.label));
    if (r.begin_frame != 0) {
      line("begin_frame", std::to_string(r.begin_frame));
    }
    if (r.end_frame) {
      line("end_frame", std::to_string(*r.end_frame));
    }
    if (r.record_frames != 0) {
      line("record_frames", std::to_string(r.record_frames));
    }
    if (!r.boundaries.empty()) {
      line("boundaries",
           "[" + Join(r.boundaries, [](std::uint64_t at) { return std::to_string(at); }) + "]");
    }
    if (r.frames) {
      line("frames", std::to_string(*r.frames));
    }
    if (!r.conditions.empty()) {
      line("conditions", "{ " + Join(r.conditions, [](const auto& entry) {
                           return Quote(entry.first) + " = " + Text(entry.second);
                         }) + " }");
    }
  }
  return out;
}

Result<Extent> Measure(const Recording& recording, std::vector<std::string>& errors) {
  const std::string name = recording.file.string();
  const auto fail = [&](Code code, const std::string& text) {
    errors.push_back(name + ": " + text);
    return code;
  };
  std::error_code error;
  if (!std::filesystem::exists(recording.file, error)) {
    return fail(Code::kNotFound, "no such file of samples");
  }
  const std::uint64_t bytes = std::filesystem::file_size(recording.file, error);
  if (error) {
    return fail(Code::kInvalidArgument, "is not a file of samples: " + error.message());
  }
  const std::uint64_t frame_bytes = recording.frame_bytes();
  const std::uint64_t frames = bytes / frame_bytes;
  if (bytes % frame_bytes != 0) {
    return fail(Code::kInvalidArgument,
                std::to_string(bytes) + " bytes are not whole frames of " +
                    std::to_string(frame_bytes) + " bytes; is the channel list right?");
  }
  if (recording.frames && *recording.frames != frames) {
    return fail(Code::kInvalidArgument,
                "holds " + std::to_string(frames) + " frames; the manifest says " +
                    std::to_string(*recording.frames));
  }
  const Extent extent = {recording.begin_frame, recording.end_frame.value_or(frames)};
  if (extent.end > frames || extent.begin >= extent.end) {
    return fail(Code::kInvalidArgument,
                "frames " + std::to_string(extent.begin) + " to " + std::to_string(extent.end) +
                    " are asked for; it holds " + std::to_string(frames));
  }
  return extent;
}

}  // namespace trib::host::recording
