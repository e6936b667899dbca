#include "serving/routes/route_rows.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/table/append_value.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/http/url.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/media_type.hpp"
#include "serving/wire/row_collector.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Column;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::TimeZone;
using simdjson::dom::element;
using simdjson::dom::element_type;

static_assert(wire::kBodyPadding >= simdjson::SIMDJSON_PADDING);

constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::size_t kFirstCapacity = 4096;

/// One value as it was sent.
using Sent = std::variant<std::monostate, std::string, element>;

bool IsForm(std::string_view content_type) noexcept {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return EqualsIgnoringCase(type, kForm);
}

std::string_view KindOf(element value) noexcept {
  switch (value.type()) {
    case element_type::ARRAY:
      return "an array";
    case element_type::OBJECT:
      return "an object";
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE:
      return "a number";
    case element_type::STRING:
      return "text";
    case element_type::BOOL:
      return "a boolean";
    case element_type::NULL_VALUE:
      break;
  }
  return "null";
}

std::string_view Expected(ColumnType type) noexcept {
  switch (type) {
    case ColumnType::kText:
      return "text or an integer";
    case ColumnType::kInt64:
      return "an integer of 64 bits";
    case ColumnType::kDouble:
      return "a number";
    case ColumnType::kBool:
      return "true or false";
    case ColumnType::kTimestamp:
      return "a time as text";
  }
  return "?";
}

Error WrongKind(ColumnType type, element value) {
  std::string message = "expected ";
  message.append(Expected(type)).append(", got ").append(KindOf(value));
  if (value.is_number()) message.append(" ").append(simdjson::minify(value));
  return Invalid(std::move(message));
}

Error NotJson(simdjson::error_code code) {
  std::string message = "not valid JSON";
  if (code == simdjson::EMPTY) message = "the body is empty: expected JSON";
  if (code == simdjson::DEPTH_ERROR) message = "JSON is nested too deep";
  if (code == simdjson::UTF8_ERROR) message += ": it is not UTF-8";
  if (code == simdjson::NUMBER_ERROR) message += ": a number is malformed or too large";
  return Invalid(std::move(message));
}

/// Where the second of two times written so begins, behind the blank between; npos when `text` is
/// one alone. The times may hold blanks themselves.
std::size_t SecondOf(std::string_view text, const std::string& pattern) {
  const auto blanks = std::ranges::count(pattern, ' ');
  std::size_t at = std::string_view::npos;
  for (std::ptrdiff_t i = 0; i <= blanks; ++i) {
    at = text.find(' ', at + 1);  // npos + 1 is 0
    if (at == std::string_view::npos) return at;
  }
  return at + 1;
}

}  // namespace

class RouteRows::Reader {
 public:
  Reader(const Route& route, wire::DecoderLimits limits) : route_(route), limits_(limits) {
    if (parser_.allocate(kFirstCapacity, limits.max_depth) != simdjson::SUCCESS) {
      throw std::bad_alloc();
    }
    for (const ColumnSpec& column : route.question().columns) shared_.emplace_back(column.type);
    for (const Route::Input& input : route.inputs()) {
      reads_body_ |= input.place == RoutePlace::kBody || input.place == RoutePlace::kRow;
    }
    reads_body_ |= route.spec().rows.has_value();
  }

  Status Start(const RouteRequest& request, wire::DecodedRequest& out) {
    out.Clear();
    out_ = &out;
    out.wrapping = wire::Wrapping::kArray;
    rows_.emplace(out, limits_.max_rows);
    elements_.clear();
    sent_.assign(route_.inputs().size(), {});
    body_.reset();
    for (Column& column : shared_) column.Clear();
    if (Status taken = TakeUrl(request); !taken) return taken;
    if (reads_body_) {
      if (Status taken = TakeBody(request); !taken) return taken;
    }
    return ReadShared();
  }

