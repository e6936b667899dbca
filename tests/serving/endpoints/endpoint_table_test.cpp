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

/// All that there can be.
std::vector<Endpoint> AllEndpoints() {
  std::vector<Endpoint> all = Endpoints({.models = Models::kLoaded,
                                         .page = Page::kShownWithChanges,
                                         .jobs = Jobs::kTaken,
                                         .logins = Logins::kTaken});
  const std::vector<Endpoint> admin = AdminEndpoints({.pushes = Pushes::kTaken});
  all.insert(all.end(), admin.begin(), admin.end());
  return all;
}

std::string_view NameOf(Method method) {
  if (method == Method::kDelete) return "DELETE";
  return method == Method::kPost ? "POST" : "GET";
}

TEST(Endpoints, HaveDifferentOperationsAndAreDescribed) {
  std::set<std::string_view> operations;
  for (const Endpoint& endpoint : Endpoints({.models = Models::kLoaded,
                                  .page = Page::kShownWithChanges,
                                  .jobs = Jobs::kTaken,
                                  .logins = Logins::kTaken})) {
    EXPECT_TRUE(operations.insert(endpoint.operation).second) << endpoint.operation;
    EXPECT_TRUE(endpoint.description.ends_with('.')) << endpoint.operation;
    EXPECT_NE(endpoint.make, nullptr) << endpoint.operation;
  }
}

TEST(Endpoints, AreEachALineOfTheReadme) {
  const std::string readme = preprocessing::ReadWhole(FORKCAST_SOURCE_DIR "/src/serving/README.md");
  for (const Endpoint& endpoint : Endpoints({.models = Models::kLoaded,
                                  .page = Page::kShownWithChanges,
                                  .jobs = Jobs::kTaken,
                                  .logins = Logins::kTaken})) {
    EXPECT_THAT(readme, HasSubstr("| `" + std::string(NameOf(endpoint.method)) + " " +
                                  std::string(endpoint.path) + "` | " +
                                  std::string(endpoint.description) + " |"));
  }
}

std::string_view WordFor(AccessRule::Asked asked) {
  switch (asked) {
    case AccessRule::Asked::kNever:
      return "never";
    case AccessRule::Asked::kIfLocked:
      return "if it is locked";
    case AccessRule::Asked::kAlways:
      return "always";
  }
  return {};
}

