// trib fleet list | node show | gateway list | stats
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "connection.h"
#include "context.h"
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

int ShowObject(const Context& context, const std::string& call, const json& args) {
  return CallAndShow(context, call, args, [&](const json& result) {
    std::fputs(ObjectText(result, context.color()).c_str(), stdout);
  });
}

}  // namespace

void AddFleetCommands(CLI::App& app, Context& context) {
  CLI::App* fleet = app.add_subcommand("fleet", "The nodes")->require_subcommand(1);
  fleet->add_subcommand("list", "List enrolled nodes\nExample: trib fleet list --json")
      ->callback([&context] {
        context.run = [&context] {
          return List(context,
                      "fleet.list",
                      "nodes",
                      {{"NODE", "id", Show::kNumber},
                       {"NAME", "name"},
                       {"STATE", "state", Show::kState},
                       {"GATEWAY", "gateway", Show::kNumber},
                       {"RECORDS", "records", Show::kNumber},
                       {"EVENTS", "events", Show::kNumber},
                       {"FAULTS", "faults", Show::kNumber},
                       {"WINDOWS", "windows", Show::kNumber},
                       {"SENT", "bytes", Show::kBytes},
                       {"ENERGY", "energy_nj", Show::kEnergyNj},
                       {"LAST STORED", "stored_ms", Show::kTimeMs}});
        };
      });

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
