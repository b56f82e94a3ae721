#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "trib/testing/disk/recorder.h"

namespace trib::integration {

/// Records what a module does to its files, then cuts the power after every single file step, in
/// every manner that a disk may fail, and opens what is left with the module itself: it must be in
/// the state after the last thing that it promised, or after the one that it was busy with, and
/// never in a third.
class PowerCutTest : public ::testing::Test {
 protected:
  PowerCutTest();
  ~PowerCutTest() override;

  /// Where the module works while it is recorded.
  [[nodiscard]] std::filesystem::path live() const { return folder_ / "live"; }
  /// Where the remains of a power cut lie.
  [[nodiscard]] std::filesystem::path remains() const { return folder_ / "remains"; }

  /// Does one thing and notes the state after it. `thing` returns when the promise is made.
  void Do(const std::string& name, const std::function<void()>& thing);
  /// The state of the files in a folder, as text. Reads only.
  virtual std::string StateOf(const std::filesystem::path& folder) = 0;
  /// Opens the files with the module, as after a restart, and closes them again.
  virtual void Reopen(const std::filesystem::path& folder) = 0;
  /// What a peer does who got no answer to the thing with this number (from 1): the same again.
  /// Returns whether the thing can be repeated; the state must then be as if it had been done once.
  virtual bool Repeat(std::size_t, const std::filesystem::path&) { return false; }

  struct Extent {
    std::size_t seeds = 1;       ///< random images for each step and random fate
    std::size_t recoveries = 0;  ///< images whose recovery is cut as well
    std::size_t every = 1;       ///< only every n-th step
  };
  /// Cuts the power after every step. Call once, when all is done; prints a line with the figures.
  void CutEverywhere(const Extent& extent);

  /// Starts the recording; before it, what is done counts as there from the beginning.
  void Record();

 private:
  struct Promise {
    std::string name;
    std::size_t steps = 0;  ///< made when the promise was given
    std::string state;
  };
  void Judge(std::size_t position, const std::string& how);
  void CutRecovery(const testing::disk::Disk& image, std::size_t position, std::uint64_t seed);
  std::string LiveState();
  /// The last promise that was given with so many steps.
  [[nodiscard]] std::size_t PromiseAt(std::size_t position) const;

  std::filesystem::path folder_;
  std::unique_ptr<testing::disk::Recorder> recorder_;
  std::vector<Promise> promises_;
  std::uint64_t seed_ = 0;
  std::uint64_t images_ = 0;
  std::uint64_t recovery_images_ = 0;
  std::uint64_t repeats_ = 0;
};

/// Rows of each query, one line each, from an SQLite file that is only read.
std::string Rows(const std::filesystem::path& file, const std::vector<std::string>& queries);

}  // namespace trib::integration
