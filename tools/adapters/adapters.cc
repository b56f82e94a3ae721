#include "trib/tools/adapters/adapters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <system_error>

#include "trib/tools/adapters/csv.h"

namespace trib::tools::adapters {
namespace {

using host::recording::Condition;
using host::recording::Encoding;
using host::recording::Manifest;
using host::recording::Recording;

// How a data set's manifest.csv names what a recording needs. An empty column name: not there.
struct Dialect {
  std::string_view name;
  std::string_view fs_column;
  std::string_view scale_column;
  std::string_view unit_column;
  std::string_view unit;  // when there is no column
  // Holds one name, or "x,y,z interleaved".
  std::string_view channels_column;
  std::string_view channel;  // when there is no column
  // The file holds count x size frames; a record boundary after each `size` when there is a count.
  std::string_view record_count_column;
  std::string_view frames_column;
  std::string_view begin_column;  // frames are a part of the file, from here
  std::span<const std::string_view> conditions;
};

constexpr std::array<std::string_view, 7> kCwruConditions = {"load_hp",
                                                             "rpm",
                                                             "fault_diameter_in",
                                                             "source",
                                                             "split_by_load",
                                                             "split_by_bearing",
                                                             "or_position"};
constexpr std::array<std::string_view, 4> kFanConditions = {"session", "speed", "weight", "split"};
constexpr std::array<std::string_view, 3> kMfptConditions = {"load_lbs", "shaft_hz", "split"};
constexpr std::array<std::string_view, 6> kFemtoConditions = {
    "bearing", "condition", "rpm", "radial_load_N", "snapshot_period_s", "split"};
constexpr std::array<std::string_view, 4> kWatchConditions = {
    "subject", "sensor", "activity_code", "split"};

constexpr std::array<Dialect, 5> kDialects = {{
    {.name = "cwru",
     .fs_column = "fs_hz",
     .scale_column = "g_per_lsb",
     .unit_column = "",
     .unit = "g",
     .channels_column = "channel",
     .channel = "",
     .record_count_column = "",
     .frames_column = "n_samples",
     .begin_column = "",
     .conditions = kCwruConditions},
    {.name = "ceiling_fan",
     .fs_column = "fs_hz",
     .scale_column = "g_per_lsb",
     .unit_column = "",
     .unit = "g",
     .channels_column = "channels",
     .channel = "",
     .record_count_column = "n_records",
     .frames_column = "samples_per_record",
     .begin_column = "",
     .conditions = kFanConditions},
    {.name = "mfpt",
     .fs_column = "fs_hz",
     .scale_column = "g_per_lsb",
     .unit_column = "",
     .unit = "g",
     .channels_column = "",
     .channel = "acceleration",
     .record_count_column = "",
     .frames_column = "n_samples",
     .begin_column = "",
     .conditions = kMfptConditions},
    {.name = "femto",
     .fs_column = "fs_hz",
     .scale_column = "g_per_lsb",
     .unit_column = "",
     .unit = "g",
     .channels_column = "channels",
     .channel = "",
     .record_count_column = "snapshots_kept",
     .frames_column = "samples_per_snapshot",
     .begin_column = "",
     .conditions = kFemtoConditions},
    {.name = "wisdm_watch",
     .fs_column = "fs_hz_measured",
     .scale_column = "unit_per_lsb",
     .unit_column = "units",
     .unit = "",
     .channels_column = "channels",
     .channel = "",
     .record_count_column = "",
     .frames_column = "n_rows",
     .begin_column = "row_start",
     .conditions = kWatchConditions},
}};

template <typename T>
std::optional<T> Number(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && parsed == end ? std::optional<T>(value) : std::nullopt;
}

std::vector<std::string> Channels(std::string text) {
  constexpr std::string_view kSuffix = " interleaved";
  if (text.ends_with(kSuffix)) {
    text.resize(text.size() - kSuffix.size());
  }
  std::vector<std::string> names(1);
  for (const char c : text) {
    if (c == ',') {
      names.emplace_back();
    } else {
      names.back() += c;
    }
  }
  return names;
}

Condition Typed(const std::string& text) {
  if (const auto integer = Number<std::int64_t>(text)) {
    return *integer;
  }
  if (const auto number = Number<double>(text); number && std::isfinite(*number)) {
    return *number;
  }
  return text;
}

class Importer {
 public:
  Importer(const Dialect& dialect,
           const Csv& csv,
           const std::filesystem::path& folder,
           std::vector<std::string>& errors)
      : dialect_(dialect), csv_(csv), folder_(folder), errors_(errors) {}

