#include "document.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>

namespace trib::host::config {
namespace {

constexpr std::size_t kMaxFileBytes = 16U << 20U;

}  // namespace

std::string Join(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : std::string(path) + "." + std::string(key);
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string out = "\"";
  for (const char c : text.substr(0, kLongest)) {
    // One error is one line, and a terminal must not obey a file.
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  return out + (text.size() > kLongest ? "...\"" : "\"");
}

std::size_t LineOf(const toml::node* node) {
  return node == nullptr ? 0 : static_cast<std::size_t>(node->source().begin.line);
}

std::string_view TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a float";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

Document::Found Document::Find(const void* table, std::string_view base, std::string_view key) {
  Found found;
  found.table_path = base;
  const auto* current = static_cast<const toml::table*>(table);
  found.table_line = current == &root ? 0 : LineOf(current);
  while (true) {
    const std::size_t dot = key.find('.');
    const std::string_view name_here = key.substr(0, dot);
    asked[found.table_path].emplace(name_here);
    found.path = Join(found.table_path, name_here);
    const toml::node* node = current == nullptr ? nullptr : current->get(name_here);
    if (dot == std::string_view::npos) {
      found.node = node;
      return found;
    }
    if (node != nullptr && !node->is_table()) {
      const std::string text =
          Quoted(found.path) + " is " + std::string(TypeName(*node)) + "; it must be a table";
      const bool known = std::any_of(
          errors.begin(), errors.end(), [&](const Error& error) { return error.text == text; });
      if (!known) {
        Note(LineOf(node), text);
      }
      node = nullptr;
    }
    current = node == nullptr ? nullptr : node->as_table();
    found.table_line = LineOf(current);
    found.table_path = found.path;
    key.remove_prefix(dot + 1);
  }
}

std::string Document::Suggestion(const std::string& table_path, std::string_view key) const {
  if (const auto here = asked.find(table_path); here != asked.end()) {
    const std::vector<std::string> keys(here->second.begin(), here->second.end());
    if (const auto near = Nearest(key, keys)) {
      return "; did you mean " + Quoted(Join(table_path, *near)) + "?";
    }
  }
  for (const auto& [path, keys] : asked) {
    if (path != table_path && keys.contains(std::string(key))) {
      return "; did you mean " + Quoted(Join(path, key)) + "?";
    }
  }
  return "";
}

void Document::NoteUnknown(const toml::table& table, const std::string& path) {
  const auto known = asked.find(path);
  for (const auto& [key, node] : table) {
    const std::string_view name_here = key.str();
    const std::string full = Join(path, name_here);
    if (known == asked.end() || !known->second.contains(std::string(name_here))) {
      const std::size_t line = key.source().begin.line != 0
                                   ? static_cast<std::size_t>(key.source().begin.line)
                                   : LineOf(&node);
      Note(line, "unknown key " + Quoted(full) + Suggestion(path, name_here));
      continue;
    }
    if (!open_tables.contains(full)) {
      NoteUnknownBelow(node, full);
    }
  }
}

void Document::NoteUnknownBelow(const toml::node& node, const std::string& path) {
  // A table that nobody looked into has its own error already: it stands where a value should.
  if (const toml::table* child = node.as_table(); child != nullptr && asked.contains(path)) {
    NoteUnknown(*child, path);
  } else if (const toml::array* array = node.as_array(); array != nullptr) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      NoteUnknownBelow((*array)[i], path + "[" + std::to_string(i) + "]");
    }
  }
}

ConfigFile ConfigFile::Parse(std::string_view text, std::string_view name) {
  auto document = std::make_shared<Document>();
  document->name = name;
  // toml++ reports through exceptions; they end here.
  try {
    document->root = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    document->Note(static_cast<std::size_t>(error.source().begin.line),
                   "not valid TOML: " + Quoted(error.description()));
    document->broken = true;
  }
  return Document::Make(std::move(document));
}

ConfigFile ConfigFile::Load(const std::filesystem::path& path) {
  const auto failed = [&](std::string text, bool missing) {
    auto document = std::make_shared<Document>();
    document->name = path.string();
    document->missing = missing;
    document->Note(0, std::move(text));
    document->broken = true;
    return Document::Make(std::move(document));
  };
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return failed("no such file", true);
  }
  if (std::filesystem::is_directory(status)) {
    return failed("is a folder, not a file", false);
  }
  std::ifstream in(path, std::ios::binary);
  std::string text;
  std::array<char, 65536> chunk{};
  while (in && text.size() <= kMaxFileBytes) {
    in.read(chunk.data(), chunk.size());
    text.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (!in.eof() && text.size() <= kMaxFileBytes) {
    return failed("cannot be read; check its permissions", false);
  }
  if (text.size() > kMaxFileBytes) {
    return failed("is larger than 16 MB", false);
  }
  ConfigFile file = Parse(text, path.string());
  file.document_->folder = std::filesystem::absolute(path, error).parent_path();
  return file;
}

Status ConfigFile::Finish() {
  if (!document_->broken) {
    document_->NoteUnknown(document_->root, "");
  }
  std::stable_sort(
      document_->errors.begin(),
      document_->errors.end(),
      [](const Document::Error& a, const Document::Error& b) { return a.line < b.line; });
  if (document_->errors.empty()) {
    return {};
  }
  return document_->missing ? Code::kNotFound : Code::kInvalidArgument;
}

std::vector<std::string> ConfigFile::errors() const {
  std::vector<std::string> texts;
  for (const Document::Error& error : document_->errors) {
    const std::string line = error.line == 0 ? "" : ":" + std::to_string(error.line);
    texts.push_back(document_->name + line + ": " + error.text);
  }
  return texts;
}

std::string ConfigFile::error_text() const {
  std::string joined;
  for (const std::string& text : errors()) {
    joined += (joined.empty() ? "" : "\n") + text;
  }
  return joined;
}

}  // namespace trib::host::config
