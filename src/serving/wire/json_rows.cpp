#include "serving/wire/json_rows.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/wire/field_text.hpp"
#include "serving/wire/json_walker.hpp"
#include "serving/wire/row_columns.hpp"

namespace forkcast::wire {
namespace {

using preprocessing::Column;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::Schema;
using preprocessing::TimeZone;
namespace ondemand = simdjson::ondemand;
using Kind = JsonKind;

std::string_view Expected(ColumnType type) noexcept {
  switch (type) {
    case ColumnType::kText:
      return "text";
    case ColumnType::kInt64:
      return "an integer of 64 bits";
    case ColumnType::kDouble:
      return "a number";
    case ColumnType::kBool:
      return "true or false";
    case ColumnType::kTimestamp:
      return "a timestamp as text";
  }
  return "?";
}

std::string WrongKind(ColumnType type, Kind kind) {
  std::string message = "expected ";
  message.append(Expected(type));
  if (type == ColumnType::kTimestamp) {
    message.append(" (").append(preprocessing::kTimestampForms).append(")");
  }
  message.append(", got ").append(ToString(kind));
  if (type == ColumnType::kText && kind == Kind::kNumber) {
    message += ": a number would lose leading zeros";
  }
  return message;
}

}  // namespace

/// Reads rows from what it walks through.
class JsonRows::Reader : private JsonWalker {
 public:
  Reader(const Schema& schema, const TimeZone& zone, std::size_t max_depth)
      : JsonWalker(max_depth), schema_(schema), zone_(zone), columns_(schema) {
    for (const ColumnSpec& column : schema.columns) {
      plain_names_.push_back(std::ranges::none_of(column.name, [](char c) {
        return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
      }));
    }
    // Columns are expected in the schema's order, until requests show another.
    for (std::size_t i = 0; i <= schema.columns.size(); ++i) successors_.push_back(i);
  }

  void Begin(Form form, std::string_view body, RowCollector& rows) {
    rows_ = &rows;
    in_array_ = false;
    body_ = body;
    const bool lines = form == Form::kLines;
    wrapping_ = lines ? Wrapping::kLines : Wrapping::kObject;
    is_split_ = false;
    names_follow_ = false;
    names_any_ = false;
    misplaced_.reset();
    takes_no_numbers_ = false;
    GiveBackCells();
    next_ = lines ? Next::kLine : Next::kDocument;
    empty_ = true;
  }

  Result<bool> Continue(std::size_t steps) {
    if (next_ == Next::kLine) return ReadLines(steps);
    Progress progress = Progress::kMore;
    if (next_ == Next::kDocument) progress = ReadDocument();
    if (progress == Progress::kMore) {
      progress = next_ == Next::kCell ? JoinCells(steps) : ReadElements(steps);
    }
    if (progress == Progress::kFailed) return RowFailureOf(body_);
    return progress == Progress::kDone;
  }

  [[nodiscard]] Wrapping wrapping() const noexcept { return wrapping_; }

  void TakeObjects(std::size_t field) noexcept { object_field_ = field; }

 private:
  // Members of a document's object that hold its rows, unless they are fields: an array of rows of
  // TensorFlow Serving, and what MLflow takes beside it; and of a dataframe the names and the rows.
  static constexpr std::string_view kInputs = "inputs";
  static constexpr std::array<std::string_view, 3> kWrappers{"instances", kInputs,
                                                             "dataframe_records"};
  static constexpr std::string_view kSplit = "dataframe_split";
  static constexpr std::string_view kSplitColumns = "columns";
  static constexpr std::string_view kSplitData = "data";

  enum class Next { kDocument, kElement, kCell, kLine };
  enum class Progress { kMore, kDone, kFailed };

  /// Where an object is being read.
  struct Members {
    simdjson::simdjson_result<ondemand::object_iterator> next;
    simdjson::simdjson_result<ondemand::object_iterator> end;
  };

