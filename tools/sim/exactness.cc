#include "exactness.h"

#include <algorithm>
#include <unordered_map>

#include "trib/common/host/sqlite/database.h"

namespace trib::tools::sim {
namespace {

constexpr std::size_t kExamples = 10;

void Note(Exactness& out, const std::string& text) {
  if (out.examples.size() < kExamples) {
    out.examples.push_back(text);
  }
}

using Nodes = std::span<const std::unique_ptr<SimNode>>;
using Keys = std::vector<std::vector<bool>>;  // by node and sequence

std::string NodeText(const SimNode& node) {
  return "node " + std::to_string(node.plan().node.value());
}

/// Marks every row of `database` in `stored`.
Status ReadKeys(host::sqlite::Database& database, Nodes nodes, Keys& stored, Exactness& out) {
  std::unordered_map<std::uint64_t, std::size_t> index;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    index.emplace(nodes[i]->plan().node.value(), i);
  }
  auto rows = database.Prepare("SELECT node, epoch, boot, sequence, kind FROM record");
  if (!rows.ok()) {
    return rows.status();
  }
  auto row = rows->Step();
  for (; row.ok() && *row; row = rows->Step()) {
    const auto found = index.find(rows->Uint(0));
    const std::uint64_t sequence = rows->Uint(3);
    const auto kind = static_cast<message::RecordKind>(rows->Uint(4));
    ++out.stored[static_cast<std::size_t>(message::PriorityOf(kind))];
    if (found == index.end()) {
      ++out.extra;
      Note(out, "a record of node " + std::to_string(rows->Uint(0)) + ", which is none of ours");
      continue;
    }
    const SimNode& node = *nodes[found->second];
    auto& have = stored[found->second];
    const bool key = rows->Uint(1) == node.link().epoch().value() &&
                     rows->Uint(2) == node.link().boot() && sequence < have.size();
    if (!key || !node.link().acknowledged()[sequence]) {
      ++out.extra;
      Note(out,
           NodeText(node) + ": record " + std::to_string(sequence) +
               " is stored, and was not acknowledged");
    } else if (have[sequence]) {
      ++out.doubles;
      Note(out, NodeText(node) + ": record " + std::to_string(sequence) + " is stored twice");
    } else {
      have[sequence] = true;
    }
  }
  if (!row.ok()) {
    return row.status();
  }
  return {};
}

/// Compares what was acknowledged with what is stored.
void CountMissing(Nodes nodes,
                  const Keys& stored,
                  const std::map<std::uint32_t, std::uint64_t>& drops,
                  Exactness& out) {
  std::map<std::uint32_t, std::uint64_t> missing;  // by site
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto& acknowledged = nodes[i]->link().acknowledged();
    std::uint64_t lost = 0;
    for (std::size_t sequence = 0; sequence < acknowledged.size(); ++sequence) {
      out.acknowledged += acknowledged[sequence] ? 1U : 0U;
      lost += acknowledged[sequence] && !stored[i][sequence] ? 1U : 0U;
    }
    missing[nodes[i]->plan().site] += lost;
    out.missing += lost;
    // A drop is counted by its gateway, not by node: which node is wrong shows where none is
    // counted.
    const auto counted = drops.find(nodes[i]->plan().site);
    if (lost > 0 && (counted == drops.end() || counted->second == 0)) {
      ++out.nodes_wrong;
      Note(out,
           NodeText(*nodes[i]) + ": " + std::to_string(lost) +
               " acknowledged records are not in the store, and no drop was counted");
    }
  }
  for (const auto& [site, count] : drops) {
    out.drops += count;
    if (missing[site] != count) {
      ++out.nodes_wrong;
      Note(out,
           "site " + std::to_string(site + 1) + ": " + std::to_string(missing[site]) +
               " acknowledged records are not in the store, " + std::to_string(count) +
               " drops were counted");
    }
  }
}

}  // namespace

Status CheckExactness(const std::filesystem::path& store,
                      std::span<const std::unique_ptr<SimNode>> nodes,
                      const std::map<std::uint32_t, std::uint64_t>& drops,
                      Exactness& out,
                      std::string& error) {
  auto database =
      host::sqlite::Database::Open(store.string(), {.mode = host::sqlite::Mode::kReadOnly}, &error);
  if (!database.ok()) {
    return database.status();
  }
  Keys stored(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    stored[i].resize(nodes[i]->link().acknowledged().size());
  }
  if (const Status read = ReadKeys(*database, nodes, stored, out); !read.ok()) {
    error = database->last_error();
    return read;
  }
  CountMissing(nodes, stored, drops, out);
  return {};
}

}  // namespace trib::tools::sim
