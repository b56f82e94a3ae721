#include "measure.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace trib::bench::path {
namespace {

double Seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double ProcessSeconds(pid_t process) {
  clockid_t clock{};
  timespec now{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &now) != 0) {
    Fail("process " + std::to_string(process) + " has ended");
  }
  return Seconds(now);
}

std::map<pid_t, double> ThreadSeconds(pid_t process) {
  std::map<pid_t, double> threads;
  std::error_code gone;
  const auto folder = std::filesystem::path("/proc") / std::to_string(process) / "task";
  for (const auto& task : std::filesystem::directory_iterator(folder, gone)) {
    std::ifstream in(task.path() / "schedstat");
    double running_ns = 0;
    if (in >> running_ns) {
      threads[static_cast<pid_t>(std::stol(task.path().filename().string()))] = running_ns * 1e-9;
    }
  }
  return threads;
}

/// Three significant digits, without an exponent where people read it.
std::string Digits(double value) {
  char text[32];
  const double size = std::fabs(value);
  const int decimals = size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string Text(const Spread& spread) {
  return Digits(spread.median) + " [" + Digits(spread.least) + "-" + Digits(spread.most) + "]";
}

std::string AimOf(const Row& row) {
  if (row.at_least) {
    return ">= " + Digits(*row.at_least);
  }
  return row.at_most ? "<= " + Digits(*row.at_most) : "";
}

nlohmann::ordered_json JsonOf(const std::vector<double>& values) {
  if (values.empty()) {
    return nullptr;
  }
  const Spread spread = Spread::Of(values);
  return {
      {"median", spread.median}, {"least", spread.least}, {"most", spread.most}, {"turns", values}};
}

}  // namespace

Spread Spread::Of(std::vector<double> values) {
  if (values.empty()) {
    return {};
  }
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

Spread Row::ratio() const {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < raw.size() && i < ours.size(); ++i) {
    ratios.push_back(raw[i] == 0 ? 0 : ours[i] / raw[i]);
  }
  return Spread::Of(std::move(ratios));
}

std::optional<bool> Row::met() const {
  if (at_least) {
    return ratio().median >= *at_least;
  }
  if (at_most) {
    return ratio().median <= *at_most;
  }
  return std::nullopt;
}

void Report::Note(std::string_view question, std::string text) {
  notes_.emplace_back(question, std::move(text));
}

std::string Report::Table() const {
  std::vector<std::vector<std::string>> lines{
      {"question", "measure", "unit", "raw", "ours", "ours / raw", "aim", ""}};
  for (const Row& row : rows_) {
    const auto met = row.met();
    lines.push_back({row.question,
                     row.measure,
                     row.unit,
                     row.raw.empty() ? "-" : Text(Spread::Of(row.raw)),
                     Text(Spread::Of(row.ours)),
                     row.raw.empty() ? "-" : Text(row.ratio()),
                     AimOf(row),
                     met ? (*met ? "met" : "NOT MET") : ""});
  }
  std::vector<std::size_t> widths(lines.front().size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], line[i].size());
    }
  }
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      text.append(widths[i] + 2 - line[i].size(), ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  text += '\n';
  for (const auto& [question, note] : notes_) {
    text.append(question).append(": ").append(note).append("\n");
  }
  return text;
}

nlohmann::ordered_json Report::Json() const {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Row& row : rows_) {
    nlohmann::ordered_json entry{{"question", row.question},
                                 {"measure", row.measure},
                                 {"unit", row.unit},
                                 {"raw", JsonOf(row.raw)},
                                 {"ours", JsonOf(row.ours)}};
    if (!row.raw.empty()) {
      const Spread ratio = row.ratio();
      entry["ratio"] = {{"median", ratio.median}, {"least", ratio.least}, {"most", ratio.most}};
    }
    if (row.at_least) {
      entry["at_least"] = *row.at_least;
    }
    if (row.at_most) {
      entry["at_most"] = *row.at_most;
    }
    if (const auto met = row.met()) {
      entry["met"] = *met;
    }
    rows.push_back(std::move(entry));
  }
  nlohmann::ordered_json notes = nlohmann::ordered_json::array();
  for (const auto& [question, note] : notes_) {
    notes.push_back({{"question", question}, {"note", note}});
  }
  return {{"rows", std::move(rows)}, {"notes", std::move(notes)}};
}

bool Report::complete() const {
  return !rows_.empty() && std::all_of(rows_.begin(), rows_.end(), [](const Row& row) {
    const auto sane = [](double value) { return std::isfinite(value) && value > 0; };
    return !row.ours.empty() && std::all_of(row.ours.begin(), row.ours.end(), sane) &&
           std::all_of(row.raw.begin(), row.raw.end(), sane) &&
           (row.raw.empty() || row.raw.size() == row.ours.size());
  });
}

void Fail(const std::string& why) {
  std::fprintf(stderr, "trib-bench-path: %s\n", why.c_str());
  std::exit(1);
}

void Progress(std::string_view question, const std::string& text) {
  std::fprintf(
      stderr, "%.*s: %s\n", static_cast<int>(question.size()), question.data(), text.c_str());
}

CpuMeter::CpuMeter(pid_t process)
    : process_(process), all_s_(ProcessSeconds(process)), threads_s_(ThreadSeconds(process)) {}

CpuMeter::Used CpuMeter::Since() const {
  Used used;
  used.all_s = ProcessSeconds(process_) - all_s_;
  for (const auto& [thread, now_s] : ThreadSeconds(process_)) {
    const auto before = threads_s_.find(thread);
    const double spent = now_s - (before == threads_s_.end() ? 0 : before->second);
    used.threads_s[thread] = spent;
    used.busiest_s = std::max(used.busiest_s, spent);
  }
  return used;
}

double ThreadCpuSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return Seconds(now);
}

std::uint64_t ResidentBytes(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (!(in >> total >> resident)) {
    Fail("process " + std::to_string(process) + " has ended");
  }
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(std::lround(q * last))];
}

}  // namespace trib::bench::path