  /// A value that is kept until the rows are put together. 16 bytes: there may be millions.
  struct Cell {
    Cell(Kind of, std::string_view token) noexcept
        : begin(token.data()), size(static_cast<std::uint32_t>(token.size())), kind(of) {}
    [[nodiscard]] std::string_view token() const noexcept { return {begin, size}; }

    const char* begin;  // in the body, or where simdjson puts a text
    std::uint32_t size;
    Kind kind;
  };
  /// The values of one field, for all rows.
  struct CellColumn {
    std::size_t field = 0;
    std::vector<Cell> cells{};
  };

  // ---- documents ----

  /// Up to the first element of an array of rows, or all of a document without one.
  Progress ReadDocument() {
    const Kind kind = KindOf(Trim(body_));
    if (kind == Kind::kObject) return Start(body_) ? ReadRootObject() : Progress::kFailed;
    if (kind == Kind::kArray) {
      wrapping_ = Wrapping::kArray;
      ondemand::array array;
      if (!Start(body_) || !CheckDepth(1) || Malformed(document_.get_array().get(array))) {
        return Progress::kFailed;
      }
      BeginElements(array, 1);
      return Progress::kMore;
    }
    if (ReadRootScalar(body_, kind)) {
      Fail({ErrorCode::kInvalidArgument,
            fmt::format("expected a JSON object or an array of objects, got {}", ToString(kind))});
    }
    return Progress::kFailed;
  }

  Progress ReadRootObject() {
    ondemand::object object;
    const bool begun = (rows_->Begin() || Fail(rows_->TooManyRows())) && CheckDepth(1) &&
                       !Malformed(document_.get_object().get(object));
    if (!begun) return Progress::kFailed;
    root_ = {object.begin(), object.end()};
    const Progress progress = ReadMembers(root_, 1, /*may_wrap=*/true);
    if (progress != Progress::kDone) return progress;
    if (!Finish()) return Progress::kFailed;
    if (misplaced_ && !names_any_) {
      FailWrapped(ExpectedIn(misplaced_->first, misplaced_->second), misplaced_->first);
      return Progress::kFailed;
    }
    rows_->End();
    return Progress::kDone;
  }

  bool ReadRootScalar(std::string_view body, Kind kind) {
    if (kind != Kind::kText) {
      return (kind != Kind::kNotJson && kind != Kind::kNoNumber) ||
             FailAsWhole(Trim(body).empty() ? simdjson::EMPTY : simdjson::NUMBER_ERROR);
    }
    std::string_view text;
    return Start(body) && !Malformed(document_.get_string().get(text)) && Finish();
  }

  Result<bool> ReadLines(std::size_t steps) {
    while (!body_.empty()) {
      if (steps == 0) return false;
      --steps;
      const std::size_t end = std::min(body_.find('\n'), body_.size());
      const std::string_view line = body_.substr(0, end);
      body_.remove_prefix(std::min(end + 1, body_.size()));
      const std::string_view text = Trim(line);
      if (text.empty()) continue;
      empty_ = false;
      if (!rows_->Begin()) return rows_->TooManyRows();
      ReadLine(line, KindOf(text));
      rows_->End();
    }
    if (empty_) return Error{ErrorCode::kInvalidArgument, "the body is empty"};
    return true;
  }

  /// Precondition: a row has begun.
  void ReadLine(std::string_view line, Kind kind) {
    bool read = false;
    if (kind == Kind::kObject) {
      ondemand::object object;
      read = Start(line) && CheckDepth(1) && !Malformed(document_.get_object().get(object)) &&
             ReadRow(object, 1) && Finish();
    } else if (kind == Kind::kArray) {
      ondemand::array array;
      read = Start(line) && CheckDepth(1) && !Malformed(document_.get_array().get(array)) &&
             CheckElements(array, 1) && Finish();
    } else {
      read = ReadRootScalar(line, kind);
    }
    if (!read) {
      // The line is no JSON at all, which matters more than what its first fields lacked.
      rows_->Abandon();
      rows_->Fail(RowFailureOf(line).message);
    } else if (kind != Kind::kObject) {
      rows_->Fail(ExpectedRow(kind));
    }
  }

