#include "serving/routes/answer_template.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <variant>

#include "data_preprocessing/document/choice.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Choices;
using preprocessing::ColumnType;
using preprocessing::JsonNode;
using preprocessing::TimePattern;
using preprocessing::Value;

constexpr Choices<Rounding, 3> kRoundings{
    {{"up", Rounding::kUp}, {"down", Rounding::kDown}, {"nearest", Rounding::kNearest}}};

double Round(double number, Rounding rounding) noexcept {
  switch (rounding) {
    case Rounding::kUp:
      return std::ceil(number);
    case Rounding::kDown:
      return std::floor(number);
    case Rounding::kNearest:
      return std::round(number);
    case Rounding::kNone:
      break;
  }
  return number;
}

/// As a whole number where one of 64 bits holds it, so that it is written without exponent.
Value Rounded(double number, Rounding rounding) noexcept {
  constexpr double kBound = 0x1p63;
  const double whole = Round(number, rounding);
  if (rounding == Rounding::kNone || !(whole >= -kBound && whole < kBound)) return whole;
  return static_cast<std::int64_t>(whole);
}

TemplatePlace ReadValuePlace(const JsonNode& node) {
  node.RequireObject({"$value", "round", "format"});
  TemplatePlace place{.kind = TemplatePlace::Kind::kValue, .name = node.Get("$value").String()};
  if (const auto round = node.Find("round")) {
    place.rounding = preprocessing::ReadChoice(*round, kRoundings);
  }
  if (const auto format = node.Find("format")) {
    auto pattern = TimePattern::Make(format->String());
    if (!pattern) format->Fail(pattern.error().message);
    place.format = *std::move(pattern);
  }
  return place;
}

TemplatePlace ReadObjectPlace(const JsonNode& node, const std::string& key) {
  if (key == "$value") return ReadValuePlace(node);
  node.RequireObject({"$rows", "$steps", "$request", "$value"});
  if (node.json().size() != 1) node.Fail("expected nothing beside \"" + key + "\"");
  if (key == "$rows") return {.kind = TemplatePlace::Kind::kRows};
  if (key == "$steps") return {.kind = TemplatePlace::Kind::kSteps};
  return {.kind = TemplatePlace::Kind::kRequest, .name = node.Get("$request").String()};
}

bool IsPlace(std::string_view text) noexcept {
  return text.starts_with('$') && !text.starts_with("$$");
}

}  // namespace

TemplatePlace ReadTemplatePlace(const JsonNode& node) {
  const nlohmann::ordered_json& json = node.json();
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    if (!IsPlace(text)) return {};
    if (text == "$request") return {.kind = TemplatePlace::Kind::kRequest};
    return {.kind = TemplatePlace::Kind::kValue, .name = text.substr(1)};
  }
  if (json.is_object() && !json.empty()) {
    const std::string& key = json.begin().key();
    if (IsPlace(key)) return ReadObjectPlace(node, key);
  }
  return {};
}

std::string_view PlainText(std::string_view text) noexcept {
  return text.starts_with("$$") ? text.substr(1) : text;
}

/// Makes a template's pieces: what stays the same from answer to answer becomes one text.
class AnswerTemplate::Compiler {
 public:
  explicit Compiler(const TemplateScope& scope) : scope_(scope) {}

  [[nodiscard]] std::vector<Piece> Compile(const JsonNode& node) {
    std::vector<Piece> outer = std::exchange(pieces_, {});
    Add(node);
    return std::exchange(pieces_, std::move(outer));
  }

 private:
  void Add(const JsonNode& node) {
    const TemplatePlace place = ReadTemplatePlace(node);
    switch (place.kind) {
      case TemplatePlace::Kind::kPlain:
        return AddPlain(node);
      case TemplatePlace::Kind::kRows:
        return AddRows(node);
      case TemplatePlace::Kind::kSteps:
        return AddSteps(node);
      case TemplatePlace::Kind::kValue:
        return AddValue(place, node);
      case TemplatePlace::Kind::kRequest:
        if (!scope_.has_request) node.Fail("there is no $request here");
        RequireRow(node, "what was sent as a row");
        pieces_.push_back({.kind = Kind::kRequest, .text = place.name});
        return;
    }
  }

