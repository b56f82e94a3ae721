#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How a question is asked: our side and the raw side in turns, in one run, several times.
namespace trib::bench::path {

/// How one run is to be made.
struct Run {
  double seconds = 1.5;  ///< of each turn, about
  int turns = 5;         ///< of each side
  bool tiny = false;     ///< shapes small enough for a test; figures then mean nothing
  std::filesystem::path bin;
  std::filesystem::path folder;  ///< exists; on the disk that is measured
};

/// Median, least and most of some turns.
struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
  static Spread Of(std::vector<double> values);
};

/// One measure of one question. Turns are paired: the i-th of ours came right after the i-th raw.
struct Row {
  std::string question;
  std::string measure;
  std::string unit;
  std::vector<double> raw;  ///< empty: nothing to compare with
  std::vector<double> ours;
  /// ours / raw must be at least (or most) this.
  std::optional<double> at_least = {};
  std::optional<double> at_most = {};

  [[nodiscard]] Spread ratio() const;
  /// By the median ratio; nullopt without an aim.
  [[nodiscard]] std::optional<bool> met() const;
};

class Report {
 public:
  void Add(Row row) { rows_.push_back(std::move(row)); }
  /// What a reader must know to judge a question's figures: sizes, counts, what raw leaves out.
  void Note(std::string_view question, std::string text);
  [[nodiscard]] std::string Table() const;
  [[nodiscard]] nlohmann::ordered_json Json() const;
  [[nodiscard]] bool complete() const;

 private:
  std::vector<Row> rows_;
  std::vector<std::pair<std::string, std::string>> notes_;
};

struct Question {
  std::string_view name;
  std::string_view asks;
  void (*ask)(const Run&, Report&);
};

/// Ends the program with a line on stderr: a benchmark that could not do its work has no figures.
[[noreturn]] void Fail(const std::string& why);
/// A line of progress on stderr.
void Progress(std::string_view question, const std::string& text);

/// CPU time of a process: in all, and of the thread that used most of it since a point in time.
class CpuMeter {
 public:
  struct Used {
    double all_s = 0;
    double busiest_s = 0;  ///< what bounds throughput when every thread has a core
    std::map<pid_t, double> threads_s = {};
  };
  explicit CpuMeter(pid_t process);
  [[nodiscard]] Used Since() const;

 private:
  pid_t process_;
  double all_s_ = 0;
  std::map<pid_t, double> threads_s_;
};

/// CPU time of the calling thread.
double ThreadCpuSeconds();
/// Resident memory of a process.
std::uint64_t ResidentBytes(pid_t process);

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// The q-th quantile of `values` (0..1), by rank. Requires  Not empty.
double Quantile(std::vector<double> values, double q);

}  // namespace trib::bench::path