  // ---- rows ----

  void BeginElements(ondemand::array& array, std::size_t depth) {
    in_array_ = true;
    next_ = Next::kElement;
    element_ = array.begin();
    elements_end_ = array.end();
    elements_depth_ = depth;
  }

  /// Rows, and when these are all, the rest of the document.
  Progress ReadElements(std::size_t steps) {
    for (; element_ != elements_end_; ++element_) {
      if (steps == 0) return Progress::kMore;
      --steps;
      if (!ReadElement(elements_depth_)) return Progress::kFailed;
    }
    return EndElements(wrapping_ == Wrapping::kArray || Leave());
  }

  Progress EndElements(bool left) {
    const bool whole = left && (wrapping_ == Wrapping::kArray || CheckRest());
    return whole && Finish() ? Progress::kDone : Progress::kFailed;
  }

  bool ReadElement(std::size_t depth) {
    ondemand::value value;
    if (Malformed((*element_).get(value))) return false;
    if (!rows_->Begin()) return Fail(rows_->TooManyRows());
    std::string_view token;
    const Kind kind = Peek(value, token);
    if (kind == Kind::kObject && !is_split_) {
      ondemand::object object;
      if (!CheckDepth(depth + 1) || Malformed(value.get_object().get(object)) ||
          !ReadRow(object, depth + 1) || !Leave()) {
        return false;
      }
    } else if (kind == Kind::kArray && wrapping_ == Wrapping::kInstances) {
      ondemand::array array;
      if (!CheckDepth(depth + 1) || Malformed(value.get_array().get(array)) ||
          !ReadArrayRow(array, depth + 1) || !Leave()) {
        return false;
      }
    } else {
      if (!Check(value, kind, depth)) return false;
      rows_->Fail(ExpectedRow(kind));
    }
    rows_->End();
    return true;
  }

  /// Of an element that is no row.
  [[nodiscard]] std::string ExpectedRow(Kind kind) const {
    std::string_view expected = "a JSON object";
    if (wrapping_ == Wrapping::kInstances) expected = "a JSON object or an array of values";
    if (is_split_) expected = "an array of values";
    return fmt::format("expected {}, got {}", expected, ToString(kind));
  }

  /// Values by their place.
  bool ReadArrayRow(ondemand::array& array, std::size_t depth) {
    std::size_t count = 0;
    for (auto element : array) {
      ondemand::value value;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is there for rvalues alone.
      if (Malformed(std::move(element).get(value))) return false;
      const auto column = count < columns_.size() ? columns_[count] : std::nullopt;
      if (!(column ? ReadValue(value, *column, depth) : Check(value, depth))) return false;
      ++count;
    }
    if (auto wrong = columns_.CountError(count, "values")) {
      // Values in the wrong place are wrong for that reason.
      rows_->Abandon();
      rows_->Fail(*std::move(wrong));
    }
    return true;
  }

  bool ReadRow(ondemand::object& object, std::size_t depth) {
    Members members{object.begin(), object.end()};
    return ReadMembers(members, depth, /*may_wrap=*/false) == Progress::kDone;
  }