  bool HasColumns(const std::string& name) {
    bool all = true;
    for (const std::string_view column : {std::string_view("file"),
                                          std::string_view("label"),
                                          dialect_.fs_column,
                                          dialect_.scale_column,
                                          dialect_.unit_column,
                                          dialect_.channels_column,
                                          dialect_.record_count_column,
                                          dialect_.frames_column,
                                          dialect_.begin_column}) {
      if (!column.empty() && !csv_.Has(column)) {
        errors_.push_back(name + ":1: no column \"" + std::string(column) +
                          "\"; is this the dialect " + std::string(dialect_.name) + "?");
        all = false;
      }
    }
    return all;
  }

  Recording Row(std::size_t row) {
    Recording recording;
    recording.file = folder_ / csv_.Text(row, "file");
    recording.encoding = Encoding::kInt16Le;
    recording.channels = dialect_.channels_column.empty()
                             ? std::vector<std::string>{std::string(dialect_.channel)}
                             : Channels(csv_.Text(row, dialect_.channels_column));
    recording.fs_hz = Positive<double>(row, dialect_.fs_column);
    recording.scale = Positive<double>(row, dialect_.scale_column);
    recording.unit = dialect_.unit_column.empty() ? std::string(dialect_.unit)
                                                  : csv_.Text(row, dialect_.unit_column);
    recording.label = csv_.Text(row, "label");
    const auto frames = Positive<std::uint32_t>(row, dialect_.frames_column);
    if (!dialect_.record_count_column.empty()) {
      recording.record_frames = frames;
      recording.frames =
          std::uint64_t{frames} * Positive<std::uint32_t>(row, dialect_.record_count_column);
    } else if (!dialect_.begin_column.empty()) {
      const auto begin = Number<std::uint32_t>(csv_.Text(row, dialect_.begin_column));
      Check(begin.has_value(), row, dialect_.begin_column, "a frame index");
      recording.begin_frame = begin.value_or(0);
      recording.end_frame = recording.begin_frame + frames;
    } else {
      recording.frames = frames;
    }
    for (const std::string_view column : dialect_.conditions) {
      if (csv_.Has(column) && !csv_.Text(row, column).empty()) {
        recording.conditions.emplace(column, Typed(csv_.Text(row, column)));
      }
    }
    return recording;
  }

 private:
  template <typename T>
  T Positive(std::size_t row, std::string_view column) {
    const std::optional<T> value = Number<T>(csv_.Text(row, column));
    const bool good = value && *value > 0 && std::isfinite(static_cast<double>(*value));
    Check(good, row, column, "a number above 0");
    return good ? *value : T{1};
  }

  void Check(bool good, std::size_t row, std::string_view column, std::string_view expected) {
    if (!good) {
      errors_.push_back(csv_.Where(row) + std::string(column) + " is \"" + csv_.Text(row, column) +
                        "\"; it must be " + std::string(expected));
    }
  }

  const Dialect& dialect_;
  const Csv& csv_;
  const std::filesystem::path& folder_;
  std::vector<std::string>& errors_;
};

}  // namespace

std::vector<std::string> DialectNames() {
  std::vector<std::string> names;
  names.reserve(kDialects.size());
  for (const Dialect& dialect : kDialects) {
    names.emplace_back(dialect.name);
  }
  return names;
}

Result<Manifest> Import(std::string_view dialect,
                        const std::filesystem::path& folder,
                        std::vector<std::string>& errors) {
  const auto known = std::find_if(
      kDialects.begin(), kDialects.end(), [&](const Dialect& d) { return d.name == dialect; });
  if (known == kDialects.end()) {
    std::string names;
    for (const std::string& name : DialectNames()) {
      names += (names.empty() ? "" : ", ") + name;
    }
    errors.push_back("unknown dialect " + std::string(dialect) + "; one of " + names);
    return Code::kNotFound;
  }
  std::error_code error;
  const std::filesystem::path absolute =
      std::filesystem::absolute(folder, error).lexically_normal();
  const std::string name = (absolute / "manifest.csv").string();
  std::ifstream in(name, std::ios::binary);
  if (!in) {
    errors.push_back(name + ": no such file, or it cannot be read");
    return Code::kNotFound;
  }
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  TRIB_TRY_ASSIGN(const Csv csv, Csv::Parse(text, name, errors));
  Importer importer(*known, csv, absolute, errors);
  if (!importer.HasColumns(name)) {
    return Code::kInvalidArgument;
  }
  if (csv.rows() == 0) {
    errors.push_back(name + ": lists no recording");
    return Code::kInvalidArgument;
  }
  const std::size_t before = errors.size();
  Manifest manifest;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    manifest.recordings.push_back(importer.Row(row));
  }
  if (errors.size() != before) {
    return Code::kInvalidArgument;
  }
  return manifest;
}

}  // namespace trib::tools::adapters
