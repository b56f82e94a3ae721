#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "trib/common/status/result.h"

namespace trib::host::recording {

enum class Encoding : std::uint8_t { kInt16Le = 1, kFloat32Le = 2 };

using Condition = std::variant<std::int64_t, double, bool, std::string>;

/// What a condition says, for people and to be compared with what they write: a float in the fewest
/// digits that mean it, and told from an integer by its look ("0.014", "2.0").
std::string ConditionText(const Condition& value);

/// One [[recording]] of a manifest. The format, with all limits: docs/formats/recording.md.
struct Recording {
  std::filesystem::path file;
  Encoding encoding = Encoding::kInt16Le;
  std::vector<std::string> channels;
  double fs_hz = 0;
  double scale = 0;  ///< physical units per count; may be nan for kInt16Le
  std::string unit;
  std::string label;
  std::uint64_t begin_frame = 0;
  std::optional<std::uint64_t> end_frame;  ///< absent: end of file
  std::uint64_t record_frames = 0;         ///< 0: no regular boundaries
  std::vector<std::uint64_t> boundaries;   ///< strictly rising file frames
  std::optional<std::uint64_t> frames;     ///< of the whole file, when it is to be checked
  std::map<std::string, Condition> conditions;

  /// Bytes of one frame in the file.
  [[nodiscard]] std::size_t frame_bytes() const {
    return channels.size() * (encoding == Encoding::kInt16Le ? 2 : 4);
  }
  /// First file frame above `frame` at which a record begins; nullopt when there is none.
  [[nodiscard]] std::optional<std::uint64_t> NextBoundary(std::uint64_t frame) const;
};

/// The file frames [begin, end) that a recording covers, found by looking at the file.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  [[nodiscard]] std::uint64_t frames() const { return end - begin; }
};

struct Manifest {
  std::vector<Recording> recordings;

  /// Reads and validates a manifest; relative sample files count from its folder. The sample files
  /// are not looked at: see Measure().
  ///
  /// @returns the manifest; or, after appending one-line texts with file and line to `errors`,
  ///   kNotFound         no such file
  ///   kInvalidArgument  something in it is wrong
  static Result<Manifest> Load(const std::filesystem::path& path, std::vector<std::string>& errors);
  static Result<Manifest> Parse(std::string_view text,
                                std::string_view name,
                                const std::filesystem::path& folder,
                                std::vector<std::string>& errors);

  /// The manifest as TOML text that Parse() reads back to an equal manifest.
  [[nodiscard]] std::string ToToml() const;
};

/// Looks at the sample file of `recording` and checks its length.
///
/// @returns the frames covered; or, after appending a text to `errors`,
///   kNotFound         no such file
///   kInvalidArgument  its length is not whole frames, disagrees with `frames`, or is less than
///                     `end_frame`; or nothing is left of the range
Result<Extent> Measure(const Recording& recording, std::vector<std::string>& errors);

}  // namespace trib::host::recording
