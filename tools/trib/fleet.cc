// trib fleet list | node show | gateway list | stats
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "connection.h"
#include "context.h"
#include "labels.h"
#include "render.h"

namespace trib::tools::trib_cli {
namespace {

using nlohmann::json;

int List(const Context& context,
         const std::string& call,
         const std::string& key,
         const std::vector<Field>& fields) {
  return CallAndShow(context, call, json::object(), [&](const json& result) {
    const auto rows = result.find(key);
    const json none = json::array();
    const json& list = rows == result.end() ? none : *rows;
    std::fputs(TableText(list, fields, context.color()).c_str(), stdout);
  });
}

/// Adds to a node of fleet.list what the table shows of its latest records.
void AddAlarm(json& node, std::int64_t now_ms) {
  const json none = json::object();
  const auto part = [&](const char* key) -> const json& {
    const auto found = node.find(key);
    return found != node.end() && found->is_object() ? *found : none;
  };
  const json& event = part("last_event");
  const json& fault = part("last_fault");
  const bool over = event.value("state", "") == "cleared";
  json brief = event;
  brief.erase("zone");  // the table shows the newest one, which is the status's
  node["alarm"] = event.empty() ? "-" : (over ? "cleared" : WhatHappened(brief));
  node["alarm_severity"] = event.empty() || over ? json() : event.value("severity", json());
  const std::string kind = fault.value("fault", "");
  node["sensor"] = kind.empty() ? "-" : (kind == "sensor_recovered" ? "recovered" : kind);
  const std::string zone = part("status").value("zone", "unspecified");
  node["velocity_zone"] = zone == "unspecified" ? "-" : zone;
  const std::int64_t stored = node.value("stored_ms", std::int64_t{0});
  node["seen"] = stored == 0 ? "never" : AgeText(stored, now_ms) + " ago";
}

int FleetList(const Context& context) {
  return CallAndShow(context, "fleet.list", json::object(), [&](const json& result) {
    json nodes = result.value("nodes", json::array());
    for (json& node : nodes) {
      AddAlarm(node, result.value("now_ms", node.value("stored_ms", std::int64_t{0})));
    }
    std::fputs(TableText(nodes,
                         {{"NODE", "id", Show::kNumber},
                          {"NAME", "name"},
                          {"STATE", "state", Show::kState},
                          {"GATEWAY", "gateway", Show::kNumber},
                          {"ALARM", "alarm", Show::kAlarm},
                          {"SEVERITY", "alarm_severity", Show::kNumber},
                          {"ZONE", "velocity_zone"},
                          {"FAULT", "sensor", Show::kAlarm},
                          {"LAST SEEN", "seen", Show::kNumber},
                          {"RECORDS", "records", Show::kNumber},
                          {"EVENTS", "events", Show::kNumber},
                          {"FAULTS", "faults", Show::kNumber},
                          {"SENT", "bytes", Show::kBytes}},
                         context.color())
                   .c_str(),
               stdout);
  });
}

int ShowObject(const Context& context, const std::string& call, const json& args) {
  return CallAndShow(context, call, args, [&](const json& result) {
    std::fputs(ObjectText(result, context.color()).c_str(), stdout);
  });
}

}  // namespace

void AddFleetCommands(CLI::App& app, Context& context) {
  CLI::App* fleet = app.add_subcommand("fleet", "The nodes")->require_subcommand(1);
  fleet
      ->add_subcommand("list",
                       "List enrolled nodes: latest event and fault, and when last seen\n"
                       "ALARM is the latest event, \"cleared\" when it is over; LAST SEEN is when "
                       "the cloud stored the node's newest record. --json has all of each.\n"
                       "Example: trib fleet list --labels bearing.trib")
      ->callback([&context] { context.run = [&context] { return FleetList(context); }; });

  auto id = std::make_shared<std::uint64_t>(0);
  CLI::App* node = app.add_subcommand("node", "One node")->require_subcommand(1);
  CLI::App* show = node->add_subcommand("show", "All about a node\nExample: trib node show 17");
  show->add_option("ID", *id, "The node's number")
      ->required()
      ->check(CLI::Range(std::uint64_t{1}, UINT64_MAX, "ID"));
  show->callback([&context, id] {
    context.run = [&context, id] {
      return ShowObject(context, "node.show", {{"node", host::control::IdText(*id)}});
    };
  });

  CLI::App* gateway = app.add_subcommand("gateway", "The gateways")->require_subcommand(1);
  gateway->add_subcommand("list", "List enrolled gateways\nExample: trib gateway list --json")
      ->callback([&context] {
        context.run = [&context] {
          return List(context,
                      "gateway.list",
                      "gateways",
                      {{"GATEWAY", "id", Show::kNumber},
                       {"NAME", "name"},
                       {"STATE", "state", Show::kState},
                       {"NODES", "nodes", Show::kNumber},
                       {"STORED", "records_stored", Show::kNumber},
                       {"DUPLICATES", "records_duplicated", Show::kNumber},
                       {"REJECTED", "records_rejected", Show::kNumber},
                       {"LAST BATCH", "last_batch_ms", Show::kTimeMs}});
        };
      });

  app.add_subcommand("stats", "Totals of the cloud's store\nExample: trib stats --json")
      ->callback([&context] {
        context.run = [&context] { return ShowObject(context, "stats", json::object()); };
      });
}

}  // namespace trib::tools::trib_cli