  /// Reads the members of an object into the row that has begun. With `may_wrap`, one that holds
  /// rows ends this (kMore): they take the place of the row.
  Progress ReadMembers(Members& members, std::size_t depth, bool may_wrap) {
    std::size_t previous = 0;  // 1 + the column read last
    for (; members.next != members.end; ++members.next) {
      ondemand::field field;
      if (Malformed((*members.next).get(field))) return Progress::kFailed;
      const std::size_t expected = successors_[previous];
      std::size_t column = schema_.columns.size();
      if (expected < schema_.columns.size() && plain_names_[expected] &&
          field.key().unsafe_is_equal(schema_.columns[expected].name)) {
        column = expected;
      } else {
        std::string_view key;
        if (Malformed(field.unescaped_key().get(key))) return Progress::kFailed;
        if (const auto found = schema_.Find(key)) {
          column = *found;
        } else if (may_wrap && IsWrapper(key)) {
          std::string_view token;
          const Kind kind = Peek(field.value(), token);
          if (HoldsRows(key, kind)) return BeginWrapped(key, kind, field.value(), depth);
          misplaced_.emplace(key, kind);
          if (!Check(field.value(), kind, depth)) return Progress::kFailed;
          continue;
        }
      }
      if (column == schema_.columns.size()) {
        if (!Check(field.value(), depth)) return Progress::kFailed;
        continue;
      }
      successors_[previous] = column;
      previous = column + 1;
      if (!ReadValue(field.value(), column, depth)) return Progress::kFailed;
    }
    names_any_ = previous != 0;
    return Progress::kDone;
  }

  // ---- members that hold rows ----

  static bool IsWrapper(std::string_view key) noexcept {
    return key == kSplit || std::ranges::find(kWrappers, key) != kWrappers.end();
  }
  /// Whether a member that IsWrapper() does hold rows; else it is one of those that are ignored
  /// beside fields.
  static bool HoldsRows(std::string_view key, Kind kind) noexcept {
    if (kind == Kind::kArray) return key != kSplit;
    return kind == Kind::kObject && (key == kSplit || key == kInputs);
  }

  /// Of one that does not.
  static std::string ExpectedIn(std::string_view key, Kind kind) {
    std::string_view expected = "an array of rows";
    if (key == kInputs) {
      expected = "an array of rows or an object with an array of values for each field";
    } else if (key == kSplit) {
      expected = "an object with the rows in \"data\" and their names in \"columns\"";
    }
    return fmt::format("expected {}, got {}", expected, ToString(kind));
  }

  Progress BeginWrapped(std::string_view key, Kind kind, ondemand::value& value,
                        std::size_t depth) {
    wrapping_ = Wrapping::kInstances;
    takes_no_numbers_ = true;
    rows_->Abandon();
    bool begun = false;
    if (key == kSplit) {
      begun = BeginSplit(value, depth + 1);
    } else if (kind == Kind::kObject) {
      begun = BeginCells(value, depth + 1);
    } else {
      columns_.UseDeclared();
      begun = BeginRows(value, depth + 1);
    }
    return begun ? Progress::kMore : Progress::kFailed;
  }

  bool BeginRows(ondemand::value& value, std::size_t depth) {
    ondemand::array array;
    if (!CheckDepth(depth) || Malformed(value.get_array().get(array))) return false;
    BeginElements(array, depth);
    return true;
  }

  /// Reads the object, which is `depth` deep, up to its rows. Where the names stand behind them, or
  /// there are none, it is walked to its end, and then again.
  bool BeginSplit(ondemand::value& value, std::size_t depth) {
    is_split_ = true;
    ondemand::object object;
    if (!CheckDepth(depth) || Malformed(value.get_object().get(object))) return false;
    split_ = {object.begin(), object.end()};
    bool is_named = false;
    bool has_data = false;
    for (; split_.next != split_.end; ++split_.next) {
      ondemand::field field;
      std::string_view key;
      if (!ReadKey(split_, field, key)) return false;
      std::string_view token;
      const Kind kind = Peek(field.value(), token);
      if (key == kSplitData) {
        if (kind != Kind::kArray) {
          return Check(field.value(), kind, depth) && FailSplit(kSplitData, "rows", kind);
        }
        if (is_named) return BeginRows(field.value(), depth + 1);
        if (std::exchange(has_data, true)) return FailSplit("\"data\" is given twice");
      }
      if (key != kSplitColumns) {
        if (!Check(field.value(), kind, depth)) return false;
        continue;
      }
      if (std::exchange(is_named, true)) return FailSplit("\"columns\" is given twice");
      if (kind != Kind::kArray) {
        return Check(field.value(), kind, depth) && FailSplit(kSplitColumns, "names", kind);
      }
      if (!ReadNames(field.value(), depth + 1)) return false;
    }
    if (!has_data) return FailSplit("there is no \"data\" in it");
    if (!is_named) columns_.UseDeclared();
    names_follow_ = is_named;
    return ReturnToData(depth);
  }

