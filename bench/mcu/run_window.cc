#include "run_window.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "trib/common/base/random.h"
#include "trib/common/bytes/crc32c.h"

namespace trib::bench::mcu {

// The ports have names of their own, by which their functions are found in the image.

/// Time passes with the samples.
class WindowClock final : public node::Clock {
 public:
  LogicalTime Now() override { return LogicalTime(now_); }
  bool synchronised() override { return true; }
  void SetTime(LogicalTime /*now*/) override {}
  MonotonicTime Monotonic() override { return MonotonicTime(now_); }
  void Set(Millis now) { now_ = now; }

 private:
  Millis now_{0};
};

/// Samples as a converter's DMA would have left them.
class WindowSensor final : public node::Sensor {
 public:
  WindowSensor(const WindowJob& job, std::span<const std::int16_t> samples, WindowClock& clock)
      : job_(job), samples_(samples), clock_(clock) {}

  Result<node::SampleBlock> Read(std::span<std::int16_t> memory) override {
    const std::size_t left = samples_.size() - next_;
    if (left == 0) {
      return Code::kOutOfRange;
    }
    const std::size_t count = std::min({left, memory.size(), std::size_t{job_.block_samples}});
    std::memcpy(memory.data(), samples_.data() + next_, count * sizeof(std::int16_t));
    node::SampleBlock block;
    block.samples = memory.first(count);
    block.first_frame = next_;
    block.scale = job_.scale;
    next_ += count;
    clock_.Set(Millis(static_cast<std::int64_t>(next_) * 1000 / job_.sample_rate_hz));
    return block;
  }
  [[nodiscard]] std::uint32_t sample_rate_hz() const override { return job_.sample_rate_hz; }
  [[nodiscard]] std::uint32_t channels() const override { return 1; }

 private:
  const WindowJob& job_;
  std::span<const std::int16_t> samples_;
  WindowClock& clock_;
  std::size_t next_ = 0;
};

/// NOR in plain memory.
class WindowFlash final : public node::Flash {
 public:
  explicit WindowFlash(std::span<std::byte> bytes) : bytes_(bytes) {
    std::memset(bytes_.data(), 0xFF, bytes_.size());
  }
  [[nodiscard]] Geometry geometry() const override {
    return {.sector_bytes = kFlashSectorBytes,
            .sector_count = kFlashStateSectors + kFlashBacklogSectors,
            .program_unit_bytes = 8};
  }
  Status Erase(node::SectorIndex first, std::uint32_t count) override {
    const std::size_t begin = std::size_t{first.value()} * kFlashSectorBytes;
    const std::size_t bytes = std::size_t{count} * kFlashSectorBytes;
    if (begin > bytes_.size() || bytes > bytes_.size() - begin) {
      return Code::kInvalidArgument;
    }
    std::memset(bytes_.data() + begin, 0xFF, bytes);
    return {};
  }
  Status Program(std::uint32_t offset, std::span<const std::byte> bytes) override {
    if (offset > bytes_.size() || bytes.size() > bytes_.size() - offset) {
      return Code::kInvalidArgument;
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes_[offset + i] &= bytes[i];
    }
    return {};
  }
  Status Read(std::uint32_t offset, std::span<std::byte> out) override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
      return Code::kInvalidArgument;
    }
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }

 private:
  std::span<std::byte> bytes_;
};

/// Nobody is there.
class WindowLink final : public node::Link {
 public:
  Status Send(std::span<const std::byte> /*message*/) override { return Code::kUnavailable; }
  Result<std::size_t> Receive(std::span<std::byte> /*memory*/) override {
    return Code::kUnavailable;
  }
  [[nodiscard]] std::size_t max_message_bytes() const override { return 1024; }
};

class WindowWatchdog final : public node::Watchdog {
 public:
  void Start(Millis /*timeout*/) override {}
  void Feed() override {}
};