  std::string& Text() {
    if (pieces_.empty() || pieces_.back().kind != Kind::kText) pieces_.emplace_back();
    return pieces_.back().text;
  }

  void AddPlain(const JsonNode& node) {
    const nlohmann::ordered_json& json = node.json();
    char separator = json.is_object() ? '{' : '[';
    if (json.is_object() && !json.empty()) {
      node.EachMember([&](const std::string& name, const JsonNode& member) {
        Text() += std::exchange(separator, ',');
        wire::AppendJsonString(PlainText(name), Text());
        Text() += ':';
        Add(member);
      });
      Text() += '}';
    } else if (json.is_array() && !json.empty()) {
      for (const JsonNode& element : node.Elements()) {
        Text() += std::exchange(separator, ',');
        Add(element);
      }
      Text() += ']';
    } else if (json.is_string()) {
      wire::AppendJsonString(PlainText(json.get_ref<const std::string&>()), Text());
    } else {
      Text() += json.dump();
    }
  }

  void AddRows(const JsonNode& node) {
    if (!scope_.many_rows) node.Fail("a request of this route is one row");
    if (within_rows_) node.Fail("$rows stands within $rows");
    within_rows_ = true;
    pieces_.push_back({.kind = Kind::kRows, .body = Compile(node.Get("$rows"))});
    within_rows_ = false;
  }

  void AddSteps(const JsonNode& node) {
    if (scope_.step.empty()) node.Fail("nothing is forecast here, so there are no steps");
    if (within_steps_) node.Fail("$steps stands within $steps");
    RequireRow(node, "the steps of a row");
    within_steps_ = true;
    pieces_.push_back({.kind = Kind::kSteps, .body = Compile(node.Get("$steps"))});
    within_steps_ = false;
  }

  void AddValue(const TemplatePlace& place, const JsonNode& node) {
    const auto constant =
        std::ranges::find(scope_.constants, place.name, [](const auto& one) { return one.first; });
    if (constant != scope_.constants.end()) {
      if (place.rounding != Rounding::kNone || place.format) {
        node.Fail("$" + place.name + " is no value of a row");
      }
      Text() += constant->second;
      return;
    }
    if (const auto name = Find(scope_.step, place.name)) {
      RequireRow(node, "$" + place.name);
      if (scope_.many_steps && !within_steps_) {
        node.Fail("$" + place.name + " is a value of each step: expected it within $steps");
      }
      return AddNamed(Kind::kStepValue, scope_.step, *name, place, node);
    }
    if (const auto name = Find(scope_.row, place.name)) {
      RequireRow(node, "$" + place.name);
      return AddNamed(Kind::kRowValue, scope_.row, *name, place, node);
    }
    node.Fail("there is no $" + place.name + " here; there are: " + KnownNames());
  }

  void AddNamed(Kind kind, const std::vector<TemplateName>& names, std::size_t name,
                const TemplatePlace& place, const JsonNode& node) {
    const ColumnType type = names[name].type;
    const bool is_number = type == ColumnType::kInt64 || type == ColumnType::kDouble;
    if (place.rounding != Rounding::kNone && !is_number) {
      node.Fail("$" + place.name + " is no number that could be rounded");
    }
    if (place.format && type != ColumnType::kTimestamp) {
      node.Fail("$" + place.name + " is no time that could have a format");
    }
    pieces_.push_back(
        {.kind = kind, .name = name, .rounding = place.rounding, .format = place.format});
  }

  void RequireRow(const JsonNode& node, const std::string& what) {
    if (scope_.row.empty() && scope_.step.empty()) node.Fail("this route asks nothing of a model");
    if (scope_.many_rows && !within_rows_) {
      node.Fail(what + " is of each row: expected it within $rows");
    }
  }

  static std::optional<std::size_t> Find(const std::vector<TemplateName>& names,
                                         std::string_view name) {
    const auto found = std::ranges::find(names, name, &TemplateName::name);
    if (found == names.end()) return std::nullopt;
    return static_cast<std::size_t>(found - names.begin());
  }