  /// Walks the document, which was good so far, from its beginning to the rows of the dataframe.
  bool ReturnToData(std::size_t depth) {
    document_.rewind();
    ondemand::object root;
    ondemand::object split;
    if (Malformed(document_.get_object().get(root))) return false;
    root_ = {root.begin(), root.end()};
    const auto goes_on = [](std::string_view name, Kind wanted) {
      return [=](std::string_view key, Kind kind) { return key != name || kind != wanted; };
    };
    ondemand::field field;
    if (!Walk(root_, depth - 1, goes_on(kSplit, Kind::kObject), field)) return false;
    if (Malformed(field.value().get_object().get(split))) return false;
    split_ = {split.begin(), split.end()};
    return Walk(split_, depth, goes_on(kSplitData, Kind::kArray), field) &&
           BeginRows(field.value(), depth + 1);
  }

  /// Up to a member, which there is, of which `goes_on` is false.
  template <typename GoesOn>
  bool Walk(Members& members, std::size_t depth, GoesOn goes_on, ondemand::field& field) {
    for (; members.next != members.end; ++members.next) {
      std::string_view key;
      if (!ReadKey(members, field, key)) return false;
      std::string_view token;
      const Kind kind = Peek(field.value(), token);
      if (!goes_on(key, kind)) return true;
      if (!Check(field.value(), kind, depth)) return false;
    }
    return FailAsWhole(simdjson::INCORRECT_TYPE);
  }

  bool ReadNames(ondemand::value& value, std::size_t depth) {
    ondemand::array array;
    if (!CheckDepth(depth) || Malformed(value.get_array().get(array))) return false;
    columns_.Clear();
    bool are_positions = true;
    for (auto element : array) {
      ondemand::value one;
      std::string_view token;
      std::string_view name;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is there for rvalues alone.
      if (Malformed(std::move(element).get(one))) return false;
      const Kind kind = Peek(one, token);
      are_positions &= kind == Kind::kNumber && token == std::to_string(columns_.size());
      if (kind == Kind::kNumber) {
        name = token;
      } else if (kind != Kind::kText) {
        return FailSplit(fmt::format("expected \"columns\" to be an array of names, got {} in it",
                                     ToString(kind)));
      } else if (Malformed(one.get_string().get(name))) {
        return false;
      }
      if (!columns_.Add(name)) {
        return Fail(
            {ErrorCode::kInvalidArgument, "\"columns\" names this twice", std::string(name)});
      }
    }
    if (are_positions && !columns_.NamesAny()) {
      columns_.UseDeclared();  // so pandas counts columns that have no names
    } else if (Status named = columns_.Check(kSplit); !named) {
      return Fail(std::move(named).error());
    }
    return Leave();
  }

  bool FailSplit(std::string_view member, std::string_view of, Kind kind) {
    return FailSplit(
        fmt::format("expected \"{}\" to be an array of {}, got {}", member, of, ToString(kind)));
  }
  bool FailSplit(std::string_view message) { return FailWrapped(message, kSplit); }
  bool FailWrapped(std::string_view message, std::string_view field) {
    return Fail({ErrorCode::kInvalidArgument, std::string(message), std::string(field)});
  }

  bool ReadKey(Members& members, ondemand::field& field, std::string_view& key) {
    return !Malformed((*members.next).get(field)) && !Malformed(field.unescaped_key().get(key));
  }

