#include "drift_embeddings.h"

#include <utility>

#include "trib/common/host/message/codec.h"

namespace trib::cloud {

/// Empty for a record that is damaged or of another kind: it is passed over.
std::vector<float> EmbeddingRecords::NumbersOf(const host::tail::Network* network,
                                               std::string_view sealed) {
  const auto opened = host::message::OpenSealedRecord(sealed);
  if (!opened.ok()) {
    return {};
  }
  message::Record record;
  host::message::ReadCheckedRecord(opened->record, record);
  if (network != nullptr && record.kind == message::RecordKind::kActivation) {
    auto numbers = runner_.Numbers(*network, record.activation.payload, kMaxWidth);
    return numbers.ok() ? *std::move(numbers) : std::vector<float>();
  }
  if (network == nullptr && record.kind == message::RecordKind::kFeatureFrame &&
      record.feature_frame.values.size() <= kMaxWidth) {
    const auto& values = record.feature_frame.values;
    return {values.begin(), values.end()};
  }
  return {};
}

Result<std::vector<drift::EmbeddingRow>> EmbeddingRecords::Read(
    PackageHash package, std::span<const drift::EmbeddingPlan::Place> places) {
  const auto network = find_network_(package);
  std::vector<drift::EmbeddingRow> out;
  for (const auto& place : places) {
    const store::DriftReader::Span span{
        place.block_ms, place.block_ms + static_cast<std::uint64_t>(block_.count())};
    const auto take = [&](std::string_view sealed) {
      if (auto numbers = NumbersOf(network.get(), sealed); !numbers.empty()) {
        out.push_back({place.node, place.block_ms, std::move(numbers)});
      }
    };
    TRIB_TRY(network != nullptr
                 ? reader_.ReadActivations(place.node, package, span, kRowsOfBlock, take)
                 : reader_.ReadFrames(place.node, package, span, kRowsOfBlock, take));
  }
  return out;
}

}  // namespace trib::cloud