class WindowActuator final : public node::Actuator {
 public:
  void Set(node::ActuatorState state) override;
  [[nodiscard]] std::uint64_t sets() const { return sets_; }
  [[nodiscard]] std::uint32_t crc() const { return crc_; }

 private:
  std::uint64_t sets_ = 0;
  std::uint32_t crc_ = 0;
};

void WindowActuator::Set(node::ActuatorState state) {
  const auto byte = static_cast<std::byte>(state);
  crc_ = Crc32c({&byte, 1}, crc_);
  ++sets_;
}

class WindowEntropy final : public node::Entropy {
 public:
  Status Fill(std::span<std::byte> out) override {
    for (std::byte& b : out) {
      b = static_cast<std::byte>(random_.Next());
    }
    return {};
  }

 private:
  SplitMix64 random_{1};
};

class WindowPower final : public node::Power {
 public:
  node::ResetCause reset_cause() override { return node::ResetCause::kPowerOn; }
  void Sleep(Millis /*limit*/) override {}
};

namespace {

std::uint32_t NumberOf(Status status) {
  return static_cast<std::uint32_t>(status.code()) << 16U | status.reason();
}

bool Sound(const WindowJob& job, std::size_t memory) {
  const auto inside = [memory](std::uint32_t offset, std::uint64_t bytes) {
    return offset % 16 == 0 && offset <= memory && bytes <= memory - offset;
  };
  return job.magic == kWindowMagic && job.bytes <= memory && job.sample_rate_hz > 0 &&
         job.block_samples > 0 && inside(job.package_offset, job.package_bytes) &&
         inside(job.samples_offset, std::uint64_t{job.samples} * sizeof(std::int16_t));
}

}  // namespace

bool RunWindow(std::span<std::byte> memory, WindowMemory& node, std::span<std::byte> flash_memory) {
  if (memory.size() < sizeof(WindowJob) || flash_memory.size() != kFlashBytes) {
    return false;
  }
  // The host wrote this very structure there.
  auto& job = *reinterpret_cast<WindowJob*>(memory.data());
  if (!Sound(job, memory.size())) {
    return false;
  }
  WindowClock clock;
  WindowSensor sensor(
      job,
      {reinterpret_cast<const std::int16_t*>(memory.data() + job.samples_offset), job.samples},
      clock);
  WindowFlash flash(flash_memory);
  WindowLink link;
  WindowWatchdog watchdog;
  WindowActuator actuator;
  WindowEntropy entropy;
  WindowPower power;
  node::app::NodeConfig config;
  config.node = NodeId(job.node);
  config.state_region = {.first = node::SectorIndex(0), .sectors = kFlashStateSectors};
  config.backlog_region = {.first = node::SectorIndex(kFlashStateSectors),
                           .sectors = kFlashBacklogSectors};
  // Not a local variable: it is large, and lives in static memory in a node, too.
  auto& loop = *new (node.loop.data()) node::app::NodeLoop(
      {clock, sensor, link, flash, watchdog, actuator, entropy, power},
      config,
      node.storage.memory());
  crypto::PublicKey key;
  key.bytes = job.package_key;
  Status status = loop.Start(memory.subspan(job.package_offset, job.package_bytes), {&key, 1});
  status = status.ok() ? loop.package_status() : status;
  job.status = status.ok() ? 0 : NumberOf(status);
  if (!status.ok()) {
    return false;
  }
  while (!loop.source_ended()) {
    (void)loop.Step();
  }
  const node::app::NodeMetrics& metrics = loop.metrics();
  job.report = {.windows = metrics.windows,
                .windows_invalid = metrics.windows_invalid,
                .windows_triggered = metrics.windows_triggered,
                .classified = metrics.cascade.classified,
                .events = metrics.events,
                .records = metrics.records,
                .records_failed = metrics.records_failed,
                .actuator_sets = actuator.sets(),
                .actuator_crc = actuator.crc(),
                .flash_crc = Crc32c(flash_memory)};
  job.done = 1;
  return true;
}

}  // namespace trib::bench::mcu
