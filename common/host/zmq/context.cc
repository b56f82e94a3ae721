#include "trib/common/host/zmq/context.h"

#include "internal.h"
#include "trib/common/base/check.h"

namespace trib::host::zmq {

Context::Context(int io_threads) : impl_(std::make_unique<Impl>(io_threads)) {
  // Without it every socket would fail later and less clearly.
  TRIB_CHECK(::zmq_has("curve") == 1);
}

Context::~Context() = default;

}  // namespace trib::host::zmq
