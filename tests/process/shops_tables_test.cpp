// What applications keep in databases of their own, read where it is: the features are those that
// come of the same rows in SQLite, to the last byte.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/eventually.hpp"
#include "support/server.hpp"
#include "support/store_kinds.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::ReadWhole;
using Words = std::vector<std::pair<std::string, std::string>>;

/// The text with what each pattern finds in it written otherwise.
std::string Rewritten(std::string text, const Words& words) {
  for (const auto& [pattern, by] : words) {
    text = std::regex_replace(text, std::regex(pattern), by);
  }
  return text;
}

class ShopsTables : public testing::TestWithParam<ServerKind> {
 protected:
  void SetUp() override {
    if (!GetParam().is_installed()) GTEST_SKIP() << GetParam().name << " is not installed";
    store_ = GetParam().new_store();
  }
  [[nodiscard]] static bool is_postgres() { return GetParam().name == "Postgres"; }
  void Run(const std::string& sql) const { GetParam().ask(store_, sql); }
  /// The rows of a CSV file as the shop's program would insert them.
  void Insert(const std::string& table, const fs::path& file) const {
    std::istringstream lines(ReadWhole(file));
    std::string header;
    std::getline(lines, header);
    std::string rows;
    for (std::string line; std::getline(lines, line);) {
      rows +=
          (rows.empty() ? "('" : ",('") + std::regex_replace(line, std::regex(","), "','") + "')";
    }
    Run("INSERT INTO " + table + " (" + header + ") VALUES " + rows);
  }
  void Ingest(const fs::path& pipeline, const std::string& store, const std::string& name,
              const fs::path& folder) const {
    RunToEnd(workspace_ / "ingest",
             {kForkcast, "ingest", "--quiet", "--pipeline", pipeline, "--store", store,
              "--snapshots", workspace_ / name, "--from", folder});
  }
  /// Publishes what is in the store, of which nothing was taken in.
  void PublishOnly(const fs::path& pipeline, const std::string& name) const {
    Program follower(workspace_ / "follower",
                     {kForkcast, "ingest", "--follow", "--pipeline", pipeline, "--store", store_,
                      "--snapshots", workspace_ / name});
    EXPECT_TRUE(Eventually([&] { return follower.out().find("published") != std::string::npos; }))
        << follower.err();
    follower.Signal(SIGTERM);
    EXPECT_EQ(follower.Wait(), 0) << follower.err();
  }
  /// What a model would learn from.
  [[nodiscard]] std::string Features(const fs::path& pipeline, const std::string& name) const {
    return RunToEnd(workspace_ / "features", {kForkcast, "features", "--grid", "--pipeline",
                                              pipeline, "--snapshots", workspace_ / name});
  }

  Workspace workspace_;
  std::string store_;
};

