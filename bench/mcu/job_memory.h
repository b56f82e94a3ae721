#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jobs.h"
#include "trib/common/host/compiler/compiler.h"

namespace trib::bench::mcu {

/// Makes a memory of jobs for the engine image, and reads what the image made of it.
class JobMemory {
 public:
  /// @param inputs  of one size each
  /// @returns the job's index. What is given twice is stored once.
  std::size_t Add(JobKind kind,
                  const host::compiler::Compiled& network,
                  std::span<const std::vector<std::byte>> inputs,
                  std::size_t cut = 0);

  [[nodiscard]] std::size_t jobs() const { return jobs_.size(); }
  /// What a board's memory begins with; as long as everything together.
  [[nodiscard]] std::vector<std::byte> Build() const;

  /// What a job left in the memory that Build() gave, after a run: per sample its words, or its
  /// payload. @returns nullopt with one line in `error` when it was not done.
  [[nodiscard]] std::optional<std::vector<std::vector<std::uint32_t>>> Words(
      std::span<const std::byte> memory, std::size_t job, std::string& error) const;
  [[nodiscard]] std::optional<std::vector<std::vector<std::byte>>> Payloads(
      std::span<const std::byte> memory, std::size_t job, std::string& error) const;

 private:
  struct Placed {
    std::vector<std::byte> bytes;
    std::uint32_t offset = 0;
  };

  std::uint32_t Place(const std::vector<std::byte>& bytes);
  std::uint32_t Reserve(std::size_t bytes);
  std::optional<std::span<const std::byte>> Results(std::span<const std::byte> memory,
                                                    std::size_t job,
                                                    std::string& error) const;

  std::vector<Job> jobs_;
  std::vector<std::byte> body_;  // offsets count from where the job table's room ends
  std::vector<Placed> placed_;
};

}  // namespace trib::bench::mcu
