// Question   What does judging a node's batch cost beside parsing it with libprotobuf alone?
// Raw        libprotobuf, parsing the envelope with its records as one message, objects reused: the
//            quickest way it has. It checks no bound, no range and no canonical form.
// Ours       What gateway/link does with an envelope: DecodeUplink, then open and decode every
//            record.
// Input      Full envelopes of the mix in records.h: 16 records each, 64 nodes in turn.
// Command    ./dev bench path --only codec
#include "trib/common/host/message/codec.h"

#include "measure.h"
#include "questions.h"
#include "records.h"
#include "tributary/v1/link.pb.h"
#include "tributary/v1/record.pb.h"

namespace trib::bench::path {
namespace {

double RawTurn(const std::vector<std::string>& envelopes, double seconds) {
  tributary::v1::Envelope envelope;
  tributary::v1::Record record;
  std::uint64_t records = 0;
  const Stopwatch watch;
  const double begin = ThreadCpuSeconds();
  while (watch.seconds() < seconds) {
    for (const std::string& bytes : envelopes) {
      if (!envelope.ParseFromString(bytes)) {
        Fail("libprotobuf refused an envelope");
      }
      for (const auto& sealed : envelope.records().records()) {
        if (!record.ParseFromString(sealed.record())) {
          Fail("libprotobuf refused a record");
        }
        ++records;
      }
    }
  }
  return (ThreadCpuSeconds() - begin) * 1e9 / static_cast<double>(records);
}

double OursTurn(const std::vector<std::string>& envelopes, double seconds) {
  message::Record record;
  std::uint64_t records = 0;
  const Stopwatch watch;
  const double begin = ThreadCpuSeconds();
  while (watch.seconds() < seconds) {
    for (const std::string& bytes : envelopes) {
      const auto uplink = host::message::DecodeUplink(bytes);
      if (!uplink.ok()) {
        Fail("our codec refused an envelope");
      }
      for (const auto& sealed : uplink->records) {
        const auto opened = host::message::OpenSealedRecord(sealed.sealed);
        if (!opened.ok() || !host::message::DecodeRecord(opened->record, record).ok()) {
          Fail("our codec refused a record");
        }
        ++records;
      }
    }
  }
  return (ThreadCpuSeconds() - begin) * 1e9 / static_cast<double>(records);
}

}  // namespace

void AskCodec(const Run& run, Report& report) {
  std::vector<std::string> envelopes;
  for (std::uint64_t node = 1; node <= 64; ++node) {
    EnvelopeTemplate envelope(node, kRecordsPerEnvelope);
    envelopes.push_back(envelope.Numbered(kFirstSequence + static_cast<std::uint32_t>(node)));
  }
  Row row{.question = "codec",
          .measure = "decode and validate, CPU",
          .unit = "ns/record",
          .raw = {},
          .ours = {},
          .at_most = 2.0};
  for (int turn = 0; turn < run.turns; ++turn) {
    Progress("codec", "turn " + std::to_string(turn + 1));
    row.raw.push_back(RawTurn(envelopes, run.seconds / 2));
    row.ours.push_back(OursTurn(envelopes, run.seconds / 2));
  }
  report.Add(std::move(row));
  report.Note("codec",
              std::to_string(kRecordsPerEnvelope) + " records in " +
                  std::to_string(envelopes[0].size()) + " bytes");
}

}  // namespace trib::bench::path
