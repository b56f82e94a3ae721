#include "job_memory.h"

#include <algorithm>
#include <cstring>

#include "trib/common/base/check.h"
#include "trib/common/nn/activation.h"

namespace trib::bench::mcu {
namespace {

/// The table has room for all jobs there may be, so that places are known before the last is added.
constexpr std::size_t kTableBytes = sizeof(JobHeader) + kMostJobs * sizeof(Job);
static_assert(kTableBytes % kJobAlignment == 0);

std::size_t ResultBytes(JobKind kind, const nn::Plan& plan, std::size_t samples, std::size_t cut) {
  switch (kind) {
    case JobKind::kLayers:
    case JobKind::kSequence:
      return samples * (plan.operators() + 1) * sizeof(std::uint32_t);
    case JobKind::kWhole:
      return samples * sizeof(std::uint32_t);
    case JobKind::kHead:
      return samples * HeadResultBytes(nn::MaxActivationBytes(plan, cut));
  }
  return 0;
}

std::string_view NameOf(JobOutcome outcome) {
  switch (outcome) {
    case JobOutcome::kWaiting:
      return "was not begun";
    case JobOutcome::kDone:
      return "is done";
    case JobOutcome::kBadPlan:
      return "the board refuses the plan";
    case JobOutcome::kNoRoom:
      return "the board has no room for the network";
    case JobOutcome::kBadInput:
      return "the network wants another input";
    case JobOutcome::kBadResults:
      return "the results have no room";
    case JobOutcome::kBadCut:
      return "there is no such cut";
  }
  return "left an unknown outcome";
}

}  // namespace

std::size_t JobMemory::Add(JobKind kind,
                           const host::compiler::Compiled& network,
                           std::span<const std::vector<std::byte>> inputs,
                           std::size_t cut) {
  TRIB_CHECK(jobs_.size() < kMostJobs && !inputs.empty());
  const auto plan = nn::Plan::Load(network.plan, network.weights);
  TRIB_CHECK(plan.ok());
  Job job;
  job.kind = kind;
  job.plan_offset = Place(network.plan);
  job.plan_bytes = static_cast<std::uint32_t>(network.plan.size());
  job.weights_offset = Place(network.weights);
  job.weights_bytes = static_cast<std::uint32_t>(network.weights.size());
  std::vector<std::byte> all;
  for (const auto& input : inputs) {
    TRIB_CHECK(input.size() == inputs[0].size());
    all.insert(all.end(), input.begin(), input.end());
  }
  job.inputs_offset = Place(all);
  job.input_bytes = static_cast<std::uint32_t>(inputs[0].size());
  job.samples = static_cast<std::uint32_t>(inputs.size());
  job.cut = static_cast<std::uint32_t>(cut);
  job.results_bytes = static_cast<std::uint32_t>(ResultBytes(kind, *plan, inputs.size(), cut));
  job.results_offset = Reserve(job.results_bytes);
  jobs_.push_back(job);
  return jobs_.size() - 1;
}

std::uint32_t JobMemory::Place(const std::vector<std::byte>& bytes) {
  const auto found = std::find_if(
      placed_.begin(), placed_.end(), [&bytes](const Placed& one) { return one.bytes == bytes; });
  if (found != placed_.end()) {
    return found->offset;
  }
  const std::uint32_t offset = Reserve(bytes.size());
  std::copy(bytes.begin(), bytes.end(), body_.begin() + offset - kTableBytes);
  placed_.push_back({bytes, offset});
  return offset;
}

std::uint32_t JobMemory::Reserve(std::size_t bytes) {
  const std::size_t offset = kTableBytes + body_.size();
  // What nobody wrote reads as it does in flash.
  body_.resize((body_.size() + bytes + kJobAlignment - 1) / kJobAlignment * kJobAlignment,
               std::byte{0xFF});
  return static_cast<std::uint32_t>(offset);
}

std::vector<std::byte> JobMemory::Build() const {
  std::vector<std::byte> memory(kTableBytes + body_.size(), std::byte{0xFF});
  JobHeader header;
  header.magic = kJobMagic;
  header.jobs = static_cast<std::uint32_t>(jobs_.size());
  header.bytes = static_cast<std::uint32_t>(kTableBytes + body_.size());
  std::memcpy(memory.data(), &header, sizeof header);
  std::memcpy(memory.data() + sizeof header, jobs_.data(), jobs_.size() * sizeof(Job));
  std::copy(body_.begin(), body_.end(), memory.begin() + kTableBytes);
  return memory;
}

std::optional<std::span<const std::byte>> JobMemory::Results(std::span<const std::byte> memory,
                                                             std::size_t job,
                                                             std::string& error) const {
  TRIB_CHECK(job < jobs_.size() && memory.size() == kTableBytes + body_.size());
  Job left;
  std::memcpy(&left, memory.data() + sizeof(JobHeader) + job * sizeof(Job), sizeof left);
  if (left.outcome != JobOutcome::kDone) {
    error = "job " + std::to_string(job) + ": " + std::string(NameOf(left.outcome)) + " (" +
            std::to_string(left.detail) + ")";
    return std::nullopt;
  }
  return memory.subspan(jobs_[job].results_offset, jobs_[job].results_bytes);
}

std::optional<std::vector<std::vector<std::uint32_t>>> JobMemory::Words(
    std::span<const std::byte> memory, std::size_t job, std::string& error) const {
  const auto results = Results(memory, job, error);
  if (!results) {
    return std::nullopt;
  }
  const std::size_t words = results->size() / sizeof(std::uint32_t) / jobs_[job].samples;
  std::vector<std::vector<std::uint32_t>> out(jobs_[job].samples,
                                              std::vector<std::uint32_t>(words));
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::memcpy(out[i].data(), results->data() + i * words * 4, words * 4);
  }
  return out;
}

std::optional<std::vector<std::vector<std::byte>>> JobMemory::Payloads(
    std::span<const std::byte> memory, std::size_t job, std::string& error) const {
  const auto results = Results(memory, job, error);
  if (!results) {
    return std::nullopt;
  }
  const std::size_t stride = results->size() / jobs_[job].samples;
  std::vector<std::vector<std::byte>> out;
  for (std::size_t i = 0; i < jobs_[job].samples; ++i) {
    const auto one = results->subspan(i * stride, stride);
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, one.data(), sizeof bytes);
    if (bytes > stride - sizeof bytes) {
      error = "job " + std::to_string(job) + ": a payload longer than its room";
      return std::nullopt;
    }
    const auto payload = one.subspan(sizeof bytes, bytes);
    out.emplace_back(payload.begin(), payload.end());
  }
  return out;
}

}  // namespace trib::bench::mcu
