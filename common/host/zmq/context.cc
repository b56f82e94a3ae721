#include "trib/common/host/zmq/context.h"

#include "internal.h"
#include "trib/common/base/check.h"

namespace trib::host::zmq {

Context::Context(int io_threads, int clients) : impl_(std::make_unique<Impl>(io_threads)) {
  constexpr int kSocketsPerClient = 3;  // the DEALER and both ends of its monitor
  constexpr int kOthers = 64;
  if (clients > 0) {
    impl_->context.set(::zmq::ctxopt::max_sockets, clients * kSocketsPerClient + kOthers);
  }
  // Without it every socket would fail later and less clearly.
  TRIB_CHECK(::zmq_has("curve") == 1);
}

Context::~Context() = default;

}  // namespace trib::host::zmq
