#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/command/command.hpp"
#include "data_preprocessing/commands/ingest_command.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/commands/train_command.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::ExitCode;
using Words = std::vector<std::string>;

inline constexpr int kRows = 300;
inline constexpr int kTestRows = 90;
inline constexpr int kMinutesApart = 97;

inline std::string TimeOf(int minute) {
  const std::chrono::sys_days first(std::chrono::year(2024) / 1 / 1);
  const std::chrono::year_month_day date(first + std::chrono::days(minute / 1440));
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:00", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     minute % 1440 / 60, minute % 60);
}

/// An order of `pieces`, delivered when the shop has them and it is before noon.
struct Order {
  int id = 0;
  std::string shop;
  int minute = 0;
  int pieces = 0;
  std::string weight;
  std::string delivered;  ///< The label; empty: missing.
};
struct Stock {
  std::string shop;
  int minute = 0;
  int level = 0;
};

inline ordered_json Pipeline() {
  return ordered_json::parse(R"({
    "name": "delivery", "version": "1",
    "tables": {
      "orders": {"columns": {"id": "text", "shop": "text", "at": "timestamp", "pieces": "int64",
        "weight": {"type": "double", "nullable": true},
        "delivered": {"type": "bool", "nullable": true}}, "key": ["id"]},
      "stock": {"columns": {"shop": "text", "at": "timestamp", "level": "int64"}}},
    "series": {"stock": {"table": "stock", "key": ["shop"], "time": "at", "values": ["level"],
                         "max_staleness": "unlimited"}},
    "request": {"fields": {"shop": "text", "at": "timestamp", "pieces": "int64",
                           "weight": {"type": "double", "nullable": true},
                           "coupon": {"type": "text", "nullable": true}}, "time": "at"},
    "features": [
      {"name": "shop", "op": "field", "field": "shop"},
      {"name": "pieces", "op": "field", "field": "pieces"},
      {"name": "level", "op": "as_of", "series": "stock", "value": "level", "key": ["shop"]},
      {"name": "spare", "op": "subtract", "left": "level", "right": "pieces"},
      {"name": "hour", "op": "calendar", "part": "hour"},
      {"name": "weight", "op": "field", "field": "weight", "missing": "keep"},
      {"name": "coupon", "op": "field", "field": "coupon", "missing": "keep"}
    ],
    "training": {
      "table": "orders", "label": "delivered",
      "model": {"algorithm": "gradient_boosting", "trees": 60, "learning_rate": 0.2,
                "max_depth": 3, "seed": 1, "threads": 2},
      "hidden": ["weight", "coupon"],
      "metric": "accuracy",
      "slices": [{"name": "out_of_stock", "feature": "spare", "<": 0},
                 {"name": "afternoon_in_stock",
                  "all": [{"feature": "spare", ">=": 0}, {"feature": "hour", ">=": 12}]}]
    }
  })");
}

/// Orders of three shops, and the two commands over them.
class ClassifierCommandTest : public testing::Test {
 protected:
  ClassifierCommandTest() {
    std::mt19937 random(7);
    for (const char* shop : {"01", "02", "03"}) {
      for (int day = 0; day <= kRows * kMinutesApart / 1440 + 1; ++day) {
        stock_.push_back({shop, day * 1440, static_cast<int>(random() % 10)});
      }
    }
    for (int i = 0; i < kRows; ++i) {
      Order order{.id = i,
                  .shop = fmt::format("0{}", 1 + random() % 3),
                  .minute = i * kMinutesApart,
                  .pieces = 1 + static_cast<int>(random() % 8),
                  .weight = "1",
                  .delivered = {}};
      order.delivered = IsDelivered(order) ? "true" : "false";
      orders_.push_back(order);
    }
  }

