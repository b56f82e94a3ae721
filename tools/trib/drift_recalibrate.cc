// trib drift recalibrate
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "connection.h"
#include "context.h"
#include "render.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/control/types.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"
#include "trib/common/host/package/recalibrate.h"

namespace trib::tools::trib_cli {
namespace {

namespace package = host::package;
using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::cli::kExitRefused;
using host::cli::kExitUsage;
using nlohmann::json;

struct RecalibrateArguments {
  std::uint64_t alarm = 0;
  std::uint64_t node = 0;
  std::string base;
  std::string out;
  bool force = false;
};

json Asked(const RecalibrateArguments& arguments) {
  return arguments.alarm != 0 ? json{{"alarm", arguments.alarm}}
                              : json{{"node", host::control::IdText(arguments.node)}};
}

/// Whether `alarm` is about `node`, and says that the machine has changed.
bool BlamesMachine(const json& alarm, const std::string& node) {
  if (!alarm.is_object() || FieldText(alarm, "cause", Show::kText) != "machine") {
    return false;
  }
  if (node.empty() || FieldText(alarm, "subject.id", Show::kText) == node) {
    return true;
  }
  const auto nodes = alarm.find("nodes");
  return nodes != alarm.end() && nodes->is_array() &&
         std::ranges::any_of(*nodes, [&](const json& id) { return id == node; });
}

/// Looks whether what drifted is the machine. @returns kExitOk when it may be corrected.
int CheckCause(const Context& context, const RecalibrateArguments& arguments) {
  if (arguments.force) {
    return kExitOk;
  }
  json answer;
  const bool of_alarm = arguments.alarm != 0;
  const int exit_code = of_alarm ? CallAndTake(context, "drift.explain", Asked(arguments), answer)
                                 : CallAndTake(context, "drift.status", json::object(), answer);
  if (exit_code != kExitOk) {
    return exit_code;
  }
  const std::string node = of_alarm ? "" : host::control::IdText(arguments.node);
  json alarms = json::array({answer});
  if (!of_alarm) {
    alarms = answer.is_object() ? answer.value("alarms", json::array()) : json::array();
  }
  for (const json& alarm : alarms) {
    if (BlamesMachine(alarm, node)) {
      return Fail(context,
                  kExitRefused,
                  Code::kFailedPrecondition,
                  "alarm " + FieldText(alarm, "alarm", Show::kText) +
                      " blames the machine, not its sensor: a package that hides that would call a "
                      "fault normal; --force makes it all the same");
    }
  }
  return kExitOk;
}

double NumberAt(const json& object, const char* key) {
  const auto value = object.find(key);
  // Null stands for what is not known; Recalibrate() refuses what is no number.
  return value != object.end() && value->is_number() ? value->get<double>() : NAN;
}

std::uint64_t CountAt(const json& object, const char* key) {
  const auto value = object.find(key);
  return value != object.end() && value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
}

/// Nullopt for an answer of another shape.
std::optional<package::Shift> ReadShift(const json& answer) {
  package::Shift shift;
  const std::string hash = FieldText(answer, "package_hash", Show::kText);
  char* end = nullptr;
  shift.package = PackageHash(std::strtoull(hash.c_str(), &end, 16));
  const auto features = answer.is_object() ? answer.find("features") : answer.end();
  if (hash.size() != 16 || *end != '\0' || features == answer.end() || !features->is_array()) {
    return std::nullopt;
  }
  for (const json& feature : *features) {
    if (!feature.is_object() ||
        feature.value("index", json(shift.features.size())) != json(shift.features.size())) {
      return std::nullopt;
    }
    shift.features.push_back({.mean_then = NumberAt(feature, "mean_then"),
                              .deviation_then = NumberAt(feature, "deviation_then"),
                              .frames_then = CountAt(feature, "frames_then"),
                              .mean_now = NumberAt(feature, "mean_now"),
                              .deviation_now = NumberAt(feature, "deviation_now"),
                              .frames_now = CountAt(feature, "frames_now")});
  }
  return shift;
}

json ToJson(const RecalibrateArguments& arguments,
            const package::Recalibration& made,
            const package::PackageView& view,
            const package::Shift& shift) {
  json features = json::array();
  for (std::size_t i = 0; i < made.features.size(); ++i) {
    const auto& feature = made.features[i];
    features.push_back({{"name", feature.name},
                        {"mean_before", feature.before.mean},
                        {"mean", feature.after.mean},
                        {"deviation_before", feature.before.deviation},
                        {"deviation", feature.after.deviation},
                        {"rescaled", feature.rescaled},
                        {"frames_then", shift.features[i].frames_then},
                        {"frames_now", shift.features[i].frames_now}});
  }
  package::Manifest manifest;
  const bool decoded = Decode(view.Find(package::SectionType::kManifest), manifest).ok();
  return {{"file", arguments.out},
          {"name", made.name},
          {"version", made.version},
          {"digest", host::identity::ToHex(view.digest())},
          {"hash", host::control::HashText(view.hash().value())},
          {"parent", decoded ? json(host::identity::ToHex(manifest.parent)) : json()},
          {"bytes", made.file.size()},
          {"signatures", view.signature_count()},
          {"features", std::move(features)}};
}

void Print(const json& result, bool color) {
  std::fputs(TableText(result["features"],
                       {{"FEATURE", "name"},
                        {"MEAN BEFORE", "mean_before", Show::kNumber},
                        {"MEAN", "mean", Show::kNumber},
                        {"DEVIATION BEFORE", "deviation_before", Show::kNumber},
                        {"DEVIATION", "deviation", Show::kNumber},
                        {"FRAMES THEN", "frames_then", Show::kNumber},
                        {"FRAMES NOW", "frames_now", Show::kNumber}},
                       color)
                 .c_str(),
             stdout);
  json brief = result;
  brief.erase("features");
  std::puts("");
  std::fputs(ObjectText(brief, color).c_str(), stdout);
  std::puts("\nunsigned; sign it with trib package sign before nodes are given it");
}

int Recalibrate(const Context& context, const RecalibrateArguments& arguments) {
  if ((arguments.alarm == 0) == (arguments.node == 0)) {
    return Fail(context,
                kExitUsage,
                Code::kInvalidArgument,
                "give either an alarm's number or --node N; trib drift status lists the alarms");
  }
  std::string error;
  const auto base = package::ReadPackageFile(arguments.base, &error);
  if (!base.ok()) {
    return Fail(context, kExitFailed, base.status().code(), error);
  }
  if (const int refused = CheckCause(context, arguments); refused != kExitOk) {
    return refused;
  }
  json answer;
  const int exit_code = CallAndTake(context, "drift.shift", Asked(arguments), answer);
  if (exit_code != kExitOk) {
    return exit_code;
  }
  const auto shift = ReadShift(answer);
  if (!shift) {
    return Fail(context,
                kExitFailed,
                Code::kInternal,
                "the server's answer to drift.shift is not understood; is it of another version?");
  }
  const auto made = package::Recalibrate(*base, *shift, &error);
  if (!made.ok()) {
    return Fail(context,
                ExitCodeFor(made.status().code()),
                made.status().code(),
                arguments.base + ": " + error);
  }
  const Status written = package::WritePackageFile(arguments.out, made->file, &error);
  if (!written.ok()) {
    return Fail(context, kExitFailed, written.code(), error);
  }
  const auto view = package::PackageView::Open(made->file);
  const json result = ToJson(arguments, *made, *view, *shift);
  if (context.json) {
    host::cli::PrintJson(result);
  } else {
    Print(result, context.color());
  }
  return kExitOk;
}

}  // namespace

void AddDriftRecalibration(CLI::App& noun, Context& context) {
  auto arguments = std::make_shared<RecalibrateArguments>();
  CLI::App* command = noun.add_subcommand(
      "recalibrate",
      "Make an unsigned package that sees the drifted sensors as it saw them before\n"
      "Only the normalisation of the network's features differs, and the manifest: a higher "
      "version, the base as parent. Means follow the audited windows; a deviation changes only "
      "where that is certain. It cannot tell a sensor from a machine that has changed: read trib "
      "drift explain first, and wait until all windows now are of after the change.\n"
      "Example: trib drift recalibrate 7 --package pump.trib --out pump-2.trib");
  command->add_option("ALARM", arguments->alarm, "The alarm's number")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{INT64_MAX}, "ALARM"));
  command->add_option("--node", arguments->node, "A node instead of an alarm")
      ->check(CLI::Range(std::uint64_t{1}, UINT64_MAX, "ID"));
  command->add_option("--package", arguments->base, "The package that the drifted nodes run")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--out", arguments->out, "The package to write")
      ->required()
      ->type_name("FILE");
  command->add_flag(
      "--force", arguments->force, "Also when the alarm says that the machine has changed");
  command->callback([&context, arguments] {
    context.run = [&context, arguments] { return Recalibrate(context, *arguments); };
  });
}

}  // namespace trib::tools::trib_cli
