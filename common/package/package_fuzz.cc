// Any bytes: open, read every section by every decoder, verify, and hold what was accepted to its
// promises. Seeds: written by fuzz_seeds_test (README.md).
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "trib/common/package/package.h"
#include "trib/common/package/sections.h"

namespace {

using namespace trib::package;  // NOLINT(google-build-using-namespace)

void Demand(bool good) {
  if (!good) {
    std::abort();
  }
}

/// What a decoder accepts encodes to the same bytes again.
template <typename T>
void RoundTrip(std::span<const std::byte> bytes) {
  T value;
  if (!Decode(bytes, value).ok()) {
    return;
  }
  std::vector<std::byte> again(kMaxTypedSectionBytes);
  const auto size = Encode(value, again);
  Demand(size.ok() && *size == bytes.size() &&
         std::equal(bytes.begin(), bytes.end(), again.begin()));
}

void DecodeAll(std::span<const std::byte> bytes) {
  RoundTrip<Manifest>(bytes);
  RoundTrip<Normalisation>(bytes);
  RoundTrip<TriggerSpec>(bytes);
  RoundTrip<ExitPolicy>(bytes);
  RoundTrip<FallbackRules>(bytes);
  RoundTrip<Guardrails>(bytes);
  RoundTrip<Labels>(bytes);
  RoundTrip<SketchEdges>(bytes);
  RoundTrip<DriftReference>(bytes);
  RoundTrip<DistanceSpec>(bytes);
  RoundTrip<CommissioningSpec>(bytes);
  RoundTrip<SeveritySpec>(bytes);
  RoundTrip<ConditionSpec>(bytes);
  RoundTrip<ClassifierSpec>(bytes);
  RoundTrip<SplitPoints>(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  // Checksums keep a mutated file from getting far, so the decoders also get the bytes directly.
  DecodeAll(bytes);
  const auto view = PackageView::Open(bytes);
  if (!view.ok()) {
    Demand(ReasonName(static_cast<Reason>(view.status().reason())) != "unknown reason");
    return 0;
  }
  std::vector<SectionInput> sections;
  for (std::size_t i = 0; i < view->section_count(); ++i) {
    const SectionInfo info = view->section(i);
    DecodeAll(info.bytes);
    sections.push_back({info.type, info.target, info.bytes, info.critical});
  }
  (void)CheckContents(*view);
  trib::crypto::PublicKey key;
  key.bytes[0] = std::byte{9};
  Demand(!Verify(*view, {&key, 1}, {}).ok());
  // There is one file for given sections: rewriting gives the same bytes but for signatures.
  std::vector<std::byte> again(size);
  const auto written = WritePackage(sections, again);
  Demand(written.ok() && *written == size);
  const auto reopened = PackageView::Open(again);
  Demand(reopened.ok() && reopened->digest() == view->digest());
  return 0;
}
