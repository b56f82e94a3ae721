#include "package_names.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "trib/cloud/drift/kinds.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/host/package/package.h"
#include "trib/common/package/package.h"
#include "trib/common/package/sections.h"

namespace trib::cloud {
namespace {

namespace fs = std::filesystem;
using package::SectionType;

constexpr const char* kExtension = ".trib";

std::string NameOf(const dsp::Recipe& recipe, std::size_t index) {
  std::array<char, dsp::kMaxFeatureNameBytes> buffer{};
  return std::string(dsp::FeatureName(recipe, index, buffer));
}

/// Requires  CheckContents() accepted the package.
Status Read(const package::PackageView& view, PackageFacts& out) {
  TRIB_TRY_ASSIGN(const dsp::Recipe recipe, dsp::DecodeRecipe(view.Find(SectionType::kRecipe)));
  for (std::size_t i = 0; i < dsp::OutputCount(recipe); ++i) {
    out.features.push_back(NameOf(recipe, i));
  }
  out.kinds = drift::KindsOfRecipe(recipe);
  package::Labels labels;
  TRIB_TRY(package::Decode(view.Find(SectionType::kLabels), labels));
  for (const package::Label& label : labels.labels) {
    out.labels.emplace_back(label.name.view());
  }
  if (const auto section = view.Find(SectionType::kSketchEdges); !section.empty()) {
    const auto edges = std::make_unique<package::SketchEdges>();
    TRIB_TRY(package::Decode(section, *edges));
    for (const package::SketchEdges::Histogram& histogram : edges->histograms) {
      out.histograms.push_back({histogram.feature, histogram.edges});
    }
  }
  return {};
}

}  // namespace

PackageNames::PackageNames(std::vector<fs::path> folders, std::vector<crypto::PublicKey> keys)
    : folders_(std::move(folders)), keys_(std::move(keys)) {}

std::vector<std::string> PackageNames::Rescan() {
  std::vector<std::string> lines;
  for (const fs::path& folder : folders_) {
    RescanFolder(folder, lines);
  }
  return lines;
}

void PackageNames::RescanFolder(const fs::path& folder, std::vector<std::string>& lines) {
  std::error_code failed;
  for (fs::directory_iterator file(folder, failed); !failed && file != fs::directory_iterator();
       file.increment(failed)) {
    const fs::path path = file->path();
    std::error_code gone;
    const Stamp stamp{fs::last_write_time(path, gone), fs::file_size(path, gone)};
    if (path.extension() != kExtension || gone) {
      continue;
    }
    const auto [known, is_new] = files_.try_emplace(path);
    if (!is_new && known->second == stamp) {
      continue;
    }
    known->second = stamp;
    std::string error;
    if (!Load(path, error).ok()) {
      lines.push_back(path.string() + ": " + error);
    }
  }
  if (failed && files_.empty()) {
    lines.push_back(folder.string() + ": cannot be read: " + failed.message());
  }
}

Status PackageNames::Load(const fs::path& path, std::string& error) {
  TRIB_TRY_ASSIGN(const auto file, host::package::ReadPackageFile(path, &error));
  error = "no sound package";
  TRIB_TRY_ASSIGN(const auto view, package::PackageView::Open(file));
  if (view.Find(SectionType::kRecipe).empty()) {
    return {};  // a tail: its head has the same recipe
  }
  if (const Status status = package::CheckSignature(view, keys_); !status.ok()) {
    error = "not signed by a trusted key";
    return status;
  }
  TRIB_TRY(package::CheckContents(view));
  auto facts = std::make_shared<PackageFacts>();
  TRIB_TRY(Read(view, *facts));
  const std::lock_guard lock(mutex_);
  if (packages_.size() >= kMaxPackages && packages_.count(view.hash()) == 0) {
    error = "more than " + std::to_string(kMaxPackages) + " packages";
    return Code::kResourceExhausted;
  }
  packages_[view.hash()] = std::move(facts);
  return {};
}

std::shared_ptr<const PackageFacts> PackageNames::Find(PackageHash package) const {
  const std::lock_guard lock(mutex_);
  const auto found = packages_.find(package);
  return found == packages_.end() ? nullptr : found->second;
}

std::size_t PackageNames::size() const {
  const std::lock_guard lock(mutex_);
  return packages_.size();
}

}  // namespace trib::cloud
