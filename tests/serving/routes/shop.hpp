#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "serving/routes/route.hpp"
#include "serving/routes/route_spec.hpp"

namespace forkcast::serving {

/// What is asked in these tests: sales of a product in a store, for the days to come.
inline RouteSubject Shop() {
  using enum preprocessing::ColumnType;
  return {.question = {{{.name = "store", .type = kInt64},
                        {.name = "product", .type = kText},
                        {.name = "price", .type = kDouble, .nullable = true},
                        {.name = "open", .type = kBool, .nullable = true},
                        {.name = "origin", .type = kTimestamp, .nullable = true},
                        {.name = "steps", .type = kInt64, .nullable = true},
                        {.name = "from", .type = kTimestamp, .nullable = true},
                        {.name = "to", .type = kTimestamp, .nullable = true}}},
          .field_count = 4,
          .steps_field = "steps",
          .row = {{.name = "origin", .type = kTimestamp}},
          .step = {{.name = "step", .type = kInt64},
                   {.name = "period", .type = kTimestamp},
                   {.name = "value", .type = kDouble}},
          .features = {"lag_1", "lag_2"},
          .model_name = "shop",
          .model_version = "7"};
}

/// The routes of a declaration, or what is thrown.
inline std::vector<RouteSpec> Declare(std::string_view json) {
  const nlohmann::ordered_json document = preprocessing::ParseJson(json);
  return ReadRoutes(preprocessing::JsonNode(document));
}

/// The one route of a declaration without the brackets around it.
inline Result<Route> BindOne(std::string_view json, const RouteSubject& subject = Shop()) {
  return Route::Bind(Declare("[" + std::string(json) + "]").at(0), subject);
}

inline Route Bound(std::string_view json) {
  auto route = BindOne(json);
  if (!route) throw std::runtime_error(route.error().message);
  return *std::move(route);
}

}  // namespace forkcast::serving
