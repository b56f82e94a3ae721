#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "trib/common/base/time.h"
#include "trib/common/status/status.h"

namespace trib::host::logging {

enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kOff };

/// "trace", "debug", "info", "warn", "error" or "off"; nullopt for anything else.
std::optional<Level> ParseLevel(std::string_view name);

struct Options {
  Level level = Level::kInfo;
  /// One JSON object per line (`time`, `level`, `stage`, `text`) instead of plain text.
  bool json = false;
};

/// Sets what this process logs. Call at start, before threads; without it, Options{} holds.
void Configure(const Options& options);
[[nodiscard]] bool Enabled(Level level);

/// A piece of a message: text, a number, a flag or a Status.
class Part {
 public:
  Part(std::string_view text) : text_(text) {}         // NOLINT(google-explicit-constructor)
  Part(const char* text) : text_(text) {}              // NOLINT(google-explicit-constructor)
  Part(const std::string& text) : text_(text) {}       // NOLINT(google-explicit-constructor)
  Part(bool flag) : text_(flag ? "true" : "false") {}  // NOLINT(google-explicit-constructor)
  Part(Status status);                                 // NOLINT(google-explicit-constructor)
  template <std::floating_point T>
  Part(T value) : Part(kFloat, static_cast<double>(value)) {}  // NOLINT
  template <std::signed_integral T>
  Part(T value) : Part(kSigned, static_cast<std::int64_t>(value)) {}  // NOLINT
  template <std::unsigned_integral T>
  Part(T value) : Part(kUnsigned, static_cast<std::uint64_t>(value)) {}  // NOLINT

  void AppendTo(std::string& out) const;

 private:
  enum Kind : std::uint8_t { kText, kFloat, kSigned, kUnsigned };
  Part(Kind kind, double value) : kind_(kind), float_(value) {}
  Part(Kind kind, std::int64_t value) : kind_(kind), signed_(value) {}
  Part(Kind kind, std::uint64_t value) : kind_(kind), unsigned_(value) {}

  Kind kind_ = kText;
  std::string_view text_;
  double float_ = 0;
  std::int64_t signed_ = 0;
  std::uint64_t unsigned_ = 0;
};

void LogParts(Level level, std::string_view stage, std::span<const Part> parts);

/// Writes one line to stderr: time (UTC), level, stage, then the parts run together. Control
/// characters become spaces, so a message stays one line whatever it quotes.
///
///   Log(Level::kWarn, "spool", "disk full after ", bytes, " bytes: ", status);
///
/// Threads  Any.
template <typename... Parts>
void Log(Level level, std::string_view stage, const Parts&... parts) {
  if (Enabled(level)) {
    const std::array<Part, sizeof...(Parts)> list = {Part(parts)...};
    LogParts(level, stage, list);
  }
}

/// Lets one message through per interval, for events that a peer can cause at will.
///
///   if (const auto held = refused_.Admit(now)) {
///     Log(Level::kWarn, "link", "unknown key refused (", *held, " more since the last line)");
///   }
///
/// Threads  Any.
class RateLimit {
 public:
  explicit RateLimit(Millis interval) : interval_(interval) {}

  /// @returns how many messages were held back since the last one let through, when this one may
  ///   go; nullopt when it is to be held back.
  std::optional<std::uint64_t> Admit(MonotonicTime now);

 private:
  const Millis interval_;
  std::mutex mutex_;
  std::optional<MonotonicTime> last_;
  std::uint64_t held_ = 0;
};

}  // namespace trib::host::logging
