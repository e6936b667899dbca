#pragma once

#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/document/json.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/routes/route.hpp"
#include "serving/web/api_schema.hpp"

namespace forkcast::serving {

/// A deployment as the description of the API shows it.
struct ApiDeployment {
  std::string name;
  RouteSubject subject;
  preprocessing::Schema answer{};  ///< Members of an answered row,
  preprocessing::Schema steps{};   ///< and of each of its steps;
  std::string steps_member{};  ///< the row's member that holds those; empty where there are none.
  /// How a row reads within `{"predictions": [...]}`; null: as elsewhere.
  JsonSchema prediction{};
  /// What a row may suppose in the field of this name; empty where it cannot.
  std::string assume_field{};
  preprocessing::Schema assumable{};
  /// A row that can be asked: what a key that there is has in some of the fields.
  nlohmann::ordered_json example = nlohmann::ordered_json::object();
};

/// One operation of the API while it is described, as an operation object of OpenAPI 3.1. What
/// every endpoint has is there to begin with: its name, its description, its path's parameters, and
/// errors in the form of all.
class ApiOperation {
 public:
  ApiOperation(const Endpoint& endpoint, std::span<const ApiDeployment> deployments);

  /// The default one first.
  [[nodiscard]] std::span<const ApiDeployment> deployments() const noexcept { return deployments_; }

  enum class In { kPath, kQuery, kHeader };
  struct Parameter {
    In in = In::kQuery;
    std::string_view name;
    std::string_view description{};
    bool required = false;
    JsonSchema schema{};
    nlohmann::ordered_json example{};  ///< Null for none.
  };
  /// Takes the place of one of the same name in the path.
  void Add(const Parameter& parameter);
  /// One more form of the body.
  void AddBody(std::string_view media_type, JsonSchema schema, nlohmann::ordered_json example = {});
  /// One more form of an answer. An empty media type is none: no body.
  void AddAnswer(std::string_view status, std::string_view description,
                 std::string_view media_type = {}, JsonSchema schema = {});

  [[nodiscard]] const nlohmann::ordered_json& json() const noexcept { return json_; }

 private:
  std::span<const ApiDeployment> deployments_;
  nlohmann::ordered_json json_;
};

}  // namespace forkcast::serving
