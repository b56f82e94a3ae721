#include "series.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <numeric>

#include "files.h"
#include "labelled.h"
#include "trib/common/base/random.h"

namespace trib::bench::drift {
namespace {

namespace fs = std::filesystem;

/// Of streams of which nobody says how long they were healthy.
constexpr double kReferenceShare = 0.2;
constexpr int kGasBatches = 6;

void Append(LabelledRows& rows, const LabelledRows& more, std::span<const std::size_t> order) {
  for (const std::size_t i : order) {
    const auto row = more.row(i);
    rows.features.insert(rows.features.end(), row.begin(), row.end());
    rows.labels.push_back(more.labels[i]);
  }
}

std::vector<std::size_t> Shuffled(std::size_t count, SplitMix64& random) {
  std::vector<std::size_t> out(count);
  std::iota(out.begin(), out.end(), std::size_t{0});
  for (std::size_t i = count; i > 1; --i) {
    std::swap(out[i - 1], out[random.Next() % i]);
  }
  return out;
}

std::optional<LabelledRows> ReadGasBatch(const fs::path& folder, int batch, std::string& error) {
  const std::string stem = "batch" + std::to_string(batch);
  LabelledRows out;
  out.width = 128;
  const auto features = ReadFloats(folder / (stem + ".f32"), error);
  const auto codes = ReadColumn(folder / (stem + "_labels.csv"), "gas_code", error);
  if (!features || !codes) {
    return std::nullopt;
  }
  if (features->size() != codes->size() * out.width) {
    error = (folder / stem).string() + ": features and labels are not of the same rows";
    return std::nullopt;
  }
  out.features = *features;
  for (const double code : *codes) {
    out.labels.push_back(static_cast<std::uint32_t>(code) - 1);
  }
  return out;
}

}  // namespace

std::optional<std::vector<Series>> ReadGasDrift(const fs::path& data, std::string& error) {
  LabelledRows all;
  all.width = 128;
  std::size_t reference = 0;
  SplitMix64 random(1);
  for (int batch = 1; batch <= kGasBatches; ++batch) {
    const auto rows = ReadGasBatch(data / "gas_drift", batch, error);
    if (!rows) {
      return std::nullopt;
    }
    // Batches follow each other in time; within one, rows are sorted by gas, which is no time.
    Append(all, *rows, Shuffled(rows->rows(), random));
    reference = batch == 1 ? all.rows() : reference;
  }
  return SeriesOf("gas_drift", all, reference, reference);
}

std::optional<std::vector<Series>> ReadFemto(const fs::path& data, std::string& error) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(data / "femto", failed)) {
    if (entry.path().filename().string().ends_with("_features.csv")) {
      files.push_back(entry.path());
    }
  }
  if (files.empty()) {
    error = (data / "femto").string() + ": no *_features.csv there";
    return std::nullopt;
  }
  std::sort(files.begin(), files.end());
  std::vector<Series> out;
  for (const fs::path& file : files) {
    auto values = ReadColumn(file, "rms_h_g", error);
    if (!values) {
      return std::nullopt;
    }
    Series series;
    series.stream = "femto";
    const std::string name = file.filename().string();
    series.name = name.substr(0, name.find('_', name.find('_') + 1)) + " rms";
    series.reference =
        static_cast<std::size_t>(kReferenceShare * static_cast<double>(values->size()));
    series.values = std::move(*values);
    series.ends_in_failure = true;
    out.push_back(std::move(series));
  }
  return out;
}

std::optional<std::vector<Series>> ReadDriftStreams(const fs::path& data, std::string& error) {
  std::vector<Series> out;
  for (const char* name : {"elec2", "neweather"}) {
    const fs::path stem = data / "drift_streams" / name;
    LabelledRows rows;
    rows.width = 8;
    const auto features = ReadFloats(stem.string() + ".f32", error);
    const auto labels = ReadBytes(stem.string() + "_labels.u8", error);
    if (!features || !labels) {
      return std::nullopt;
    }
    if (features->size() != labels->size() * rows.width) {
      error = stem.string() + ": features and labels are not of the same rows";
      return std::nullopt;
    }
    rows.features = *features;
    rows.labels.assign(labels->begin(), labels->end());
    if (std::string_view(name) == "elec2") {
      // The first feature is the date itself.
      for (std::size_t i = 0; i < rows.features.size(); i += rows.width) {
        rows.features[i] = 0;
      }
    }
    const auto reference =
        static_cast<std::size_t>(kReferenceShare * static_cast<double>(rows.rows()));
    for (Series& series : SeriesOf(name, rows, reference, std::nullopt)) {
      out.push_back(std::move(series));
    }
  }
  return out;
}

}  // namespace trib::bench::drift
