#include "model/inputs/feature_table.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

#include "data_preprocessing/features/feature_operator.hpp"

namespace forkcast::model {

using preprocessing::ColumnType;
using preprocessing::FeatureColumn;
using preprocessing::IsMissing;
using preprocessing::Value;

namespace {

float FloatOf(double number) noexcept {
  constexpr double kMax = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(number, -kMax, kMax));  // clamp keeps NaN
}

}  // namespace

Result<FeatureColumnSpec> FeatureColumnOf(std::string_view name, ColumnType type) {
  switch (type) {
    case ColumnType::kText:
      return FeatureColumnSpec{std::string(name), FeatureKind::kCategory};
    case ColumnType::kInt64:
    case ColumnType::kDouble:
    case ColumnType::kBool:
      return FeatureColumnSpec{std::string(name), FeatureKind::kNumber};
    case ColumnType::kTimestamp:
      break;
  }
  return Error{ErrorCode::kInvalidArgument,
               "a timestamp cannot be a model's input; the time since it or until it can",
               std::string(name)};
}

Status CheckKind(const FeatureColumnSpec& column, const Value& value) {
  const bool is_text = std::holds_alternative<std::string_view>(value);
  const bool fits = column.kind == FeatureKind::kCategory
                        ? is_text
                        : !is_text && !std::holds_alternative<Instant>(value);
  if (IsMissing(value) || fits) return {};
  return Error{ErrorCode::kInvalidArgument,
               column.kind == FeatureKind::kCategory ? "expected a text" : "expected a number",
               column.name};
}

float NumberAsFloat(const Value& value) noexcept {
  double number = std::numeric_limits<double>::quiet_NaN();
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return static_cast<float>(*integer);  // rounded once, not by way of double
  }
  if (const auto* real = std::get_if<double>(&value)) number = *real;
  if (const auto* truth = std::get_if<bool>(&value)) number = *truth ? 1 : 0;
  return FloatOf(number);
}

FeatureTable::FeatureTable(std::vector<FeatureColumnSpec> columns)
    : columns_(std::move(columns)), cells_(columns_.size()), dictionaries_(columns_.size()) {}

void FeatureTable::Reserve(std::size_t rows) {
  for (std::vector<float>& cells : cells_) cells.reserve(rows);
}

Status FeatureTable::Append(std::span<const Value> row) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (Status fits = CheckKind(columns_[i], row[i]); !fits) return fits;
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    cells_[i].push_back(dictionaries_[i].CellOf(row[i]));
  }
  ++row_count_;
  return {};
}

Status FeatureTable::Append(std::span<const FeatureColumn* const> columns,
                            std::span<const std::uint32_t> rows) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns[i]->is_number && columns_[i].kind == FeatureKind::kNumber) continue;
    for (const std::uint32_t row : rows) {
      if (Status fits = CheckKind(columns_[i], columns[i]->ValueAt(row)); !fits) return fits;
    }
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::size_t before = cells_[i].size();
    cells_[i].resize(before + rows.size());
    const std::span<float> cells = std::span(cells_[i]).subspan(before);
    if (columns[i]->is_number) {
      std::ranges::transform(rows, cells.begin(), [&numbers = columns[i]->numbers](auto row) {
        return FloatOf(numbers[row]);
      });
    } else {
      std::ranges::transform(rows, cells.begin(), [&](std::uint32_t row) {
        return dictionaries_[i].CellOf(columns[i]->values[row]);
      });
    }
  }
  row_count_ += rows.size();
  return {};
}

void FeatureTable::Append(const FeatureTable& other) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::vector<float> codes;  // here, by the other table's
    for (const std::string& text : other.categories(i)) {
      codes.push_back(static_cast<float>(dictionaries_[i].CodeOf(text)));
    }
    cells_[i].reserve(cells_[i].size() + other.row_count_);
    for (const float cell : other.column(i)) {
      const bool is_code = !codes.empty() && !std::isnan(cell);
      cells_[i].push_back(is_code ? codes[static_cast<std::size_t>(cell)] : cell);
    }
  }
  row_count_ += other.row_count_;
}

float FeatureTable::Dictionary::CellOf(const Value& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  return text == nullptr ? NumberAsFloat(value) : static_cast<float>(CodeOf(*text));
}

std::uint32_t FeatureTable::Dictionary::CodeOf(std::string_view text) {
  const auto known = codes.find(text);
  if (known != codes.end()) return known->second;
  const auto code = static_cast<std::uint32_t>(texts.size());
  codes.emplace(texts.emplace_back(text), code);
  return code;
}

}  // namespace forkcast::model
