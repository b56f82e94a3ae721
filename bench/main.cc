// trib-bench: every benchmark beside its baseline, in one run. Options are Google Benchmark's.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
