#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace trib::tools::trib_cli {

struct Ended {
  int code = -1;
  std::string out;
  std::string error;
};

inline std::vector<std::string> KeysOf(const nlohmann::json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) {
    keys.push_back(key);
  }
  return keys;
}

/// Runs the real binary in a folder of its own, away from the user's configuration.
class Trib : public ::testing::Test {
 protected:
  Trib() {
    const char* bin = std::getenv("TRIB_BIN_DIR");
    binary_ = std::string(bin == nullptr ? "build/host/bin" : bin) + "/trib";
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("trib_test." + std::to_string(::getpid()) + "." + test->name());
    std::filesystem::create_directories(folder_);
  }
  ~Trib() override {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }

  Ended Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), binary_);
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    // The user's own configuration must not be found.
    std::string home = "HOME=" + folder_.string();
    std::string config = config_.empty() ? "X=" : "TRIB_CONFIG=" + config_;
    std::vector<char*> environment = {home.data(), config.data(), nullptr};
    const std::string out = Path("stdout");
    const std::string error = Path("stderr");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(
        &actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(
        &actions, STDERR_FILENO, error.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t child = 0;
    const int spawned =
        ::posix_spawn(&child, binary_.c_str(), &actions, nullptr, argv.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    Ended ended;
    EXPECT_EQ(spawned, 0) << binary_;
    int status = 0;
    if (spawned == 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status)) {
      ended.code = WEXITSTATUS(status);
    }
    ended.out = Read("stdout");
    ended.error = Read("stderr");
    return ended;
  }

  // Runs with --json, expects success, and gives what was printed.
  nlohmann::json RunJson(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const Ended ended = Run(std::move(arguments));
    EXPECT_EQ(ended.code, 0) << ended.error;
    return nlohmann::json::parse(ended.out, nullptr, false);
  }

  [[nodiscard]] std::string Path(const std::string& name) const {
    return (folder_ / name).string();
  }
  std::string Read(const std::string& name) {
    std::ifstream in(Path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }

  // A manifest.csv of one channel, with its file of samples.
  void WriteDataSet(std::size_t frames) {
    Write("a.i16", std::string(frames * 2, '\x01'));
    Write("manifest.csv",
          "file,label,fs_hz,n_samples,g_per_lsb,split\na.i16,normal,100,50,0.5,train\n");
  }

  std::string binary_;
  std::filesystem::path folder_;
  std::string config_;
};

}  // namespace trib::tools::trib_cli
