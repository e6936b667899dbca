#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/commands/ingest_command.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/commands/train_command.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::ExitCode;
using Words = std::vector<std::string>;

inline constexpr int kDays = 140;
inline constexpr int kShops = 3;
inline constexpr int kHorizon = 7;
inline constexpr int kFolds = 3;

/// Sales by day of the week and shop with noise: a mean of that weekday is better than any one
/// value of the past.
inline double Sales(int shop, int day, std::mt19937& random) {
  constexpr std::array kByDay{10.0, 12.0, 11.0, 13.0, 20.0, 30.0, 4.0};
  const double noise = std::uniform_real_distribution(0.7, 1.3)(random);
  return kByDay[static_cast<std::size_t>(day % 7)] * (1 + shop) * noise;
}

inline std::string DateOf(int day) {
  const std::chrono::sys_days first(std::chrono::year(2024) / 1 / 1);
  const std::chrono::year_month_day date(first + std::chrono::days(day));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

inline ordered_json Pipeline() {
  return ordered_json::parse(R"({
    "name": "sales", "version": "1",
    "tables": {"sales": {"columns": {"shop": "text", "day": "timestamp", "amount": "double"}}},
    "series": {"daily": {"table": "sales", "key": ["shop"], "time": "day",
      "aggregate": {"period": "day", "values": {"amount": {"op": "sum", "column": "amount"}},
                    "partial": "keep"},
      "max_staleness": "unlimited"}},
    "request": {"fields": {"shop": "text", "at": "timestamp"}, "time": "at"},
    "forecast": {"series": "daily", "value": "amount", "key": ["shop"], "horizon": 7,
                 "strategy": "direct"},
    "features": [
      {"name": "last", "op": "lag", "series": "daily", "value": "amount", "key": ["shop"],
       "periods": 1, "missing": "keep"},
      {"name": "week_ago", "op": "seasonal_lag", "series": "daily", "value": "amount",
       "key": ["shop"], "season": 7, "missing": "keep"},
      {"name": "same_day", "op": "rolling", "statistic": "mean", "series": "daily",
       "value": "amount", "key": ["shop"], "window": 56, "match": ["day_of_week"],
       "missing": "keep"},
      {"name": "weekday", "op": "calendar", "part": "day_of_week", "at": "target"}
    ],
    "training": {
      "model": {"algorithm": "gradient_boosting", "trees": 40, "learning_rate": 0.15,
                "max_depth": 3, "min_child_weight": 5, "seed": 1, "threads": 2},
      "folds": {"n_splits": 3}, "metric": "wape",
      "baselines": ["naive", {"seasonal_naive": 7}, {"moving_average": 7}]
    }
  })");
}

/// Daily sales of three shops, and the two commands over them.
class TrainCommandTest : public testing::Test {
 protected:
  TrainCommandTest() {
    std::mt19937 random(7);
    for (int shop = 0; shop < kShops; ++shop) {
      for (int day = 0; day < kDays; ++day) {
        amounts_.push_back({fmt::format("{:03}", shop), day, Sales(shop, day, random)});
      }
    }
  }

  struct Amount {
    std::string shop;
    int day = 0;
    double amount = 0;
  };

  void Ingest() {
    std::string csv = "shop,day,amount\n";
    for (const Amount& row : amounts_) {
      csv += fmt::format("{},{},{}\n", row.shop, DateOf(row.day), row.amount);
    }
    IngestCsv(csv);
  }
  /// Of the table `sales`, into a new store.
  void IngestCsv(const std::string& csv) {
    folder_.Write("sales.csv", csv);
    folder_.Write("pipeline.json", document_.dump());
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

  ExitCode Run(bool train, Words flags, const Clock& clock = SystemClock()) {
    Words words{"--pipeline", pipeline(), "--store", store()};
    if (shows_ == Shows::kJson) words.emplace_back("--json");
    if (train) words.insert(words.end(), {"--models", models().string()});
    words.insert(words.end(), flags.begin(), flags.end());
    out_.str("");
    err_.str("");
    const preprocessing::CommandContext context{
        .environment = NoEnvironment, .out = out_, .err = err_, .clock = clock};
    return static_cast<ExitCode>(
        train ? preprocessing::RunCommand(TrainCommand(), words, context)
              : preprocessing::RunCommand(EvaluateCommand(), words, context));
  }
  ExitCode Train(const Words& flags = {}) { return Run(true, flags); }
  ExitCode Evaluate(const Words& flags = {}) { return Run(false, flags); }

  enum class Shows { kJson, kTables };
  void Show(Shows shows) { shows_ = shows; }
  [[nodiscard]] std::string out() const { return out_.str(); }
  [[nodiscard]] ordered_json summary() const { return ordered_json::parse(out_.str()); }
  [[nodiscard]] ordered_json evaluation() const { return summary()["evaluation"]; }
  [[nodiscard]] std::string err() const { return err_.str(); }
  [[nodiscard]] fs::path models() const { return folder_.path() / "models"; }
  [[nodiscard]] fs::path version(int number) const {
    return models() / "sales" / std::to_string(number);
  }
  [[nodiscard]] ordered_json manifest(int number) const {
    return ordered_json::parse(preprocessing::ReadWhole(version(number) / "manifest.json"));
  }
  [[nodiscard]] std::string pipeline() const { return (folder_.path() / "pipeline.json").string(); }
  [[nodiscard]] std::string store() const { return "sqlite:" + (folder_.path() / "o.db").string(); }
  static std::optional<std::string> NoEnvironment(const char*) { return std::nullopt; }

  preprocessing::TempFolder folder_;
  ordered_json document_ = Pipeline();
  std::vector<Amount> amounts_;
  std::ostringstream out_;
  std::ostringstream err_;
  Shows shows_ = Shows::kJson;
};

}  // namespace forkcast::model
