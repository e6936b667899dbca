#include "serving/endpoints/endpoint_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;

std::string_view NameOf(Method method) {
  if (method == Method::kDelete) return "DELETE";
  return method == Method::kPost ? "POST" : "GET";
}

TEST(Endpoints, HaveDifferentOperationsAndAreDescribed) {
  std::set<std::string_view> operations;
  for (const Endpoint& endpoint : Endpoints({.models = Models::kLoaded})) {
    EXPECT_TRUE(operations.insert(endpoint.operation).second) << endpoint.operation;
    EXPECT_TRUE(endpoint.description.ends_with('.')) << endpoint.operation;
    EXPECT_NE(endpoint.make, nullptr) << endpoint.operation;
  }
}

TEST(Endpoints, AreEachALineOfTheReadme) {
  const std::string readme = preprocessing::ReadWhole(FORKCAST_SOURCE_DIR "/src/serving/README.md");
  for (const Endpoint& endpoint : Endpoints({.models = Models::kLoaded})) {
    EXPECT_THAT(readme, HasSubstr("| `" + std::string(NameOf(endpoint.method)) + " " +
                                  std::string(endpoint.path) + "` | " +
                                  std::string(endpoint.description) + " |"));
  }
}

TEST(Endpoints, OfTablesAreAtTheAdminAddressAloneAndOnlyWhereRowsAreTaken) {
  const std::string readme = preprocessing::ReadWhole(FORKCAST_SOURCE_DIR "/src/serving/README.md");
  std::size_t of_tables = 0;
  for (const Endpoint& endpoint : AdminEndpoints({.pushes = Pushes::kTaken})) {
    if (!endpoint.path.starts_with("/tables")) continue;
    ++of_tables;
    EXPECT_THAT(readme, HasSubstr("| `" + std::string(NameOf(endpoint.method)) + " " +
                                  std::string(endpoint.path) + "` | " +
                                  std::string(endpoint.description) + " |"));
  }
  EXPECT_EQ(of_tables, 3U);
  for (const Endpoint& endpoint : AdminEndpoints()) EXPECT_FALSE(endpoint.path.starts_with("/tab"));
  for (const Endpoint& endpoint : Endpoints({.pushes = Pushes::kTaken})) {
    EXPECT_FALSE(endpoint.path.starts_with("/tables"));
  }
}

TEST(Endpoints, OfModelsThatComeAndGoAreThereOnlyWhereThatIsAllowed) {
  const auto is_of_models = [](const Endpoint& endpoint) {
    return endpoint.path.starts_with("/models") ||
           endpoint.path.starts_with("/v2/repository/models/");
  };
  for (const Endpoint& endpoint : Endpoints()) EXPECT_FALSE(is_of_models(endpoint));
  std::size_t of_models = 0;
  for (const Endpoint& endpoint : Endpoints({.models = Models::kLoaded})) {
    if (is_of_models(endpoint)) ++of_models;
  }
  EXPECT_EQ(of_models, Endpoints({.models = Models::kLoaded}).size() - Endpoints().size());
}

TEST(Endpoints, OfThoseWhoLookAfterTheServerMayBeApart) {
  std::vector<std::string_view> admin;
  for (const Endpoint& endpoint : AdminEndpoints()) admin.push_back(endpoint.path);
  EXPECT_THAT(admin, testing::UnorderedElementsAre("/ping", "/drift", "/metrics"));
  std::vector<std::string_view> gone;
  const std::vector<Endpoint> apart = Endpoints({.watching = Watching::kApart});
  for (const Endpoint& endpoint : Endpoints()) {
    if (std::ranges::find(apart, endpoint.path, &Endpoint::path) == apart.end()) {
      gone.push_back(endpoint.path);
    }
  }
  EXPECT_THAT(gone, testing::UnorderedElementsAre("/drift", "/metrics"));
}

TEST(Endpoints, OfAnAdminAddressHaveNoMetricsWhereThoseAreHidden) {
  for (const Endpoint& endpoint : AdminEndpoints({.metrics = Metrics::kHidden})) {
    EXPECT_NE(endpoint.path, "/metrics");
  }
}

TEST(Endpoints, HaveNoMetricsWhereThoseAreHidden) {
  const auto is_metrics = [](const Endpoint& one) { return one.path == "/metrics"; };
  EXPECT_TRUE(std::ranges::any_of(Endpoints(), is_metrics));
  EXPECT_TRUE(std::ranges::none_of(Endpoints({.metrics = Metrics::kHidden}), is_metrics));
}

}  // namespace
}  // namespace forkcast::serving
