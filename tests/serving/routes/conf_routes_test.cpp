#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/evaluate/intervals.hpp"
#include "serving/routes/route.hpp"
#include "serving/routes/route_table.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using enum preprocessing::ColumnType;

const std::filesystem::path kConf = FORKCAST_SOURCE_DIR "/conf";

/// What routes can name of a forecast whose requests have these fields, with intervals of `levels`.
RouteSubject ForecastOf(preprocessing::Schema fields, const std::vector<double>& levels) {
  const std::size_t count = fields.columns.size();
  for (preprocessing::ColumnSpec& column : fields.columns) {
    if (column.name == "time") column.nullable = true;
  }
  fields.columns.push_back({.name = "origin", .type = kTimestamp, .nullable = true});
  fields.columns.push_back({.name = "steps", .type = kInt64, .nullable = true});
  fields.columns.push_back({.name = "from", .type = kTimestamp, .nullable = true});
  fields.columns.push_back({.name = "to", .type = kTimestamp, .nullable = true});
  std::vector<TemplateName> step{{.name = "step", .type = kInt64},
                                 {.name = "period", .type = kTimestamp},
                                 {.name = "value", .type = kDouble},
                                 {.name = "actual", .type = kDouble}};
  for (const double level : levels) {
    step.push_back({.name = model::LowerName(level), .type = kDouble});
    step.push_back({.name = model::UpperName(level), .type = kDouble});
  }
  return {.question = std::move(fields),
          .field_count = count,
          .steps_field = "steps",
          .row = {{.name = "origin", .type = kTimestamp}},
          .step = std::move(step)};
}

RouteSubject SubjectOfConf(const std::string& pipeline) {
  const std::filesystem::path file = kConf / "pipelines" / pipeline;
  const auto spec = preprocessing::LoadPipelineSpec(file);
  if (!spec) throw std::runtime_error(spec.error().message);
  if (spec->forecast) {
    const auto training = preprocessing::ReadJsonFile(file)["training"];
    return ForecastOf(spec->request.fields, training.value("intervals", std::vector<double>()));
  }
  return {.question = spec->request.fields,
          .field_count = spec->request.fields.columns.size(),
          .row = {{.name = "class", .type = kText}}};
}

struct ConfCase {
  std::string name;  ///< Of the routes' file.
  std::string pipeline;
};

class RoutesOfConf : public testing::TestWithParam<ConfCase> {};

TEST_P(RoutesOfConf, FitTheirPipeline) {
  const std::filesystem::path file = kConf / "routes" / (GetParam().name + ".json");
  const std::vector<Deployment> deployments{
      {.routes = {.json = preprocessing::ReadWhole(file), .path = file.string() + ": $"}}};
  auto routes = CollectRoutes(deployments, {});
  ASSERT_TRUE(routes.ok()) << routes.error().message;
  const RouteSubject subject = SubjectOfConf(GetParam().pipeline);
  for (DeployedRoute& route : *routes) {
    const auto bound = Route::Bind(std::move(route.spec), subject);
    EXPECT_TRUE(bound.ok()) << bound.error().message;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, RoutesOfConf,
                         testing::Values(ConfCase{"order_triage", "order_triage.json"},
                                         ConfCase{"weekly_demand", "weekly_demand.json"},
                                         ConfCase{"quantity", "weekly_demand_by_store.json"},
                                         ConfCase{"quantity_rows", "weekly_demand_by_store.json"},
                                         ConfCase{"store_sales", "store_sales.json"},
                                         ConfCase{"store_sales_training",
                                                  "store_sales_per_store.json"},
                                         ConfCase{"milk_price", "milk_price.json"}),
                         [](const auto& param) { return param.param.name; });

TEST(ConfRoutes, AreAllTried) {
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(kConf / "routes")) {
    ++files;
  }
  EXPECT_EQ(files, 7U);
}

}  // namespace
}  // namespace forkcast::serving