  [[nodiscard]] std::string KnownNames() const {
    std::string names;
    const auto add = [&names](std::string_view name) {
      names.append(names.empty() ? "$" : ", $").append(name);
    };
    for (const auto& [name, json] : scope_.constants) add(name);
    for (const TemplateName& name : scope_.row) add(name.name);
    for (const TemplateName& name : scope_.step) add(name.name);
    return names;
  }

  const TemplateScope& scope_;
  std::vector<Piece> pieces_;
  bool within_rows_ = false;
  bool within_steps_ = false;
};

AnswerTemplate::AnswerTemplate(const JsonNode& node, const TemplateScope& scope)
    : pieces_(Compiler(scope).Compile(node)), zone_(scope.zone) {}

void TemplateWriter::Start(const AnswerTemplate& shape, const TemplateValues& values,
                           std::string& out) {
  shape_ = &shape;
  values_ = &values;
  out_ = &out;
  piece_ = 0;
  row_ = 0;
  within_rows_ = false;
}

bool TemplateWriter::Continue(std::size_t rows) {
  for (; piece_ < shape_->pieces_.size(); ++piece_) {
    const Piece& piece = shape_->pieces_[piece_];
    if (piece.kind != AnswerTemplate::Kind::kRows) {
      WritePiece(piece, 0, 0);
      continue;
    }
    if (!std::exchange(within_rows_, true)) *out_ += '[';
    for (; row_ < values_->rows(); ++row_, --rows) {
      if (rows == 0) return false;
      if (row_ > 0) *out_ += ',';
      if (!values_->AppendBadRow(row_, *out_)) WriteRow(piece.body, row_, 0);
    }
    *out_ += ']';
    within_rows_ = false;
    row_ = 0;
  }
  return true;
}

void TemplateWriter::WriteRow(const std::vector<Piece>& pieces, std::size_t row, std::size_t step) {
  for (const Piece& piece : pieces) WritePiece(piece, row, step);
}

void TemplateWriter::WritePiece(const Piece& piece, std::size_t row, std::size_t step) {
  switch (piece.kind) {
    case AnswerTemplate::Kind::kText:
      out_->append(piece.text);
      return;
    case AnswerTemplate::Kind::kSteps:
      return WriteSteps(piece, row);
    case AnswerTemplate::Kind::kRowValue:
      return WriteValue(piece, values_->RowValue(row, piece.name));
    case AnswerTemplate::Kind::kStepValue:
      return WriteValue(
          piece, step < values_->steps(row) ? values_->StepValue(row, step, piece.name) : Value());
    case AnswerTemplate::Kind::kRequest:
      return values_->AppendRequest(row, piece.text, *out_);
    case AnswerTemplate::Kind::kRows:
      return;  // outermost alone
  }
}

void TemplateWriter::WriteSteps(const Piece& piece, std::size_t row) {
  *out_ += '[';
  for (std::size_t step = 0; step < values_->steps(row); ++step) {
    if (step > 0) *out_ += ',';
    WriteRow(piece.body, row, step);
  }
  *out_ += ']';
}

std::optional<Instant> TemplateWriter::TimeOf(const Value& value) const {
  if (const auto* const instant = std::get_if<Instant>(&value)) return *instant;
  const auto* const text = std::get_if<std::string_view>(&value);
  if (text == nullptr) return std::nullopt;
  const auto parsed = preprocessing::ParseTimestamp(*text, shape_->zone_);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

void TemplateWriter::WriteValue(const Piece& piece, const Value& value) {
  if (const auto instant = piece.format ? TimeOf(value) : std::nullopt) {
    time_.clear();
    piece.format->Append(*instant, shape_->zone_, time_);
    wire::AppendJsonString(time_, *out_);
  } else if (const auto* number = std::get_if<double>(&value)) {
    wire::AppendJsonValue(Rounded(*number, piece.rounding), *out_);
  } else {
    wire::AppendJsonValue(value, *out_);
  }
}

}  // namespace forkcast::serving