  Result<bool> Continue(std::size_t rows) {
    if (!route_.spec().rows) {
      if (!rows_->Begin()) return rows_->TooManyRows();
      FillRow();
      rows_->End();
      return true;
    }
    for (; out_->row_count < elements_.size(); --rows) {
      if (rows == 0) return false;
      static_cast<void>(rows_->Begin());  // their number is known to be one that may be
      ReadRow(elements_[out_->row_count]);
      rows_->End();
    }
    return true;
  }

  void AppendRequest(std::size_t row, std::string_view member, std::string& out) const {
    if (route_.spec().rows) return AppendElement(elements_[row], member, out);
    if (body_) return AppendElement(*body_, member, out);
    AppendSent(member, out);
  }

 private:
  // ---- what was sent ----

  Status TakeUrl(const RouteRequest& request) {
    std::size_t segment = 0;
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      const Route::Input& input = route_.inputs()[i];
      if (input.place == RoutePlace::kPath) {
        sent_[i] = std::string(request.segments[segment++]);
      } else if (input.place == RoutePlace::kQuery) {
        if (Status taken = TakeParameter(request.query, i); !taken) return taken;
      }
    }
    return {};
  }

  /// Of a query, or of a form, which is written alike.
  Status TakeParameter(std::string_view parameters, std::size_t i) {
    const Route::Input& input = route_.inputs()[i];
    auto value = QueryParameter(parameters, input.name);
    if (!value) return std::move(value).error();
    const bool is_text = TypeOf(input) == ColumnType::kText;
    if (*value && (is_text || !(*value)->empty())) sent_[i] = **std::move(value);
    return {};
  }

  Status TakeBody(const RouteRequest& request) {
    if (!route_.spec().rows && IsForm(request.content_type)) return TakeForm(request.body);
    const auto format = wire::FormatOfRequest(request.content_type);
    if (!format || *format != wire::Format::kJson) return OtherType();
    element root;
    const auto failed =
        parser_.parse(request.body.data(), request.body.size(), /*realloc_if_needed=*/false)
            .get(root);
    if (failed != simdjson::SUCCESS) return NotJson(failed);
    if (route_.spec().rows == "$") return TakeRows(root, {});
    return TakeMembers(root);
  }

  [[nodiscard]] Error OtherType() const {
    constexpr std::string_view kExpected = "expected application/json in UTF-8";
    return {ErrorCode::kUnsupportedType,
            route_.spec().rows ? std::string(kExpected) : fmt::format("{} or {}", kExpected, kForm),
            "Content-Type"};
  }

  Status TakeForm(std::string_view form) {
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      if (route_.inputs()[i].place != RoutePlace::kBody) continue;
      if (Status taken = TakeParameter(form, i); !taken) return taken;
    }
    return {};
  }

  Status TakeMembers(element root) {
    simdjson::dom::object object;
    if (root.get(object) != simdjson::SUCCESS) {
      return Invalid(std::string("expected a JSON object, got ").append(KindOf(root)));
    }
    bool has_rows = false;
    for (const auto [name, value] : object) {
      if (route_.spec().rows == name) {
        if (std::exchange(has_rows, true)) return Invalid("field is given twice", name);
        if (Status taken = TakeRows(value, name); !taken) return taken;
      } else if (!Take(name, value, RoutePlace::kBody)) {
        return Invalid("field is given twice", name);
      }
    }
    if (!route_.spec().rows) {
      body_ = root;
    } else if (!has_rows) {
      return Invalid("required field is missing", *route_.spec().rows);
    }
    return {};
  }

  Status TakeRows(element value, std::string_view name) {
    simdjson::dom::array rows;
    if (value.get(rows) != simdjson::SUCCESS) {
      return Invalid(std::string("expected an array of rows, got ").append(KindOf(value)), name);
    }
    for (const element row : rows) {
      if (elements_.size() == limits_.max_rows) return rows_->TooManyRows();
      elements_.push_back(row);
    }
    return {};
  }

  /// Notes a member, if the route has one of that name and place. False when it was given before.
  bool Take(std::string_view name, element value, RoutePlace place) {
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      const Route::Input& input = route_.inputs()[i];
      if (input.place != place || input.name != name) continue;
      if (sent_[i].index() != 0) return false;
      sent_[i] = value;
    }
    return true;
  }

  // ---- what it means ----

  [[nodiscard]] ColumnType TypeOf(const Route::Input& input) const noexcept {
    return route_.question().columns[input.column].type;
  }

  /// What holds for all rows, into `shared_`.
  Status ReadShared() {
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      const Route::Input& input = route_.inputs()[i];
      if (input.place == RoutePlace::kRow) continue;
      if (IsAbsent(sent_[i])) {
        if (input.required) return Invalid("required field is missing", input.name);
        continue;
      }
      const auto column = [this](std::size_t index) -> Column& { return shared_[index]; };
      if (Status read = Read(sent_[i], input, column); !read) {
        return Invalid(read.error().message, input.name);
      }
    }
    return {};
  }

  void ReadRow(element row) {
    simdjson::dom::object object;
    if (row.get(object) != simdjson::SUCCESS) {
      return rows_->Fail(std::string("expected a JSON object, got ").append(KindOf(row)));
    }
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      if (route_.inputs()[i].place == RoutePlace::kRow) sent_[i] = {};
    }
    for (const auto [name, value] : object) {
      if (!Take(name, value, RoutePlace::kRow)) return rows_->Fail("field is given twice", name);
    }
    for (std::size_t i = 0; i < sent_.size() && !rows_->failed(); ++i) {
      if (route_.inputs()[i].place == RoutePlace::kRow) ReadOwn(i);
    }
    if (!rows_->failed()) FillRow();
  }

  /// A member of the row at hand.
  void ReadOwn(std::size_t i) {
    const Route::Input& input = route_.inputs()[i];
    if (IsAbsent(sent_[i])) {
      if (input.required) rows_->Fail("required field is missing", input.name);
      return;
    }
    const auto column = [this](std::size_t index) -> Column& { return rows_->column(index); };
    Status read = Read(sent_[i], input, column);
    if (!read) rows_->Fail(std::move(read).error().message, input.name);
  }

  /// Puts what holds for all rows, or always, where the row has nothing of its own. What is still
  /// absent then is missing, which End() notes.
  void FillRow() {
    for (std::size_t i = 0; i < shared_.size(); ++i) {
      if (rows_->Has(i)) continue;
      const Column& constant = route_.constants()[i];
      if (shared_[i].size() > 0) {
        preprocessing::AppendValue(ValueAt(shared_[i], 0), rows_->column(i));
      } else if (constant.size() > 0) {
        preprocessing::AppendValue(ValueAt(constant, 0), rows_->column(i));
      }
    }
  }

  static bool IsAbsent(const Sent& sent) noexcept {
    const auto* const value = std::get_if<element>(&sent);
    return sent.index() == 0 || (value != nullptr && value->is_null());
  }

  /// Appends the value to the column, or columns, of its input.
  template <typename ColumnAt>
  Status Read(const Sent& sent, const Route::Input& input, ColumnAt column) {
    if (const auto* const text = std::get_if<std::string>(&sent)) {
      return ReadText(*text, input, column);
    }
    const element value = std::get<element>(sent);
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) return ReadText(text, input, column);
    return ReadToken(value, column(input.column));
  }

  template <typename ColumnAt>
  Status ReadText(std::string_view text, const Route::Input& input, ColumnAt column) {
    if (!input.until) return ReadOne(text, input, column(input.column));
    const std::size_t second = SecondOf(text, input.format->text());
    const bool is_one = second == std::string_view::npos;
    const std::string_view begin = is_one ? text : text.substr(0, second - 1);
    const std::string_view end = is_one ? text : text.substr(second);
    // Both before either is appended.
    const auto from = input.format->Parse(begin, route_.zone());
    if (!from) return from.error();
    const auto to = input.format->Parse(end, route_.zone());
    if (!to) return to.error();
    column(input.column).AppendTimestamp(*from);
    column(*input.until).AppendTimestamp(*to);
    return {};
  }

  Status ReadOne(std::string_view text, const Route::Input& input, Column& column) {
    if (!input.format) return preprocessing::AppendParsed(text, route_.zone(), column);
    const auto time = input.format->Parse(text, route_.zone());
    if (!time) return time.error();
    column.AppendTimestamp(*time);
    return {};
  }

  /// A value that is no text.
  static Status ReadToken(element value, Column& column) {
    const ColumnType type = column.type();
    std::int64_t integer = 0;
    double number = 0;
    bool truth = false;
    if (type == ColumnType::kText && (value.is_int64() || value.is_uint64())) {
      column.AppendText(simdjson::minify(value));
    } else if (type == ColumnType::kInt64 && value.get(integer) == simdjson::SUCCESS) {
      column.AppendInt64(integer);
    } else if (type == ColumnType::kDouble && value.get(number) == simdjson::SUCCESS) {
      column.AppendDouble(number);
    } else if (type == ColumnType::kBool && value.get(truth) == simdjson::SUCCESS) {
      column.AppendBool(truth);
    } else {
      return WrongKind(type, value);
    }
    return {};
  }

  // ---- what was sent, again ----

  static void AppendElement(element value, std::string_view member, std::string& out) {
    if (!member.empty() && value[member].get(value) != simdjson::SUCCESS) {
      out += "null";
    } else {
      out += simdjson::minify(value);
    }
  }

  static void AppendSent(const Sent& sent, std::string& out) {
    if (const auto* const text = std::get_if<std::string>(&sent)) {
      wire::AppendJsonString(*text, out);
    } else if (const auto* const value = std::get_if<element>(&sent)) {
      out += simdjson::minify(*value);
    } else {
      out += "null";
    }
  }

  void AppendSent(std::string_view member, std::string& out) const {
    char separator = '{';
    bool found = false;
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      const std::string& name = route_.inputs()[i].name;
      if (sent_[i].index() == 0 || (!member.empty() && name != member)) continue;
      found = true;
      if (member.empty()) {
        out += std::exchange(separator, ',');
        wire::AppendJsonString(name, out);
        out += ':';
      }
      AppendSent(sent_[i], out);
    }
    if (member.empty()) {
      out += separator == '{' ? "{}" : "}";
    } else if (!found) {
      out += "null";
    }
  }

  const Route& route_;
  wire::DecoderLimits limits_;
  bool reads_body_ = false;
  simdjson::dom::parser parser_;
  // Of the request at hand.
  wire::DecodedRequest* out_ = nullptr;
  std::optional<wire::RowCollector> rows_;
  std::vector<element> elements_;  // the rows
  std::optional<element> body_;    // of a route without rows, the JSON object that was sent
  std::vector<Sent> sent_;         // by input; those of rows are the ones of the row at hand
  std::vector<Column> shared_;     // by column of the question: what holds for all rows, or empty
};

RouteRows::RouteRows(const Route& route, wire::DecoderLimits limits)
    : reader_(std::make_unique<Reader>(route, limits)) {}
RouteRows::RouteRows(RouteRows&&) noexcept = default;
RouteRows& RouteRows::operator=(RouteRows&&) noexcept = default;
RouteRows::~RouteRows() = default;

Status RouteRows::Start(const RouteRequest& request, wire::DecodedRequest& out) {
  return reader_->Start(request, out);
}

Result<bool> RouteRows::Continue(std::size_t rows) { return reader_->Continue(rows); }

void RouteRows::AppendRequest(std::size_t row, std::string_view member, std::string& out) const {
  reader_->AppendRequest(row, member, out);
}

}  // namespace forkcast::serving
