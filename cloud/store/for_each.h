#pragma once

#include <concepts>

#include "trib/common/host/sqlite/database.h"

namespace trib::cloud::store {

/// Calls `take(row)` for each row, until there is none or a `take` that returns a bool says false;
/// then resets, so that no read lasts longer than its call.
template <typename Take>
Status ForEach(host::sqlite::Statement& statement, Take take) {
  using Answer = decltype(take(statement));
  static_assert(std::same_as<Answer, bool> || std::same_as<Answer, void>);
  while (true) {
    const Result<bool> row = statement.Step();
    if (!row.ok() || !*row) {
      statement.Reset();
      return row.status();
    }
    if constexpr (std::same_as<Answer, bool>) {
      if (!take(statement)) {
        statement.Reset();
        return {};
      }
    } else {
      take(statement);
    }
  }
}

}  // namespace trib::cloud::store
