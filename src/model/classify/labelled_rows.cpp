#include "model/classify/labelled_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::model {
namespace {

using preprocessing::CivilTime;
using preprocessing::Column;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::DayOf;
using preprocessing::IsMissing;
using preprocessing::PipelineSpec;
using preprocessing::Schema;
using preprocessing::Table;
using preprocessing::TableDao;
using preprocessing::TableSource;
using preprocessing::TableSpec;
using preprocessing::TimeZone;
using preprocessing::ToString;
using preprocessing::Value;
using preprocessing::ValueAt;

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

/// Rows from `since` on whose label is known at `until`; an end that is not set is open.
struct Bounds {
  std::optional<Instant> since;
  std::optional<Instant> until;
  std::chrono::microseconds label_delay;

  [[nodiscard]] bool Contain(Instant time) const {
    return !(since && time < *since) && !(until && time + label_delay > *until);
  }
};

/// Without `last`, which counts back from rows that are not read yet.
Result<Bounds> BoundsOf(const DataWindow& window, const TimeZone& zone,
                        std::chrono::microseconds label_delay) {
  Bounds bounds{.since = {}, .until = {}, .label_delay = label_delay};
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

/// The labels of all rows of a table, as numbers in the order in which they first occur.
class LabelCodes {
 public:
  void Append(const Column& labels) {
    for (std::size_t row = 0; row < labels.size(); ++row) {
      coded_.push_back(labels.IsMissing(row) ? kNone : CodeOf(LabelAt(labels, row)));
    }
  }
  [[nodiscard]] std::size_t row_count() const noexcept { return coded_.size(); }
  [[nodiscard]] bool IsMissing(std::size_t row) const noexcept { return coded_[row] == kNone; }

  struct Classes {
    std::vector<ClassLabel> sorted;
    std::vector<std::uint32_t> of_row;  ///< Positions among `sorted`.
  };
  /// Of `rows`, which have labels.
  [[nodiscard]] Classes ClassesOf(std::span<const std::size_t> rows) const {
    std::vector<bool> occurs(codes_.size());
    for (const std::size_t row : rows) occurs[coded_[row]] = true;
    Classes classes;
    std::vector<std::uint32_t> position(codes_.size());
    for (const auto& [label, code] : codes_) {
      if (!occurs[code]) continue;
      position[code] = static_cast<std::uint32_t>(classes.sorted.size());
      classes.sorted.push_back(label);
    }
    for (const std::size_t row : rows) classes.of_row.push_back(position[coded_[row]]);
    return classes;
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  [[nodiscard]] std::uint32_t CodeOf(ClassLabel label) {
    return codes_.try_emplace(std::move(label), static_cast<std::uint32_t>(codes_.size()))
        .first->second;
  }

  std::map<ClassLabel, std::uint32_t> codes_;
  std::vector<std::uint32_t> coded_;
};

/// All rows of the table, as requests and their labels.
Status ReadTable(TableDao& dao, const std::string& table, const Columns& columns, Table& requests,
                 LabelCodes& labels) {
  const auto add = [&](const Table& batch) -> Status {
    labels.Append(batch.column(columns.schema.columns.size() - 1));
    for (std::size_t field = 0; field < columns.of_field.size(); ++field) {
      if (const auto column = columns.of_field[field]) {
        requests.column(field).Append(batch.column(*column));
        continue;
      }
      for (std::size_t i = 0; i < batch.row_count(); ++i) requests.column(field).AppendMissing();
    }
    return {};
  };
  const Status read = dao.Read(TableSource{table}, columns.schema, {}, kBatchRows, add);
  if (read) return {};
  Error error = read.error();
  if (error.code == ErrorCode::kInvalidArgument) error.code = ErrorCode::kCorrupt;
  return error;
}

/// The start of the day that is `last` before the end of the day of the newest row within `bounds`
/// that has a label; none without such a row. Precondition: `last` is a span.
std::optional<Instant> SinceLast(const std::string& last, const Bounds& bounds, const Column& times,
                                 const LabelCodes& labels, const TimeZone& zone) {
  std::optional<Instant> newest;
  for (std::size_t row = 0; row < labels.row_count(); ++row) {
    if (labels.IsMissing(row) || times.IsMissing(row) || !bounds.Contain(times.Timestamp(row))) {
      continue;
    }
    newest = std::max(newest.value_or(times.Timestamp(row)), times.Timestamp(row));
  }
  if (!newest) return std::nullopt;
  return zone.StartOfDay(*DaysBefore(DayOf(zone, *newest) + std::chrono::days(1), last));
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

/// A text in lower case without the blanks around it.
std::string Folded(std::string_view text) {
  std::string folded(Trimmed(text, kBlanksAndLineEnds));
  std::ranges::transform(folded, folded.begin(), Lower);
  return folded;
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
  Result<Bounds> bounds = BoundsOf(window, spec.zone, label_delay);
  if (!bounds) return bounds.error();
  // Before anything is read, so that a wrong flag is told at once.
  if (const auto span = DaysBefore({}, window.last); !window.last.empty() && !span) {
    return span.error();
  }
  LabelledRows rows(spec.request.fields);
  LabelCodes labels;
  Status read = ReadTable(dao, table.name, *columns, rows.requests_, labels);
  if (!read) return std::move(read).error();
  rows.table_rows_ = labels.row_count();

  const Column& times = rows.requests_.column(*spec.request.fields.Find(spec.request.time));
  if (!window.last.empty()) {
    const auto since = SinceLast(window.last, *bounds, times, labels, spec.zone);
    if (since) bounds->since = std::max(bounds->since.value_or(*since), *since);
  }
  std::size_t in_window = 0;
  for (std::size_t row = 0; row < labels.row_count(); ++row) {
    if (!times.IsMissing(row) && !bounds->Contain(times.Timestamp(row))) continue;
    ++in_window;
    if (labels.IsMissing(row)) {
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
  for (const std::size_t row : rows.order_) rows.times_.push_back(times.Timestamp(row));
  LabelCodes::Classes classes = labels.ClassesOf(rows.order_);
  rows.classes_ = std::move(classes.sorted);
  rows.labels_ = std::move(classes.of_row);
  return rows;
}

std::vector<std::string> LabelledRows::Remarks() const {
  std::vector<std::string> remarks;
  std::map<std::string, const std::string*> seen;
  for (const ClassLabel& label : classes_) {
    const auto* const text = std::get_if<std::string>(&label);
    if (text == nullptr) break;  // none of them is
    const auto [alike, is_new] = seen.emplace(Folded(*text), text);
    if (is_new) continue;
    remarks.push_back(fmt::format(
        "labels \"{}\" and \"{}\" differ in blanks or in upper and lower case alone, and are two "
        "classes",
        *alike->second, *text));
  }
  return remarks;
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
