#include "labels.h"

#include <nlohmann/json.hpp>

#include "render.h"
#include "trib/common/host/control/types.h"
#include "trib/common/host/package/package.h"
#include "trib/common/package/sections.h"

namespace trib::tools::trib_cli {

namespace package = host::package;
using nlohmann::json;

bool LabelNames::Add(const std::string& file, std::string& error) {
  const auto bytes = package::ReadPackageFile(file, &error);
  if (!bytes.ok()) {
    return false;
  }
  const auto view = package::PackageView::Open(*bytes);
  package::Labels labels;
  const Status status = view.ok()
                            ? package::Decode(view->Find(package::SectionType::kLabels), labels)
                            : view.status();
  if (!status.ok()) {
    error = file + ": " + package::DescribeRefusal(status);
    return false;
  }
  std::vector<std::string>& names = names_[host::control::HashText(view->hash().value())];
  names.clear();
  for (const package::Label& label : labels.labels) {
    names.emplace_back(label.name.view());
  }
  return true;
}

void LabelNames::Annotate(json& value) const {
  if (value.is_object() && value.contains("package_hash") && value.contains("label")) {
    const json& hash = value["package_hash"];
    const json& label = value["label"];
    const auto names = hash.is_string() ? names_.find(hash.get<std::string>()) : names_.end();
    if (names != names_.end() && label.is_number_unsigned() &&
        label.get<std::uint64_t>() < names->second.size()) {
      value["label_name"] = names->second[label.get<std::size_t>()];
    }
  }
  if (value.is_structured()) {
    for (json& part : value) {
      Annotate(part);
    }
  }
}

std::string WhatHappened(const json& event) {
  std::string fault = FieldText(event, "fault", Show::kText);
  if (fault != "-") {
    const std::string reason = FieldText(event, "reason", Show::kText);
    return reason == "-" ? fault : fault + ": " + reason;
  }
  const std::string zone = FieldText(event, "zone", Show::kText);
  const std::string name = FieldText(event, "label_name", Show::kText);
  return (name != "-" ? name : "label " + FieldText(event, "label", Show::kText)) + " " +
         FieldText(event, "state", Show::kText) +
         (zone == "-" || zone == "unspecified" ? "" : ", zone " + zone);
}

}  // namespace trib::tools::trib_cli
