#include "data_preprocessing/rules/checked_row_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/table/append_value.hpp"

namespace forkcast::preprocessing {

CheckedRowSource::CheckedRowSource(std::unique_ptr<RowSource> source, const Schema& schema,
                                   std::vector<ColumnRule> rules)
    : source_(std::move(source)) {
  for (ColumnRule& rule : rules) {
    const std::size_t column = schema.Find(rule.column).value();
    rules_.push_back({.rule = std::move(rule), .column = column});
  }
}

void CheckedRowSource::SetBadRowsAside() {
  sets_aside_ = true;
  source_->SetBadRowsAside();
}

std::string CheckedRowSource::FaultOf(const Table& rows, std::size_t row) const {
  for (const auto& [rule, column] : rules_) {
    const Value value = ValueAt(rows.column(column), row);
    if (const auto broken = rule.BrokenBy(value)) {
      return fmt::format("column {}: {}", rule.column, rule.Explain(*broken, value));
    }
  }
  return {};
}

Status CheckedRowSource::Check(RowBatch& batch) const {
  std::vector<std::size_t> kept;
  const std::size_t rows = batch.rows.row_count();
  for (std::size_t row = 0; row < rows; ++row) {
    std::string fault = FaultOf(batch.rows, row);
    if (fault.empty()) {
      kept.push_back(row);
    } else if (sets_aside_) {
      batch.set_aside.push_back({.place = batch.places[row],
                                 .reason = std::move(fault),
                                 .text = std::string(batch.texts.Text(row))});
    } else {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: {}", source_->PlaceOf(batch.places[row]), fault)};
    }
  }
  if (kept.size() == rows) return {};
  std::ranges::stable_sort(batch.set_aside, {}, &SetAsideRow::place);
  RowBatch left(batch.rows.schema());
  for (std::size_t i = 0; i < batch.rows.column_count(); ++i) {
    for (const std::size_t row : kept) {
      AppendValue(ValueAt(batch.rows.column(i), row), left.rows.column(i));
    }
  }
  for (const std::size_t row : kept) {
    left.places.push_back(batch.places[row]);
    left.texts.AppendText(batch.texts.Text(row));
  }
  batch.rows = std::move(left.rows);
  batch.places = std::move(left.places);
  batch.texts = std::move(left.texts);
  return {};
}

Result<Fetched> CheckedRowSource::Read(std::size_t max_rows, RowBatch& batch) {
  Result<Fetched> fetched = source_->Read(max_rows, batch);
  if (!fetched || *fetched == Fetched::kEnd) return fetched;
  Status checked = Check(batch);
  if (!checked) return std::move(checked).error();
  return fetched;
}

}  // namespace forkcast::preprocessing