/// The row of the documentation's table of who may do what.
std::string DocumentedRow(const AccessRule& rule) {
  const std::string text = preprocessing::ReadWhole(FORKCAST_SOURCE_DIR "/docs/access.md");
  const std::size_t begin = text.find("| `" + std::string(rule.name) + "` |");
  return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

TEST(Endpoints, LetTheirCallersDoWhatTheDocumentationSays) {
  for (const Endpoint& endpoint : AllEndpoints()) {
    const std::string request =
        "`" + std::string(NameOf(endpoint.method)) + " " + std::string(endpoint.path) + "`";
    for (const AccessRule& rule : AccessRules()) {
      EXPECT_EQ(DocumentedRow(rule).find(request) != std::string::npos,
                rule.access == endpoint.access)
          << request << " in " << rule.name;
    }
  }
}

TEST(Endpoints, AreAllThatTheDocumentationSaysWhoMayAsk) {
  std::size_t documented = 0;
  for (const AccessRule& rule : AccessRules()) {
    const std::string row = DocumentedRow(rule);
    EXPECT_THAT(row, HasSubstr("| `" + std::string(WordFor(rule.role)) + "` | " +
                               std::string(WordFor(rule.asked)) + " |"));
    for (const char* const method : {"`GET ", "`POST ", "`DELETE "}) {
      for (std::size_t at = row.find(method); at != std::string::npos;
           at = row.find(method, at + 1)) {
        ++documented;
      }
    }
  }
  std::set<std::string_view> operations;
  for (const Endpoint& endpoint : AllEndpoints()) operations.insert(endpoint.operation);
  EXPECT_EQ(documented, operations.size());
}

TEST(Endpoints, ThatChangeSomethingAreNeverOpen) {
  for (const Endpoint& endpoint : AllEndpoints()) {
    const bool asks_only = endpoint.access == Access::kInvoke ||
                           endpoint.access == Access::kLogIn || endpoint.operation == "indexModels";
    // Logs name callers: who reads them has to show who it is.
    const bool reads_logs = endpoint.path.starts_with("/page/api/logs");
    const bool may_change = (endpoint.method != Method::kGet && !asks_only) || reads_logs;
    const bool is_guarded = RuleOf(endpoint.access).asked == AccessRule::Asked::kAlways;
    EXPECT_EQ(may_change, is_guarded) << endpoint.operation;
  }
}

TEST(Endpoints, ThatPlatformsAskAreAnsweredUnderAnyName) {
  std::set<std::string_view> operations;
  for (const Endpoint& endpoint : AllEndpoints()) {
    if (endpoint.hosts == Hosts::kAny) operations.insert(endpoint.operation);
  }
  EXPECT_THAT(operations, testing::ElementsAre("executionParameters", "health", "invoke", "live",
                                               "modelReady", "ping", "ready", "versionReady"));
}

TEST(Endpoints, OfModelsAreOpenToAPlatformThatLoadsThem) {
  for (const Endpoint& endpoint : Endpoints({.models = Models::kLoadedByPlatform})) {
    if (!endpoint.path.starts_with("/models")) continue;
    EXPECT_EQ(endpoint.hosts, Hosts::kAny) << endpoint.operation;
    EXPECT_NE(RuleOf(endpoint.access).asked, AccessRule::Asked::kAlways) << endpoint.operation;
  }
}

TEST(WhoLoads, IsThePlatformUnlessThereAreTokensOrUsers) {
  ServerConfig config;
  EXPECT_EQ(WhoLoads(config), Models::kLoaded);
  config.platform_loads_models = true;
  EXPECT_EQ(WhoLoads(config), Models::kLoadedByPlatform);
  config.tokens = "tokens.json";
  EXPECT_EQ(WhoLoads(config), Models::kLoaded);
  config.tokens.clear();
  config.users = "users.json";
  EXPECT_EQ(WhoLoads(config), Models::kLoaded);
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

TEST(Endpoints, OfThePageChangeSomethingOnlyWhereCallersCanShowWhoTheyAre) {
  const auto is_of_page = [](const Endpoint& endpoint) {
    return endpoint.path == "/" || endpoint.path.starts_with("/page/");
  };
  for (const Endpoint& endpoint : Endpoints()) EXPECT_FALSE(is_of_page(endpoint));
  for (const Endpoint& endpoint : Endpoints({.pushes = Pushes::kTaken, .page = Page::kShown})) {
    EXPECT_NE(RuleOf(endpoint.access).asked, AccessRule::Asked::kAlways) << endpoint.operation;
  }
  std::set<std::string_view> changes;
  for (const Endpoint& endpoint :
       Endpoints({.pushes = Pushes::kTaken, .page = Page::kShownWithChanges})) {
    if (RuleOf(endpoint.access).asked == AccessRule::Asked::kAlways) {
      changes.insert(endpoint.operation);
    }
  }
  EXPECT_THAT(changes, testing::ElementsAre("pageLog", "pageLogs", "pagePromote", "pushRows",
                                            "resetTables"));
}

TEST(PageOf, IsShownUnlessItIsSwitchedOffAndChangesSomethingWhereThereAreTokens) {
  ServerConfig config;
  EXPECT_EQ(PageOf(config), Page::kShown);
  config.tokens = "tokens.json";
  EXPECT_EQ(PageOf(config), Page::kShownWithChanges);
  config.page = false;
  EXPECT_EQ(PageOf(config), Page::kHidden);
}

TEST(Endpoints, OfJobsAreAtBothAddressesAndOnlyWhereThereAreJobs) {
  const auto count = [](const std::vector<Endpoint>& endpoints) {
    return std::ranges::count_if(endpoints,
                                 [](const Endpoint& one) { return one.path.starts_with("/jobs"); });
  };
  EXPECT_EQ(count(Endpoints({.jobs = Jobs::kTaken})), 5);
  EXPECT_EQ(count(AdminEndpoints({.jobs = Jobs::kTaken})), 5);
  EXPECT_EQ(count(Endpoints()), 0);
  EXPECT_EQ(count(AdminEndpoints()), 0);
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
