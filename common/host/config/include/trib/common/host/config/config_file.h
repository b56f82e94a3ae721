#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "trib/common/base/time.h"
#include "trib/common/status/status.h"

namespace trib::host::config {

struct Document;  // the parsed file; toml++ stays behind it

/// Inclusive bounds of a number.
template <typename T>
struct Range {
  T min = std::numeric_limits<T>::lowest();
  T max = std::numeric_limits<T>::max();
};

template <>
struct Range<Millis> {
  Millis min = Millis::zero();
  Millis max = Millis::max();
};

/// A value of a free-form table.
using Scalar = std::variant<std::int64_t, double, bool, std::string>;

/// One table of a configuration file. A key is a name or a path such as "south.bind".
///
/// A getter gives the value; or, when the key is absent, the fallback; or, when the value is wrong,
/// the fallback too, after the error was noted. A getter without a fallback notes a missing key.
/// So a program reads everything it knows, then calls ConfigFile::Finish() once.
///
/// Memory   A cheap handle that shares the document.
/// Threads  One caller at a time for all handles of one file.
class Section {
 public:
  [[nodiscard]] bool Has(std::string_view key) const;

  std::string String(std::string_view key);
  std::string String(std::string_view key, std::string_view fallback);
  bool Bool(std::string_view key, bool fallback);
  std::int64_t Int(std::string_view key, Range<std::int64_t> range = {});
  std::int64_t Int(std::string_view key, std::int64_t fallback, Range<std::int64_t> range = {});
  /// Accepts an integer too. nan and inf are out of every range; Number() accepts them.
  double Double(std::string_view key, Range<double> range = {});
  double Double(std::string_view key, double fallback, Range<double> range = {});
  /// Any float, including nan and inf.
  double Number(std::string_view key, double fallback);
  /// One of `allowed`.
  std::string Enum(std::string_view key, std::span<const std::string_view> allowed);
  std::string Enum(std::string_view key,
                   std::string_view fallback,
                   std::span<const std::string_view> allowed);
  /// A duration with its unit: "250ms", "5s", "1.5m", "2h", "7d".
  Millis Duration(std::string_view key, Range<Millis> range = {});
  Millis Duration(std::string_view key, Millis fallback, Range<Millis> range = {});
  /// A size in bytes, a plain integer or with a unit: "64MB" (10^6), "64MiB" (2^20).
  std::uint64_t Size(std::string_view key, std::uint64_t fallback, Range<std::uint64_t> range = {});
  /// A path; a relative one counts from the folder of the file.
  std::filesystem::path Path(std::string_view key);
  std::filesystem::path Path(std::string_view key, const std::filesystem::path& fallback);

  /// Empty when absent.
  std::vector<std::string> Strings(std::string_view key);
  std::vector<std::int64_t> Ints(std::string_view key, Range<std::int64_t> range = {});
  /// Accepts integers too; nan and inf are out of every range.
  std::vector<double> Doubles(std::string_view key, Range<double> range = {});
  /// The tables of `[[key]]`; empty when absent.
  std::vector<Section> Tables(std::string_view key);
  /// Every entry of a table whose keys the file's author chooses. Nested values are refused.
  std::vector<std::pair<std::string, Scalar>> Values(std::string_view key);

  /// Notes an error of the caller's own at the line of `key` (or of this table).
  void Fail(std::string_view key, std::string_view text);

 protected:
  Section(std::shared_ptr<Document> document, const void* table, std::string path)
      : document_(std::move(document)), table_(table), path_(std::move(path)) {}

  std::shared_ptr<Document> document_;

 private:
  friend struct Document;

  const void* table_;  // toml::table inside *document_, or null
  std::string path_;
};

/// A strict TOML file: every key must be asked for, every value must be of the type and in the
/// range asked for. Errors are one-line texts, "gateway.toml:12: what is wrong; what would be
/// right", in the order of the lines. See docs/formats/configuration.md.
class ConfigFile : public Section {
 public:
  /// Reads at most 16 MB. A file that cannot be read or parsed gives one error, and then no
  /// getter adds another.
  static ConfigFile Load(const std::filesystem::path& path);
  /// `name` stands for the file in errors.
  static ConfigFile Parse(std::string_view text, std::string_view name);

  /// Notes keys that nobody asked for.
  ///
  /// @returns ok; or
  ///   kNotFound         the file is not there
  ///   kInvalidArgument  something is wrong; errors() says what
  Status Finish();

  [[nodiscard]] std::vector<std::string> errors() const;
  /// errors() joined by newlines.
  [[nodiscard]] std::string error_text() const;

 private:
  friend struct Document;
  ConfigFile(std::shared_ptr<Document> document, const void* table)
      : Section(std::move(document), table, "") {}
};

/// The candidate nearest to `word` by edit distance, when it is near enough to be what was meant.
std::optional<std::string> Nearest(std::string_view word, std::span<const std::string> candidates);

/// "250ms" etc. to milliseconds; nullopt when malformed or not a whole number of milliseconds.
std::optional<Millis> ParseDuration(std::string_view text);
/// "64MB" etc. to bytes; nullopt when malformed.
std::optional<std::uint64_t> ParseSize(std::string_view text);

}  // namespace trib::host::config
