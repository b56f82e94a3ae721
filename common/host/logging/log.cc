#include "trib/common/host/logging/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <cstdio>
#include <memory>

namespace trib::host::logging {
namespace {

constexpr std::array<std::string_view, 6> kNames = {
    "trace", "debug", "info", "warn", "error", "off"};

std::atomic<Level> current_level{Level::kInfo};
std::atomic<bool> as_json{false};

// The text of a line is made here; spdlog adds the time and keeps lines whole between threads.
std::unique_ptr<spdlog::formatter> Pattern(bool json) {
  return std::make_unique<spdlog::pattern_formatter>(
      json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %v",
      spdlog::pattern_time_type::utc);
}

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made =
        std::make_shared<spdlog::logger>("trib", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(Pattern(as_json.load()));
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

void AppendClean(std::string& out, std::string_view text) {
  for (const char c : text) {
    out += IsControl(c) ? ' ' : c;
  }
}

void AppendJson(std::string& out, std::string_view key, std::string_view text) {
  out.append("\"").append(key).append("\":\"");
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += IsControl(c) ? ' ' : c;
  }
  out += '"';
}

spdlog::level::level_enum ToSpdlog(Level level) {
  return static_cast<spdlog::level::level_enum>(level);
}
static_assert(static_cast<int>(Level::kError) == static_cast<int>(spdlog::level::err));

}  // namespace

std::optional<Level> ParseLevel(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      return static_cast<Level>(i);
    }
  }
  return std::nullopt;
}

void Configure(const Options& options) {
  current_level = options.level;
  as_json = options.json;
  Logger().set_formatter(Pattern(options.json));
}

bool Enabled(Level level) {
  return level != Level::kOff && level >= current_level.load();
}

Part::Part(Status status) : text_(CodeName(status.code())) {}

void Part::AppendTo(std::string& out) const {
  switch (kind_) {
    case kText:
      out.append(text_);
      break;
    case kSigned:
      out.append(std::to_string(signed_));
      break;
    case kUnsigned:
      out.append(std::to_string(unsigned_));
      break;
    case kFloat: {
      std::array<char, 32> text{};
      std::snprintf(text.data(), text.size(), "%.6g", float_);
      out.append(text.data());
      break;
    }
  }
}

void LogParts(Level level, std::string_view stage, std::span<const Part> parts) {
  std::string text;
  for (const Part& part : parts) {
    part.AppendTo(text);
  }
  const std::string_view name = kNames[static_cast<std::size_t>(level)];
  std::string line;
  if (as_json.load()) {
    AppendJson(line, "level", name);
    line += ',';
    AppendJson(line, "stage", stage);
    line += ',';
    AppendJson(line, "text", text);
  } else {
    line.append(name).append(name.size() < 5 ? "  [" : " [").append(stage).append("] ");
    AppendClean(line, text);
  }
  Logger().log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

std::optional<std::uint64_t> RateLimit::Admit(MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  if (last_ && now - *last_ < interval_) {
    ++held_;
    return std::nullopt;
  }
  last_ = now;
  const std::uint64_t held = held_;
  held_ = 0;
  return held;
}

}  // namespace trib::host::logging
