#include "recording_filter.h"

#include <fnmatch.h>

#include <optional>
#include <set>

namespace trib::tools::trib_cli {
namespace {

using host::recording::Manifest;
using host::recording::Recording;

/// What `key` says of a recording; nullopt when it has no such condition.
std::optional<std::string> ValueOf(const Recording& recording, const std::string& key) {
  if (key == "label") {
    return recording.label;
  }
  if (key == "file") {
    return recording.file.filename().string();
  }
  const auto condition = recording.conditions.find(key);
  return condition == recording.conditions.end()
             ? std::nullopt
             : std::optional(host::recording::ConditionText(condition->second));
}

/// Moves what `key` says is like `pattern` to `taken`; notes what `key` says of all.
void Take(const std::string& key,
          const std::string& pattern,
          std::vector<Recording>& from,
          std::vector<Recording>& taken,
          std::set<std::string>& values) {
  for (Recording& recording : from) {
    const auto value = ValueOf(recording, key);
    if (!value) {
      continue;
    }
    values.insert(*value);
    if (::fnmatch(pattern.c_str(), value->c_str(), 0) == 0) {
      taken.push_back(std::move(recording));
    }
  }
}

std::set<std::string> KeysOf(const Manifest& manifest) {
  std::set<std::string> keys = {"label", "file"};
  for (const Recording& recording : manifest.recordings) {
    for (const auto& [name, value] : recording.conditions) {
      keys.insert(name);
    }
  }
  return keys;
}

/// The first words of a list that may be long.
std::string Listed(const std::set<std::string>& words) {
  constexpr std::size_t kEnough = 300;
  std::string out;
  for (const std::string& word : words) {
    if (out.size() > kEnough) {
      return out + ", ...";
    }
    out.append(out.empty() ? "" : ", ").append(word);
  }
  return out;
}

}  // namespace

bool FilterRecordings(const std::vector<std::string>& filters,
                      Manifest& manifest,
                      std::string& error) {
  const std::set<std::string> keys = KeysOf(manifest);
  for (const std::string& filter : filters) {
    const std::size_t equals = filter.find('=');
    if (equals == std::string::npos || equals == 0) {
      error = "--only " + filter + ": is not KEY=PATTERN, such as label=normal";
      return false;
    }
    const std::string key = filter.substr(0, equals);
    std::vector<Recording> taken;
    std::set<std::string> values;
    Take(key, filter.substr(equals + 1), manifest.recordings, taken, values);
    if (taken.empty()) {
      error =
          "--only " + filter + ": " +
          (values.empty() ? "no recording has " + key + "; there are " + Listed(keys)
                          : "takes none of what is left; " + key + " is one of " + Listed(values));
      return false;
    }
    manifest.recordings = std::move(taken);
  }
  return true;
}

}  // namespace trib::tools::trib_cli