INSTANTIATE_TEST_SUITE_P(Servers, ShopsTables, testing::ValuesIn(ServerKinds()),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(ShopsTables, OfFactsAndDimensionsGiveTheFeaturesOfTheirRows) {
  const fs::path pipeline = workspace_.Write(
      "quantity.json", Rewritten(ReadWhole(kSource / "conf/pipelines/weekly_demand_by_store.json"),
                                 {{"\\border_lines\\b", "fact_order_items"},
                                  {"\"products\": (\\{\\s*\"columns\")", "\"dim_product\": $1"},
                                  {"\"stores\": (\\{\\s*\"columns\")", "\"dim_store\": $1"},
                                  {"\"table\": \"products\"", "\"table\": \"dim_product\""},
                                  {"\"table\": \"stores\"", "\"table\": \"dim_store\""}}));
  const fs::path sample = kSource / "data/weekly_demand_by_store";
  const fs::path files = workspace_ / "files";
  fs::create_directory(files);
  fs::copy_file(sample / "order_lines.csv", files / "fact_order_items.csv");
  fs::copy_file(sample / "products.csv", files / "dim_product.csv");
  fs::copy_file(sample / "stores.csv", files / "dim_store.csv");
  Ingest(pipeline, workspace_.store(), "sqlite", files);

  const std::string number = is_postgres() ? "bigserial" : "int AUTO_INCREMENT";
  const std::string moment = is_postgres() ? "timestamp" : "datetime";
  Run("CREATE TABLE fact_order_items (id " + number +
      " PRIMARY KEY, order_id char(7) NOT NULL, region_id integer, store_id varchar(3) NOT NULL, "
      "product_id varchar(8) NOT NULL, quantity smallint NOT NULL, price_cents integer NOT NULL, "
      "sold_at " +
      moment + " NOT NULL)");
  Run("CREATE TABLE dim_product (product_id varchar(8) PRIMARY KEY, supplier text, brand "
      "varchar(40) NOT NULL, category varchar(40) NOT NULL, pack_size smallint NOT NULL)");
  Run("CREATE TABLE dim_store (store_id varchar(3) PRIMARY KEY, region varchar(20) NOT NULL, kind "
      "varchar(20) NOT NULL, square_meters integer NOT NULL, manager text)");
  for (const char* table : {"fact_order_items", "dim_product", "dim_store"}) {
    Insert(table, files / (std::string(table) + ".csv"));
  }
  PublishOnly(pipeline, "server");
  const std::string features = Features(pipeline, "sqlite");
  EXPECT_GT(std::ranges::count(features, '\n'), 1000);
  EXPECT_TRUE(features == Features(pipeline, "server"));
  EXPECT_EQ(GetParam().ask(store_, "SELECT count(*) FROM fact_order_items WHERE region_id IS NULL"),
            GetParam().ask(store_, "SELECT count(*) FROM fact_order_items"))
      << "nothing was written";
}

/// The query of conf/pipelines/milk_price.json in SQL of this kind.
std::string InSqlOf(const ServerKind& kind, const std::string& query) {
  const Words both{
      {"max\\(y\\) FILTER \\(WHERE (name = '\\w+')\\)", "max(CASE WHEN $1 THEN y END)"}};
  const std::string month =
      R"(1000000 \* unixepoch\(printf\('%04d-%02d-01', Anio, (.*)\)\) AS month)";
  if (kind.name == "Postgres") {
    return Rewritten(Rewritten(query, both),
                     {{month, "make_timestamptz(Anio::int, $1, 1, 0, 0, 0, 'UTC') AS month"},
                      {"instr", "strpos"},
                      {"AS REAL", "AS double precision"},
                      {"AS INTEGER", "AS bigint"}});
  }
  return Rewritten(
      Rewritten(query, both),
      {{month, "CAST(concat(Anio, '-', CAST($1 AS SIGNED), '-01') AS DATETIME(6)) AS month"},
       {R"((substr\([^)]*\)) \|\| '\.' \|\| (substr\([^)]*\)))", "concat($1, '.', $2)"},
       {R"(x \|\| '\.')", "concat(x, '.')"},
       {"AS REAL", "AS DOUBLE"},
       {"AS INTEGER", "AS SIGNED"}});
}

class PricesOfMilk : public ShopsTables {
 protected:
  /// From files of that folder, in SQLite and in the server; of the real ones a row is no date.
  void ExpectTheSameFeatures(const fs::path& folder, const std::vector<std::string>& more) const {
    const fs::path conf = kSource / "conf/pipelines/milk_price.json";
    auto pipeline = ordered_json::parse(ReadWhole(conf));
    ordered_json& lines = pipeline["series"]["months"]["query"];
    std::string query;
    for (const ordered_json& line : lines) query += line.get<std::string>() + "\n";
    lines = InSqlOf(GetParam(), query);
    const fs::path translated = workspace_.Write("milk.json", pipeline.dump());
    IngestAll(conf, workspace_.store(), "sqlite", folder, more);
    IngestAll(translated, store_, "server", folder, more);
    const std::string features = Features(conf, "sqlite");
    EXPECT_GT(std::ranges::count(features, '\n'), 60);
    EXPECT_TRUE(features == Features(translated, "server"));
  }

 private:
  void IngestAll(const fs::path& pipeline, const std::string& store, const std::string& name,
                 const fs::path& folder, const std::vector<std::string>& more) const {
    std::vector<std::string> command{
        kForkcast, "ingest", "--quiet", "--pipeline",  pipeline,         "--store",
        store,     "--from", folder,    "--snapshots", workspace_ / name};
    command.insert(command.end(), more.begin(), more.end());
    RunToEnd(workspace_ / "ingest", command);
  }
};

INSTANTIATE_TEST_SUITE_P(Servers, PricesOfMilk, testing::ValuesIn(ServerKinds()),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(PricesOfMilk, GiveTheFeaturesOfTheSample) {
  ExpectTheSameFeatures(kSource / "data/milk_price", {});
}

TEST_P(PricesOfMilk, GiveTheFeaturesOfTheRealFiles) {
  const fs::path folder = kSource / "../shared/data/milk_price_chile";
  if (!fs::exists(folder)) GTEST_SKIP() << "the real prices are not on this machine";
  ExpectTheSameFeatures(folder, {"--rejects", workspace_ / "rejects.csv"});
}

}  // namespace
}  // namespace forkcast::process_test
