// trib fleet list | node show | gateway list, nodes | stats
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

/// What a gateway itself says of its nodes.
int GatewayNodes(const Context& context) {
  return CallAndShow(context, "nodes.list", json::object(), [&](const json& result) {
    json nodes = result.value("nodes", json::array());
    for (json& node : nodes) {
      const json session = node.value("session", json());
      node["roster"] = node.value("in_roster", false) ? "yes" : "no";
      node["seen"] = session.is_object()
                         ? AgeText(0, session.value("silent_ms", std::int64_t{0})) + " ago"
                         : "never";
    }
    std::fputs(TableText(nodes,
                         {{"NODE", "node", Show::kNumber},
                          {"ROSTER", "roster"},
                          {"OVER", "session.over"},
                          {"LAST SEEN", "seen", Show::kNumber},
                          {"RECORDS", "session.records", Show::kNumber},
                          {"PENDING", "session.pending", Show::kNumber},
                          {"CREDIT", "session.credit", Show::kNumber}},
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

  gateway
      ->add_subcommand("nodes",
                       "List the nodes of one gateway, which is asked itself\n"
                       "OVER is how a node is connected: zmq (encrypted) or serial (a wire, not "
                       "encrypted). --server names the gateway's [admin] endpoint.\n"
                       "Example: trib gateway nodes --server tcp://127.0.0.1:7401 --server-key "
                       "gateway.key.pub")
      ->callback([&context] { context.run = [&context] { return GatewayNodes(context); }; });

  app.add_subcommand("stats",
                     "Totals of the cloud's store; with a gateway's --server, its own\nExample: "
                     "trib stats --json")
      ->callback([&context] {
        context.run = [&context] { return ShowObject(context, "stats", json::object()); };
      });
}

}  // namespace trib::tools::trib_cli