  /// The members behind the rows of a dataframe, and of the document, which are of no use.
  bool CheckRest() {
    if (is_split_) {
      const auto are_rows = [this](std::string_view key, Kind) {
        return key == kSplitData || (key == kSplitColumns && !names_follow_);
      };
      if (!CheckRestOf(split_, 2, are_rows) || !Leave()) return false;
    }
    takes_no_numbers_ = false;  // those are of rows alone
    return CheckRestOf(root_, 1, [](std::string_view key, Kind kind) {
      return IsWrapper(key) && HoldsRows(key, kind);
    });
  }

  template <typename AreRows>
  bool CheckRestOf(Members& members, std::size_t depth, AreRows are_rows) {
    for (++members.next; members.next != members.end; ++members.next) {
      ondemand::field field;
      std::string_view key;
      if (!ReadKey(members, field, key)) return false;
      std::string_view token;
      const Kind kind = Peek(field.value(), token);
      if (are_rows(key, kind)) {
        return Fail({ErrorCode::kInvalidArgument, "rows are given twice", std::string(key)});
      }
      if (!Check(field.value(), kind, depth)) return false;
    }
    return true;
  }

  // ---- columns that hold rows ----

  /// Reads `inputs` by columns, an object `depth` deep, and keeps it: rows need a value of each.
  bool BeginCells(ondemand::value& value, std::size_t depth) {
    ondemand::object object;
    if (!CheckDepth(depth) || Malformed(value.get_object().get(object))) return false;
    cell_columns_ = 0;
    columns_.Clear();
    for (auto member : object) {
      ondemand::field field;
      std::string_view key;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is there for rvalues alone.
      if (Malformed(std::move(member).get(field)) || Malformed(field.unescaped_key().get(key))) {
        return false;
      }
      const std::optional<std::size_t> column = schema_.Find(key);
      if (!columns_.Add(key)) return FailWrapped("field is given twice", key);
      if (!(column ? ReadCells(field.value(), *column, depth) : Check(field.value(), depth))) {
        return false;
      }
    }
    if (Status named = columns_.Check(kInputs); !named) return Fail(std::move(named).error());
    in_array_ = true;
    next_ = Next::kCell;
    next_cell_ = 0;
    return Leave();
  }

  /// The values of a field.
  bool ReadCells(ondemand::value& value, std::size_t field, std::size_t depth) {
    std::string_view token;
    const std::string& name = schema_.columns[field].name;
    if (const Kind kind = Peek(value, token); kind != Kind::kArray) {
      return Check(value, kind, depth) &&
             FailWrapped(
                 fmt::format("expected an array with a value for each row, got {}", ToString(kind)),
                 name);
    }
    if (cell_columns_ == cells_.size()) cells_.emplace_back();
    CellColumn& column = cells_[cell_columns_++];
    column.field = field;
    column.cells.clear();
    ondemand::array array;
    if (!CheckDepth(depth + 1) || Malformed(value.get_array().get(array))) return false;
    for (auto element : array) {
      ondemand::value one;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is there for rvalues alone.
      if (Malformed(std::move(element).get(one)) || !ReadCell(one, column, depth + 1)) return false;
    }
    const std::size_t rows = cells_.front().cells.size();
    if (column.cells.size() != rows) {
      return FailWrapped(fmt::format("{} values, and {} of {}", column.cells.size(), rows,
                                     schema_.columns[cells_.front().field].name),
                         name);
    }
    return Leave();
  }

  bool ReadCell(ondemand::value& value, CellColumn& column, std::size_t depth) {
    std::string_view token;
    const Kind kind = Peek(value, token);
    if (kind == Kind::kArray) return ReadNestedCell(value, column, depth);
    if (!ReadToken(value, kind, column.field, depth, token)) return false;
    column.cells.emplace_back(kind, token);
    return true;
  }

