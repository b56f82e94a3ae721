#pragma once

#include <cstddef>
#include <span>

#include "trib/common/message/types.h"

// Values of lawful bytes, straight from the wire: most of what a gateway and the cloud do with a
// record is to decode it, and libprotobuf's objects cost more than the fields in them
// (./dev bench path --only codec). codec_differential_test and record_fuzz hold this to nanopb's
// answers, wire_rules_test the field numbers to the schema.
namespace trib::host::message::internal {

/// For bytes that CheckRecord() accepted; of others it makes something arbitrary, within bounds.
/// Activation payloads point into them.
void ReadRecord(std::span<const std::byte> bytes, trib::message::Record& out);
/// For bytes that CheckSketch() accepted. Requires  `out` is empty.
void ReadSketch(std::span<const std::byte> bytes, trib::message::Sketch& out);

}  // namespace trib::host::message::internal
