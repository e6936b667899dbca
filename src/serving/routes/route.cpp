#include "serving/routes/route.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/http/error_response.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Column;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::JsonNode;
using preprocessing::SpecError;
using preprocessing::TimePattern;
using preprocessing::TimeZone;

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kGreatest = std::numeric_limits<std::int64_t>::max();
constexpr double kLargest = std::numeric_limits<double>::max();

std::string Quoted(std::string_view text) {
  std::string quoted;
  wire::AppendJsonString(text, quoted);
  return quoted;
}

std::string JsonOf(const std::vector<std::string>& texts) {
  std::string json = "[";
  for (const std::string& text : texts) {
    if (json.size() > 1) json += ',';
    wire::AppendJsonString(text, json);
  }
  return json + "]";
}

/// Appends the value of a declaration. Throws SpecError when it is of another type.
void AppendDeclared(const JsonNode& node, const std::optional<TimePattern>& format,
                    const TimeZone& zone, Column& column) {
  switch (column.type()) {
    case ColumnType::kText:
      return column.AppendText(node.String());
    case ColumnType::kInt64:
      return column.AppendInt64(node.Integer(kLeast, kGreatest));
    case ColumnType::kDouble:
      return column.AppendDouble(node.Number(-kLargest, kLargest));
    case ColumnType::kBool:
      return column.AppendBool(node.Bool());
    case ColumnType::kTimestamp: {
      const std::string text = node.String();
      const auto time =
          format ? format->Parse(text, zone) : preprocessing::ParseTimestamp(text, zone);
      if (!time) node.Fail(time.error().message);
      return column.AppendTimestamp(*time);
    }
  }
}

}  // namespace

/// Looks up what a route names, section by section. Throws SpecError.
class Route::Binder {
 public:
  Binder(const RouteSubject& subject, Route& route) : subject_(subject), route_(route) {}

  void Bind() {
    const RouteSpec& spec = route_.spec_;
    route_.question_ = subject_.question;
    route_.zone_ = subject_.zone;
    for (const ColumnSpec& column : subject_.question.columns) {
      route_.constants_.emplace_back(column.type);
    }
    given_.assign(subject_.question.columns.size(), false);
    for (const RouteParameter& parameter : spec.parameters) BindParameter(parameter);
    for (const RouteConstant& constant : spec.constants) BindConstant(constant);
    if (spec.rows_have_other_fields) AddOtherFields();
    if (route_.spec_.asks()) RequireEveryField();
    BindTemplates();
  }

 private:
  [[nodiscard]] std::size_t ColumnOf(const std::string& field, const std::string& path) const {
    if (const auto found = subject_.question.Find(field)) return *found;
    std::string known;
    for (const ColumnSpec& column : subject_.question.columns) {
      known.append(known.empty() ? "" : ", ").append(column.name);
    }
    throw SpecError(path + ": there is no field \"" + field + "\"; there are: " + known);
  }

  [[nodiscard]] const ColumnSpec& At(std::size_t column) const {
    return subject_.question.columns[column];
  }

  void BindParameter(const RouteParameter& parameter) {
    Input input{.place = parameter.place,
                .name = parameter.name,
                .column = ColumnOf(parameter.fields.front(), parameter.path),
                .format = parameter.format,
                .required = parameter.required};
    given_[input.column] = true;
    if (parameter.fields.size() == 2) {
      input.until = ColumnOf(parameter.fields.back(), parameter.path);
      given_[*input.until] = true;
    }
    for (const std::size_t column : {input.column, input.until.value_or(input.column)}) {
      if (input.format && At(column).type != ColumnType::kTimestamp) {
        throw SpecError(parameter.path + ": \"" + At(column).name +
                        "\" is no time that could have a format");
      }
      if (!At(column).nullable && parameter.fallback.is_null()) input.required = true;
    }
    if (!parameter.fallback.is_null()) {
      AppendDeclared(JsonNode(parameter.fallback, parameter.path + ".default"), input.format,
                     subject_.zone, route_.constants_[input.column]);
    }
    route_.inputs_.push_back(std::move(input));
  }

