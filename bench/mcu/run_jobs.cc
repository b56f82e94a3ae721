#include "run_jobs.h"

#include <algorithm>
#include <cstring>

#include "jobs.h"
#include "trib/common/nn/activation.h"

namespace trib::bench::mcu {
namespace {

/// What a stale arena may hold must not matter.
constexpr auto kSoil = std::byte{0xA5};
constexpr PackageHash kPackage(0x676F6C64656E);

/// Results of one job, in order.
class Results {
 public:
  explicit Results(std::span<std::byte> room) : room_(room) {}
  /// Requires  room, which Fits() has made sure of.
  void Put(std::uint32_t value) {
    std::memcpy(room_.data() + used_, &value, sizeof value);
    used_ += sizeof value;
  }
  [[nodiscard]] std::span<std::byte> Rest() const { return room_.subspan(used_); }
  void Skip(std::size_t bytes) { used_ += bytes; }

 private:
  std::span<std::byte> room_;
  std::size_t used_ = 0;
};

/// One job in hand.
class Work {
 public:
  Work(Job& job,
       std::span<std::byte> memory,
       const nn::Plan& plan,
       nn::Runner& runner,
       std::span<std::byte> arena)
      : job_(job),
        inputs_(memory.subspan(job.inputs_offset, job.samples * job.input_bytes)),
        results_(memory.subspan(job.results_offset, job.results_bytes)),
        plan_(plan),
        runner_(runner),
        arena_(arena) {}

  JobOutcome Do() {
    if (runner_.input(0).size() != job_.input_bytes) {
      return Fail(JobOutcome::kBadInput, runner_.input(0).size());
    }
    if (ResultBytes() > job_.results_bytes) {
      return Fail(JobOutcome::kBadResults, ResultBytes());
    }
    for (std::uint32_t sample = 0; sample < job_.samples; ++sample) {
      Prepare(sample);
      const Status status = One();
      if (!status.ok()) {
        return Fail(JobOutcome::kBadCut, static_cast<std::uint32_t>(status.code()));
      }
    }
    return JobOutcome::kDone;
  }

 private:
  JobOutcome Fail(JobOutcome outcome, std::size_t detail) {
    job_.detail = static_cast<std::uint32_t>(detail);
    return outcome;
  }
  [[nodiscard]] std::size_t ResultBytes() const {
    switch (job_.kind) {
      case JobKind::kLayers:
      case JobKind::kSequence:
        return job_.samples * (plan_.operators() + 1) * sizeof(std::uint32_t);
      case JobKind::kWhole:
        return job_.samples * sizeof(std::uint32_t);
      case JobKind::kHead:
        return job_.samples * HeadResultBytes(nn::MaxActivationBytes(plan_, job_.cut));
    }
    return SIZE_MAX;  // no kind that we know
  }
  void Prepare(std::uint32_t sample) {
    std::fill(arena_.begin(), arena_.end(), kSoil);
    if (sample == 0 || job_.kind != JobKind::kSequence) {
      runner_.Reset();
    }
    const auto input = inputs_.subspan(std::size_t{sample} * job_.input_bytes, job_.input_bytes);
    std::copy(input.begin(), input.end(), runner_.input(0).begin());
  }
  Status One() {
    switch (job_.kind) {
      case JobKind::kLayers:
      case JobKind::kSequence:
        Layers();
        break;
      case JobKind::kWhole:
        runner_.Run();
        results_.Put(Crc32(runner_.output(0)));
        break;
      case JobKind::kHead:
        return Head();
    }
    return {};
  }
  void Layers() {
    nn::Plan::Walk walk(plan_);
    for (std::size_t i = 0; i < plan_.operators(); ++i) {
      const nn::Operator op = walk.Next();
      runner_.Run(i, i + 1);
      results_.Put(Crc32(runner_.tensor(op.output)));
    }
    results_.Put(Crc32(runner_.output(0)));
  }
  Status Head() {
    runner_.Run(0, job_.cut);
    const std::size_t room = nn::MaxActivationBytes(plan_, job_.cut);
    const nn::ActivationHeader header{kPackage, static_cast<std::uint16_t>(job_.cut)};
    TRIB_TRY_ASSIGN(const std::size_t size,
                    nn::EncodeActivation(runner_, plan_, header, results_.Rest().subspan(4, room)));
    results_.Put(static_cast<std::uint32_t>(size));
    results_.Skip(HeadResultBytes(room) - 4);
    return {};
  }

  Job& job_;
  std::span<const std::byte> inputs_;
  Results results_;
  const nn::Plan& plan_;
  nn::Runner& runner_;
  std::span<std::byte> arena_;
};

bool Inside(std::size_t memory, std::uint32_t offset, std::uint64_t bytes) {
  return offset % kJobAlignment == 0 && offset <= memory && bytes <= memory - offset;
}

bool Inside(std::size_t memory, const Job& job) {
  return Inside(memory, job.plan_offset, job.plan_bytes) &&
         Inside(memory, job.weights_offset, job.weights_bytes) &&
         Inside(memory, job.inputs_offset, std::uint64_t{job.samples} * job.input_bytes) &&
         Inside(memory, job.results_offset, job.results_bytes);
}

JobOutcome Do(Job& job,
              std::span<std::byte> memory,
              std::span<std::byte> arena,
              std::span<std::byte> state) {
  const auto plan = nn::Plan::Load(memory.subspan(job.plan_offset, job.plan_bytes),
                                   memory.subspan(job.weights_offset, job.weights_bytes));
  if (!plan.ok()) {
    job.detail = plan.status().reason();
    return JobOutcome::kBadPlan;
  }
  auto runner = nn::Runner::Open(*plan, arena, state);
  if (!runner.ok()) {
    job.detail = runner.status().reason();
    return JobOutcome::kNoRoom;
  }
  return Work(job, memory, *plan, *runner, arena.first(plan->arena_bytes())).Do();
}

}  // namespace

bool RunJobs(std::span<std::byte> memory, std::span<std::byte> arena, std::span<std::byte> state) {
  if (memory.size() < sizeof(JobHeader)) {
    return false;
  }
  // The host wrote these very structures there.
  auto& header = *reinterpret_cast<JobHeader*>(memory.data());
  if (header.magic != kJobMagic || header.bytes > memory.size() || header.jobs > kMostJobs ||
      header.bytes < sizeof(JobHeader) + header.jobs * sizeof(Job)) {
    return false;
  }
  memory = memory.first(header.bytes);
  auto* const jobs = reinterpret_cast<Job*>(memory.data() + sizeof(JobHeader));
  for (std::uint32_t i = 0; i < header.jobs; ++i) {
    if (!Inside(memory.size(), jobs[i])) {
      return false;
    }
  }
  for (std::uint32_t i = 0; i < header.jobs; ++i) {
    jobs[i].outcome = Do(jobs[i], memory, arena, state);
  }
  return true;
}

}  // namespace trib::bench::mcu