  /// Of a tensor of one column each value stands in an array of its own; any other is no value.
  bool ReadNestedCell(ondemand::value& value, CellColumn& column, std::size_t depth) {
    ondemand::array array;
    if (!CheckDepth(depth + 1) || Malformed(value.get_array().get(array))) return false;
    const std::size_t before = column.cells.size();
    for (auto element : array) {
      ondemand::value one;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is there for rvalues alone.
      if (Malformed(std::move(element).get(one)) || !ReadCell(one, column, depth + 1)) return false;
    }
    if (column.cells.size() != before + 1) {
      return FailWrapped("expected one value for each row", schema_.columns[column.field].name);
    }
    return Leave();
  }

  /// Rows of the values that were kept, and when these are all, the rest of the document.
  Progress JoinCells(std::size_t steps) {
    const std::span<CellColumn> columns = std::span(cells_).first(cell_columns_);
    const std::size_t rows = columns.empty() ? 0 : columns.front().cells.size();
    for (; next_cell_ < rows; ++next_cell_, --steps) {
      if (steps == 0) return Progress::kMore;
      if (!rows_->Begin()) {
        Fail(rows_->TooManyRows());
        return Progress::kFailed;
      }
      for (const CellColumn& column : columns) {
        if (rows_->failed()) break;
        const Cell& cell = column.cells[next_cell_];
        TakeValue(cell.kind, cell.token(), column.field);
      }
      rows_->End();
    }
    GiveBackCells();
    return EndElements(true);
  }

  /// What one great request took, whether or not it came to its end.
  void GiveBackCells() {
    constexpr std::size_t kKeptCells = 65536;
    std::size_t room = 0;
    for (const CellColumn& column : cells_) room += column.cells.capacity();
    if (room > kKeptCells) cells_.clear();
  }

  // ---- values ----

  /// Reads and checks a value, and appends it to its column unless the row has failed.
  bool ReadValue(ondemand::value& value, std::size_t column, std::size_t depth) {
    std::string_view token;
    const Kind kind = Peek(value, token);
    if (!ReadToken(value, kind, column, depth, token)) return false;
    if (!rows_->failed()) TakeValue(kind, token, column);
    return true;
  }

  /// Reads what Peek() has seen of a field's value: a text, or all of it, becomes `token`.
  bool ReadToken(ondemand::value& value, Kind kind, std::size_t column, std::size_t depth,
                 std::string_view& token) {
    if (kind == Kind::kText) return !Malformed(value.get_string().get(token));
    if (kind == Kind::kObject && column == object_field_) {
      ondemand::object object;
      return !Malformed(value.get_object().get(object)) && !Malformed(object.raw_json().get(token));
    }
    return kind == Kind::kNoNumber || Check(value, kind, depth);
  }

  /// Appends a value to its column: a text, or the token of something else. Precondition: the row
  /// has not failed.
  void TakeValue(Kind kind, std::string_view token, std::size_t column) {
    const ColumnSpec& spec = schema_.columns[column];
    if (rows_->Has(column)) {
      rows_->Fail("field is given twice", spec.name);
    } else if (kind == Kind::kNull) {
      rows_->AddMissing(column);
    } else if (kind == Kind::kNoNumber) {
      TakeNoNumber(token, column);
    } else if (kind == Kind::kText || (kind == Kind::kObject && column == object_field_)) {
      AppendText(token, spec, rows_->column(column));
    } else {
      AppendToken(token, kind, spec, rows_->column(column));
    }
  }

  /// Where rows are wrapped, as Python's clients send them, NaN is what pandas has for a missing
  /// value of any type, and an infinity a number.
  void TakeNoNumber(std::string_view token, std::size_t column) {
    const ColumnSpec& spec = schema_.columns[column];
    if (takes_no_numbers_ && token.ends_with("NaN")) {
      rows_->AddMissing(column);
    } else if (takes_no_numbers_ && spec.type == ColumnType::kDouble) {
      const double infinity = std::numeric_limits<double>::infinity();
      rows_->column(column).AppendDouble(token.starts_with('-') ? -infinity : infinity);
    } else {
      rows_->Fail(NoNumberText(token), spec.name);
    }
  }

