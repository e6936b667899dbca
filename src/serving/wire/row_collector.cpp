#include "serving/wire/row_collector.hpp"

#include <utility>

#include "serving/wire/row_columns.hpp"

namespace forkcast::wire {

bool RowCollector::Begin() noexcept {
  failed_ = false;
  return out_.row_count < max_rows_;
}

Error RowCollector::TooManyRows() const {
  return {ErrorCode::kTooLarge, "more than " + std::to_string(max_rows_) + " rows in one request"};
}

void RowCollector::End() {
  bool named = out_.rows.column_count() == 0;
  for (std::size_t i = 0; i < out_.rows.column_count() && !failed_; ++i) {
    if (Has(i)) {
      named = true;
    } else {
      AddMissing(i);
    }
  }
  if (!named)
    Fail("names no field of the request: expected some of " + NamesOf(out_.rows.schema()));
  if (!failed_) out_.row_numbers.push_back(out_.row_count);
  ++out_.row_count;
}

void RowCollector::Abandon() {
  out_.rows.Truncate(kept());
  if (failed_) out_.errors.pop_back();
  failed_ = false;
}

void RowCollector::Fail(std::string message, std::string_view field) {
  if (failed_) return;
  failed_ = true;
  out_.rows.Truncate(kept());
  out_.errors.push_back(
      {out_.row_count, Error{ErrorCode::kInvalidArgument, std::move(message), std::string(field)}});
}

void RowCollector::AddMissing(std::size_t column) {
  const preprocessing::ColumnSpec& spec = out_.rows.schema().columns[column];
  if (spec.nullable) {
    out_.rows.column(column).AppendMissing();
  } else {
    Fail("required field is missing", spec.name);
  }
}

}  // namespace forkcast::wire
