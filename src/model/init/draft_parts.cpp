#include "model/init/draft_parts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace forkcast::model {

using nlohmann::ordered_json;
using preprocessing::ColumnSpec;
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

ordered_json BeginDocument(const ProfiledFile& file,
                           const std::vector<const ColumnProfile*>& needed,
                           const std::vector<std::string>& key, const DraftOptions& options) {
  ordered_json columns = ordered_json::object();
  const auto declare = [&columns](const ColumnProfile& one) {
    if (!one.spec.name.empty() && !IsTaken(columns, one.spec.name)) {
      columns[one.spec.name] = ColumnJson(one.spec);
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
  if (!key.empty()) table["key"] = key;
  return {{"name", options.name},
          {"version", "1"},
          {"description", ordered_json::array()},
          {"timezone", file.zone.name()},
          {"tables", {{options.table, table}}}};
}

void WarnOfTable(const ProfiledFile& file, PipelineDraft& draft) {
  const auto warn = [&draft](std::string text) { draft.warnings.push_back(std::move(text)); };
  if (file.table.repeated_rows.value_or(0) > 0) {
    warn(fmt::format("{} of {} stand there before, value for value: each counts again",
                     *file.table.repeated_rows, Counted(file.table.rows, "row")));
  }
  std::vector<std::string> zeros;
  std::vector<std::string> empty;
  for (const ColumnProfile& one : file.table.columns) {
    if (one.has_leading_zero) zeros.push_back(one.spec.name);
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
