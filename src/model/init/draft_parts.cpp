#include "model/init/draft_parts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace forkcast::model {

using nlohmann::ordered_json;
using preprocessing::ColumnSpec;
using preprocessing::CsvBlanks;
using preprocessing::CsvDialect;
using preprocessing::ToString;

namespace {

/// A table of more columns declares those that are needed.
constexpr std::size_t kMostColumns = 200;

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return text;
}

/// The store takes `Store` and `store` for one: the later one stays out, unless it is needed.
bool IsTaken(const ordered_json& columns, const std::string& name) {
  for (const auto& [declared, type] : columns.items()) {
    if (Lower(declared) == Lower(name)) return true;
  }
  return false;
}

}  // namespace

std::string Counted(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

ordered_json ColumnJson(const ColumnSpec& column) {
  const std::string type(ToString(column.type));
  if (!column.nullable) return type;
  return {{"type", type}, {"nullable", true}};
}

ordered_json WrittenColumnJson(const ColumnSpec& column) {
  ordered_json json{{"type", std::string(ToString(column.type))}};
  if (column.format.time) json["format"] = column.format.time->text();
  if (!column.format.true_words.empty()) {
    json["true"] = column.format.true_words;
    json["false"] = column.format.false_words;
  }
  if (json.size() == 1) return ColumnJson(column);
  if (column.nullable) json["nullable"] = true;
  return json;
}

namespace {

/// What of the dialect is not plain.
ordered_json DialectJson(const CsvDialect& dialect) {
  const CsvDialect plain;
  ordered_json json = ordered_json::object();
  if (dialect.delimiter != plain.delimiter) json["delimiter"] = std::string(1, dialect.delimiter);
  if (dialect.decimal != plain.decimal && dialect.decimal != '\0') {
    json["decimal"] = std::string(1, dialect.decimal);
  }
  if (dialect.thousands != '\0') json["thousands"] = std::string(1, dialect.thousands);
  if (dialect.encoding != plain.encoding)
    json["encoding"] = std::string(ToString(dialect.encoding));
  if (!dialect.null.empty()) json["null"] = dialect.null;
  if (dialect.blanks == CsvBlanks::kTrimmed) json["trim"] = true;
  return json;
}

}  // namespace

ordered_json BeginDocument(const ProfiledFile& file,
                           const std::vector<const ColumnProfile*>& needed,
                           const std::vector<std::string>& key, const DraftOptions& options) {
  ordered_json columns = ordered_json::object();
  const auto declare = [&columns](const ColumnProfile& one) {
    if (!one.spec.name.empty() && !IsTaken(columns, one.spec.name)) {
      columns[one.spec.name] = WrittenColumnJson(one.spec);
    }
  };
  for (const ColumnProfile* const one : needed) declare(*one);
  if (file.table.columns.size() <= kMostColumns) {
    for (const ColumnProfile& one : file.table.columns) declare(one);
  }
  ordered_json table{{"description", fmt::format("The columns of {}, with the narrowest types that "
                                                 "take every value of it.",
                                                 file.path.filename().string())},
                     {"columns", columns}};
  const ordered_json dialect = DialectJson(file.table.dialect);
  if (!dialect.empty()) table["csv"] = dialect;
  if (!key.empty()) table["key"] = key;
  return {{"name", options.name},
          {"version", "1"},
          {"description", ordered_json::array()},
          {"timezone", file.zone.name()},
          {"tables", {{options.table, table}}}};
}

void WarnOfTable(const ProfiledFile& file, PipelineDraft& draft) {
  const ordered_json dialect = DialectJson(file.table.dialect);
  if (!dialect.empty()) draft.choices.push_back(fmt::format("dialect: {}", dialect.dump()));
  const auto warn = [&draft](std::string text) { draft.warnings.push_back(std::move(text)); };
  if (file.table.repeated_rows.value_or(0) > 0) {
    warn(fmt::format("{} of {} stand there before, value for value: each counts again",
                     *file.table.repeated_rows, Counted(file.table.rows, "row")));
  }
  std::vector<std::string> zeros;
  std::vector<std::string> empty;
  for (const ColumnProfile& one : file.table.columns) {
    if (one.has_leading_zero) zeros.push_back(one.spec.name);
    if (one.spec.format.time && one.time_formats.size() > 1) {
      warn(fmt::format("{}: its times can be read as {}; the first was taken", one.spec.name,
                       fmt::join(one.time_formats, " or ")));
    }
    if (one.missing == file.table.rows) empty.push_back(one.spec.name);
    if (one.missing > file.table.rows / 2 && one.missing < file.table.rows) {
      warn(fmt::format("{}: {} of {} values are missing", one.spec.name, one.missing,
                       file.table.rows));
    }
  }
  if (!zeros.empty()) {
    warn(fmt::format("{}: digits with zeros in front are names, and so text",
                     fmt::join(zeros, ", ")));
  }
  if (!empty.empty()) warn(fmt::format("{}: no value at all", fmt::join(empty, ", ")));
  if (file.table.columns.size() > kMostColumns) {
    warn(fmt::format("{} columns: only those that are used are declared",
                     file.table.columns.size()));
  }
}

}  // namespace forkcast::model
