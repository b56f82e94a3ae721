#pragma once

#include "measure.h"

namespace trib::bench::path {

void AskCodec(const Run& run, Report& report);
void AskStore(const Run& run, Report& report);
void AskSpool(const Run& run, Report& report);
void AskIngest(const Run& run, Report& report);
void AskEndToEnd(const Run& run, Report& report);
void AskMemory(const Run& run, Report& report);
void AskPaced(const Run& run, Report& report);
void AskLatency(const Run& run, Report& report);

}  // namespace trib::bench::path
