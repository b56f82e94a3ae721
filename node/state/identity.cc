#include "trib/node/state/identity.h"

#include <array>
#include <limits>

#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"

namespace trib::node::state {
namespace {

constexpr int kMaxDraws = 8;

Result<EnrolmentEpoch> DrawEpoch(Entropy& entropy) {
  for (int i = 0; i < kMaxDraws; ++i) {
    std::array<std::byte, 8> bytes{};
    TRIB_TRY(entropy.Fill(bytes));
    if (const std::uint64_t drawn = ByteReader(bytes).U64(); drawn != 0) {
      return EnrolmentEpoch(drawn);
    }
  }
  return Code::kInternal;  // a source that gives zeros only is broken
}

}  // namespace

Result<Identity> OpenIdentity(StateStore& store, Entropy& entropy) {
  Identity identity;
  std::array<std::byte, 8> epoch{};
  std::array<std::byte, 4> boot{};
  const auto epoch_read = store.Get(StateKey::kIdentityEpoch, 0, epoch);
  const auto boot_read = store.Get(StateKey::kBootCount, 0, boot);
  for (const Status status : {epoch_read.status(), boot_read.status()}) {
    if (!status.ok() && status != Code::kNotFound && status != Code::kDataLoss &&
        status != Code::kResourceExhausted) {
      return status;
    }
  }
  // Half an identity is none: a boot count that starts over under the old epoch repeats keys.
  const bool known = epoch_read.ok() && *epoch_read == epoch.size() && boot_read.ok() &&
                     *boot_read == boot.size() && ByteReader(epoch).U64() != 0;
  if (known) {
    identity.epoch = EnrolmentEpoch(ByteReader(epoch).U64());
    const std::uint32_t last = ByteReader(boot).U32();
    // After a torn write the count of one boot may be hidden: skip it.
    const std::uint32_t step = store.torn() ? 2 : 1;
    if (last > std::numeric_limits<std::uint32_t>::max() - step) {
      return Code::kResourceExhausted;
    }
    identity.boot = last + step;
  } else {
    TRIB_TRY_ASSIGN(identity.epoch, DrawEpoch(entropy));
    identity.boot = 1;
    identity.fresh = true;
    ByteWriter(epoch).U64(identity.epoch.value());
    // Without its count the new epoch is not valid yet, so a stale count must go first.
    TRIB_TRY(store.Remove(StateKey::kBootCount, 0));
    TRIB_TRY(store.Put(StateKey::kIdentityEpoch, 0, epoch));
  }
  ByteWriter(boot).U32(identity.boot);
  TRIB_TRY(store.Put(StateKey::kBootCount, 0, boot));
  return identity;
}

}  // namespace trib::node::state
