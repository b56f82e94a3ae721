#include "nab.h"

#include <algorithm>

#include "evaluate.h"
#include "files.h"

namespace trib::bench::drift {
namespace {

namespace fs = std::filesystem;

std::optional<NabFile> ReadFile(const fs::path& file, std::size_t windows, std::string& error) {
  auto values = ReadColumn(file, "value", error);
  const auto marks = ReadColumn(file, "anomaly_window", error);
  if (!values || !marks) {
    return std::nullopt;
  }
  NabFile out;
  out.series.stream = "nab";
  out.series.name = file.stem().string();
  out.series.values = std::move(*values);
  out.series.reference = NabProbation(out.series.values.size());
  out.windows = NabWindowsOf(*marks);
  // Two windows that touch would look like one and be scored as one.
  if (out.windows.size() != windows) {
    error = file.string() + ": " + std::to_string(out.windows.size()) + " windows, not " +
            std::to_string(windows) + " as the manifest says";
    return std::nullopt;
  }
  return out;
}

bool Inside(const std::vector<NabWindow>& windows, std::size_t row) {
  return std::any_of(windows.begin(), windows.end(), [row](const NabWindow& w) {
    return w.first <= row && row <= w.last;
  });
}

}  // namespace

std::optional<std::vector<NabFile>> ReadNab(const fs::path& data, std::string& error) {
  const fs::path folder = data / "nab";
  const auto names = ReadTexts(folder / "manifest.csv", "file", error);
  const auto windows = ReadColumn(folder / "manifest.csv", "n_windows", error);
  if (!names || !windows) {
    return std::nullopt;
  }
  std::vector<NabFile> out;
  for (std::size_t i = 0; i < names->size(); ++i) {
    auto file = ReadFile(folder / (*names)[i], static_cast<std::size_t>((*windows)[i]), error);
    if (!file) {
      return std::nullopt;
    }
    out.push_back(std::move(*file));
  }
  return out;
}

NabOutcome EvaluateNab(const std::vector<NabFile>& files, const Setting& setting) {
  NabOutcome out;
  out.detector = setting.name;
  std::array<double, kNabProfiles.size()> raw{};
  double spent = 0;
  std::size_t values = 0;
  for (const NabFile& file : files) {
    const std::span<const double> all = file.series.values;
    const auto detector =
        setting.make(all.first(file.series.reference), all.size() - file.series.reference);
    std::vector<std::size_t> detections;
    const double begin = NowNanoseconds();
    for (std::size_t i = file.series.reference; i < all.size(); ++i) {
      if (detector->Push(all[i])) {
        detections.push_back(i);
      }
    }
    spent += NowNanoseconds() - begin;
    values += all.size() - file.series.reference;

    out.windows += NabScoredWindows(all.size(), file.windows);
    for (const NabWindow& window : file.windows) {
      out.caught +=
          std::any_of(detections.begin(),
                      detections.end(),
                      [&](std::size_t row) { return window.first <= row && row <= window.last; })
              ? 1
              : 0;
    }
    out.false_alarms += static_cast<std::size_t>(
        std::count_if(detections.begin(), detections.end(), [&](std::size_t row) {
          return !Inside(file.windows, row);
        }));
    for (std::size_t p = 0; p < raw.size(); ++p) {
      raw[p] += NabRawScore(all.size(), file.windows, detections, kNabProfiles[p]);
    }
  }
  for (std::size_t p = 0; p < raw.size(); ++p) {
    out.scores.push_back(NabNormalised(raw[p], out.windows, kNabProfiles[p]));
  }
  out.per_value_ns = values > 0 ? spent / static_cast<double>(values) : 0;
  return out;
}

}  // namespace trib::bench::drift
