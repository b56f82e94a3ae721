#pragma once

#include <span>
#include <string_view>

#include "trib/common/host/sqlite/database.h"

namespace trib::cloud::store {

/// "TrbC"; docs/formats/store.md.
inline constexpr host::sqlite::FileKind kStoreFile{.id = 0x54726243, .name = "cloud store"};

/// Element i brings the schema from version i to i + 1. Elements are never edited once released:
/// a change is a new element. docs/formats/store.md describes the result.
std::span<const std::string_view> Migrations();

}  // namespace trib::cloud::store
