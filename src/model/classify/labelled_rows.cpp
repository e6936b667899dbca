#include "model/classify/labelled_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::model {
namespace {

using namespace preprocessing;

constexpr std::size_t kBatchRows = 4096;

/// Which columns of the table are read, and where their values go.
struct Columns {
  Schema schema;  ///< The fields that are columns, and the label behind them.
  std::vector<std::optional<std::size_t>> of_field;
};

Result<Columns> ChooseColumns(const TableSpec& table, const PipelineSpec& spec) {
  Columns columns;
  for (const ColumnSpec& field : spec.request.fields.columns) {
    const auto position = table.schema.Find(field.name);
    if (!position) {
      if (field.nullable && field.name != spec.request.time) {
        columns.of_field.emplace_back();
        continue;
      }
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("request field \"{}\" is no column of table \"{}\", whose rows are "
                               "to be learned from",
                               field.name, table.name),
                   field.name};
    }
    const ColumnSpec& column = table.schema.columns[*position];
    if (column.type != field.type) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("request field \"{}\" is {}, but the column of table \"{}\" is {}",
                               field.name, ToString(field.type), table.name, ToString(column.type)),
                   field.name};
    }
    columns.of_field.emplace_back(columns.schema.columns.size());
    columns.schema.columns.push_back(column);
  }
  columns.schema.columns.push_back(table.schema.columns[*table.schema.Find(spec.training->label)]);
  return columns;
}

ClassLabel LabelAt(const Column& column, std::size_t row) {
  switch (column.type()) {
    case ColumnType::kBool:
      return column.Bool(row);
    case ColumnType::kInt64:
      return column.Int64(row);
    default:
      return std::string(column.Text(row));
  }
}

std::chrono::sys_days DayOf(const TimeZone& zone, Instant instant) {
  const CivilTime civil = zone.ToCivil(instant);
  return std::chrono::year(static_cast<int>(civil.year)) /
         std::chrono::month(static_cast<unsigned>(civil.month)) /
         std::chrono::day(static_cast<unsigned>(civil.day));
}

/// Rows from `since` to `until`; an end that is not set is open.
struct Bounds {
  std::optional<Instant> since;
  std::optional<Instant> until;
};

Result<Bounds> BoundsOf(const DataWindow& window, const TimeZone& zone) {
  Bounds bounds;
  if (!window.since.empty()) {
    const Result<Instant> since = ParseWindowTime("since", window.since, zone);
    if (!since) return since.error();
    bounds.since = *since;
  }
  if (!window.until.empty()) {
    const Result<Instant> until = ParseWindowTime("until", window.until, zone);
    if (!until) return until.error();
    bounds.until = *until;
  }
  return bounds;
}

template <typename T>
void AppendBytes(T value, std::string& bytes) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes.append(raw, sizeof raw);
}

/// So that different rows have different bytes: a text stands behind its length.
void AppendBytes(const Value& value, std::string& bytes) {
  bytes.push_back(static_cast<char>(value.index()));
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    AppendBytes(static_cast<std::uint64_t>(text->size()), bytes);
    bytes.append(*text);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    AppendBytes(*integer, bytes);
  } else if (const auto* number = std::get_if<double>(&value)) {
    AppendBytes(*number, bytes);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    bytes.push_back(*flag ? 1 : 0);
  } else if (const auto* instant = std::get_if<Instant>(&value)) {
    AppendBytes(ToMicros(*instant), bytes);
  }
}

}  // namespace

std::string NameOf(const ClassLabel& label) {
  if (const auto* flag = std::get_if<bool>(&label)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&label)) return std::to_string(*number);
  return std::get<std::string>(label);
}

nlohmann::ordered_json ToJson(const ClassLabel& label) {
  return std::visit([](const auto& value) { return nlohmann::ordered_json(value); }, label);
}

