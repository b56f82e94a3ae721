#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "trib/common/base/time.h"
#include "trib/node/ports/byte_stream.h"
#include "trib/node/ports/clock.h"
#include "trib/node/ports/entropy.h"
#include "trib/node/ports/flash.h"
#include "trib/node/ports/link.h"

/// What every implementation of a port must do. A port's second implementation is right when it
/// passes the same function. Freestanding: a board runs them on its own ports; contracts.h has them
/// for GoogleTest.
namespace trib::testing {

/// Takes what did not hold.
class Checker {
 public:
  virtual void Failed(const char* file, int line, const char* what) = 0;

 protected:
  ~Checker() = default;
};

/// Something to call, which its caller keeps alive.
template <typename Signature>
class FunctionRef;
template <typename Out, typename... In>
class FunctionRef<Out(In...)> {
 public:
  template <typename Callable>
  requires(!std::is_same_v<std::remove_cvref_t<Callable>, FunctionRef>)
      FunctionRef(const Callable& callable)  // NOLINT(google-explicit-constructor): a lambda
      : callable_(std::addressof(callable)), call_([](const void* it, In... in) -> Out {
          return (*static_cast<const Callable*>(it))(std::forward<In>(in)...);
        }) {}

  Out operator()(In... in) const { return call_(callable_, std::forward<In>(in)...); }

 private:
  const void* callable_;
  Out (*call_)(const void*, In...);
};

/// Erases and overwrites everything. Requires  Two sectors or more of four units or more, a unit of
/// up to 64 bytes.
void RunFlashContract(node::Flash& flash, Checker& checker);

/// `pass` lets about that much time go by: advances a fake, waits for a real clock.
void RunClockContract(node::Clock& clock, FunctionRef<void(Millis)> pass, Checker& checker);

/// A fault-free pair. `settle` lets messages arrive; called between attempts to receive.
///
/// Memory   Borrows `memory` for the call: twice the larger max_message_bytes(), and a byte.
void RunLinkContract(node::Link& a,
                     node::Link& b,
                     std::span<std::byte> memory,
                     FunctionRef<void()> settle,
                     Checker& checker);

/// A wire whose other end sends back what comes, and else nothing. `settle` lets bytes move.
void RunByteStreamContract(node::ByteStream& echoed, FunctionRef<void()> settle, Checker& checker);

/// Requires  One that was seeded.
void RunEntropyContract(node::Entropy& entropy, Checker& checker);

}  // namespace trib::testing