  void BindConstant(const RouteConstant& constant) {
    const std::size_t column = ColumnOf(constant.field, constant.path);
    given_[column] = true;
    AppendDeclared(JsonNode(constant.value, constant.path), {}, subject_.zone,
                   route_.constants_[column]);
  }

  void AddOtherFields() {
    for (std::size_t column = 0; column < subject_.field_count; ++column) {
      if (given_[column]) continue;
      given_[column] = true;
      route_.inputs_.push_back({.place = RoutePlace::kRow,
                                .name = At(column).name,
                                .column = column,
                                .required = !At(column).nullable});
    }
  }

  void RequireEveryField() const {
    for (std::size_t column = 0; column < given_.size(); ++column) {
      if (given_[column] || At(column).nullable) continue;
      throw SpecError(route_.spec_.origin + ": nothing gives the field \"" + At(column).name +
                      "\", which is required");
    }
  }

  [[nodiscard]] bool AsksOneStep() const {
    const auto column = subject_.question.Find(subject_.steps_field);
    if (!column) return false;
    const bool is_constant = std::ranges::any_of(
        route_.spec_.constants,
        [this](const RouteConstant& constant) { return constant.field == subject_.steps_field; });
    return is_constant && route_.constants_[*column].Int64(0) == 1;
  }

  void BindTemplates() {
    TemplateScope& scope = route_.scope_;
    scope = {.constants = {{"model_name", Quoted(subject_.model_name)},
                           {"model_version", Quoted(subject_.model_version)},
                           {"features", JsonOf(subject_.features)}},
             .many_rows = route_.spec_.rows.has_value(),
             .many_steps = !AsksOneStep(),
             .zone = subject_.zone};
    if (route_.spec_.job) {
      scope.has_request = false;
      scope.constants.emplace_back("job_id", "\"\"");
      scope.constants.emplace_back("state", "\"\"");
    }
    if (route_.spec_.asks()) {
      scope.row = subject_.row;
      for (const ColumnSpec& column : subject_.question.columns) {
        scope.row.push_back({.name = column.name, .type = column.type});
      }
      scope.step = subject_.step;
    }
    route_.answer_ = Compile(route_.spec_.answer, scope);
    const RouteErrors& errors = route_.spec_.errors;
    if (errors.body) route_.error_body_ = Compile(*errors.body, ErrorScope(/*of_a_row=*/false));
    if (!errors.row) return;
    if (!scope.many_rows)
      throw SpecError(errors.row->path + ": a request of this route is one row");
    route_.error_row_ = Compile(*errors.row, ErrorScope(/*of_a_row=*/true));
  }

  static AnswerTemplate Compile(const TemplateSpec& spec, const TemplateScope& scope) {
    return {JsonNode(spec.json, spec.path), scope};
  }

  const RouteSubject& subject_;
  Route& route_;
  std::vector<bool> given_;  // by column of the question
};

Result<Route> Route::Bind(RouteSpec spec, const RouteSubject& subject) {
  Route route;
  route.spec_ = std::move(spec);
  try {
    Binder(subject, route).Bind();
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
  return route;
}

TemplateScope Route::ErrorScope(bool of_a_row) {
  // In the order of ErrorName.
  return {.row = {{.name = "code"},
                  {.name = "message"},
                  {.name = "field"},
                  {.name = "row", .type = ColumnType::kInt64},
                  {.name = "status", .type = ColumnType::kInt64},
                  {.name = "request_id"}},
          .has_request = of_a_row};
}

int Route::StatusOf(ErrorCode code) const noexcept {
  const HttpError shown = ToHttp(code);
  if (shown.status >= 500) return shown.status;
  for (const auto& [name, status] : spec_.errors.statuses) {
    if (name == shown.code) return status;
  }
  return spec_.errors.status.value_or(shown.status);
}

std::string_view Route::CallersName(std::string_view field) const noexcept {
  const auto column = question_.Find(field);
  for (const Input& input : inputs_) {
    if (column && (input.column == *column || input.until == column)) return input.name;
  }
  return field;
}

}  // namespace forkcast::serving
