#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/time_pattern.hpp"
#include "serving/http/request.hpp"
#include "serving/http/url.hpp"

namespace forkcast::serving {

/// Where a caller puts something.
enum class RoutePlace {
  kPath,   ///< A segment of the path.
  kQuery,  ///< A query parameter.
  kBody,   ///< A member of the body, beside the rows if it has any; or a field of a form.
  kRow,    ///< A member of a row.
};

/// Something that a caller sends, and the fields that it fills.
struct RouteParameter {
  RoutePlace place = RoutePlace::kPath;
  std::string name;  ///< As the caller writes it.
  /// One; or two, where one text names a range of time by its begin and end.
  std::vector<std::string> fields{};
  std::optional<preprocessing::TimePattern> format{};  ///< Of a time; else any that we read.
  bool required = false;                               ///< Also where the field may be missing.
  nlohmann::ordered_json fallback{};  ///< The field's value when it is not sent; null for none.
  std::string path{};                 ///< In the declaration, for messages.
};

/// A value that the field has in every row.
struct RouteConstant {
  std::string field;
  nlohmann::ordered_json value;
  std::string path;
};

/// Any JSON with places for values in it (AnswerTemplate).
struct TemplateSpec {
  nlohmann::ordered_json json;
  std::string path;
};

/// How the errors of a route appear to its callers, where that is not as everywhere.
struct RouteErrors {
  std::optional<int> status;                          ///< Of all that are the caller's.
  std::vector<std::pair<std::string, int>> statuses;  ///< By the error's code; go before `status`.
  std::optional<TemplateSpec> body;                   ///< Of a request that is not answered.
  std::optional<TemplateSpec> row;  ///< In the place of a row; else one bad row fails all.
};

/// A route that takes a job into the queue, or tells the state of one.
struct RouteJobSpec {
  /// The job, but for its deployment: an object in which "{parameter}" stands for what the path has
  /// there. Null: the state of one is asked.
  nlohmann::ordered_json order{};
  std::string id{};  ///< The path's parameter that is the job's number; of a state.
  /// What states are called, by their own names.
  std::vector<std::pair<std::string, std::string>> states{};
};

/// One route as a deployment declares it (docs/routes.md): what callers send, and what they get,
/// in their own words. Checked as far as that needs no pipeline; Route::Bind() checks the rest.
struct RouteSpec {
  Method method = Method::kGet;
  std::string path;  ///< See PathPattern; its parameters are `parameters`, too.
  std::string description;
  std::string origin;  ///< Its place in the declaration, for messages.
  /// The member of the body that holds the rows; "$" when the body is the array of rows itself;
  /// none when a request is one row.
  std::optional<std::string> rows;
  std::vector<RouteParameter> parameters;
  /// Whether rows have every field that nothing else gives, under its own name.
  bool rows_have_other_fields = false;
  std::vector<RouteConstant> constants;
  TemplateSpec answer;
  RouteErrors errors;
  std::optional<RouteJobSpec> job{};  ///< Then nothing else is asked.

  /// Whether anything is asked of a model. Else all requests are answered alike.
  [[nodiscard]] bool asks() const noexcept {
    return rows || !parameters.empty() || !constants.empty();
  }
};

/// Reads an array of routes. Throws preprocessing::SpecError naming the place of what is wrong.
[[nodiscard]] std::vector<RouteSpec> ReadRoutes(const preprocessing::JsonNode& node);

/// "GET" or "POST".
[[nodiscard]] std::string_view ToString(Method method) noexcept;

/// A path that is answered already.
struct ClaimedPath {
  Method method = Method::kGet;
  std::string path;
  std::string by;           ///< Who does, for messages.
  bool goes_first = false;  ///< It is looked for before any route is.
};

/// Whether `route` may be there beside `claimed`, and if so, adds it to them. Two paths that match
/// one request are refused, unless they are spelled alike and asked by different methods, or the
/// other one goes first and neither is the narrower. kInvalidArgument naming both, and where they
/// are declared.
Status Claim(const RouteSpec& route, std::vector<ClaimedPath>& claimed);

}  // namespace forkcast::serving
