#include "data_preprocessing/table/table.hpp"

#include <algorithm>
#include <utility>

namespace forkcast::preprocessing {

void Column::AppendText(std::string_view value) {
  characters_.append(value);
  text_ends_.push_back(characters_.size());
  missing_.push_back(0);
}

void Column::AppendInt64(std::int64_t value) {
  integers_.push_back(value);
  missing_.push_back(0);
}

void Column::AppendDouble(double value) {
  doubles_.push_back(value);
  missing_.push_back(0);
}

void Column::AppendBool(bool value) { AppendInt64(value ? 1 : 0); }

void Column::AppendTimestamp(Instant value) { AppendInt64(ToMicros(value)); }

void Column::AppendMissing() {
  switch (type_) {
    case ColumnType::kText:
      text_ends_.push_back(characters_.size());
      break;
    case ColumnType::kDouble:
      doubles_.push_back(0);
      break;
    case ColumnType::kInt64:
    case ColumnType::kBool:
    case ColumnType::kTimestamp:
      integers_.push_back(0);
      break;
  }
  missing_.push_back(1);
}

void Column::Append(const Column& other) {
  const std::size_t shift = characters_.size();
  missing_.insert(missing_.end(), other.missing_.begin(), other.missing_.end());
  integers_.insert(integers_.end(), other.integers_.begin(), other.integers_.end());
  doubles_.insert(doubles_.end(), other.doubles_.begin(), other.doubles_.end());
  characters_.append(other.characters_);
  for (const std::size_t end : other.text_ends_) text_ends_.push_back(shift + end);
}

void Column::Truncate(std::size_t rows) noexcept {
  if (rows >= size()) return;
  if (rows == 0) {  // with what a request begins: nothing has to be counted
    missing_.clear();
    text_ends_.clear();
    characters_.clear();
    doubles_.clear();
    integers_.clear();
    return;
  }
  missing_.resize(rows);
  switch (type_) {
    case ColumnType::kText:
      text_ends_.resize(rows);
      characters_.resize(text_ends_.back());
      break;
    case ColumnType::kDouble:
      doubles_.resize(rows);
      break;
    case ColumnType::kInt64:
    case ColumnType::kBool:
    case ColumnType::kTimestamp:
      integers_.resize(rows);
      break;
  }
}

Table::Table(Schema schema) : schema_(std::move(schema)) {
  columns_.reserve(schema_.columns.size());
  for (const ColumnSpec& spec : schema_.columns) columns_.emplace_back(spec.type);
}

std::size_t Table::row_count() const noexcept {
  if (columns_.empty()) return 0;
  return std::ranges::min_element(columns_, {}, &Column::size)->size();
}

void Table::Append(const Table& other) {
  for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].Append(other.columns_[i]);
}

void Table::Truncate(std::size_t rows) noexcept {
  for (Column& column : columns_) column.Truncate(rows);
}

}  // namespace forkcast::preprocessing
