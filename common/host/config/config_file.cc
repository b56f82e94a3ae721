#include "trib/common/host/config/config_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "document.h"

namespace trib::host::config {

namespace {

std::string Text(std::int64_t value) {
  return std::to_string(value);
}
std::string Text(std::uint64_t value) {
  return std::to_string(value) + " bytes";
}
std::string Text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return text.data();
}
std::string Text(Millis value) {
  const std::int64_t ms = value.count();
  if (ms != 0 && ms % 3'600'000 == 0) {
    return std::to_string(ms / 3'600'000) + "h";
  }
  return ms != 0 && ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}

template <typename T>
std::string Text(const Range<T>& range) {
  const bool below = range.max != Range<T>{}.max;
  const bool above = range.min != Range<T>{}.min;
  if (below && above) {
    return Text(range.min) + " to " + Text(range.max);
  }
  return below ? "at most " + Text(range.max) : "at least " + Text(range.min);
}

// "", or ", " and the range: the end of a phrase such as "an integer, 1 to 9".
template <typename T>
std::string Bounds(const Range<T>& range) {
  const bool bounded = range.max != Range<T>{}.max || range.min != Range<T>{}.min;
  return bounded ? ", " + Text(range) : "";
}

template <typename T>
bool Inside(T value, const Range<T>& range) {
  return value >= range.min && value <= range.max;
}

// Reads one value of a document: absent, wrong or right. Joins what all getters share.
class Getter {
 public:
  Getter(Document& document, const void* table, std::string_view base, std::string_view key)
      : document_(document), found_(document.Find(table, base, key)) {}

  [[nodiscard]] const toml::node* node() const { return found_.node; }
  [[nodiscard]] const std::string& path() const { return found_.path; }

  void Missing(std::string_view expected) {
    const std::string key =
        found_.path.substr(found_.table_path.empty() ? 0 : found_.table_path.size() + 1);
    document_.Note(found_.table_line,
                   found_.table_path.empty()
                       ? "missing key " + Quoted(key) + ": " + std::string(expected)
                       : "missing key " + Quoted(key) + " in [" + found_.table_path +
                             "]: " + std::string(expected));
  }
  void Wrong(std::string_view expected) {
    document_.Note(LineOf(found_.node),
                   Quoted(found_.path) + " is " + std::string(TypeName(*found_.node)) +
                       "; it must be " + std::string(expected));
  }
  void Bad(const std::string& value, const std::string& expected) {
    document_.Note(LineOf(found_.node),
                   Quoted(found_.path) + " is " + value + "; it must be " + expected);
  }

  template <typename T>
  std::optional<T> As(std::string_view expected) {
    if (found_.node == nullptr) {
      return std::nullopt;
    }
    if (const auto value = found_.node->value_exact<T>()) {
      return *value;
    }
    Wrong(expected);
    return std::nullopt;
  }

  template <typename T>
  std::optional<T> Check(std::optional<T> value, const Range<T>& range) {
    if (value && !Inside(*value, range)) {
      Bad(Text(*value), Text(range));
      return std::nullopt;
    }
    return value;
  }

 private:
  Document& document_;
  Document::Found found_;
};

std::optional<std::int64_t> GetInt(Getter& get, const Range<std::int64_t>& range) {
  return get.Check(get.As<std::int64_t>("an integer" + Bounds(range)), range);
}

std::optional<double> GetDouble(Getter& get, const Range<double>& range) {
  if (get.node() != nullptr && get.node()->is_integer()) {
    return get.Check(std::optional(static_cast<double>(**get.node()->as_integer())), range);
  }
  const std::optional<double> value = get.As<double>("a number" + Bounds(range));
  if (value && !std::isfinite(*value)) {
    get.Bad(Text(*value), "a finite number");
    return std::nullopt;
  }
  return get.Check(value, range);
}

std::optional<Millis> GetDuration(Getter& get, const Range<Millis>& range) {
  static constexpr std::string_view kExpected =
      "a duration such as \"250ms\", \"5s\", \"10m\", \"2h\" or \"7d\"";
  const std::optional<std::string> text = get.As<std::string>(kExpected);
  if (!text) {
    return std::nullopt;
  }
  const std::optional<Millis> value = ParseDuration(*text);
  if (!value) {
    get.Bad(Quoted(*text), std::string(kExpected));
  }
  return get.Check(value, range);
}

std::optional<std::uint64_t> GetSize(Getter& get, const Range<std::uint64_t>& range) {
  static constexpr std::string_view kExpected =
      "a size such as 4096, \"64kB\", \"64MB\", \"64MiB\" or \"2GB\"";
  if (get.node() != nullptr && get.node()->is_integer()) {
    const std::int64_t value = **get.node()->as_integer();
    if (value < 0) {
      get.Bad(std::to_string(value), std::string(kExpected));
      return std::nullopt;
    }
    return get.Check(std::optional(static_cast<std::uint64_t>(value)), range);
  }
  const std::optional<std::string> text = get.As<std::string>(kExpected);
  if (!text) {
    return std::nullopt;
  }
  const std::optional<std::uint64_t> value = ParseSize(*text);
  if (!value) {
    get.Bad(Quoted(*text), std::string(kExpected));
  }
  return get.Check(value, range);
}

std::string ListText(std::span<const std::string_view> allowed) {
  std::string text = allowed.size() > 1 ? "one of " : "";
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    text += (i == 0 ? "\"" : ", \"") + std::string(allowed[i]) + "\"";
  }
  return text;
}

