#include "serving/routes/route_spec.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <set>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/choice.hpp"
#include "serving/http/error_response.hpp"
#include "serving/http/response.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Choices;
using preprocessing::JsonNode;
using preprocessing::SpecError;
using preprocessing::TimePattern;

constexpr Choices<Method, 2> kMethods{{{"GET", Method::kGet}, {"POST", Method::kPost}}};

/// What a path may be made of besides slashes and parameters, so that it has one spelling
/// (RFC 3986, 2.3).
constexpr std::string_view kPathCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/{}";

std::string ReadPath(const JsonNode& node) {
  std::string path = node.String();
  if (path.find_first_not_of(kPathCharacters) != std::string::npos) {
    node.Fail("expected letters, digits, -._~, / and {parameters}");
  }
  try {
    static_cast<void>(PathPattern(path));
  } catch (const std::exception&) {
    node.Fail(
        "expected a path such as /predict/{product}: from a slash on, with at most 4 parameters, "
        "each a whole segment");
  }
  return path;
}

TimePattern ReadFormat(const JsonNode& node) {
  auto pattern = TimePattern::Make(node.String());
  if (!pattern) node.Fail(pattern.error().message);
  return *std::move(pattern);
}

/// What follows the name of a parameter: the field that it fills, or that with more about it.
RouteParameter ReadParameter(RoutePlace place, const std::string& name, const JsonNode& node) {
  RouteParameter parameter{.place = place, .name = name, .path = node.path()};
  if (node.json().is_string()) {
    parameter.fields = {node.String()};
    return parameter;
  }
  node.RequireObject({"field", "fields", "format", "required", "default"});
  if (const auto format = node.Find("format")) parameter.format = ReadFormat(*format);
  if (const auto fields = node.Find("fields")) {
    parameter.fields = fields->Strings();
    if (parameter.fields.size() != 2 || node.Find("field")) {
      fields->Fail("expected two fields, of a range's begin and end, in place of \"field\"");
    }
    if (!parameter.format) node.Fail("missing key \"format\": a range needs that of its times");
  } else {
    parameter.fields = {node.Get("field").String()};
  }
  if (const auto required = node.Find("required")) parameter.required = required->Bool();
  if (const auto fallback = node.Find("default")) {
    if (parameter.required) fallback->Fail("what is required has no default");
    if (parameter.fields.size() != 1) fallback->Fail("a range has no default");
    parameter.fallback = fallback->json();
  }
  return parameter;
}

int ReadStatus(const JsonNode& node) {
  const auto status = static_cast<int>(node.Integer(400, 499));
  if (ReasonPhrase(status) == "Unknown") node.Fail("expected a status that is in use");
  return status;
}

/// Whether an error of the caller's is called so.
bool IsCallersCode(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const HttpError error = ToHttp(static_cast<ErrorCode>(i));
    if (error.code == name && error.status < 500) return true;
  }
  return false;
}

TemplateSpec ReadTemplate(const JsonNode& node) {
  return {.json = node.json(), .path = node.path()};
}

RouteErrors ReadErrors(const JsonNode& node) {
  node.RequireObject({"status", "body", "row"});
  RouteErrors errors;
  if (const auto body = node.Find("body")) errors.body = ReadTemplate(*body);
  if (const auto row = node.Find("row")) errors.row = ReadTemplate(*row);
  const auto status = node.Find("status");
  if (!status) return errors;
  if (!status->json().is_object()) {
    errors.status = ReadStatus(*status);
    return errors;
  }
  status->EachMember([&errors](const std::string& name, const JsonNode& member) {
    if (!IsCallersCode(name)) member.Fail("no error of a caller has this code");
    errors.statuses.emplace_back(name, ReadStatus(member));
  });
  return errors;
}

/// Reads one route, section by section.
class RouteReader {
 public:
  explicit RouteReader(const JsonNode& node) : node_(node) {}

  RouteSpec Read() {
    node_.RequireObject({"method", "path", "description", "segments", "query", "rows", "row", "all",
                         "constants", "job", "answer", "errors"});
    spec_.method = preprocessing::ReadChoice(node_.Get("method"), kMethods);
    spec_.path = ReadPath(node_.Get("path"));
    spec_.origin = node_.path();
    if (const auto text = node_.Find("description")) spec_.description = text->String();
    ReadSegments();
    ReadParameters("query", RoutePlace::kQuery);
    ReadBody();
    ReadConstants();
    spec_.answer = ReadTemplate(node_.Get("answer"));
    if (const auto errors = node_.Find("errors")) spec_.errors = ReadErrors(*errors);
    if (const auto job = node_.Find("job")) ReadJob(*job);
    RequireEachFieldOnce();
    return std::move(spec_);
  }

 private:
  void ReadParameters(std::string_view section, RoutePlace place) {
    const auto node = node_.Find(section);
    if (!node) return;
    node->EachMember([this, place](const std::string& name, const JsonNode& member) {
      spec_.parameters.push_back(ReadParameter(place, name, member));
    });
  }

