#include "verdicts.h"

#include <bit>
#include <string_view>
#include <utility>

namespace trib::cloud::store {
namespace {

using host::sqlite::Database;
using host::sqlite::Statement;

std::string NameOf(const Verdict& verdict) {
  return std::string(verdict.tier == message::Tier::kGateway ? "gateway" : "cloud") +
         (verdict.accepted ? "" : "_unsure");
}

}  // namespace

std::string PackScores(std::span<const float> scores) {
  std::string bytes;
  bytes.reserve(scores.size() * 4);
  for (const float score : scores) {
    const auto bits = std::bit_cast<std::uint32_t>(score);
    for (unsigned shift = 0; shift < 32; shift += 8) {
      bytes += static_cast<char>(bits >> shift & 0xFFU);
    }
  }
  return bytes;
}

FixedVector<float, message::kMaxLabels> UnpackScores(std::string_view bytes) {
  FixedVector<float, message::kMaxLabels> scores;
  for (; bytes.size() >= 4 && !scores.full(); bytes.remove_prefix(4)) {
    std::uint32_t bits = 0;
    for (unsigned i = 0; i < 4; ++i) {
      bits |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
    }
    (void)scores.push_back(std::bit_cast<float>(bits));
  }
  return scores;
}

Status Verdicts::Prepare(Database& database) {
  const std::pair<Statement*, std::string_view> all[] = {
      {&insert_, "INSERT OR IGNORE INTO verdict VALUES(?,?,?,?,?,?,?,?,?)"},
      {&note_, "INSERT INTO undecided VALUES(?,?,?)"},
      {&is_open_,
       "SELECT 1 FROM undecided u JOIN record r ON r.id = u.record WHERE u.record = ? AND"
       " r.node = ? AND r.epoch = ? AND r.boot = ? AND r.sequence = ?"},
      {&close_, "DELETE FROM undecided WHERE record = ?"},
      {&add_total_,
       "INSERT INTO verdict_total VALUES(?,?) ON CONFLICT(name) DO UPDATE SET value = value +"
       " excluded.value"},
  };
  for (const auto& [statement, sql] : all) {
    TRIB_TRY_ASSIGN(*statement, database.Prepare(sql));
  }
  return {};
}

Status Verdicts::Insert(std::int64_t record, const Verdict& verdict) {
  const std::string scores = PackScores({verdict.scores.begin(), verdict.scores.end()});
  insert_.Bind(1, record)
      .Bind(2, verdict.tier)
      .Bind(3, verdict.package_hash.value())
      .Bind(4, verdict.label)
      .Bind(5, static_cast<double>(verdict.confidence))
      .Bind(6, verdict.accepted)
      .Bind(7, verdict.final)
      .BindBlob(8, scores)
      .Bind(9, verdict.decided_ms);
  TRIB_TRY(insert_.Run());
  ++totals_[NameOf(verdict)];
  return {};
}

Status Verdicts::Add(const RecordRow& row, std::int64_t record, std::uint64_t now_ms) {
  if (row.kind != message::RecordKind::kActivation) {
    return {};
  }
  if (row.verdict) {
    TRIB_TRY(Insert(record, *row.verdict));
  }
  if (row.verdict && row.verdict->final && !row.header.audit) {
    return {};
  }
  return note_.BindAll(record, row.header.package_hash.value(), now_ms).Run();
}

Result<bool> Verdicts::Decide(const Decided& decided) {
  const message::RecordKey& key = decided.key;
  is_open_.BindAll(decided.record, key.node.value(), key.epoch.value(), key.boot, key.sequence);
  const auto open = is_open_.Step();
  is_open_.Reset();
  TRIB_TRY(open.status());
  if (!*open) {
    return false;
  }
  TRIB_TRY(close_.BindAll(decided.record).Run());
  if (!decided.verdict) {
    ++totals_["damaged"];
    return true;
  }
  TRIB_TRY(Insert(decided.record, *decided.verdict));
  return true;
}

Status Verdicts::Flush() {
  for (const auto& [name, value] : totals_) {
    TRIB_TRY(add_total_.BindAll(std::string_view(name), value).Run());
  }
  totals_.clear();
  return {};
}

}  // namespace trib::cloud::store