std::optional<std::string> GetEnum(Getter& get, std::span<const std::string_view> allowed) {
  std::optional<std::string> text = get.As<std::string>(ListText(allowed));
  if (text && std::find(allowed.begin(), allowed.end(), *text) == allowed.end()) {
    get.Bad(Quoted(*text), ListText(allowed));
    return std::nullopt;
  }
  return text;
}

std::optional<std::string> GetString(Getter& get) {
  return get.As<std::string>("a string");
}

template <typename T>
std::vector<T> GetList(Document& document, Getter& get, const std::string& of) {
  std::vector<T> values;
  if (get.node() == nullptr) {
    return values;
  }
  const toml::array* array = get.node()->as_array();
  if (array == nullptr) {
    get.Wrong("a list of " + of);
    return values;
  }
  for (const toml::node& node : *array) {
    auto value = node.value_exact<T>();
    if constexpr (std::is_same_v<T, double>) {
      if (const auto whole = node.value_exact<std::int64_t>()) {
        value = static_cast<double>(*whole);
      }
    }
    if (value) {
      values.push_back(*value);
    } else {
      document.Note(LineOf(&node),
                    Quoted(get.path()) + " holds " + std::string(TypeName(node)) +
                        "; it must be a list of " + of);
    }
  }
  return values;
}

}  // namespace

bool Section::Has(std::string_view key) const {
  return Getter(*document_, table_, path_, key).node() != nullptr;
}

std::string Section::String(std::string_view key) {
  Getter get(*document_, table_, path_, key);
  if (get.node() == nullptr) {
    get.Missing("a string");
  }
  return GetString(get).value_or("");
}
std::string Section::String(std::string_view key, std::string_view fallback) {
  Getter get(*document_, table_, path_, key);
  return GetString(get).value_or(std::string(fallback));
}
bool Section::Bool(std::string_view key, bool fallback) {
  Getter get(*document_, table_, path_, key);
  return get.As<bool>("true or false").value_or(fallback);
}
std::int64_t Section::Int(std::string_view key, Range<std::int64_t> range) {
  Getter get(*document_, table_, path_, key);
  if (get.node() == nullptr) {
    get.Missing("an integer" + Bounds(range));
  }
  return GetInt(get, range).value_or(range.min);
}
std::int64_t Section::Int(std::string_view key, std::int64_t fallback, Range<std::int64_t> range) {
  Getter get(*document_, table_, path_, key);
  return GetInt(get, range).value_or(fallback);
}
double Section::Double(std::string_view key, Range<double> range) {
  Getter get(*document_, table_, path_, key);
  if (get.node() == nullptr) {
    get.Missing("a number" + Bounds(range));
  }
  return GetDouble(get, range).value_or(range.min);
}
double Section::Double(std::string_view key, double fallback, Range<double> range) {
  Getter get(*document_, table_, path_, key);
  return GetDouble(get, range).value_or(fallback);
}
double Section::Number(std::string_view key, double fallback) {
  Getter get(*document_, table_, path_, key);
  if (get.node() != nullptr && get.node()->is_integer()) {
    return static_cast<double>(**get.node()->as_integer());
  }
  return get.As<double>("a number").value_or(fallback);
}
std::string Section::Enum(std::string_view key, std::span<const std::string_view> allowed) {
  Getter get(*document_, table_, path_, key);
  if (get.node() == nullptr) {
    get.Missing(ListText(allowed));
  }
  return GetEnum(get, allowed).value_or("");
}
std::string Section::Enum(std::string_view key,
                          std::string_view fallback,
                          std::span<const std::string_view> allowed) {
  Getter get(*document_, table_, path_, key);
  return GetEnum(get, allowed).value_or(std::string(fallback));
}
Millis Section::Duration(std::string_view key, Range<Millis> range) {
  Getter get(*document_, table_, path_, key);
  if (get.node() == nullptr) {
    get.Missing("a duration such as \"5s\"");
  }
  return GetDuration(get, range).value_or(range.min);
}
Millis Section::Duration(std::string_view key, Millis fallback, Range<Millis> range) {
  Getter get(*document_, table_, path_, key);
  return GetDuration(get, range).value_or(fallback);
}
std::uint64_t Section::Size(std::string_view key,
                            std::uint64_t fallback,
                            Range<std::uint64_t> range) {
  Getter get(*document_, table_, path_, key);
  return GetSize(get, range).value_or(fallback);
}
std::filesystem::path Section::Path(std::string_view key) {
  Getter get(*document_, table_, path_, key);
  if (get.node() == nullptr) {
    get.Missing("a path");
  }
  const std::optional<std::string> text = GetString(get);
  return text ? document_->folder / *text : std::filesystem::path();
}
std::filesystem::path Section::Path(std::string_view key, const std::filesystem::path& fallback) {
  Getter get(*document_, table_, path_, key);
  const std::optional<std::string> text = GetString(get);
  return text ? document_->folder / *text : fallback;
}

