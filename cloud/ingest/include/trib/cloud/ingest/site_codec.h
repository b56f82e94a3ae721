#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "trib/cloud/ports/bindings.h"
#include "trib/cloud/ports/types.h"

/// Turns what a gateway sends into rows that the store may take as they are, and answers into
/// bytes.
namespace trib::cloud::ingest {

struct Hello {
  std::uint64_t roster_version = 0;
  std::string software_version;
};

/// An envelope that gets no answer; `reason` is its counter.
///
///   envelope_too_large   above kMaxSiteEnvelopeBytes
///   envelope_malformed   not this schema
///   envelope_protocol    another protocol version
///   envelope_body        no body, or one that only the cloud sends
///   envelope_gateway     speaks for another gateway than the connection's key
///   envelope_bounds      more records or drop counters than the limits allow
struct RefusedEnvelope {
  const char* reason = "";
};

using Envelope = std::variant<RefusedEnvelope, Hello, Batch, SiteReportRow>;

/// Decodes and validates one message of an authenticated gateway. Every record of a batch ends in
/// `records` or, with its index and one of these reasons, in `rejected`:
///
///   malformed, out_of_bounds, invalid_value, unknown_body   as the record codec says
///   too_large       above kMaxTransferBytes
///   unknown_node    no such node was ever enrolled
///   never_accepted  enrolled, but not accepted by an operator
///   other_gateway   the node was never bound to this gateway
///
/// A verdict that its gateway's exit cannot have given is dropped and counted (verdict_refused);
/// its record is taken, and waits for the cloud's tail.
///
/// A rejection is final: the gateway forgets the record, so a gateway that could deliver later must
/// be refused as an envelope instead.
///
/// Threads  Any; no state.
Envelope Decode(std::string_view bytes, GatewayId gateway, const Bindings& bindings);

/// `credit` is how many batches the gateway may have unacknowledged.
std::string EncodeBatchAck(std::uint64_t batch_id,
                           const BatchOutcome& outcome,
                           std::uint32_t credit);
std::string EncodeRoster(const Roster& roster);
/// `envelope` goes to the node only if it is still in this enrolment epoch.
std::string EncodeDownlink(NodeId node, EnrolmentEpoch epoch, std::string envelope);

}  // namespace trib::cloud::ingest
