#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace trib::tools::trib_cli {

/// Names of labels from package files. An event carries its package's hash, which is computed over
/// the bytes of the file: a name is shown only from the package that decided.
class LabelNames {
 public:
  /// Reads one package; its signature does not matter for a name.
  /// @returns false, with one line in `error`, when it is none.
  bool Add(const std::string& file, std::string& error);

  /// Gives every event in `value`, at any depth, "label_name" where its package is known.
  void Annotate(nlohmann::json& value) const;

 private:
  std::map<std::string, std::vector<std::string>> names_;  // by hash, in hex
};

/// A fault by its name, and why a baseline was refused; an event by its label ("bearing_fault", or
/// "label 1" when its package is not known), its state, and its zone of severity where there is
/// one.
std::string WhatHappened(const nlohmann::json& event);

}  // namespace trib::tools::trib_cli