  [[nodiscard]] int LevelFor(const Order& order) const {
    int level = 0;
    for (const Stock& row : stock_) {
      if (row.shop == order.shop && row.minute <= order.minute) level = row.level;
    }
    return level;
  }
  [[nodiscard]] static bool IsMorning(const Order& order) { return order.minute % 1440 < 720; }
  [[nodiscard]] bool IsDelivered(const Order& order) const {
    return order.pieces <= LevelFor(order) && IsMorning(order);
  }
  [[nodiscard]] bool IsTested(int id) const { return id >= kRows - kTestRows; }

  void Ingest() {
    std::string orders = "id,shop,at,pieces,weight,delivered\n";
    for (const Order& row : orders_) {
      orders += fmt::format("{},{},{},{},{},{}\n", row.id, row.shop, TimeOf(row.minute), row.pieces,
                            row.weight, row.delivered);
    }
    std::string stock = "shop,at,level\n";
    for (const Stock& row : stock_) {
      stock += fmt::format("{},{},{}\n", row.shop, TimeOf(row.minute), row.level);
    }
    folder_.Write("orders.csv", orders);
    folder_.Write("stock.csv", stock);
    SetDocument();
    fs::remove(folder_.path() / "o.db");
    const SystemClock clock;
    std::ostringstream ignored;
    ASSERT_EQ(preprocessing::RunCommand(
                  preprocessing::IngestCommand(),
                  {"--pipeline", pipeline(), "--store", store(), "--from", folder_.path().string(),
                   "--quiet"},
                  {.environment = NoEnvironment, .out = ignored, .err = err_, .clock = clock}),
              0)
        << err_.str();
  }
  void SetDocument() { folder_.Write("pipeline.json", document_.dump()); }

  ExitCode RunWith(bool train, Words words, const Clock& clock = SystemClock()) {
    if (train) words.insert(words.end(), {"--models", models().string()});
    out_.str("");
    err_.str("");
    const preprocessing::CommandContext context{
        .environment = NoEnvironment, .out = out_, .err = err_, .clock = clock};
    return static_cast<ExitCode>(
        preprocessing::RunCommand(train ? TrainCommand() : EvaluateCommand(), words, context));
  }
  ExitCode Run(bool train, const Words& flags, const Clock& clock = SystemClock()) {
    Words words{"--pipeline", pipeline(), "--store", store(), "--json"};
    words.insert(words.end(), flags.begin(), flags.end());
    return RunWith(train, words, clock);
  }
  ExitCode Train(const Words& flags = {}) { return Run(true, flags); }
  ExitCode Evaluate(const Words& flags = {}) { return Run(false, flags); }

  [[nodiscard]] ordered_json summary() const { return ordered_json::parse(out_.str()); }
  [[nodiscard]] ordered_json evaluation() const { return summary()["evaluation"]; }
  [[nodiscard]] std::string err() const { return err_.str(); }
  [[nodiscard]] fs::path models() const { return folder_.path() / "models"; }
  [[nodiscard]] fs::path version(int number) const {
    return models() / "delivery" / std::to_string(number);
  }
  [[nodiscard]] ordered_json manifest(int number) const {
    return ordered_json::parse(preprocessing::ReadWhole(version(number) / "manifest.json"));
  }
  [[nodiscard]] std::string pipeline() const { return (folder_.path() / "pipeline.json").string(); }
  [[nodiscard]] std::string store() const { return "sqlite:" + (folder_.path() / "o.db").string(); }
  static std::optional<std::string> NoEnvironment(const char*) { return std::nullopt; }

  /// Labels of another type, made from whether an order is delivered.
  void UseLabels(const char* type, const std::function<std::string(const Order&)>& label) {
    document_["tables"]["orders"]["columns"]["delivered"] = {{"type", type}, {"nullable", true}};
    for (Order& order : orders_) order.delivered = label(order);
  }

  preprocessing::TempFolder folder_;
  ordered_json document_ = Pipeline();
  std::vector<Order> orders_;
  std::vector<Stock> stock_;
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace forkcast::model
