#pragma once

#include "trib/node/cortex_m/console.h"
#include "trib/node/cortex_m/registers.h"
#include "trib/testing/port_contracts.h"

namespace trib::testing {

/// Says on the console what did not hold, and of each part whether all of it did.
class ConsoleChecker final : public Checker {
 public:
  void Begin(const char* part) {
    part_ = part;
    failures_ = 0;
  }
  void Failed(const char* file, int line, const char* what) override {
    ++failures_;
    node::cortex_m::Console()
        .Text(part_)
        .Text(": FAILED ")
        .Text(file)
        .Text(":")
        .Number(static_cast<unsigned>(line))
        .Text(": ")
        .Text(what)
        .End();
  }
  void Expect(bool holds, const char* what) {
    if (!holds) {
      Failed("here", 0, what);
    }
  }
  void End() const {
    if (failures_ == 0) {
      node::cortex_m::Console().Text(part_).Text(": ok").End();
    }
  }
  [[noreturn]] static void Done() {
    node::cortex_m::Console().Text("done").End();
    for (;;) {
      node::cortex_m::WaitForInterrupt();
    }
  }

 private:
  const char* part_ = "";
  int failures_ = 0;
};

}  // namespace trib::testing
