#include "serving/routes/route_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::array kBuiltIn{Endpoint{.method = Method::kGet, .path = "/ping"}};

Deployment With(std::string name, std::string routes) {
  return {.name = name, .routes = {.json = std::move(routes), .path = name + ".json: $"}};
}

std::string Get(const std::string& path) {
  return R"({"method": "GET", "path": ")" + path + R"(", "answer": 1})";
}

TEST(RouteTable, HasTheRoutesOfAllDeployments) {
  const std::vector<Deployment> deployments{
      With("a", "[" + Get("/x") + "," + Get("/x_y") + "]"),
      {.name = "none"},
      With("b", "[" + Get("/x/y") + "," + Get("/{z}/a/b") + "]")};
  const auto routes = CollectRoutes(deployments, kBuiltIn);
  ASSERT_TRUE(routes.ok()) << routes.error().message;
  ASSERT_THAT(*routes, SizeIs(4));
  EXPECT_EQ((*routes)[0].operation, "a_get_x");
  EXPECT_EQ((*routes)[3].operation, "b_get_z_a_b");
}

TEST(RouteTable, NamesEachRouteDifferently) {
  const std::vector<Deployment> deployments{With("a", "[" + Get("/x/y") + "," + Get("/x_y") + "]")};
  const auto routes = CollectRoutes(deployments, kBuiltIn);
  ASSERT_TRUE(routes.ok()) << routes.error().message;
  EXPECT_NE((*routes)[0].operation, (*routes)[1].operation);
}

TEST(RouteTable, RefusesARouteOfTwoDeployments) {
  const std::vector<Deployment> deployments{With("a", "[" + Get("/x/{p}") + "]"),
                                            With("b", "[" + Get("/y") + "," + Get("/x/1") + "]")};
  const auto routes = CollectRoutes(deployments, kBuiltIn);
  ASSERT_FALSE(routes.ok());
  EXPECT_THAT(routes.error().message,
              AllOf(HasSubstr("b.json: $[1].path"), HasSubstr("answered by a.json: $[0]")));
}

TEST(RouteTable, RefusesARouteOverABuiltInOne) {
  const std::vector<Deployment> deployments{With("a", "[" + Get("/{p}") + "]")};
  const auto routes = CollectRoutes(deployments, kBuiltIn);
  ASSERT_FALSE(routes.ok());
  EXPECT_THAT(routes.error().message, AllOf(HasSubstr("a.json: $[0].path"), HasSubstr("GET /ping"),
                                            HasSubstr("the server itself")));
}

TEST(RouteTable, RefusesADeclarationByItsPlace) {
  const std::vector<Deployment> deployments{With("a", "{}")};
  const auto routes = CollectRoutes(deployments, kBuiltIn);
  ASSERT_FALSE(routes.ok());
  EXPECT_THAT(routes.error().message, HasSubstr("a.json: $: expected an array"));
}

}  // namespace
}  // namespace forkcast::serving