  /// The path's parameters are called after their fields, unless something is said of them.
  void ReadSegments() {
    ReadParameters("segments", RoutePlace::kPath);
    const PathPattern pattern(spec_.path);
    for (const RouteParameter& parameter : spec_.parameters) {
      if (std::ranges::find(pattern.names(), parameter.name) == pattern.names().end()) {
        throw SpecError(parameter.path + ": the path has no {" + parameter.name + "}");
      }
    }
    for (const std::string& name : pattern.names()) {
      const auto described = std::ranges::find(spec_.parameters, name, &RouteParameter::name);
      if (described == spec_.parameters.end()) {
        spec_.parameters.push_back({.place = RoutePlace::kPath,
                                    .name = name,
                                    .fields = {name},
                                    .path = node_.Get("path").path()});
      }
    }
  }

  void ReadBody() {
    for (const std::string_view section : {"rows", "row", "all"}) {
      const auto node = node_.Find(section);
      if (node && spec_.method != Method::kPost) node->Fail("only POST has a body");
    }
    if (const auto rows = node_.Find("rows")) spec_.rows = rows->String();
    if (const auto row = node_.Find("row"); row && !spec_.rows) {
      row->Fail("expected \"rows\" beside it, which says where the rows are");
    }
    if (const auto all = node_.Find("all"); all && spec_.rows == "$") {
      all->Fail("a body that is an array of rows has nothing beside them");
    }
    spec_.rows_have_other_fields = spec_.rows && !node_.Find("row");
    ReadParameters("row", RoutePlace::kRow);
    ReadParameters("all", RoutePlace::kBody);
  }

  void ReadConstants() {
    const auto node = node_.Find("constants");
    if (!node) return;
    node->EachMember([this](const std::string& name, const JsonNode& member) {
      spec_.constants.push_back({.field = name, .value = member.json(), .path = member.path()});
    });
  }

  /// `"job": {"submit": {...}}` or `"job": {"state_of": "parameter", "states": {...}}`. What the
  /// path has is the job's then, and no field of the pipeline.
  void ReadJob(const JsonNode& node) {
    for (const std::string_view section :
         {"segments", "query", "rows", "row", "all", "constants"}) {
      if (const auto other = node_.Find(section))
        other->Fail("a route with \"job\" has no such key");
    }
    node.RequireObject({"submit", "state_of", "states"});
    RouteJobSpec& job = spec_.job.emplace();
    spec_.parameters.clear();
    const PathPattern pattern(spec_.path);
    const auto submit = node.Find("submit");
    if (submit.has_value() == node.Find("state_of").has_value()) {
      node.Fail("expected either \"submit\" or \"state_of\"");
    }
    if (submit) {
      if (const auto states = node.Find("states")) states->Fail("of no use beside \"submit\"");
      if (spec_.method != Method::kPost) submit->Fail("only POST submits a job");
      if (!submit->json().is_object()) submit->Fail("expected an object: what POST /jobs takes");
      job.order = submit->json();
      return;
    }
    const JsonNode id = node.Get("state_of");
    job.id = id.String();
    if (std::ranges::find(pattern.names(), job.id) == pattern.names().end()) {
      id.Fail("the path has no {" + job.id + "}");
    }
    if (spec_.method != Method::kGet) id.Fail("only GET asks for a state");
    if (const auto states = node.Find("states")) {
      states->EachMember([&job](const std::string& name, const JsonNode& member) {
        constexpr std::array<std::string_view, 5> kStates{"queued", "running", "succeeded",
                                                          "failed", "stopped"};
        if (std::ranges::find(kStates, name) == kStates.end()) {
          member.Fail("no job is ever in such a state");
        }
        job.states.emplace_back(name, member.String());
      });
    }
  }

  void RequireEachFieldOnce() const {
    std::set<std::string> given;
    const auto give = [&given](const std::string& field, const std::string& path) {
      if (!given.insert(field).second) {
        throw SpecError(path + ": something else gives the field \"" + field + "\" already");
      }
    };
    for (const RouteParameter& parameter : spec_.parameters) {
      for (const std::string& field : parameter.fields) give(field, parameter.path);
    }
    for (const RouteConstant& constant : spec_.constants) give(constant.field, constant.path);
  }

  const JsonNode& node_;
  RouteSpec spec_;
};

}  // namespace

std::string_view ToString(Method method) noexcept {
  for (const auto& [name, known] : kMethods) {
    if (known == method) return name;
  }
  return "?";
}

std::vector<RouteSpec> ReadRoutes(const JsonNode& node) {
  std::vector<RouteSpec> routes;
  for (const JsonNode& element : node.Elements()) routes.push_back(RouteReader(element).Read());
  return routes;
}

Status Claim(const RouteSpec& route, std::vector<ClaimedPath>& claimed) {
  for (const ClaimedPath& other : claimed) {
    const bool is_other_method = other.path == route.path && other.method != route.method;
    if (is_other_method || !Overlap(other.path, route.path)) continue;
    // "/{store}/{product}/train" is what somebody's callers ask; that "/v2/models/train" is the
    // server's own takes no store from them.
    if (other.goes_first && Crosses(other.path, route.path)) continue;
    std::string message = route.origin;
    message.append(".path: ").append(ToString(route.method)).append(" ").append(route.path);
    message.append(" is taken: ").append(ToString(other.method)).append(" ").append(other.path);
    message.append(" is answered by ").append(other.by);
    return Error{ErrorCode::kInvalidArgument, std::move(message)};
  }
  claimed.push_back({.method = route.method, .path = route.path, .by = route.origin});
  return {};
}

}  // namespace forkcast::serving
