#include "trib/testing/contracts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace trib::testing {
namespace {

class GoogleTestChecker final : public Checker {
 public:
  void Failed(const char* file, int line, const char* what) override {
    ADD_FAILURE_AT(file, line) << what;
  }
};

}  // namespace

void RunFlashContract(node::Flash& flash) {
  GoogleTestChecker checker;
  RunFlashContract(flash, checker);
}

void RunClockContract(node::Clock& clock, FunctionRef<void(Millis)> pass) {
  GoogleTestChecker checker;
  RunClockContract(clock, pass, checker);
}

void RunLinkContract(node::Link& a, node::Link& b, FunctionRef<void()> settle) {
  GoogleTestChecker checker;
  std::vector<std::byte> memory(2 * std::max(a.max_message_bytes(), b.max_message_bytes()) + 1);
  RunLinkContract(a, b, memory, settle, checker);
}

void RunByteStreamContract(node::ByteStream& echoed, FunctionRef<void()> settle) {
  GoogleTestChecker checker;
  RunByteStreamContract(echoed, settle, checker);
}

void RunEntropyContract(node::Entropy& entropy) {
  GoogleTestChecker checker;
  RunEntropyContract(entropy, checker);
}

}  // namespace trib::testing
