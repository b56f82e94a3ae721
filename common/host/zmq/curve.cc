#include "trib/common/host/zmq/curve.h"

#include "internal.h"
#include "trib/common/base/check.h"

namespace trib::host::zmq {
namespace {

std::uint8_t* Raw(std::array<std::byte, 32>& key) {
  return reinterpret_cast<std::uint8_t*>(key.data());  // NOLINT: the C API's idea of a byte
}

}  // namespace

CurveKeys DrawCurveKeys() {
  char public_text[41] = {};
  char secret_text[41] = {};
  TRIB_CHECK(::zmq_curve_keypair(public_text, secret_text) == 0);
  CurveKeys keys;
  TRIB_CHECK(::zmq_z85_decode(Raw(keys.public_key), public_text) != nullptr);
  TRIB_CHECK(::zmq_z85_decode(Raw(keys.secret_key), secret_text) != nullptr);
  return keys;
}

}  // namespace trib::host::zmq
