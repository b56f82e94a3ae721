#pragma once

#include <span>
#include <string_view>

namespace trib::cloud::store {

/// Element i brings the schema from version i to i + 1. Elements are never edited once released:
/// a change is a new element. docs/formats/store.md describes the result.
std::span<const std::string_view> Migrations();

}  // namespace trib::cloud::store