  void AppendText(std::string_view text, const ColumnSpec& spec, Column& column) {
    if (spec.type == ColumnType::kText || spec.type == ColumnType::kTimestamp) {
      Note(AppendFieldText(text, spec, zone_, column), spec);
    } else {
      rows_->Fail(WrongKind(spec.type, Kind::kText), spec.name);
    }
  }

  void AppendToken(std::string_view token, Kind kind, const ColumnSpec& spec, Column& column) {
    if (kind == Kind::kBool && spec.type == ColumnType::kBool) {
      column.AppendBool(token.front() == 't');
    } else if (kind == Kind::kNumber && spec.type == ColumnType::kDouble) {
      Note(preprocessing::AppendParsed(token, zone_, column), spec);
    } else if (kind == Kind::kNumber && spec.type == ColumnType::kInt64) {
      if (token.find_first_of(".eE") != std::string_view::npos) {
        rows_->Fail("expected an integer of 64 bits, got a number with a fraction or an exponent",
                    spec.name);
      } else {
        Note(preprocessing::AppendParsed(token, zone_, column), spec);
      }
    } else if (kind == Kind::kNumber && spec.format.time) {  // an epoch
      Note(preprocessing::AppendParsed(token, spec.format, zone_, column), spec);
    } else {
      rows_->Fail(WrongKind(spec.type, kind), spec.name);
    }
  }

  void Note(Status appended, const ColumnSpec& spec) {
    if (!appended) rows_->Fail(std::move(appended).error().message, spec.name);
  }

  [[nodiscard]] Error RowFailureOf(std::string_view document) const {
    return FailureOf(document,
                     in_array_ ? fmt::format(", in row {}", rows_->row()) : std::string());
  }

  const Schema& schema_;
  const TimeZone& zone_;
  std::vector<bool> plain_names_;        // whether a name is the same with JSON's escapes
  RowColumns columns_;                   // of rows that are arrays
  std::vector<std::size_t> successors_;  // column that followed column i - 1 when last seen
  // Of the body at hand.
  RowCollector* rows_ = nullptr;
  std::string_view body_;  // of lines: what is left of it
  Wrapping wrapping_ = Wrapping::kObject;
  bool is_split_ = false;
  bool names_follow_ = false;  // of a dataframe, behind its rows
  bool names_any_ = false;     // whether the object that was read last has a declared field
  /// A member that might have held rows, but is of another kind. Its name as simdjson has it.
  std::optional<std::pair<std::string_view, Kind>> misplaced_;
  Next next_ = Next::kDocument;
  bool empty_ = true;
  Members root_;
  Members split_;  // of a dataframe, within
  simdjson::simdjson_result<ondemand::array_iterator> element_;
  simdjson::simdjson_result<ondemand::array_iterator> elements_end_;
  std::size_t elements_depth_ = 1;
  bool in_array_ = false;          // among the rows of an array
  std::vector<CellColumn> cells_;  // of rows that come by columns; the first of them are used:
  std::size_t cell_columns_ = 0;
  std::size_t next_cell_ = 0;
  std::optional<std::size_t> object_field_;
};

JsonRows::JsonRows(const Schema& schema, const TimeZone& zone, std::size_t max_depth)
    : reader_(std::make_unique<Reader>(schema, zone, max_depth)) {}
JsonRows::~JsonRows() = default;

void JsonRows::TakeObjects(std::size_t field) noexcept { reader_->TakeObjects(field); }

void JsonRows::Start(Form form, std::string_view body, RowCollector& rows) {
  reader_->Begin(form, body, rows);
}

Result<bool> JsonRows::Continue(std::size_t steps) { return reader_->Continue(steps); }

Wrapping JsonRows::wrapping() const noexcept { return reader_->wrapping(); }

}  // namespace forkcast::wire
