#include "trib/cloud/store/deferred_reader.h"

#include <algorithm>
#include <string_view>

#include "for_each.h"
#include "schema.h"
#include "trib/common/host/sqlite/database.h"
#include "verdicts.h"

namespace trib::cloud::store {
namespace {

using host::sqlite::Database;
using host::sqlite::Statement;

Verdict ReadVerdict(const Statement& s, int first) {
  Verdict verdict;
  verdict.tier = static_cast<message::Tier>(s.Int(first));
  verdict.package_hash = PackageHash(s.Uint(first + 1));
  verdict.label = static_cast<std::uint32_t>(s.Int(first + 2));
  verdict.confidence = static_cast<float>(s.Real(first + 3));
  verdict.accepted = s.Int(first + 4) != 0;
  verdict.final = s.Int(first + 5) != 0;
  verdict.scores = UnpackScores(s.Blob(first + 6));
  verdict.decided_ms = s.Uint(first + 7);
  return verdict;
}

}  // namespace

struct DeferredReader::Impl {
  Database database;
  Statement undecided, counts, totals, verdicts;

  Status Prepare() {
    const std::pair<Statement*, std::string_view> all[] = {
        {&undecided,
         "SELECT u.record, u.stored_ms, r.sealed, EXISTS(SELECT 1 FROM verdict v WHERE v.record ="
         " u.record AND v.final) FROM undecided u JOIN record r ON r.id = u.record"
         " WHERE u.package_hash = ? AND u.record > ? ORDER BY u.record LIMIT ?"},
        {&counts, "SELECT package_hash, count(*) FROM undecided GROUP BY package_hash"},
        {&totals, "SELECT name, value FROM verdict_total"},
        {&verdicts,
         "SELECT r.id, r.epoch, r.boot, r.sequence, r.time_ms, r.received_ms, r.audit, v.tier,"
         " v.package_hash, v.label, v.confidence, v.accepted, v.final, v.scores, v.decided_ms FROM "
         "record r"
         " JOIN verdict v ON v.record = r.id WHERE r.kind = 19 AND r.node = ?"
         " ORDER BY r.id DESC, v.tier DESC LIMIT ?"},
    };
    for (const auto& [statement, sql] : all) {
      TRIB_TRY_ASSIGN(*statement, database.Prepare(sql));
    }
    return {};
  }
};

DeferredReader::DeferredReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DeferredReader::~DeferredReader() = default;

Result<std::unique_ptr<DeferredReader>> DeferredReader::Open(const std::string& path,
                                                             std::string* error) {
  auto impl = std::make_unique<Impl>();
  host::sqlite::OpenOptions options;
  options.mode = host::sqlite::Mode::kReadOnly;
  options.kind = kStoreFile;
  TRIB_TRY_ASSIGN(impl->database, Database::Open(path, options, error));
  if (const Status status = impl->Prepare(); !status.ok()) {
    if (error != nullptr) {
      *error = path + ": " + impl->database.last_error();
    }
    return status;
  }
  return std::unique_ptr<DeferredReader>(new DeferredReader(std::move(impl)));
}

Result<std::vector<Undecided>> DeferredReader::ReadUndecided(PackageHash package,
                                                             std::int64_t after,
                                                             std::size_t max,
                                                             std::size_t max_bytes) {
  std::vector<Undecided> out;
  std::size_t bytes = 0;
  impl_->undecided.BindAll(package.value(), after, max);
  TRIB_TRY(ForEach(impl_->undecided, [&](const Statement& s) {
    const std::string_view sealed = s.Blob(2);
    bytes += sealed.size();
    if (!out.empty() && bytes > max_bytes) {
      return false;
    }
    out.push_back({s.Int(0), s.Uint(1), std::string(sealed), s.Int(3) != 0});
    return true;
  }));
  return out;
}

Result<std::vector<std::pair<PackageHash, std::uint64_t>>> DeferredReader::CountUndecided() {
  std::vector<std::pair<PackageHash, std::uint64_t>> out;
  TRIB_TRY(ForEach(impl_->counts, [&](const Statement& s) {
    out.emplace_back(PackageHash(s.Uint(0)), s.Uint(1));
  }));
  return out;
}

Result<std::vector<std::pair<std::string, std::uint64_t>>> DeferredReader::ReadTotals() {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  TRIB_TRY(ForEach(impl_->totals, [&](const Statement& s) {
    out.emplace_back(std::string(s.Text(0)), s.Uint(1));
  }));
  return out;
}

Result<std::vector<StoredVerdict>> DeferredReader::ReadLastVerdicts(NodeId node,
                                                                    std::size_t limit) {
  std::vector<StoredVerdict> out;
  impl_->verdicts.BindAll(node.value(), limit);
  TRIB_TRY(ForEach(impl_->verdicts, [&](const Statement& s) {
    out.push_back({s.Int(0),
                   {node,
                    EnrolmentEpoch(s.Uint(1)),
                    static_cast<std::uint32_t>(s.Int(2)),
                    static_cast<std::uint32_t>(s.Int(3))},
                   s.Int(4),
                   s.Uint(5),
                   s.Int(6) != 0,
                   ReadVerdict(s, 7)});
  }));
  std::reverse(out.begin(), out.end());
  return out;
}

std::string DeferredReader::last_error() const {
  return impl_->database.last_error();
}

}  // namespace trib::cloud::store
