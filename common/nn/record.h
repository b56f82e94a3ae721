#pragma once

#include "trib/common/bytes/reader.h"
#include "trib/common/nn/types.h"

namespace trib::nn {

/// Reads one operator's record; !reader.ok() when it is cut off. An opcode outside the enum leaves
/// the reader behind the common fields: the caller must look at it first.
Operator ReadOperator(ByteReader& reader);

}  // namespace trib::nn
