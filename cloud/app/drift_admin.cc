#include "drift_admin.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "arguments.h"
#include "clock.h"
#include "drift_json.h"
#include "drift_shift.h"

namespace trib::cloud {
namespace {

using drift::ErrorStanding;
using host::control::ControlError;
using host::control::HashText;
using host::control::IdText;
using nlohmann::json;
using store::AlarmChange;

constexpr std::uint64_t kMaxAlarms = 1000;
constexpr std::size_t kLooksShown = 20;
constexpr std::size_t kMaxLooksOfAWeek = 100'000;
constexpr std::size_t kFlagsShown = 32;
constexpr std::size_t kMaxNodes = 256;       // of one alarm that are gone through
constexpr std::size_t kMaxFrames = 20'000;   // then, and as many now
constexpr std::size_t kMaxNoteBytes = 1000;  // of an operator
constexpr std::uint64_t kMaxSilenceMs = std::uint64_t{366} * 86'400'000;
constexpr std::uint64_t kSilentBlocks = 2;
constexpr std::uint64_t kLateLookMs = 60'000;

/// As many as an answer goes through.
std::vector<NodeId> SomeNodesOf(const store::DriftAlarmRow& alarm) {
  std::vector<NodeId> out = NodesOf(alarm);
  out.resize(std::min(out.size(), kMaxNodes));
  return out;
}

ControlError NoAlarm(std::uint64_t id) {
  return {Code::kNotFound, "there is no drift alarm " + std::to_string(id)};
}

/// The alarm's number; nullopt with `error` set.
std::optional<std::int64_t> AlarmId(const json& args, std::string& error) {
  const auto id = Number(args, "alarm", std::nullopt, error);
  if (id && (*id == 0 || *id > INT64_MAX)) {
    error = "\"alarm\" must be an alarm's number, from 1";
    return std::nullopt;
  }
  return id ? std::optional(static_cast<std::int64_t>(*id)) : std::nullopt;
}

/// What a family did in the looks of a week.
struct FamilyWeek {
  double spent = 0;
  std::uint64_t tests = 0;
  std::uint64_t rejected = 0;
  // Of the newest look that tested it.
  bool tested = false;
  double least_p = 1;
  double resolution = 0;
  double needed = 0;
};

/// `looks` begin with the newest.
FamilyWeek SumOf(const std::vector<store::DriftLookRow>& looks, drift::Family family) {
  FamilyWeek sum;
  for (const store::DriftLookRow& look : looks) {
    for (const json& one : Parsed(look.families, json::array())) {
      if (one.value("family", "") != NameOf(family)) {
        continue;
      }
      const double alpha = one.value("alpha", 0.0);
      const auto tests = one.value("tests", std::uint64_t{0});
      sum.spent += alpha;
      sum.tests += tests;
      sum.rejected += one.value("rejected", std::uint64_t{0});
      if (!sum.tested && tests > 0) {
        sum.tested = true;
        sum.least_p = one.value("least_p", 1.0);
        sum.resolution = one.value("resolution", 0.0);
        sum.needed = alpha / static_cast<double>(tests);
      }
    }
  }
  return sum;
}

json MomentJson(const FrameMoments& moments, std::size_t index, const char* what) {
  const auto& features = moments.features();
  if (index >= features.size() || features[index].frames == 0) {
    return nullptr;
  }
  const FrameMoments::Feature& feature = features[index];
  return std::string_view(what) == "mean" ? feature.mean : feature.Deviation();
}

std::uint64_t FramesOf(const FrameMoments& moments, std::size_t index) {
  return index < moments.features().size() ? moments.features()[index].frames : 0;
}

}  // namespace

DriftAdmin::DriftAdmin(const DriftConfig& config,
                       std::unique_ptr<store::DriftReader> reader,
                       StoreLoop& store,
                       const DriftLoop* loop,
                       const PackageNames& names)
    : config_(config),
      reader_(std::move(reader)),
      store_(store),
      loop_(loop),
      names_(names),
      started_ms_(WallMs()) {}

void DriftAdmin::AddCalls(host::control::Registry& calls) {
  using Action = AlarmChange::Action;
  calls.Add("drift.status", [this](const json&) { return ShowStatus(); });
  calls.Add("drift.explain", [this](const json& args) { return Explain(args); });
  calls.Add("drift.history", [this](const json& args) { return History(args); });
  calls.Add("drift.acknowledge",
            [this](const json& args) { return Change(args, Action::kAcknowledge); });
  calls.Add("drift.silence", [this](const json& args) { return Change(args, Action::kSilence); });
  calls.Add("drift.resolve", [this](const json& args) { return Change(args, Action::kResolve); });
  calls.Add("drift.shift", [this](const json& args) { return Shift(args); });
}

DriftAdmin::Outcome DriftAdmin::ReadFailed(Status status) const {
  return ControlError{status.code(), "the store could not be read: " + reader_->last_error()};
}

std::vector<drift::NodeStanding> DriftAdmin::Standings() const {
  return loop_ != nullptr ? loop_->Standings() : std::vector<drift::NodeStanding>();
}

std::optional<drift::NodeStanding> DriftAdmin::StandingOf(NodeId node) const {
  const auto standings = Standings();
  const auto found = std::ranges::find(standings, node, &drift::NodeStanding::node);
  return found != standings.end() ? std::optional(*found) : std::nullopt;
}

json DriftAdmin::WithNames(const store::DriftAlarmRow& alarm) const {
  return ToJson(alarm, names_.Find(alarm.package).get());
}

json DriftAdmin::FamiliesJson(const std::vector<store::DriftLookRow>& week,
                              std::uint64_t watched) const {
  using drift::Family;
  const drift::Options& options = config_.options;
  std::vector<std::pair<Family, double>> shares{
      {Family::kNode, options.shares.node},
      {Family::kGroup, options.shares.group},
      {Family::kFleet, options.shares.fleet},
      {Family::kModel, options.shares.model * (1 - options.embedding_part)}};
  if (options.embedding_part > 0) {
    shares.emplace_back(Family::kEmbedding, options.shares.model * options.embedding_part);
  }
  json out = json::array();
  for (const auto& [family, share] : shares) {
    const FamilyWeek sum = SumOf(week, family);
    json row{{"family", NameOf(family)},
             {"budget_per_week", options.budget_per_week * share},
             {"spent_this_week", sum.spent},
             {"tests_this_week", sum.tests},
             {"rejected_this_week", sum.rejected},
             {"least_p", sum.tested ? json(sum.least_p) : json()},
             {"resolution", sum.tested ? json(sum.resolution) : json()},
             {"resolution_needed", sum.tested ? json(sum.needed) : json()}};
    if (!sum.tested && family == Family::kNode && watched > 0) {
      row["resolution_needed"] =
          options.budget_per_week * share * static_cast<double>(options.block.count()) /
          static_cast<double>(options.week.count()) / static_cast<double>(watched);
    }
    out.push_back(std::move(row));
  }
  return out;
}

json DriftAdmin::NodesJson(const std::vector<drift::NodeStanding>& standings,
                           std::uint64_t since_ms) {
  std::uint64_t newest = 0;
  for (const drift::NodeStanding& standing : standings) {
    newest = std::max(newest, standing.last_block_ms);
  }
  const auto silence = kSilentBlocks * static_cast<std::uint64_t>(config_.options.block.count());
  std::uint64_t watched = 0;
  std::uint64_t silent = 0;
  for (const drift::NodeStanding& standing : standings) {
    watched += standing.watched ? 1U : 0U;
    silent += standing.last_block_ms + silence < newest ? 1U : 0U;
  }
  return {{"watched", watched},
          {"learning", standings.size() - watched},
          {"silent", silent},
          {"flagged", reader_->CountFlagged(since_ms).value_or(0)}};
}

json DriftAdmin::ErrorsJson(std::optional<PackageHash> package) const {
  json out = json::array();
  for (const auto& errors : loop_ != nullptr ? loop_->Errors() : std::vector<ErrorStanding>()) {
    if (!package || errors.package == *package) {
      out.push_back(ToJson(errors));
    }
  }
  return out;
}

json DriftAdmin::NewestFlagsJson() {
  json out = json::array();
  if (const auto flags = reader_->ReadNewestFlags(kFlagsShown); flags.ok()) {
    for (const store::StoredFlag& flag : *flags) {
      out.push_back(ToJson(flag, names_.Find(flag.flag.package).get()));
    }
  }
  return out;
}

DriftAdmin::Outcome DriftAdmin::ShowStatus() {
  const std::uint64_t now = WallMs();
  const auto week_ms = static_cast<std::uint64_t>(config_.options.week.count());
  const auto week = reader_->ReadLooks(now - std::min(now, week_ms), kMaxLooksOfAWeek);
  const auto last = reader_->ReadLooks(0, 1);
  const auto unresolved = reader_->ReadUnresolved();
  if (!week.ok() || !last.ok() || !unresolved.ok()) {
    return ReadFailed(Code::kUnavailable);
  }
  json last_look;
  if (!last->empty()) {
    const auto alarms = reader_->ReadAlarmsOf(last->front().id);
    last_look = ToJson(last->front(), alarms.ok() ? *alarms : std::vector<std::int64_t>());
  }
  json alarms = json::array();
  for (const store::DriftAlarmRow& alarm : *unresolved) {
    alarms.push_back(WithNames(alarm));
  }
  const auto standings = Standings();
  json nodes = NodesJson(standings, last->empty() ? 0 : last->front().at_ms);
  json families = FamiliesJson(*week, nodes["watched"]);
  double spent = 0;
  for (const json& family : families) {
    spent += family["spent_this_week"].get<double>();
  }
  const drift::Options& options = config_.options;
  const DriftSnapshot snapshot = loop_ != nullptr ? loop_->snapshot() : DriftSnapshot();
  return json{{"enabled", loop_ != nullptr},
              {"now_ms", now},
              {"looked_ms", snapshot.looked_ms},
              {"options",
               {{"block_ms", options.block.count()},
                {"look_ms", config_.look.count()},
                {"grace_ms", config_.grace.count()},
                {"week_ms", options.week.count()},
                {"budget_per_week", options.budget_per_week},
                {"reference_blocks", options.reference_blocks},
                {"reference_blocks_needed", ReferenceBlocksNeeded(options)},
                {"min_windows", options.min_windows},
                {"min_psi", options.min_psi}}},
              {"budget", {{"per_week", options.budget_per_week}, {"spent_this_week", spent}}},
              {"families", std::move(families)},
              {"alarms", std::move(alarms)},
              {"nodes", std::move(nodes)},
              {"errors", ErrorsJson()},
              {"flags", NewestFlagsJson()},
              {"last_look", std::move(last_look)}};
}

DriftAdmin::Outcome DriftAdmin::Explain(const json& args) {
  std::string error;
  if (args.contains("alarm") == args.contains("node")) {
    return Wrong("give either \"alarm\" or \"node\"");
  }
  if (args.contains("alarm")) {
    const auto id = AlarmId(args, error);
    return id ? ExplainAlarm(*id) : Outcome(Wrong(error));
  }
  const auto node = Id(args, "node", std::nullopt, error);
  return node ? ExplainNode(NodeId(*node)) : Outcome(Wrong(error));
}

json DriftAdmin::FlagsJson(const std::vector<NodeId>& nodes) {
  json out = json::array();
  for (const NodeId node : nodes) {
    const auto flags = reader_->ReadFlags(node, kFlagsShown);
    for (std::size_t i = 0; flags.ok() && i < flags->size() && out.size() < kFlagsShown; ++i) {
      out.push_back(ToJson((*flags)[i], names_.Find((*flags)[i].flag.package).get()));
    }
  }
  return out;
}

DriftAdmin::Outcome DriftAdmin::ExplainAlarm(std::int64_t id) {
  const auto alarm = reader_->ReadAlarm(id);
  if (alarm.status().code() == Code::kNotFound) {
    return NoAlarm(static_cast<std::uint64_t>(id));
  }
  if (!alarm.ok()) {
    return ReadFailed(alarm.status());
  }
  const auto facts = names_.Find(alarm->package);
  const auto nodes = SomeNodesOf(*alarm);
  json out = ToJson(*alarm, facts.get());
  drift::Block then;
  drift::Block now;
  out["histograms_of"] =
      loop_ != nullptr ? loop_->ThenAndNow(nodes, alarm->package, then, now) : 0U;
  out["histograms"] = HistogramsJson(then, now, facts.get());
  out["errors"] = ErrorsJson(alarm->package);
  out["flags"] = FlagsJson(nodes);
  out["now_ms"] = WallMs();
  return out;
}

DriftAdmin::Outcome DriftAdmin::ExplainNode(NodeId node) {
  const auto standing = StandingOf(node);
  if (!standing) {
    return ControlError{Code::kNotFound,
                        "no block of node " + std::to_string(node.value()) +
                            " was looked at yet: it has no baseline, is unknown, or its first "
                            "block is not complete"};
  }
  const auto facts = names_.Find(standing->package);
  json out = ToJson(*standing, facts.get());
  drift::Block then;
  drift::Block now;
  out["histograms_of"] = loop_->ThenAndNow(std::span(&node, 1), standing->package, then, now);
  out["histograms"] = HistogramsJson(then, now, facts.get());
  out["errors"] = ErrorsJson(standing->package);
  out["flags"] = FlagsJson({node});
  out["now_ms"] = WallMs();
  return out;
}

DriftAdmin::Outcome DriftAdmin::History(const json& args) {
  std::string error;
  const auto limit = Number(args, "limit", 20, error);
  const auto before = Number(args, "before", 0, error);
  if (!error.empty()) {
    return Wrong(error);
  }
  if (*limit == 0 || *limit > kMaxAlarms || *before > INT64_MAX) {
    return Wrong("\"limit\" must be 1 to " + std::to_string(kMaxAlarms));
  }
  const auto rows = reader_->ReadAlarms(static_cast<std::int64_t>(*before), *limit);
  const auto looks = reader_->ReadLooks(0, kLooksShown);
  if (!rows.ok() || !looks.ok()) {
    return ReadFailed(rows.ok() ? looks.status() : rows.status());
  }
  json alarms = json::array();
  for (const store::DriftAlarmRow& alarm : *rows) {
    alarms.push_back(WithNames(alarm));
  }
  json looked = json::array();
  for (const store::DriftLookRow& look : *looks) {
    const auto raised = reader_->ReadAlarmsOf(look.id);
    looked.push_back(ToJson(look, raised.ok() ? *raised : std::vector<std::int64_t>()));
  }
  return json{{"alarms", std::move(alarms)}, {"looks", std::move(looked)}, {"now_ms", WallMs()}};
}

DriftAdmin::Outcome DriftAdmin::Change(const json& args, AlarmChange::Action action) {
  std::string error;
  AlarmChange change;
  const auto id = AlarmId(args, error);
  if (!id) {
    return Wrong(error);
  }
  change.alarm = *id;
  change.action = action;
  change.at_ms = WallMs();
  change.operator_name = kActor;
  if (args.contains("note")) {
    change.note = args.at("note").get<std::string>();
    if (change.note->size() > kMaxNoteBytes) {
      return Wrong("\"note\" has at most " + std::to_string(kMaxNoteBytes) + " bytes");
    }
  }
  if (action == AlarmChange::Action::kSilence) {
    const auto for_ms = Number(args, "for_ms", std::nullopt, error);
    if (!for_ms) {
      return Wrong(error);
    }
    if (*for_ms == 0 || *for_ms > kMaxSilenceMs) {
      return Wrong("\"for_ms\" must be 1 to " + std::to_string(kMaxSilenceMs) + ", 366 days");
    }
    change.until_ms = change.at_ms + *for_ms;
  }
  change.relearn = args.value("relearn", true);
  Result<bool> changed = Code::kUnavailable;
  std::string text = "the cloud is stopping";
  store_.Call([&](registry::Registry&, store::Writer& writer) {
    changed = writer.ChangeAlarm(change);
    text = "the store did not take it: " + writer.last_error();
  });
  if (changed.status().code() == Code::kNotFound) {
    return NoAlarm(static_cast<std::uint64_t>(*id));
  }
  if (changed.status().code() == Code::kFailedPrecondition) {
    return ControlError{Code::kFailedPrecondition,
                        "drift alarm " + std::to_string(*id) + " is resolved already"};
  }
  if (!changed.ok()) {
    return ControlError{changed.status().code(), text};
  }
  const auto alarm = reader_->ReadAlarm(*id);
  if (!alarm.ok()) {
    return ReadFailed(alarm.status());
  }
  json out = WithNames(*alarm);
  out["changed"] = *changed;
  return out;
}

Result<std::optional<store::DriftAlarmRow>> DriftAdmin::AlarmOf(NodeId node) {
  TRIB_TRY_ASSIGN(const auto unresolved, reader_->ReadUnresolved());
  std::optional<store::DriftAlarmRow> out;
  for (const store::DriftAlarmRow& alarm : unresolved) {
    const auto nodes = NodesOf(alarm);
    if (std::ranges::find(nodes, node) != nodes.end()) {
      out = alarm;
    }
  }
  return out;
}

DriftAdmin::Outcome DriftAdmin::Shift(const json& args) {
  std::string error;
  if (args.contains("alarm") == args.contains("node")) {
    return Wrong("give either \"alarm\" or \"node\"");
  }
  if (args.contains("alarm")) {
    const auto id = AlarmId(args, error);
    if (!id) {
      return Wrong(error);
    }
    const auto alarm = reader_->ReadAlarm(*id);
    if (!alarm.ok()) {
      return alarm.status().code() == Code::kNotFound
                 ? Outcome(NoAlarm(static_cast<std::uint64_t>(*id)))
                 : ReadFailed(alarm.status());
    }
    return ShiftOf(SomeNodesOf(*alarm), alarm->package, alarm->begin_ms);
  }
  const auto id = Id(args, "node", std::nullopt, error);
  if (!id) {
    return Wrong(error);
  }
  const NodeId node(*id);
  const auto alarm = AlarmOf(node);
  if (!alarm.ok()) {
    return ReadFailed(alarm.status());
  }
  if (alarm->has_value()) {
    return ShiftOf({node}, (*alarm)->package, (*alarm)->begin_ms);
  }
  const auto standing = StandingOf(node);
  if (!standing) {
    return ControlError{Code::kNotFound,
                        "no block of node " + std::to_string(*id) + " was looked at yet"};
  }
  return ShiftOf({node}, standing->package, standing->last_block_ms);
}

DriftAdmin::Outcome DriftAdmin::ShiftOf(const std::vector<NodeId>& nodes,
                                        PackageHash package,
                                        std::uint64_t begin_ms) {
  FrameMoments then;
  FrameMoments now;
  const std::size_t each =
      std::max<std::size_t>(1, kMaxFrames / std::max<std::size_t>(1, nodes.size()));
  json ids = json::array();
  std::optional<store::DriftReader::Span> reference;
  for (const NodeId node : nodes) {
    ids.push_back(IdText(node.value()));
    Status read;
    const auto span = reader_->ReadReferenceSpan(
        node, package, config_.options.block, begin_ms, config_.options.reference_blocks);
    if (!span.ok()) {
      return ReadFailed(span.status());
    }
    if (span->has_value()) {
      reference = reference
                      ? store::DriftReader::Span{std::min(reference->begin_ms, (*span)->begin_ms),
                                                 std::max(reference->end_ms, (*span)->end_ms)}
                      : **span;
      read = reader_->ReadFrames(
          node, package, **span, each, [&](std::string_view sealed) { then.Add(sealed); });
    }
    if (read.ok()) {
      read = reader_->ReadFrames(
          node, package, {begin_ms, INT64_MAX}, each, [&](std::string_view sealed) {
            now.Add(sealed);
          });
    }
    if (!read.ok()) {
      return ReadFailed(read);
    }
  }
  const auto facts = names_.Find(package);
  json features = json::array();
  for (std::size_t i = 0; i < std::max(then.features().size(), now.features().size()); ++i) {
    json feature{{"index", i},
                 {"mean_then", MomentJson(then, i, "mean")},
                 {"deviation_then", MomentJson(then, i, "deviation")},
                 {"frames_then", FramesOf(then, i)},
                 {"mean_now", MomentJson(now, i, "mean")},
                 {"deviation_now", MomentJson(now, i, "deviation")},
                 {"frames_now", FramesOf(now, i)}};
    if (facts != nullptr && i < facts->features.size()) {
      feature["name"] = facts->features[i];
    }
    features.push_back(std::move(feature));
  }
  return json{{"package_hash", HashText(package.value())},
              {"nodes", std::move(ids)},
              {"then_begin_ms", reference ? json(reference->begin_ms) : json()},
              {"then_end_ms", reference ? json(reference->end_ms) : json()},
              {"now_begin_ms", begin_ms},
              {"features", std::move(features)}};
}

json DriftAdmin::Stats() {
  const DriftSnapshot snapshot = loop_ != nullptr ? loop_->snapshot() : DriftSnapshot();
  json sketches = json::object();
  if (const auto totals = reader_->ReadTotals(); totals.ok()) {
    for (const auto& [name, total] : *totals) {
      sketches[name] = total;
    }
  }
  return {{"enabled", loop_ != nullptr},
          {"restored", snapshot.restored},
          {"looks", snapshot.looks},
          {"looked_ms", snapshot.looked_ms},
          {"blocks", snapshot.blocks},
          {"blocks_open", reader_->CountOpen(config_.options.block).value_or(0)},
          {"blocks_stale", snapshot.stale},
          {"blocks_unlike", snapshot.unlike},
          {"blocks_not_kept", snapshot.not_kept},
          {"alarms", snapshot.alarms},
          {"packages", names_.size()},
          {"put_failures", snapshot.put_failures},
          {"last_took_ms", snapshot.last_took_ms},
          {"most_took_ms", snapshot.most_took_ms},
          {"sketches", std::move(sketches)}};
}

void DriftAdmin::AddChecks(json& checks) {
  if (loop_ == nullptr) {
    checks.push_back(Check("drift", "ok", "not looked for: [drift] enabled = false", ""));
    return;
  }
  const DriftSnapshot snapshot = loop_->snapshot();
  const std::uint64_t now = WallMs();
  const std::uint64_t last = std::max(snapshot.looked_ms, started_ms_);
  const std::uint64_t age = now - std::min(now, last);
  const auto most = 2 * static_cast<std::uint64_t>(config_.look.count()) + kLateLookMs;
  checks.push_back(Check("drift",
                         OkOr(age <= most, "warn"),
                         std::to_string(snapshot.looks) + " looks and " +
                             std::to_string(snapshot.alarms) + " alarms since start, the last " +
                             std::to_string(age / 1000) + " s ago; " +
                             std::to_string(snapshot.put_failures) + " could not be stored",
                         "see the log for what keeps the looks from being read or stored"));
  const std::uint64_t needed = ReferenceBlocksNeeded(config_.options);
  checks.push_back(
      Check("drift_resolution",
            OkOr(config_.options.reference_blocks >= needed, "warn"),
            std::to_string(config_.options.reference_blocks) + " reference blocks a node, " +
                std::to_string(needed) + " needed for an alarm of one node alone",
            "raise [drift] reference_blocks or budget_per_week, or lengthen [drift] block"));
  constexpr std::uint64_t kOneIn = 100;
  std::uint64_t late = 0;
  std::uint64_t sketches = 0;
  if (const auto totals = reader_->ReadTotals(); totals.ok()) {
    for (const auto& [name, total] : *totals) {
      late += name == "late" ? total : 0;
      sketches += name == "sketches" ? total : 0;
    }
  }
  checks.push_back(Check("drift_late",
                         OkOr(late * kOneIn <= late + sketches, "warn"),
                         std::to_string(late) + " of " + std::to_string(late + sketches) +
                             " sketches came after their block was looked at",
                         "lengthen [drift] grace, or see why gateways deliver late"));
}

}  // namespace trib::cloud
