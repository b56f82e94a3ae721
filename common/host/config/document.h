#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trib/common/host/config/config_file.h"

namespace trib::host::config {

/// A parsed file, what was asked of it and what is wrong with it.
struct Document {
  struct Error {
    std::size_t line = 0;
    std::string text;
  };

  std::string name;
  std::filesystem::path folder;
  toml::table root;
  bool missing = false;
  bool broken = false;  // not parsed: getters stay silent
  std::vector<Error> errors;
  // Table path -> keys asked for in it. A table of an array has its index in the path.
  std::map<std::string, std::set<std::string>, std::less<>> asked;
  std::set<std::string, std::less<>> open_tables;  // the author chooses the keys

  void Note(std::size_t line, std::string text) {
    if (!broken) {
      errors.push_back({line, std::move(text)});
    }
  }

  struct Found {
    const toml::node* node = nullptr;
    std::string table_path;      // of the table that holds the key
    std::size_t table_line = 0;  // 0: there is no such table
    std::string path;            // of the key
  };

  Found Find(const void* table, std::string_view base, std::string_view key);
  void NoteUnknown(const toml::table& table, const std::string& path);
  void NoteUnknownBelow(const toml::node& node, const std::string& path);
  [[nodiscard]] std::string Suggestion(const std::string& table_path, std::string_view key) const;

  static ConfigFile Make(std::shared_ptr<Document> document) {
    const void* table = &document->root;
    return ConfigFile(std::move(document), table);
  }
};

std::string Join(std::string_view path, std::string_view key);
/// For error texts: cut to a bearable length, without control characters.
std::string Quoted(std::string_view text);
/// 0 for nullptr.
std::size_t LineOf(const toml::node* node);
std::string_view TypeName(const toml::node& node);

}  // namespace trib::host::config
