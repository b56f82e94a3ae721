#include "drift_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "render.h"
#include "trib/common/host/cli/output.h"

namespace trib::tools::trib_cli {
namespace {

using host::cli::Color;
using host::cli::Table;
using nlohmann::json;

const json& PartOf(const json& object, const char* key) {
  static const json kNone;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() ? *found : kNone;
}

std::optional<double> NumberOf(const json& object, const char* key) {
  const json& value = PartOf(object, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::int64_t IntOf(const json& object, const char* key) {
  const json& value = PartOf(object, key);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

std::string TextOf(const json& object, const char* key) {
  return FieldText(object, key, Show::kText);
}

std::string Short(std::optional<double> value) {
  if (!value) {
    return "-";
  }
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.3g", *value);
  return text.data();
}

std::string Short(const json& object, const char* key) {
  return Short(NumberOf(object, key));
}

/// "1 d", "90 s": the greatest unit that leaves a whole number.
std::string DurationText(std::int64_t ms) {
  constexpr std::array<std::pair<std::int64_t, const char*>, 4> kUnits = {
      {{86'400'000, " d"}, {3'600'000, " h"}, {60'000, " min"}, {1000, " s"}}};
  for (const auto& [unit, name] : kUnits) {
    if (ms >= unit && ms % unit == 0) {
      return std::to_string(ms / unit) + name;
    }
  }
  return std::to_string(ms) + " ms";
}

std::string DurationOf(const json& object, const char* key) {
  const std::int64_t ms = IntOf(object, key);
  return ms > 0 ? DurationText(ms) : "-";
}

/// Two columns without a header: what, and its value.
class Facts {
 public:
  void Add(const std::string& what, std::string value, Color color = Color::kNone) {
    table_.Add({what, {std::move(value), color}});
  }
  [[nodiscard]] std::string ToText(bool color) const {
    const std::string text = table_.ToText(color);
    return text.substr(text.find('\n') + 1);
  }

 private:
  Table table_{{{""}, {""}}};
};

std::int64_t NowOf(const json& answer, std::int64_t otherwise) {
  const std::int64_t now = IntOf(answer, "now_ms");
  return now > 0 ? now : otherwise;
}

/// "open for 3 h", "silenced until ...".
std::string StandsText(const json& alarm, std::int64_t now_ms) {
  const std::string state = TextOf(alarm, "state");
  const std::int64_t raised = IntOf(alarm, "raised_ms");
  const std::int64_t resolved = IntOf(alarm, "resolved_ms");
  if (resolved > 0) {
    return "resolved after " + AgeText(raised, resolved);
  }
  const std::string stands = state + ", stands for " + AgeText(raised, now_ms);
  const std::int64_t until = IntOf(alarm, "silenced_until_ms");
  return state == "silenced" && until > 0 ? stands + ", silent until " + TimeText(until) : stands;
}

std::string NodesText(const json& alarm) {
  const json& nodes = PartOf(alarm, "nodes");
  if (!nodes.is_array()) {
    return "-";
  }
  constexpr std::size_t kShown = 8;
  std::string out;
  for (std::size_t i = 0; i < std::min(nodes.size(), kShown); ++i) {
    out += (i == 0 ? "" : " ") +
           (nodes[i].is_string() ? nodes[i].get<std::string>()
                                 : nodes[i].dump(-1, ' ', false, json::error_handler_t::replace));
  }
  return nodes.size() <= kShown ? out
                                : out + " and " + std::to_string(nodes.size() - kShown) + " more";
}

Color AlarmColor(const std::string& state) {
  return state == "open" ? Color::kRed : state == "resolved" ? Color::kGreen : Color::kYellow;
}

std::string AlarmTable(const json& alarms, std::int64_t now_ms, bool color) {
  Table table({{"ALARM", host::cli::Align::kRight},
               {"STATE"},
               {"STANDS", host::cli::Align::kRight},
               {"SUBJECT"},
               {"CAUSE"},
               {"NODES"},
               {"P", host::cli::Align::kRight},
               {"LEADING", host::cli::Align::kLeft},
               {"RAISED"}});
  for (const json& alarm : alarms) {
    const std::string state = TextOf(alarm, "state");
    const std::int64_t raised = IntOf(alarm, "raised_ms");
    const std::int64_t resolved = IntOf(alarm, "resolved_ms");
    const json& evidence = PartOf(alarm, "evidence");
    const json none = json::object();
    const json& leading = evidence.is_array() && !evidence.empty() ? evidence.front() : none;
    std::string name = TextOf(leading, "name");
    name = name == "-" ? TextOf(leading, "channel") : name;
    table.Add({TextOf(alarm, "alarm"),
               {state, AlarmColor(state)},
               AgeText(raised, resolved > 0 ? resolved : now_ms),
               DriftSubject(alarm),
               TextOf(alarm, "cause"),
               NodesText(alarm),
               Short(alarm, "p"),
               name,
               FieldText(alarm, "raised_ms", Show::kTimeMs)});
  }
  return table.ToText(color);
}

std::string FamilyTable(const json& families, bool color) {
  using host::cli::Align;
  Table table({{"FAMILY"},
               {"BUDGET", Align::kRight},
               {"SPENT", Align::kRight},
               {"TESTS", Align::kRight},
               {"REJECTED", Align::kRight},
               {"LEAST P", Align::kRight},
               {"RESOLUTION", Align::kRight},
               {"NEEDED", Align::kRight}});
  for (const json& family : families) {
    const auto resolution = NumberOf(family, "resolution");
    const auto needed = NumberOf(family, "resolution_needed");
    const bool coarse = resolution && needed && *resolution > *needed;
    table.Add({TextOf(family, "family"),
               Short(family, "budget_per_week"),
               Short(family, "spent_this_week"),
               TextOf(family, "tests_this_week"),
               TextOf(family, "rejected_this_week"),
               Short(family, "least_p"),
               {resolution && *resolution == 0 ? "any" : Short(resolution),
                coarse ? Color::kYellow : Color::kNone},
               Short(needed)});
  }
  return table.ToText(color);
}

/// What the families cannot do yet: a resolution coarser than an alarm needs.
std::string CoarseText(const json& families) {
  std::string out;
  for (const json& family : families) {
    const auto resolution = NumberOf(family, "resolution");
    const auto needed = NumberOf(family, "resolution_needed");
    if (resolution && needed && *resolution > *needed) {
      out += "family " + TextOf(family, "family") +
             ": one subject alone cannot alarm yet: p cannot " + "be below " + Short(resolution) +
             ", and " + Short(needed) + " is needed; more reference blocks make it finer\n";
    }
  }
  return out;
}

const json& ListOf(const json& object, const char* key) {
  static const json kNone = json::array();
  const json& list = PartOf(object, key);
  return list.is_array() ? list : kNone;
}

std::string NodesLine(const json& nodes) {
  return TextOf(nodes, "watched") + " watched, " + TextOf(nodes, "learning") + " learning, " +
         TextOf(nodes, "silent") + " silent, " + TextOf(nodes, "flagged") +
         " flagged since the last look";
}

/// Why nothing is watched, or what it means that no alarm stands.
std::string QuietText(const json& status) {
  const json& nodes = PartOf(status, "nodes");
  const std::int64_t watched = IntOf(nodes, "watched");
  const std::int64_t learning = IntOf(nodes, "learning");
  const json& options = PartOf(status, "options");
  if (PartOf(status, "enabled") == json(false)) {
    return "nobody looks: [drift] enabled = false in the cloud's configuration\n";
  }
  if (watched > 0) {
    return "no alarm is open\n";
  }
  if (learning > 0) {
    return "no node is watched yet: " + std::to_string(learning) +
           " learn what is normal for them, " + TextOf(options, "reference_blocks") +
           " blocks of " + DurationOf(options, "block_ms") + " each\n";
  }
  return "no node has a complete block of sketches yet; the first comes " +
         DurationOf(options, "block_ms") + " of a node's time after it has learned its baseline\n";
}

std::string LookLine(const json& look) {
  if (!look.is_object()) {
    return "none yet";
  }
  return FieldText(look, "at_ms", Show::kTimeMs) + ": " + TextOf(look, "blocks") + " blocks, " +
         TextOf(look, "too_small") + " too small, " + TextOf(look, "learning") +
         " into references; alarms: " + std::to_string(ListOf(look, "alarms").size());
}

/// Sum of what the families have spent of what they may.
std::string BudgetLine(const json& status) {
  double spent = 0;
  for (const json& family : ListOf(status, "families")) {
    spent += NumberOf(family, "spent_this_week").value_or(0);
  }
  const json& options = PartOf(status, "options");
  return "of false alarms in the whole fleet: " + Short(options, "budget_per_week") +
         " a week of " + DurationOf(options, "week_ms") + ", spent this week " + Short(spent) +
         "; blocks of " + DurationOf(options, "block_ms") + ", a look every " +
         DurationOf(options, "look_ms");
}

/// What detectors say of a package's answers: cheap, and no alarm.
void AddErrors(const json& answer, Facts& facts) {
  for (const json& errors : ListOf(answer, "errors")) {
    const auto share = [&](const char* wrong, const char* of) {
      const std::int64_t judged = IntOf(errors, of);
      return TextOf(errors, wrong) + " of " + TextOf(errors, of) + " audited windows wrong" +
             (judged > 0 ? " (" +
                               Short(100 * static_cast<double>(IntOf(errors, wrong)) /
                                     static_cast<double>(judged)) +
                               " %)"
                         : "");
    };
    std::string flags;
    for (const json& one : ListOf(errors, "detectors")) {
      if (IntOf(one, "flags") > 0) {
        flags += std::string("; ") + TextOf(one, "detector") + " flagged " + TextOf(one, "flags") +
                 " times, last in the block of " + FieldText(one, "begin_ms", Show::kTimeMs) +
                 ", from " + Short(one, "before") + " to " + Short(one, "after");
      }
    }
    facts.Add("answers",
              "package " + TextOf(errors, "package_hash") + ": " + share("errors", "judged") +
                  ", newest block " + share("errors_now", "judged_now") + flags,
              flags.empty() ? Color::kNone : Color::kYellow);
  }
}

std::string FlagTable(const json& flags, bool color) {
  using host::cli::Align;
  constexpr std::size_t kShown = 8;
  Table table({{"FLAG OF"},
               {"NODE", Align::kRight},
               {"CHANNEL"},
               {"NAME"},
               {"BEFORE", Align::kRight},
               {"AFTER", Align::kRight},
               {"TIME"}});
  for (std::size_t i = 0; i < std::min(flags.size(), kShown); ++i) {
    const std::string name = TextOf(flags[i], "name");
    table.Add({TextOf(flags[i], "source"),
               TextOf(flags[i], "node"),
               TextOf(flags[i], "channel"),
               name == "-" ? TextOf(flags[i], "index") : name,
               Short(flags[i], "before"),
               Short(flags[i], "after"),
               FieldText(flags[i], "time_ms", Show::kTimeMs)});
  }
  const std::string more =
      flags.size() > kShown ? "and " + std::to_string(flags.size() - kShown) + " older ones\n" : "";
  return flags.empty() ? "" : "\n" + table.ToText(color) + more;
}

std::string EvidenceTable(const json& evidence, bool color) {
  using host::cli::Align;
  Table table({{"CHANNEL"},
               {"NAME"},
               {"REFERENCE", Align::kRight},
               {"NOW", Align::kRight},
               {"Z", Align::kRight},
               {"PSI", Align::kRight},
               {"CRITICAL", Align::kRight},
               {"KS", Align::kRight},
               {"KS P", Align::kRight}});
  for (const json& item : evidence) {
    const std::string name = TextOf(item, "name");
    table.Add({TextOf(item, "channel"),
               name == "-" ? TextOf(item, "index") : name,
               Short(item, "reference"),
               Short(item, "now"),
               Short(item, "z"),
               Short(item, "psi"),
               Short(item, "psi_critical"),
               Short(item, "ks"),
               Short(item, "ks_p")});
  }
  return table.ToText(color) +
         "a feature: the chance that a window now is above one of the reference (0.5: neither); a "
         "rate: itself\n";
}

/// The lines of an alarm above its evidence.
std::string AlarmFacts(const json& alarm, std::int64_t now_ms, bool color) {
  Facts facts;
  const std::string state = TextOf(alarm, "state");
  facts.Add("alarm", TextOf(alarm, "alarm") + ", " + StandsText(alarm, now_ms), AlarmColor(state));
  facts.Add("subject", DriftSubject(alarm) + ", family " + TextOf(alarm, "family"));
  facts.Add("cause", TextOf(alarm, "cause") + ": " + TextOf(alarm, "reasoning"));
  facts.Add("nodes", NodesText(alarm) + ", package " + TextOf(alarm, "package_hash"));
  AddErrors(alarm, facts);
  facts.Add("block", FieldText(alarm, "begin_ms", Show::kTimeMs) + ", the nodes' time");
  const auto resolution = NumberOf(alarm, "resolution");
  facts.Add("decided",
            "p " + Short(alarm, "p") + " is not above the threshold " + Short(alarm, "threshold") +
                " of " + TextOf(alarm, "tests") + " tests; the least p that was possible: " +
                (resolution && *resolution == 0 ? "any" : Short(resolution)));
  if (const std::string note = TextOf(alarm, "note"); note != "-" && !note.empty()) {
    facts.Add("note", note);
  }
  return facts.ToText(color);
}

std::string StandingFacts(const json& node, bool color) {
  Facts facts;
  const json& watched = PartOf(node, "watched");
  const bool is_watched = watched.is_boolean() && watched.get<bool>();
  facts.Add("node", TextOf(node, "node") + ", package " + TextOf(node, "package_hash"));
  if (is_watched) {
    facts.Add("state",
              "watched, against " + TextOf(node, "reference_blocks") + " blocks of its own",
              Color::kGreen);
    facts.Add("newest block",
              FieldText(node, "last_block_ms", Show::kTimeMs) + ", p " + Short(node, "p"));
  } else {
    facts.Add("state",
              "learning what is normal: " + TextOf(node, "reference_blocks") +
                  " blocks so far; nothing is tested before its reference is complete",
              Color::kYellow);
  }
  AddErrors(node, facts);
  return facts.ToText(color);
}

std::string LookTable(const json& looks, bool color) {
  json rows = looks;
  for (json& look : rows) {
    if (!look.is_object()) {
      continue;
    }
    std::uint64_t tests = 0;
    for (const json& family : ListOf(look, "families")) {
      tests += static_cast<std::uint64_t>(std::max<std::int64_t>(0, IntOf(family, "tests")));
    }
    look["tests"] = tests;
    look["alarm_count"] = ListOf(look, "alarms").size();
  }
  return TableText(rows,
                   {{"LOOK", "at_ms", Show::kTimeMs},
                    {"BLOCKS", "blocks", Show::kNumber},
                    {"TOO SMALL", "too_small", Show::kNumber},
                    {"LEARNING", "learning", Show::kNumber},
                    {"WATCHED", "watched", Show::kNumber},
                    {"TESTS", "tests", Show::kNumber},
                    {"ALARMS", "alarm_count", Show::kNumber}},
                   color);
}

}  // namespace

std::string DriftSubject(const json& alarm) {
  const json& subject = PartOf(alarm, "subject");
  const std::string kind = TextOf(subject, "kind");
  if (kind == "fleet" || kind == "model") {
    return "the " + kind;
  }
  return (kind == "site" ? "site of gateway" : kind) + " " + TextOf(subject, "id");
}

std::string DriftStatusText(const json& status, std::int64_t now_ms, bool color) {
  const json& alarms = ListOf(status, "alarms");
  const json& families = ListOf(status, "families");
  Facts facts;
  facts.Add("budget", BudgetLine(status));
  facts.Add("nodes", NodesLine(PartOf(status, "nodes")));
  facts.Add("last look", LookLine(PartOf(status, "last_look")));
  AddErrors(status, facts);
  std::string out = facts.ToText(color);
  if (!families.empty()) {
    out += "\n" + FamilyTable(families, color);
  }
  out += CoarseText(families) + "\n";
  return out +
         (alarms.empty() ? QuietText(status) : AlarmTable(alarms, NowOf(status, now_ms), color)) +
         FlagTable(ListOf(status, "flags"), color);
}

std::string DriftExplainText(const json& explained, std::int64_t now_ms, bool color) {
  const bool alarm = PartOf(explained, "alarm").is_number();
  const json& evidence = ListOf(explained, "evidence");
  return (alarm ? AlarmFacts(explained, NowOf(explained, now_ms), color)
                : StandingFacts(explained, color)) +
         (evidence.empty() ? "\nno evidence: no block was tested\n"
                           : "\n" + EvidenceTable(evidence, color)) +
         FlagTable(ListOf(explained, "flags"), color);
}

std::string DriftHistoryText(const json& history, bool color) {
  const json& alarms = ListOf(history, "alarms");
  const json& looks = ListOf(history, "looks");
  std::int64_t now = IntOf(history, "now_ms");
  for (const json& look : looks) {
    now = std::max(now, IntOf(look, "at_ms"));
  }
  return (alarms.empty() ? "no alarm was ever raised\n" : AlarmTable(alarms, now, color)) + "\n" +
         (looks.empty() ? "no look was taken yet\n" : LookTable(looks, color));
}

std::string DriftAlarmLine(const json& alarm) {
  std::string out = "alarm " + TextOf(alarm, "alarm") + " (" + DriftSubject(alarm) +
                    "): " + TextOf(alarm, "state");
  const std::int64_t until = IntOf(alarm, "silenced_until_ms");
  if (TextOf(alarm, "state") == "silenced" && until > 0) {
    out += " until " + TimeText(until);
  }
  const json& changed = PartOf(alarm, "changed");
  return out + (changed.is_boolean() && !changed.get<bool>() ? ", as before\n" : "\n");
}

}  // namespace trib::tools::trib_cli