Result<LabelledRows> LabelledRows::Read(TableDao& dao, const PipelineSpec& spec,
                                        const DataWindow& window,
                                        std::chrono::microseconds label_delay) {
  const TableSpec& table = *std::ranges::find(spec.tables, spec.training->table, &TableSpec::name);
  const Result<Columns> columns = ChooseColumns(table, spec);
  if (!columns) return columns.error();
  Result<Bounds> bounds = BoundsOf(window, spec.zone);
  if (!bounds) return bounds.error();
  // Before anything is read, so that a wrong flag is told at once.
  if (const auto span = DaysBefore({}, window.last); !window.last.empty() && !span) {
    return span.error();
  }

  LabelledRows rows(spec.request.fields);
  const std::size_t time_field = *spec.request.fields.Find(spec.request.time);
  const std::size_t label_column = columns->schema.columns.size() - 1;
  constexpr std::uint32_t kNoLabel = UINT32_MAX;
  std::map<ClassLabel, std::uint32_t> codes;  // in the order of their first rows
  std::vector<std::uint32_t> coded;           // of each row read
  const auto add = [&](const Table& batch) -> Status {
    const Column& labels = batch.column(label_column);
    for (std::size_t i = 0; i < batch.row_count(); ++i) {
      const bool missing = labels.IsMissing(i);
      coded.push_back(
          missing ? kNoLabel
                  : codes.try_emplace(LabelAt(labels, i), static_cast<std::uint32_t>(codes.size()))
                        .first->second);
    }
    for (std::size_t field = 0; field < columns->of_field.size(); ++field) {
      if (const auto column = columns->of_field[field]) {
        rows.requests_.column(field).Append(batch.column(*column));
      } else {
        for (std::size_t i = 0; i < batch.row_count(); ++i) {
          rows.requests_.column(field).AppendMissing();
        }
      }
    }
    return {};
  };
  const Status read = dao.Read(TableSource{table.name}, columns->schema, {}, kBatchRows, add);
  if (!read) {
    Error error = read.error();
    if (error.code == ErrorCode::kInvalidArgument) error.code = ErrorCode::kCorrupt;
    return error;
  }
  rows.table_rows_ = coded.size();

  const Column& times = rows.requests_.column(time_field);
  const auto is_outside = [&](std::size_t row) {
    if (times.IsMissing(row)) return false;
    const Instant time = times.Timestamp(row);
    return (bounds->since && time < *bounds->since) ||
           (bounds->until && time + label_delay > *bounds->until);
  };
  if (!window.last.empty()) {
    std::optional<Instant> newest;
    for (std::size_t row = 0; row < coded.size(); ++row) {
      if (coded[row] == kNoLabel || times.IsMissing(row) || is_outside(row)) continue;
      newest = std::max(newest.value_or(times.Timestamp(row)), times.Timestamp(row));
    }
    if (newest) {
      const auto day = DaysBefore(DayOf(spec.zone, *newest) + std::chrono::days(1), window.last);
      const Instant since = spec.zone.StartOfDay(*day);
      bounds->since = std::max(bounds->since.value_or(since), since);
    }
  }
  std::size_t in_window = 0;
  for (std::size_t row = 0; row < coded.size(); ++row) {
    if (is_outside(row)) continue;
    ++in_window;
    if (coded[row] == kNoLabel) {
      ++rows.without_label_;
    } else if (times.IsMissing(row)) {
      ++rows.without_time_;
    } else {
      rows.order_.push_back(row);
    }
  }
  if (in_window == 0 && rows.table_rows_ > 0) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("none of the {} rows of table \"{}\" is in the window",
                             rows.table_rows_, table.name)};
  }
  std::ranges::stable_sort(rows.order_, {}, [&](std::size_t row) { return times.Timestamp(row); });

  std::vector<bool> occurs(codes.size());
  for (const std::size_t row : rows.order_) {
    rows.times_.push_back(times.Timestamp(row));
    occurs[coded[row]] = true;
  }
  std::vector<std::uint32_t> position(codes.size());
  for (const auto& [label, code] : codes) {
    if (!occurs[code]) continue;
    position[code] = static_cast<std::uint32_t>(rows.classes_.size());
    rows.classes_.push_back(label);
  }
  for (const std::size_t row : rows.order_) rows.labels_.push_back(position[coded[row]]);
  return rows;
}

std::string LabelledRows::Hash() const {
  std::string hashes;
  std::string bytes;
  for (std::size_t row = 0; row < size(); ++row) {
    for (std::size_t field = 0; field < requests_.column_count(); ++field) {
      AppendBytes(ValueAt(requests_.column(field), order_[row]), bytes);
    }
    const std::string label = NameOf(classes_[labels_[row]]);
    AppendBytes(Value(std::string_view(label)), bytes);
    if ((row + 1) % kBatchRows != 0 && row + 1 < size()) continue;
    hashes += preprocessing::ContentHash(bytes);
    bytes.clear();
  }
  return preprocessing::ContentHash(hashes);
}

}  // namespace forkcast::model
