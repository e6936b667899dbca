#include "serving/wire/json_rows.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
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
    next_ = lines ? Next::kLine : Next::kDocument;
    empty_ = true;
  }

  Result<bool> Continue(std::size_t steps) {
    if (next_ == Next::kLine) return ReadLines(steps);
    Progress progress = Progress::kMore;
    if (next_ == Next::kDocument) progress = ReadDocument();
    if (progress == Progress::kMore) progress = ReadElements(steps);
    if (progress == Progress::kFailed) return RowFailureOf(body_);
    return progress == Progress::kDone;
  }

  [[nodiscard]] Wrapping wrapping() const noexcept { return wrapping_; }

  void TakeObjects(std::size_t field) noexcept { object_field_ = field; }

 private:
  // Members of a document's object that hold its rows, unless they are fields: an array of rows of
  // TensorFlow Serving, and what MLflow takes beside it; and of a dataframe the names and the rows.
  static constexpr std::array<std::string_view, 3> kWrappers{"instances", "inputs",
                                                             "dataframe_records"};
  static constexpr std::string_view kSplit = "dataframe_split";
  static constexpr std::string_view kSplitColumns = "columns";
  static constexpr std::string_view kSplitData = "data";

  enum class Next { kDocument, kElement, kLine };
  enum class Progress { kMore, kDone, kFailed };

  /// Where an object is being read.
  struct Members {
    simdjson::simdjson_result<ondemand::object_iterator> next;
    simdjson::simdjson_result<ondemand::object_iterator> end;
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
    rows_->End();
    return Finish() ? Progress::kDone : Progress::kFailed;
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
    const bool whole = wrapping_ == Wrapping::kArray || (Leave() && CheckRest());
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
          if (HoldsRows(key, kind)) return BeginWrapped(key, field.value(), depth);
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
    return Progress::kDone;
  }

  // ---- members that hold rows ----

  static bool IsWrapper(std::string_view key) noexcept {
    return key == kSplit || std::ranges::find(kWrappers, key) != kWrappers.end();
  }
  /// Whether a member that IsWrapper() does hold rows; else it is one of those that are ignored.
  static bool HoldsRows(std::string_view key, Kind kind) noexcept {
    return kind == (key == kSplit ? Kind::kObject : Kind::kArray);
  }

  Progress BeginWrapped(std::string_view key, ondemand::value& value, std::size_t depth) {
    wrapping_ = Wrapping::kInstances;
    rows_->Abandon();
    if (key == kSplit) return BeginSplit(value, depth + 1) ? Progress::kMore : Progress::kFailed;
    columns_.UseDeclared();
    return BeginRows(value, depth + 1) ? Progress::kMore : Progress::kFailed;
  }

  bool BeginRows(ondemand::value& value, std::size_t depth) {
    ondemand::array array;
    if (!CheckDepth(depth) || Malformed(value.get_array().get(array))) return false;
    BeginElements(array, depth);
    return true;
  }

  /// Reads the object, which is `depth` deep, up to its rows.
  bool BeginSplit(ondemand::value& value, std::size_t depth) {
    is_split_ = true;
    ondemand::object object;
    if (!CheckDepth(depth) || Malformed(value.get_object().get(object))) return false;
    split_ = {object.begin(), object.end()};
    bool is_named = false;
    for (; split_.next != split_.end; ++split_.next) {
      ondemand::field field;
      std::string_view key;
      if (!ReadKey(split_, field, key)) return false;
      std::string_view token;
      const Kind kind = Peek(field.value(), token);
      if (key == kSplitData) {
        if (!is_named) return FailSplit("expected \"columns\", and behind it \"data\"");
        if (kind != Kind::kArray) return FailSplit("expected \"data\" to be an array of rows");
        return BeginRows(field.value(), depth + 1);
      }
      if (key != kSplitColumns) {
        if (!Check(field.value(), kind, depth)) return false;
        continue;
      }
      if (std::exchange(is_named, true)) return FailSplit("\"columns\" is given twice");
      if (kind != Kind::kArray) return FailSplit("expected \"columns\" to be an array of names");
      if (!ReadNames(field.value(), depth + 1)) return false;
    }
    return FailSplit("there is no \"data\" in it");
  }

  bool ReadNames(ondemand::value& value, std::size_t depth) {
    ondemand::array array;
    if (!CheckDepth(depth) || Malformed(value.get_array().get(array))) return false;
    columns_.Clear();
    for (auto element : array) {
      ondemand::value one;
      std::string_view token;
      std::string_view name;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is there for rvalues alone.
      if (Malformed(std::move(element).get(one))) return false;
      if (Peek(one, token) != Kind::kText) {
        return FailSplit("expected \"columns\" to be an array of names");
      }
      if (Malformed(one.get_string().get(name))) return false;
      if (!columns_.Add(name)) {
        return Fail(
            {ErrorCode::kInvalidArgument, "\"columns\" names this twice", std::string(name)});
      }
    }
    if (Status named = columns_.Check(kSplit); !named) return Fail(std::move(named).error());
    return Leave();
  }

  bool FailSplit(std::string_view message) {
    return Fail({ErrorCode::kInvalidArgument, std::string(message), std::string(kSplit)});
  }

  bool ReadKey(Members& members, ondemand::field& field, std::string_view& key) {
    return !Malformed((*members.next).get(field)) && !Malformed(field.unescaped_key().get(key));
  }

  /// The members behind the rows of a dataframe, and of the document, which are of no use.
  bool CheckRest() {
    if (is_split_) {
      const auto are_rows = [](std::string_view key, Kind) {
        return key == kSplitData || key == kSplitColumns;
      };
      if (!CheckRestOf(split_, 2, are_rows) || !Leave()) return false;
    }
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

  // ---- values ----

  /// Reads and checks a value, and appends it to its column unless the row has failed.
  bool ReadValue(ondemand::value& value, std::size_t column, std::size_t depth) {
    std::string_view token;
    const Kind kind = Peek(value, token);
    std::string_view text;
    if (kind == Kind::kText) {
      if (Malformed(value.get_string().get(text))) return false;
    } else if (kind == Kind::kObject && column == object_field_) {
      ondemand::object object;
      if (Malformed(value.get_object().get(object)) || Malformed(object.raw_json().get(text))) {
        return false;
      }
    } else if (kind != Kind::kNoNumber && !Check(value, kind, depth)) {
      return false;
    }
    if (rows_->failed()) return true;
    const ColumnSpec& spec = schema_.columns[column];
    if (rows_->Has(column)) {
      rows_->Fail("field is given twice", spec.name);
    } else if (kind == Kind::kNull) {
      rows_->AddMissing(column);
    } else if (kind == Kind::kNoNumber) {
      rows_->Fail(NoNumberText(token), spec.name);
    } else if (kind == Kind::kText || (kind == Kind::kObject && column == object_field_)) {
      AppendText(text, spec, rows_->column(column));
    } else {
      AppendToken(token, kind, spec, rows_->column(column));
    }
    return true;
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
  Next next_ = Next::kDocument;
  bool empty_ = true;
  Members root_;
  Members split_;  // of a dataframe, within
  simdjson::simdjson_result<ondemand::array_iterator> element_;
  simdjson::simdjson_result<ondemand::array_iterator> elements_end_;
  std::size_t elements_depth_ = 1;
  bool in_array_ = false;  // among the rows of an array
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
