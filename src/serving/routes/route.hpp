#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_zone.hpp"
#include "serving/routes/answer_template.hpp"
#include "serving/routes/route_spec.hpp"

namespace forkcast::serving {

/// What a route can name of what stands behind it.
struct RouteSubject {
  /// Columns that a row may bring: the pipeline's fields, and behind those, of a forecast, what
  /// else it can be asked.
  preprocessing::Schema question;
  std::size_t field_count = 0;       ///< Of `question`, how many are the pipeline's fields.
  std::string steps_field{};         ///< The column that says how many steps; empty for none.
  std::vector<TemplateName> row{};   ///< What a row is answered with.
  std::vector<TemplateName> step{};  ///< What each step of a forecast is; empty where none is made.
  std::vector<std::string> features{};
  std::string model_name{};
  std::string model_version{};
  preprocessing::TimeZone zone{};
};

/// A route with what stands behind it, whole: every name in it is there. Immutable; thread-safe.
class Route {
 public:
  /// A parameter, and the columns of the question that it fills.
  struct Input {
    RoutePlace place = RoutePlace::kPath;
    std::string name;
    std::size_t column = 0;
    std::optional<std::size_t> until{};  ///< Of a range: the column of its end.
    std::optional<preprocessing::TimePattern> format{};
    bool required = false;
  };

  /// kInvalidArgument naming the place in the declaration of a field, output or name that there is
  /// not, of a constant of another type, or that a required field is given by nothing.
  static Result<Route> Bind(RouteSpec spec, const RouteSubject& subject);

  [[nodiscard]] const RouteSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const preprocessing::Schema& question() const noexcept { return question_; }
  [[nodiscard]] const preprocessing::TimeZone& zone() const noexcept { return zone_; }
  [[nodiscard]] std::span<const Input> inputs() const noexcept { return inputs_; }
  /// By column of the question: what it holds in every row, or where nothing is sent for it; of one
  /// value, or of none.
  [[nodiscard]] std::span<const preprocessing::Column> constants() const noexcept {
    return constants_;
  }
  /// Names of its rows are those of the subject, then the columns of the question.
  [[nodiscard]] const AnswerTemplate& answer() const noexcept { return *answer_; }
  /// What `answer()` may name; for who describes it.
  [[nodiscard]] const TemplateScope& scope() const noexcept { return scope_; }
  /// How an error is answered, and, in the place of its row, an error of that; see ErrorNames().
  [[nodiscard]] const std::optional<AnswerTemplate>& error_body() const noexcept {
    return error_body_;
  }
  [[nodiscard]] const std::optional<AnswerTemplate>& error_row() const noexcept {
    return error_row_;
  }
  /// The status of an error.
  [[nodiscard]] int StatusOf(ErrorCode code) const noexcept;
  /// What callers call a field of the question; the field's own name where they do not send it.
  [[nodiscard]] std::string_view CallersName(std::string_view field) const noexcept;

  /// What templates of errors may name: code, message, field, row, status, request_id.
  enum class ErrorName : std::size_t { kCode, kMessage, kField, kRow, kStatus, kRequestId };
  [[nodiscard]] static TemplateScope ErrorScope(bool of_a_row);

 private:
  class Binder;
  Route() = default;

  RouteSpec spec_;
  preprocessing::Schema question_;
  preprocessing::TimeZone zone_;
  std::vector<Input> inputs_;
  std::vector<preprocessing::Column> constants_;
  TemplateScope scope_;
  std::optional<AnswerTemplate> answer_;
  std::optional<AnswerTemplate> error_body_;
  std::optional<AnswerTemplate> error_row_;
};

}  // namespace forkcast::serving
