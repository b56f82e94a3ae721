#include "trib/common/host/zmq/curve.h"

#include "internal.h"
#include "trib/common/base/check.h"

namespace trib::host::zmq {

CurveKeys DrawCurveKeys() {
  char public_text[41] = {};
  char secret_text[41] = {};
  TRIB_CHECK(::zmq_curve_keypair(public_text, secret_text) == 0);
  CurveKeys keys;
  TRIB_CHECK(::zmq_z85_decode(keys.public_key.data(), public_text) != nullptr);
  TRIB_CHECK(::zmq_z85_decode(keys.secret_key.data(), secret_text) != nullptr);
  return keys;
}

}  // namespace trib::host::zmq
