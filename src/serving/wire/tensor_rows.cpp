#include "serving/wire/tensor_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "data_preprocessing/base/suggestion.hpp"
#include "serving/wire/field_text.hpp"
#include "serving/wire/row_columns.hpp"

namespace forkcast::wire {

using preprocessing::Column;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::Schema;

namespace {

bool IsNumeric(const ColumnSpec& field) noexcept {
  return field.type == ColumnType::kDouble || field.type == ColumnType::kInt64 ||
         field.type == ColumnType::kBool;
}

std::string_view Expected(const ColumnSpec& field) noexcept {
  switch (field.type) {
    case ColumnType::kInt64:
      return "INT64 or another integer type";
    case ColumnType::kDouble:
      return "FP64 or another type of numbers";
    case ColumnType::kBool:
      return "BOOL";
    case ColumnType::kTimestamp:
      return field.format.time ? "BYTES or an integer type" : "BYTES, times as text";
    case ColumnType::kText:
      break;
  }
  return "BYTES";
}

Status CheckType(const Tensor& input, const ColumnSpec& field) {
  if (Fits(input.datatype, field)) return {};
  return Invalid(fmt::format("the field is {}: expected {}, got {}", ToString(field.type),
                             Expected(field), NameOf(input.datatype)),
                 field.name);
}

}  // namespace

std::vector<std::size_t> VectorFields(const Schema& schema) {
  std::vector<std::size_t> fields;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    if (IsNumeric(schema.columns[i])) {
      fields.push_back(i);
    } else if (!schema.columns[i].nullable) {
      return {};
    }
  }
  return fields;
}

Status TensorRows::Start(const Source& source, DecodedRequest& out) {
  schema_ = &source.schema;
  zone_ = &source.zone;
  inputs_ = source.inputs;
  bindings_.clear();
  out.Clear();
  out.wrapping = Wrapping::kArray;
  rows_.emplace(out, source.max_rows);
  row_count_ = 0;
  if (inputs_.empty()) {
    return Invalid(fmt::format("is empty: expected some of {}", NamesOf(*schema_)), "inputs");
  }
  const Tensor& first = inputs_.front();
  if (!first.shape.empty()) row_count_ = first.shape.front();
  const bool may_be_vector =
      inputs_.size() == 1 && first.shape.size() == 2 && !schema_->Find(first.name);
  const std::vector<std::size_t> fields =
      may_be_vector ? VectorFields(*schema_) : std::vector<std::size_t>();
  Status bound = fields.empty() ? BindColumns() : BindVector(first, fields);
  if (!bound) return bound;
  if (row_count_ > source.max_rows) return rows_->TooManyRows();
  return {};
}

Status TensorRows::BindVector(const Tensor& input, std::span<const std::size_t> fields) {
  const std::size_t width = input.shape.back();
  if (width != fields.size()) {
    std::string names;
    for (const std::size_t field : fields) {
      names.append(names.empty() ? "" : ", ").append(schema_->columns[field].name);
    }
    return Invalid(fmt::format("has {} values a row, expected {}: {}", width, fields.size(), names),
                   input.name);
  }
  for (std::size_t i = 0; i < width; ++i) {
    if (Status fits = CheckType(input, schema_->columns[fields[i]]); !fits) return fits;
    bindings_.push_back({.column = fields[i], .tensor = &input, .first = i, .stride = width});
  }
  return {};
}

Status TensorRows::BindColumns() {
  for (const Tensor& input : inputs_) {
    if (Status bound = Bind(input); !bound) return bound;
  }
  return CheckRequired();
}

Status TensorRows::Bind(const Tensor& input) {
  const std::optional<std::size_t> column = schema_->Find(input.name);
  if (!column) return NoSuchInput(input);
  if (std::ranges::find(bindings_, *column, &Binding::column) != bindings_.end()) {
    return Invalid("the input is given twice", input.name);
  }
  const bool is_column =
      input.shape.size() == 1 || (input.shape.size() == 2 && input.shape.back() == 1);
  if (!is_column) {
    return Invalid("expected a value a row, in the shape [n] or [n,1]", input.name);
  }
  if (input.shape.front() != row_count_) {
    return Invalid(fmt::format("has {} rows, but the input \"{}\" has {}", input.shape.front(),
                               inputs_.front().name, row_count_),
                   input.name);
  }
  if (Status fits = CheckType(input, schema_->columns[*column]); !fits) return fits;
  bindings_.push_back({.column = *column, .tensor = &input});
  return {};
}

Error TensorRows::NoSuchInput(const Tensor& input) const {
  std::vector<std::string> names;
  for (const ColumnSpec& field : schema_->columns) names.push_back(field.name);
  return Invalid(fmt::format("there is no such input{}; there are: {}",
                             DidYouMean(input.name, names), NamesOf(*schema_)),
                 input.name);
}

Status TensorRows::CheckRequired() const {
  for (std::size_t i = 0; i < schema_->columns.size(); ++i) {
    const ColumnSpec& field = schema_->columns[i];
    const bool is_there = std::ranges::find(bindings_, i, &Binding::column) != bindings_.end();
    if (!is_there && !field.nullable) {
      return Invalid(
          fmt::format("the required input ({}) is missing", NameOf(DatatypeOf(field.type))),
          field.name);
    }
  }
  return {};
}

bool TensorRows::Continue(std::size_t rows) {
  for (; rows > 0 && rows_->row() < row_count_; --rows) AppendRow();
  return rows_->row() == row_count_;
}

void TensorRows::AppendRow() {
  const std::size_t row = rows_->row();
  static_cast<void>(rows_->Begin());  // their number is known to be one that may be
  for (const Binding& binding : bindings_) {
    if (rows_->failed()) break;
    if (Status appended = Append(binding, row); !appended) {
      rows_->Fail(std::move(appended).error().message, schema_->columns[binding.column].name);
    }
  }
  rows_->End();
}

Status TensorRows::Append(const Binding& binding, std::size_t row) {
  const ColumnSpec& field = schema_->columns[binding.column];
  const Tensor& tensor = *binding.tensor;
  const std::size_t at = binding.first + row * binding.stride;
  Column& column = rows_->column(binding.column);
  // A value goes to `append`; one that is missing is noted.
  const auto take = [&](const auto& value, auto append) -> Status {
    if (!value) return value.error();
    if (*value) return append(**value);
    rows_->AddMissing(binding.column);
    return {};
  };
  if (tensor.datatype == Datatype::kBytes) {
    return take(tensor.TextAt(at), [&](std::string_view text) -> Status {
      // Binary data have no null, and no time is an empty text.
      if (!text.empty() || field.type == ColumnType::kText) {
        return AppendFieldText(text, field, *zone_, column);
      }
      rows_->AddMissing(binding.column);
      return {};
    });
  }
  switch (field.type) {
    case ColumnType::kInt64:
      return take(tensor.IntegerAt(at), [&](std::int64_t value) -> Status {
        column.AppendInt64(value);
        return {};
      });
    case ColumnType::kBool:
      return take(tensor.TruthAt(at), [&](bool value) -> Status {
        column.AppendBool(value);
        return {};
      });
    case ColumnType::kTimestamp:  // an epoch
      return take(tensor.IntegerAt(at), [&](std::int64_t value) {
        return preprocessing::AppendParsed(fmt::format("{}", value), field.format, *zone_, column);
      });
    case ColumnType::kDouble:
    case ColumnType::kText:
      break;
  }
  return take(tensor.NumberAt(at), [&](double value) -> Status {
    column.AppendDouble(value);
    return {};
  });
}

}  // namespace forkcast::wire
