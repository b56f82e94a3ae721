// trib event tail
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "connection.h"
#include "context.h"
#include "labels.h"
#include "render.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/cli/stop_signal.h"

namespace trib::tools::trib_cli {
namespace {

using host::cli::kExitOk;
using nlohmann::json;

// Below every deadline, and short enough for Ctrl-C to feel prompt.
constexpr int kWaitMs = 200;  // as long as the daemon waits

struct EventArguments {
  bool follow = false;
  std::uint64_t node = 0;
  std::uint64_t limit = 20;
};

void PrintEvents(const Context& context, const json& events, bool header) {
  if (context.json) {
    // One object per line, so that a stream can be read while it runs.
    for (const json& event : events) {
      std::puts(event.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    }
    return;
  }
  json rows = events;
  for (json& row : rows) {
    row["what"] = WhatHappened(row);
  }
  std::string text = TableText(rows,
                               {{"TIME                    ", "time_ms", Show::kTimeMs},
                                {"NODE    ", "node"},
                                {"KIND ", "kind"},
                                {"WHAT               ", "what"},
                                {"CONFIDENCE", "confidence"},
                                {"SEVERITY", "severity"}},
                               context.color());
  if (!header) {
    text.erase(0, text.find('\n') + 1);
  }
  std::fputs(text.c_str(), stdout);
}

int Tail(const Context& context, const EventArguments& arguments) {
  int exit_code = kExitOk;
  const auto connection = Connect(context, exit_code);
  if (!connection) {
    return exit_code;
  }
  LabelNames labels;
  if (!ReadLabels(context, labels, exit_code)) {
    return exit_code;
  }
  host::cli::StopSignal stop;
  json args = {{"limit", arguments.limit}, {"wait_ms", 0}};
  if (arguments.node != 0) {
    args["node"] = host::control::IdText(arguments.node);
  }
  bool first = true;
  do {
    auto outcome = connection->Call("event.tail", args);
    if (stop.requested()) {
      break;
    }
    if (const auto* error = std::get_if<host::control::ControlError>(&outcome)) {
      return Fail(context, ExitCodeFor(error->code), error->code, error->message);
    }
    json& result = *std::get_if<json>(&outcome);
    auto events = result.find("events");
    const auto cursor = result.find("cursor");
    if (events == result.end() || cursor == result.end()) {
      return Fail(context,
                  host::cli::kExitFailed,
                  Code::kInternal,
                  "the server's answer to event.tail has no events; is it of another version?");
    }
    labels.Annotate(*events);
    PrintEvents(context, *events, first);
    std::fflush(stdout);
    first = false;
    args["since"] = *cursor;
    args["wait_ms"] = kWaitMs;
  } while (arguments.follow && !stop.requested());
  return kExitOk;
}

}  // namespace

void AddEventCommands(CLI::App& app, Context& context) {
  CLI::App* event = app.add_subcommand("event", "Events and faults")->require_subcommand(1);
  CLI::App* tail = event->add_subcommand(
      "tail",
      "Print the newest events, and with --follow those to come; --json: one object per line\n"
      "Example: trib event tail --follow --node 17");
  auto arguments = std::make_shared<EventArguments>();
  tail->add_flag("-f,--follow", arguments->follow, "Go on until Ctrl-C");
  tail->add_option("--node", arguments->node, "Of this node only")
      ->check(CLI::Range(std::uint64_t{1}, UINT64_MAX, "ID"));
  tail->add_option("--limit", arguments->limit, "How many to begin with")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  tail->callback([&context, arguments] {
    context.run = [&context, arguments] { return Tail(context, *arguments); };
  });
}

}  // namespace trib::tools::trib_cli
