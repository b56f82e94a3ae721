#include "trib/node/cortex_m/last_words.h"

#include <cstddef>
#include <span>

#include "trib/common/bytes/crc32c.h"

namespace trib::node::cortex_m {
namespace {

constexpr std::uint32_t kMagic = 0x53444C54;  // "TLDS"

std::uint32_t ChecksumOf(const LastWords& words) {
  return Crc32c(std::as_bytes(std::span(&words, 1)).first(offsetof(LastWords, checksum)));
}

}  // namespace

void Write(LastWords& words, const BootReport& report) {
  words.magic = kMagic;
  words.cause = static_cast<std::uint32_t>(report.cause);
  words.kind = static_cast<std::uint32_t>(report.crash.kind);
  words.program_counter = report.crash.program_counter;
  words.address = report.crash.address;
  words.checksum = ChecksumOf(words);
}

BootReport Take(LastWords& words) {
  BootReport report;
  if (words.magic == kMagic && words.checksum == ChecksumOf(words)) {
    report.cause = static_cast<ResetCause>(words.cause);
    report.crash = {.kind = static_cast<CrashKind>(words.kind),
                    .program_counter = words.program_counter,
                    .address = words.address};
  } else {
    report.cause = ResetCause::kPowerOn;
  }
  Write(words, {});
  return report;
}

}  // namespace trib::node::cortex_m