std::vector<std::string> Section::Strings(std::string_view key) {
  Getter get(*document_, table_, path_, key);
  return GetList<std::string>(*document_, get, "strings");
}
std::vector<std::int64_t> Section::Ints(std::string_view key, Range<std::int64_t> range) {
  Getter get(*document_, table_, path_, key);
  std::vector<std::int64_t> values =
      GetList<std::int64_t>(*document_, get, "integers" + Bounds(range));
  for (const std::int64_t value : values) {
    if (!Inside(value, range)) {
      get.Bad("a list with " + Text(value), "a list of integers" + Bounds(range));
      return {};
    }
  }
  return values;
}

std::vector<double> Section::Doubles(std::string_view key, Range<double> range) {
  Getter get(*document_, table_, path_, key);
  std::vector<double> values = GetList<double>(*document_, get, "numbers" + Bounds(range));
  for (const double value : values) {
    if (!Inside(value, range)) {
      get.Bad("a list with " + Text(value), "a list of numbers" + Bounds(range));
      return {};
    }
  }
  return values;
}

std::vector<Section> Section::Tables(std::string_view key) {
  Getter get(*document_, table_, path_, key);
  std::vector<Section> sections;
  if (get.node() == nullptr) {
    return sections;
  }
  const toml::array* array = get.node()->as_array();
  if (array == nullptr || !array->is_homogeneous<toml::table>()) {
    get.Wrong("a list of tables, [[" + get.path() + "]]");
    return sections;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    std::string path = get.path() + "[" + std::to_string(i) + "]";
    document_->asked.try_emplace(path);
    sections.push_back(Section(document_, (*array)[i].as_table(), std::move(path)));
  }
  return sections;
}

std::vector<std::pair<std::string, Scalar>> Section::Values(std::string_view key) {
  Getter get(*document_, table_, path_, key);
  std::vector<std::pair<std::string, Scalar>> values;
  if (get.node() == nullptr) {
    return values;
  }
  const toml::table* table = get.node()->as_table();
  if (table == nullptr) {
    get.Wrong("a table");
    return values;
  }
  document_->open_tables.insert(get.path());
  for (const auto& [name, node] : *table) {
    std::string text(name.str());
    if (const auto* integer = node.as_integer()) {
      values.emplace_back(std::move(text), integer->get());
    } else if (const auto* number = node.as_floating_point()) {
      values.emplace_back(std::move(text), number->get());
    } else if (const auto* flag = node.as_boolean()) {
      values.emplace_back(std::move(text), flag->get());
    } else if (const auto* string = node.as_string()) {
      values.emplace_back(std::move(text), string->get());
    } else {
      document_->Note(LineOf(&node),
                      Quoted(Join(get.path(), text)) + " is " + std::string(TypeName(node)) +
                          "; it must be a number, a string or a boolean");
    }
  }
  return values;
}

void Section::Fail(std::string_view key, std::string_view text) {
  const Document::Found found = document_->Find(table_, path_, key);
  document_->Note(found.node != nullptr ? LineOf(found.node) : found.table_line,
                  Quoted(found.path) + " " + std::string(text));
}

}  // namespace trib::host::config
