#include "data_preprocessing/rules/checked_row_source.hpp"

#include <fmt/format.h>

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

void CheckedRowSource::SetAside(RejectRecord reject) {
  sets_aside_ = true;
  source_->SetAside(std::move(reject));
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

void CheckedRowSource::Keep(const std::vector<std::size_t>& rows, Table& batch) {
  Table kept(batch.schema());
  for (std::size_t i = 0; i < batch.column_count(); ++i) {
    for (const std::size_t row : rows) AppendValue(ValueAt(batch.column(i), row), kept.column(i));
  }
  batch = std::move(kept);
}

Result<Fetched> CheckedRowSource::Read(std::size_t max_rows, Table& batch) {
  // A batch of which nothing is left is not the end.
  while (true) {
    Result<Fetched> fetched = source_->Read(max_rows, batch);
    if (!fetched || *fetched == Fetched::kEnd) return fetched;
    places_.clear();
    const std::size_t rows = batch.row_count();
    for (std::size_t row = 0; row < rows; ++row) {
      const std::string fault = FaultOf(batch, row);
      if (fault.empty()) {
        places_.push_back(row);
        continue;
      }
      if (!sets_aside_) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("{}: {}", source_->PlaceOf(row), fault)};
      }
      if (Status rejected = source_->Reject(row, fault); !rejected) return rejected.error();
    }
    if (places_.size() < rows) Keep(places_, batch);
    if (!places_.empty()) return Fetched::kRows;
  }
}

}  // namespace forkcast::preprocessing
