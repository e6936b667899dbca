#include "serving/wire/row_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/wire/quote.hpp"

namespace forkcast::wire {

using preprocessing::ColumnSpec;
using preprocessing::Schema;

std::string NamesOf(const Schema& schema) {
  std::string names;
  for (const ColumnSpec& column : schema.columns) {
    names.append(names.empty() ? "" : ", ").append(column.name);
  }
  return names;
}

void RowColumns::UseDeclared() {
  is_declared_ = true;
  fields_.resize(schema_.columns.size());
  std::iota(fields_.begin(), fields_.end(), std::size_t{0});
}

void RowColumns::Clear() {
  is_declared_ = false;
  fields_.clear();
  found_.assign(schema_.columns.size(), false);
  read_.clear();
}

bool RowColumns::Add(std::string_view name) {
  const std::optional<std::size_t> field = schema_.Find(name);
  const bool is_first = !field || !found_[*field];
  Add(name, field);
  return is_first;
}

void RowColumns::Add(std::string_view name, std::optional<std::size_t> field) {
  if (!fields_.empty()) read_ += delimiter_;
  read_ += name;
  fields_.push_back(field);
  if (field) found_[*field] = true;
}

bool RowColumns::NamesAny() const noexcept {
  return std::ranges::find(found_, true) != found_.end();
}

Status RowColumns::Check(std::string_view what, std::string_view hint) const {
  if (!NamesAny() && !found_.empty()) return NoneFound(what, hint);
  for (std::size_t i = 0; i < schema_.columns.size(); ++i) {
    const ColumnSpec& column = schema_.columns[i];
    if (found_[i] || column.nullable) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} lacks a required column: read {}{}", what, Quote(read_), Guess()),
                 column.name};
  }
  return {};
}

/// Names no field: it is data, or meant for somebody else.
Error RowColumns::NoneFound(std::string_view what, std::string_view hint) const {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{} names no field: read {}, expected some of {}{}{}", what, Quote(read_),
                      NamesOf(schema_), Guess(), hint)};
}

/// What keeps the names that were read from being those that are missing, if that can be seen.
std::string RowColumns::Guess() const {
  for (const auto& [delimiter, name] :
       {std::pair(';', "semicolon"), std::pair('\t', "tab"), std::pair('|', "pipe")}) {
    if (delimiter == delimiter_ || read_.find(delimiter) == std::string::npos) continue;
    return fmt::format("; is its delimiter a {}? Then the pipeline's request says \"csv\": {{...}}",
                       name);
  }
  for (std::string_view rest = read_; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find(delimiter_));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    const auto alike = std::ranges::find_if(schema_.columns, [name](const ColumnSpec& column) {
      return name != column.header() && EqualsIgnoringCase(name, column.header());
    });
    if (alike == schema_.columns.end()) continue;
    return fmt::format("; {} is written \"{}\": upper and lower case count", Quote(name),
                       alike->header());
  }
  return {};
}

std::optional<std::string> RowColumns::CountError(std::size_t values, std::string_view unit) const {
  if (is_declared_) {
    if (values <= size()) return std::nullopt;
    return fmt::format("expected at most {} {}, got {}", size(), unit, values);
  }
  if (values == size()) return std::nullopt;
  return fmt::format("expected {} {} as in the header, got {}", size(), unit, values);
}

}  // namespace forkcast::wire
