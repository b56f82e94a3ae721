// The same lines from a board, on its console.
#include "feature_bits.h"
#include "trib/node/cortex_m/console.h"
#include "trib/node/cortex_m/emulation.h"

int main() {
  static constinit trib::feature_bits::Memory memory{};
  const auto print = [](const char* line) { trib::node::cortex_m::Console().Text(line); };
  trib::feature_bits::PrintSynthetic(memory, print);
  trib::feature_bits::PrintSimulated(memory, print);
  trib::feature_bits::PrintLearned(memory, print);
  trib::feature_bits::PrintClassified(memory, print);
  trib::node::cortex_m::ExitEmulation(0);
}
