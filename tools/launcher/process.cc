#include "trib/tools/launcher/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <utility>

namespace trib::tools::launcher {
namespace {

constexpr std::chrono::milliseconds kPollInterval{10};

void Pause() {
  ::poll(nullptr, 0, static_cast<int>(kPollInterval.count()));
}

Exit FromWaitStatus(int status) {
  if (WIFSIGNALED(status)) {
    return {.code = -1, .signal = WTERMSIG(status)};
  }
  return {.code = WEXITSTATUS(status), .signal = 0};
}

// Runs in the child between fork and exec: async-signal-safe calls only.
[[noreturn]] void RunChild(char* const* argv,
                           char* const* environment,
                           int out_fd,
                           int log_fd,
                           int error_fd,
                           pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(127);  // the parent died before the line above
  }
  // A terminal's Ctrl-C goes to the launcher alone; it stops its children in order.
  ::setpgid(0, 0);
  const int null_fd = ::open("/dev/null", O_RDONLY);
  ::dup2(null_fd, STDIN_FILENO);
  ::dup2(out_fd >= 0 ? out_fd : log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  ::execve(argv[0], argv, environment);
  const int reason = errno;
  [[maybe_unused]] const auto written = ::write(error_fd, &reason, sizeof reason);
  ::_exit(127);
}

}  // namespace

std::string Exit::Describe() const {
  if (signal != 0) {
    return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
  }
  return "exit code " + std::to_string(code);
}

std::optional<Process> Process::Start(const Options& options, std::string& error) {
  const int log_fd = ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log_fd < 0) {
    error = options.log.string() + ": " + std::strerror(errno);
    return std::nullopt;
  }
  std::array<int, 2> out = {-1, -1};
  std::array<int, 2> failure = {-1, -1};
  if ((options.capture_stdout && ::pipe2(out.data(), O_CLOEXEC) != 0) ||
      ::pipe2(failure.data(), O_CLOEXEC) != 0) {
    error = std::string("pipe: ") + std::strerror(errno);
    ::close(log_fd);
    return std::nullopt;
  }
  std::vector<char*> argv;
  for (const auto& argument : options.argv) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  // The first of two entries of one name is the one that counts.
  std::vector<char*> environment;
  for (const auto& variable : options.environment) {
    environment.push_back(const_cast<char*>(variable.c_str()));
  }
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.push_back(*variable);
  }
  environment.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    RunChild(argv.data(), environment.data(), out[1], log_fd, failure[1], parent);
  }
  ::close(log_fd);
  ::close(failure[1]);
  if (out[1] >= 0) {
    ::close(out[1]);
  }
  int reason = 0;
  const bool failed = pid < 0 || ::read(failure[0], &reason, sizeof reason) == sizeof reason;
  ::close(failure[0]);
  if (failed) {
    error = options.argv.front() + ": " + std::strerror(pid < 0 ? errno : reason);
    if (out[0] >= 0) {
      ::close(out[0]);
    }
    if (pid > 0) {
      ::waitpid(pid, nullptr, 0);
    }
    return std::nullopt;
  }
  Process process;
  process.pid_ = pid;
  process.stdout_fd_ = out[0];
  process.log_ = options.log;
  if (out[0] >= 0) {
    ::fcntl(out[0], F_SETFL, O_NONBLOCK);
  }
  return process;
}

Process::Process(Process&& other) noexcept {
  *this = std::move(other);
}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    Release();
    pid_ = std::exchange(other.pid_, -1);
    stdout_fd_ = std::exchange(other.stdout_fd_, -1);
    partial_ = std::move(other.partial_);
    log_ = std::move(other.log_);
    exit_ = std::exchange(other.exit_, std::nullopt);
  }
  return *this;
}

Process::~Process() {
  Release();
}

void Process::Release() {
  Kill();
  if (stdout_fd_ >= 0) {
    ::close(stdout_fd_);
    stdout_fd_ = -1;
  }
}

std::optional<Exit> Process::Poll() {
  int status = 0;
  if (!exit_ && pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    exit_ = FromWaitStatus(status);
  }
  return exit_;
}

void Process::Signal(int signal) {
  if (pid_ > 0 && !Poll()) {
    ::kill(pid_, signal);
  }
}

std::optional<Exit> Process::Wait(std::chrono::milliseconds limit) {
  WaitUntil([this] { return Poll().has_value(); }, limit);
  return exit_;
}

Exit Process::Stop(std::chrono::milliseconds grace) {
  Signal(SIGTERM);
  if (const auto exit = Wait(grace)) {
    return *exit;
  }
  Kill();
  return exit_.value_or(Exit{.code = -1, .signal = SIGKILL});
}

void Process::Kill() {
  if (pid_ <= 0 || Poll()) {
    return;
  }
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_ = FromWaitStatus(status);
}

std::vector<std::string> Process::ReadLines() {
  std::array<char, 4096> buffer{};
  if (stdout_fd_ >= 0) {
    ssize_t got = 0;
    while ((got = ::read(stdout_fd_, buffer.data(), buffer.size())) > 0) {
      partial_.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (auto end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n', start)) {
    lines.push_back(partial_.substr(start, end - start));
    start = end + 1;
  }
  partial_.erase(0, start);
  return lines;
}

std::string Process::LastLogLine() const {
  std::ifstream in(log_);
  std::string last;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) {
      last = line;
    }
  }
  return last;
}

bool WaitUntil(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return condition();
    }
    Pause();
  }
  return true;
}

}  // namespace trib::tools::launcher
