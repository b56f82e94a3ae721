#pragma once

#include "trib/cloud/drift/types.h"

/// How people and JSON read them (docs/formats/admin_calls.md). Static text.
namespace trib::cloud::drift {

const char* NameOf(SubjectKind kind);
const char* NameOf(Cause cause);
const char* NameOf(Family family);
const char* NameOf(Detector detector);

}  // namespace trib::cloud::drift
