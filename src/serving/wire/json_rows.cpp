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
#include "serving/wire/row_columns.hpp"

namespace forkcast::wire {
namespace {

using preprocessing::Column;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::Schema;
using preprocessing::TimeZone;
namespace ondemand = simdjson::ondemand;

static_assert(kBodyPadding >= simdjson::SIMDJSON_PADDING);

// Depth is walked by recursion; simdjson's own limit, in its debug checks, is 1024.
constexpr std::size_t kDeepest = 1000;

/// kNoNumber: what other languages write for a number that is none.
enum class Kind { kText, kNumber, kBool, kNull, kArray, kObject, kNoNumber, kNotJson };

std::string_view ToString(Kind kind) noexcept {
  switch (kind) {
    case Kind::kText:
      return "text";
    case Kind::kNumber:
      return "a number";
    case Kind::kBool:
      return "a boolean";
    case Kind::kNull:
      return "null";
    case Kind::kArray:
      return "an array";
    case Kind::kObject:
      return "an object";
    case Kind::kNoNumber:
    case Kind::kNotJson:
      break;
  }
  return "something that is not JSON";
}

constexpr bool IsBlank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view Trim(std::string_view text) noexcept {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

std::size_t CountDigits(std::string_view text) noexcept {
  const auto end = std::ranges::find_if_not(text, [](char c) { return c >= '0' && c <= '9'; });
  return static_cast<std::size_t>(end - text.begin());
}

/// The number grammar of RFC 8259, section 6, whatever its size.
bool IsNumber(std::string_view text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  std::size_t digits = CountDigits(text);
  if (digits == 0 || (digits > 1 && text.front() == '0')) return false;
  text.remove_prefix(digits);
  if (text.starts_with('.')) {
    digits = CountDigits(text.substr(1));
    if (digits == 0) return false;
    text.remove_prefix(1 + digits);
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    digits = CountDigits(text);
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  return text.empty();
}

/// As Python, JavaScript and Java write them into what they call JSON.
bool IsNoNumber(std::string_view token) noexcept {
  if (token.starts_with('-')) token.remove_prefix(1);
  return token == "NaN" || token == "Infinity";
}

/// By the first character; a text, array or object may still turn out to be malformed.
Kind KindOf(std::string_view token) noexcept {
  if (token.empty()) return Kind::kNotJson;
  switch (token.front()) {
    case '"':
      return Kind::kText;
    case '{':
      return Kind::kObject;
    case '[':
      return Kind::kArray;
    case 't':
      return token == "true" ? Kind::kBool : Kind::kNotJson;
    case 'f':
      return token == "false" ? Kind::kBool : Kind::kNotJson;
    case 'n':
      return token == "null" ? Kind::kNull : Kind::kNotJson;
    default:
      if (IsNumber(token)) return Kind::kNumber;
      return IsNoNumber(token) ? Kind::kNoNumber : Kind::kNotJson;
  }
}

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

std::string NoNumberText(std::string_view token) {
  return fmt::format("{} is no JSON: a value that is missing is written null", token);
}

std::string_view Explain(simdjson::error_code code) noexcept {
  switch (code) {
    case simdjson::EMPTY:
      return "it is empty";
    case simdjson::UTF8_ERROR:
      return "it is not UTF-8";
    case simdjson::UNCLOSED_STRING:
      return "a text is not closed";
    case simdjson::UNESCAPED_CHARS:
      return "a text holds a control character that is not escaped";
    case simdjson::STRING_ERROR:
      return "a text holds a bad escape";
    case simdjson::NUMBER_ERROR:
      return "expected a value";
    case simdjson::TRAILING_CONTENT:
      return "there is something behind its end";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "an array or object is not closed";
    case simdjson::TAPE_ERROR:
      return "a comma, colon, key or bracket is missing or out of place";
    default:
      return simdjson::error_message(code);
  }
}

}  // namespace

/// Walks documents token by token. simdjson's on-demand iterators check little of what they skip,
/// and, built as Debian does, do not notice the end of the document when a bracket is missing. So
/// nothing is skipped here: each value is visited and checked, and after each closing bracket but
/// the outermost the document must go on (Leave()). What remains to simdjson is its first pass
/// (UTF-8, quotes, tokens) and the unescaping of texts.
///
/// Reading functions give false when the document is no good; failure_ then says why, and no
/// iterator may be touched again.
class JsonRows::Reader {
 public:
  Reader(const Schema& schema, const TimeZone& zone, std::size_t max_depth)
      : schema_(schema), zone_(zone), max_depth_(std::min(max_depth, kDeepest)), columns_(schema) {
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
    if (progress == Progress::kFailed) return FailureOf(body_);
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

  enum class Failure { kMalformed, kTooDeep, kTooManyRows, kNoRows, kOther };
  enum class Next { kDocument, kElement, kLine };
  enum class Progress { kMore, kDone, kFailed };

  /// Where an object is being read.
  struct Members {
    simdjson::simdjson_result<ondemand::object_iterator> next;
    simdjson::simdjson_result<ondemand::object_iterator> end;
  };

  // ---- documents ----

  /// Runs simdjson's first pass over one document.
  bool Start(std::string_view document) {
    token_ = {};
    in_array_ = false;
    // Doubling, so that JSON lines of growing length do not allocate each.
    if (parser_.capacity() < document.size() &&
        Malformed(parser_.allocate(std::bit_ceil(document.size())))) {
      return false;
    }
    return !Malformed(
        parser_.iterate(document.data(), document.size(), document.size() + kBodyPadding)
            .get(document_));
  }

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
    root_kind_ = kind;
    if (ReadRootScalar(body_, kind)) Fail(Failure::kNoRows);
    return Progress::kFailed;
  }

  Progress ReadRootObject() {
    ondemand::object object;
    const bool begun = (rows_->Begin() || Fail(Failure::kTooManyRows)) && CheckDepth(1) &&
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
      token_ = {};
      in_array_ = false;
      return (kind != Kind::kNotJson && kind != Kind::kNoNumber) ||
             Fail(Trim(body).empty() ? simdjson::EMPTY : simdjson::NUMBER_ERROR);
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
      rows_->Fail(FailureOf(line).message);
    } else if (kind != Kind::kObject) {
      rows_->Fail(ExpectedRow(kind));
    }
  }

  bool Finish() { return AtEnd() || Fail(simdjson::TRAILING_CONTENT); }

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
    if (!rows_->Begin()) return Fail(Failure::kTooManyRows);
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

  /// The kind of `value`, and its token: all of a scalar, the first character of others.
  Kind Peek(ondemand::value& value, std::string_view& token) noexcept {
    token = Trim(value.raw_json_token());
    token_ = token;
    return KindOf(token);
  }

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
      Status parsed = preprocessing::AppendParsed(text, spec.format, zone_, column);
      // Answers and examples write times in our own way, whatever is declared, and may come back.
      if (!parsed && spec.format.time && preprocessing::AppendParsed(text, zone_, column))
        parsed = {};
      Note(std::move(parsed), spec);
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

  /// Visits a value that is of no use, to know that it is JSON. `depth` is that of its parent.
  bool Check(ondemand::value& value, std::size_t depth) {
    std::string_view token;
    return Check(value, Peek(value, token), depth);
  }

  bool Check(ondemand::value& value, Kind kind, std::size_t depth) {
    switch (kind) {
      case Kind::kText: {
        std::string_view text;
        return !Malformed(value.get_string().get(text));
      }
      case Kind::kArray: {
        ondemand::array array;
        return CheckDepth(depth + 1) && !Malformed(value.get_array().get(array)) &&
               CheckElements(array, depth + 1) && Leave();
      }
      case Kind::kObject: {
        ondemand::object object;
        return CheckDepth(depth + 1) && !Malformed(value.get_object().get(object)) &&
               CheckMembers(object, depth + 1) && Leave();
      }
      case Kind::kNumber:
      case Kind::kBool:
      case Kind::kNull:
        return true;  // Peek() has seen all of it; the iterator steps over it
      case Kind::kNoNumber:
      case Kind::kNotJson:
        break;
    }
    return Fail(simdjson::NUMBER_ERROR);
  }

  bool CheckElements(ondemand::array& array, std::size_t depth) {
    for (auto element : array) {
      ondemand::value value;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is there for rvalues alone.
      if (Malformed(std::move(element).get(value)) || !Check(value, depth)) return false;
    }
    return true;
  }

  bool CheckMembers(ondemand::object& object, std::size_t depth) {
    for (auto member : object) {
      ondemand::field field;
      std::string_view key;
      if (Malformed(std::move(member).get(field)) || Malformed(field.unescaped_key().get(key)) ||
          !Check(field.value(), depth)) {
        return false;
      }
    }
    return true;
  }

  // ---- failures ----

  [[nodiscard]] bool AtEnd() noexcept {
    return document_.current_location().error() == simdjson::OUT_OF_BOUNDS;
  }
  /// After the closing bracket of an inner array or object.
  bool Leave() { return !AtEnd() || Fail(simdjson::INCOMPLETE_ARRAY_OR_OBJECT); }
  bool CheckDepth(std::size_t depth) { return depth <= max_depth_ || Fail(Failure::kTooDeep); }

  bool Fail(Failure failure) {
    failure_ = failure;
    return false;
  }
  bool Fail(Error error) {
    other_ = std::move(error);
    return Fail(Failure::kOther);
  }
  bool Fail(simdjson::error_code code) {
    code_ = code;
    return Fail(Failure::kMalformed);
  }
  /// Whether `code` is an error, which is noted.
  bool Malformed(simdjson::error_code code) { return code != simdjson::SUCCESS && !Fail(code); }

  /// What failed in `document`, the one that was read last.
  [[nodiscard]] Error FailureOf(std::string_view document) const {
    switch (failure_) {
      case Failure::kTooManyRows:
        return rows_->TooManyRows();
      case Failure::kTooDeep:
        return {ErrorCode::kInvalidArgument,
                "JSON is nested more than " + std::to_string(max_depth_) + " deep"};
      case Failure::kOther:
        return other_;
      case Failure::kNoRows:
        return {ErrorCode::kInvalidArgument,
                std::string("expected a JSON object or an array of objects, got ")
                    .append(ToString(root_kind_))};
      case Failure::kMalformed:
        break;
    }
    std::string message = "not valid JSON: ";
    const bool is_no_number = code_ == simdjson::NUMBER_ERROR && IsNoNumber(token_);
    message.append(is_no_number ? NoNumberText(token_) : std::string(Explain(code_)));
    if (!token_.empty()) {
      message += ", near byte " + std::to_string(token_.data() - document.data());
    }
    if (in_array_) message += ", in row " + std::to_string(rows_->row());
    return {ErrorCode::kInvalidArgument, std::move(message)};
  }

  const Schema& schema_;
  const TimeZone& zone_;
  std::size_t max_depth_;
  std::vector<bool> plain_names_;        // whether a name is the same with JSON's escapes
  RowColumns columns_;                   // of rows that are arrays
  std::vector<std::size_t> successors_;  // column that followed column i - 1 when last seen
  ondemand::parser parser_;
  ondemand::document document_;
  // Of the body at hand.
  RowCollector* rows_ = nullptr;
  std::string_view body_;  // of lines: what is left of it
  Wrapping wrapping_ = Wrapping::kObject;
  bool is_split_ = false;
  Next next_ = Next::kDocument;
  bool empty_ = true;
  Kind root_kind_ = Kind::kNotJson;
  Members root_;
  Members split_;  // of a dataframe, within
  simdjson::simdjson_result<ondemand::array_iterator> element_;
  simdjson::simdjson_result<ondemand::array_iterator> elements_end_;
  std::size_t elements_depth_ = 1;
  Failure failure_ = Failure::kMalformed;
  Error other_;
  simdjson::error_code code_ = simdjson::SUCCESS;
  std::string_view token_;  // the value seen last
  bool in_array_ = false;   // among the rows of an array
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
