#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "support/sales_model.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using preprocessing::ReadWhole;

constexpr std::size_t kRows = 10'000;

/// So many requests in CSV: the orders of a data set, each with its own time and then later ones.
std::string Requests(const DataSet& data) {
  const preprocessing::Schema fields{{{"order_id", preprocessing::ColumnType::kText},
                                      {"timestamp", preprocessing::ColumnType::kTimestamp},
                                      {"sku_code", preprocessing::ColumnType::kText},
                                      {"zip_code", preprocessing::ColumnType::kText}}};
  auto reader = *preprocessing::CsvTableReader::Open(data.orders, fields, {});
  preprocessing::Table orders(fields);
  EXPECT_TRUE(*reader.ReadBatch(kRows, orders));
  std::string csv = "order_id,timestamp,sku_code,zip_code\n";
  for (std::size_t i = 0; i < kRows; ++i) {
    const std::size_t row = i % orders.row_count();
    const auto later = std::chrono::hours(i / orders.row_count() * 7);
    csv += fmt::format("{},{},{},{}\n", orders.column(0).Text(row),
                       preprocessing::IsoTimestamp(orders.column(1).Timestamp(row) + later),
                       orders.column(2).Text(row), orders.column(3).Text(row));
  }
  return csv;
}

/// A server of the sample's orders, or of the real ones where these are.
class ServedFeatures : public testing::Test {
 protected:
  ServedFeatures() : data_(RealData().value_or(SampleData())), rows_(Requests(data_)) {
    workspace_.Ingest(data_);
    workspace_.Write("rows.csv", rows_);
  }
  std::string Run(std::vector<std::string> command, int code = 0) const {
    command.insert(command.begin(), kForkcast);
    return RunToEnd(workspace_ / "command", command, code);
  }
  [[nodiscard]] std::vector<std::string> Pipeline(const char* command) const {
    return {command, "--pipeline", workspace_.pipeline(), "--store", workspace_.store()};
  }

  DataSet data_;
  Workspace workspace_;
  std::string rows_;
};

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

TEST_F(ServedFeatures, AreTheCommandsByteByByte) {
  auto command = Pipeline("features");
  command.insert(command.end(), {"--rows", workspace_ / "rows.csv", "--out",
                                 workspace_ / "features.csv", "--json"});
  EXPECT_EQ(json::parse(Run(command))["rows"], kRows);
  const Server server(workspace_);
  server.WaitUntilAllReady();
  HttpConnection client(server.endpoint());
  const Answer answer = client
                            .Ask({.target = "/invocations?features=true",
                                  .headers = "Content-Type: text/csv\r\n",
                                  .body = rows_})
                            .answer;
  ASSERT_EQ(answer.status, 200) << answer.body.substr(0, 500);
  const std::vector<std::string> served = LinesOf(answer.body);
  const std::vector<std::string> computed = LinesOf(ReadWhole(workspace_ / "features.csv"));
  ASSERT_EQ(served.size(), kRows + 1);
  ASSERT_EQ(computed.size(), kRows + 1);
  for (std::size_t i = 1; i <= kRows; ++i) {
    ASSERT_TRUE(served[i].ends_with("," + computed[i]))
        << i << ": " << served[i] << " and " << computed[i];
  }
}

TEST_F(ServedFeatures, AreRecomputedWithoutADifferenceFromWhatWasCaptured) {
  const json hook{{"type", "capture"},
                  {"share", 1},
                  {"folder", workspace_ / "captures"},
                  {"endpoint", "order-triage"}};
  workspace_.Write("config.json", json{{"hooks", {hook}}}.dump());
  {
    Server server(workspace_, {.flags = {"--config", workspace_ / "config.json"}});
    server.WaitUntilAllReady();
    HttpConnection client(server.endpoint());
    const std::vector<std::string> rows = LinesOf(rows_);
    for (std::size_t i = 1; i <= 20; ++i) {
      const Answer answer = client
                                .Ask({.headers = "Content-Type: text/csv\r\n",
                                      .body = rows[0] + "\n" + rows[i] + "\n"})
                                .answer;
      ASSERT_EQ(answer.status, 200);
    }
    server.Stop();
  }
  auto command = Pipeline("skew");
  command.insert(command.end(), {"--capture", workspace_ / "captures", "--json"});
  const json found = json::parse(Run(command));
  EXPECT_EQ(found["rows"], 20);
  EXPECT_EQ(found["different_rows"], 0);
}

/// A server of the published forecast, whose answers are captured, and what became of them.
class CapturedForecasts : public testing::Test {
 protected:
  CapturedForecasts() {
    const json hook{{"type", "capture"},
                    {"share", 1},
                    {"folder", workspace_ / "captures"},
                    {"endpoint", "sales"}};
    workspace_.Write("config.json", json{{"hooks", {hook}}}.dump());
    Server server(workspace_, {.serves = ServerOptions::Serves::kNothing,
                               .flags = {"--config", workspace_ / "config.json", "--snapshots",
                                         snapshots_, "--models", models_, "--deploy", "sales@1"}});
    server.WaitUntilAllReady();
    for (const char* at : {"2024-01-20", "2024-01-25", ""}) {
      Request request = SalesOfAShop("/invocations");
      if (*at != '\0') request.body = fmt::format(R"({{"shop": "000", "at": "{}"}})", at);
      const Answer answer = AskOnce(server.endpoint(), request);
      EXPECT_EQ(answer.status, 200) << answer.body;
    }
    server.Stop();
  }
  json Skew(int code) const {
    return json::parse(
        RunToEnd(workspace_ / "command",
                 {kForkcast, "skew", "--json", "--capture", workspace_ / "captures", "--pipeline",
                  kSalesVersion / "pipeline.json", "--snapshots", snapshots_, "--models", models_},
                 code));
  }

  const fs::path models_ = kSalesVersion.parent_path().parent_path();
  Workspace workspace_;
  const fs::path snapshots_ = PublishSales(workspace_, "sales.db", 10);
};

TEST_F(CapturedForecasts, AreMadeAnewWithoutADifference) {
  const json found = Skew(0);
  EXPECT_EQ(found["requests"], 3);
  EXPECT_EQ(found["rows"], 6) << "two steps each";
  EXPECT_GT(found["values"], 6) << "their features, and what was forecast";
  EXPECT_EQ(found["different_values"], 0) << found;
  EXPECT_EQ(found["skipped"], 0) << found;
}

TEST_F(CapturedForecasts, DifferWhereTheSalesAreOthersToday) {
  fs::remove_all(snapshots_);
  fs::remove(workspace_ / "sales.db");
  PublishSales(workspace_, "sales.db", 1000);
  const json found = Skew(1);
  EXPECT_EQ(found["rows"], 6);
  EXPECT_EQ(found["different_rows"], 6) << found;
  EXPECT_EQ(found["differences"][0]["feature"], "last");
}

TEST_F(CapturedForecasts, AreNotComparedWithoutTheVersionThatAnswered) {
  fs::create_directories(workspace_ / "none");
  EXPECT_EQ(RunToEnd(workspace_ / "command",
                     {kForkcast, "skew", "--capture", workspace_ / "captures", "--pipeline",
                      kSalesVersion / "pipeline.json", "--snapshots", snapshots_, "--models",
                      workspace_ / "none"},
                     3)
                .find("3 requests could not be compared"),
            0U);
}

}  // namespace
}  // namespace forkcast::process_test
