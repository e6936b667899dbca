// Forecasts of keys and of their sums in one file: they agree, and they are those that were judged.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "model/evaluate/metrics.hpp"
#include "model/forecast/hierarchy_testing.hpp"
#include "serving/commands/predict_command.hpp"

namespace forkcast::serving {
namespace {

using model::DateOf;
using model::kDays;
using model::kHorizon;
using model::kShops;
using nlohmann::ordered_json;
using preprocessing::ExitCode;
using preprocessing::ReadWhole;
using testing::HasSubstr;
using testing::StartsWith;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

/// A line of the file.
struct Row {
  std::string level;
  std::map<std::string, std::string> attributes;  ///< Those that are not empty.
  std::string period;
  double value = 0;
};

class PredictHierarchy : public model::HierarchyTest {
 protected:
  ExitCode Predict(const Words& flags) {
    Words words{"--models", models().string(), "--deploy", "sales@1", "--store", store()};
    words.insert(words.end(), flags.begin(), flags.end());
    out_.str("");
    err_.str("");
    const SystemClock clock;
    return static_cast<ExitCode>(preprocessing::RunCommand(
        PredictCommand(), words,
        {.environment = NoEnvironment, .out = out_, .err = err_, .clock = clock}));
  }
  /// Of `predict --hierarchy` as CSV.
  [[nodiscard]] std::vector<Row> Rows() const {
    std::vector<Row> rows;
    std::istringstream lines(out_.str());
    std::string line;
    std::getline(lines, line);
    EXPECT_THAT(line, StartsWith("level,shop,item,category,department,region,origin,step,"));
    while (std::getline(lines, line)) {
      std::vector<std::string> cells;
      std::string cell;
      bool is_quoted = false;
      for (const char c : line) {
        if (c == '"') {
          is_quoted = !is_quoted;
        } else if (c == ',' && !is_quoted) {
          cells.push_back(std::exchange(cell, {}));
        } else {
          cell += c;
        }
      }
      cells.push_back(cell);
      Row& row = rows.emplace_back();
      row.level = cells.at(0);
      const std::array names{"shop", "item", "category", "department", "region"};
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (!cells.at(i + 1).empty()) row.attributes.emplace(names.at(i), cells.at(i + 1));
      }
      row.period = cells.at(8);
      row.value = std::stod(cells.at(9));
    }
    return rows;
  }
  void TrainAll(const Words& flags = {"--force-promote"}) {
    IngestItems();
    ASSERT_EQ(Train(flags), ExitCode::kDone) << err() << out();
  }
};

TEST_F(PredictHierarchy, WritesSumsThatAreThoseOfTheirKeys) {
  TrainAll();
  ASSERT_EQ(Predict({"--hierarchy"}), ExitCode::kDone) << err();
  const std::vector<Row> rows = Rows();
  ASSERT_EQ(rows.size(), (2 + 2 + 3 + 2 + 6 + 1 + 12) * kHorizon);
  const std::map<std::string, std::string> category{
      {"ball", "toys"}, {"doll", "toys"}, {"milk", "food"}, {"bread", "food"}};
  for (const Row& sum : rows) {
    if (sum.level == "shop,item") continue;
    double added = 0;
    for (const Row& key : rows) {
      if (key.level != "shop,item" || key.period != sum.period) continue;
      std::map<std::string, std::string> of_key = key.attributes;
      of_key["category"] = category.at(of_key["item"]);
      of_key["department"] = of_key["category"] == "toys" ? "home" : "daily";
      of_key["region"] = of_key["shop"] == "002" ? "south" : "north";
      const bool is_part = std::ranges::all_of(
          sum.attributes, [&](const auto& one) { return of_key[one.first] == one.second; });
      if (is_part) added += key.value;
    }
    EXPECT_NEAR(sum.value, added, 1e-9 * added) << sum.level << " in " << sum.period;
  }
}

TEST_F(PredictHierarchy, GivesWithoutReconcilingWhatAServerAnswers) {
  document_["training"]["hierarchy"] = {{"paths", {{"category", "department"}, {"region"}}},
                                        {"reconcile", "bottom_up"}};
  TrainAll();
  EXPECT_FALSE(fs::exists(version(1) / "hierarchy.json"));
  ASSERT_EQ(Predict({}), ExitCode::kDone) << err();
  const std::string keys = out_.str();
  ASSERT_EQ(Predict({"--hierarchy"}), ExitCode::kDone) << err();
  std::string same = "shop,item,origin,step,period,value,cold_start\n";
  std::istringstream lines(out_.str());
  std::string line;
  while (std::getline(lines, line)) {
    const std::string begin = "\"shop,item\",";
    if (!line.starts_with(begin)) continue;
    // Without the attributes that keys are not written with.
    line = line.substr(begin.size());
    const std::string none = R"("","","",)";
    line.erase(line.find(none), none.size());
    same += line + "\n";
  }
  EXPECT_EQ(same, keys);
}

/// What a fold is judged by is what the version that is trained at its origin writes.
TEST_F(PredictHierarchy, WritesWhatWasJudged) {
  IngestItems();
  document_["training"]["folds"] = {{"n_splits", 1}};
  document_["training"]["intervals"] = {0.5};
  document_["training"]["calibration_folds"] = 1;
  document_["series"]["daily"]["aggregate"]["until"] = "last_row";
  IngestItems();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json judged = evaluation()["hierarchy"];
  EXPECT_LT(judged["shrinkage_by_fold"][0].get<double>(), 1);

  document_["training"].erase("calibration_folds");
  document_["training"].erase("intervals");
  SetDocument();
  ASSERT_EQ(Train({"--force-promote", "--until", DateOf(kDays - kHorizon)}), ExitCode::kDone)
      << err();
  ASSERT_EQ(Predict({"--hierarchy", "--origin", DateOf(kDays - kHorizon)}), ExitCode::kDone)
      << err();
  const std::vector<Row> forecast = Rows();
  // What happened is what is forecast without an error.
  const std::string file = ReadWhole(folder_.path() / "sales.csv");
  std::map<std::string, double> sold;  // by shop, item and day
  std::istringstream lines(file);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const std::size_t last = line.rfind(',');
    sold[line.substr(0, last)] = std::stod(line.substr(last + 1));
  }
  for (const ordered_json& level : judged["levels"]) {
    model::ErrorSums errors;
    for (const Row& row : forecast) {
      if (row.level != level["level"]) continue;
      double actual = 0;
      for (const auto& [key, amount] : sold) {
        if (!key.ends_with("," + row.period)) continue;
        const std::string shop = key.substr(0, 3);
        const std::string item = key.substr(4, key.rfind(',') - 4);
        const std::string category = item == "ball" || item == "doll" ? "toys" : "food";
        std::map<std::string, std::string> of{{"shop", shop},
                                              {"item", item},
                                              {"category", category},
                                              {"department", category == "toys" ? "home" : "daily"},
                                              {"region", shop == "002" ? "south" : "north"}};
        const bool is_part = std::ranges::all_of(
            row.attributes, [&](const auto& one) { return of[one.first] == one.second; });
        if (is_part) actual += amount;
      }
      errors.Add(actual, row.value);
    }
    EXPECT_EQ(errors.rows(), level["mint"]["rows"].get<std::uint64_t>());
    EXPECT_NEAR(*errors.Value(*model::Metric::Named("rmse")), level["mint"]["rmse"].get<double>(),
                1e-10)
        << level["level"];
  }
}

TEST_F(PredictHierarchy, TakesNewKeysAndGroupsWithoutAPast) {
  TrainAll();
  folder_.Write("shops.csv", "shop,region\n000,north\n001,north\n002,south\n003,west\n");
  std::string csv = ReadWhole(folder_.path() / "sales.csv");
  for (int day = kDays - 30; day < kDays; ++day) csv += fmt::format("003,milk,{},5\n", DateOf(day));
  IngestCsv(csv);
  ASSERT_EQ(Predict({"--hierarchy"}), ExitCode::kDone) << err();
  std::map<std::string, double> west;
  for (const Row& row : Rows()) {
    if (row.level == "region" && row.attributes.at("region") == "west") west["sum"] += row.value;
    if (row.level == "shop,item" && row.attributes.at("shop") == "003") west["key"] += row.value;
  }
  EXPECT_GT(west["key"], 0);
  EXPECT_NEAR(west["sum"], west["key"], 1e-9);
}

TEST_F(PredictHierarchy, WritesATableOfTheStore) {
  TrainAll();
  for (int again = 0; again < 2; ++again) {
    ASSERT_EQ(Predict({"--hierarchy", "--out", "table:sums", "--json"}), ExitCode::kDone) << err();
    EXPECT_EQ(summary()["rows"], 28 * kHorizon);
  }
}

TEST_F(PredictHierarchy, IsRefusedOfSomeKeysAndOfAPipelineWithoutOne) {
  TrainAll();
  folder_.Write("keys.csv", "shop,item\n000,ball\n");
  EXPECT_EQ(Predict({"--hierarchy", "--keys", (folder_.path() / "keys.csv").string()}),
            ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--hierarchy: sums are of all keys: without --keys"));
  fs::remove_all(models());
  document_["training"].erase("hierarchy");
  TrainAll();
  EXPECT_EQ(Predict({"--hierarchy"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("the pipeline of this version declares no \"hierarchy\""));
}

TEST_F(PredictHierarchy, RefusesADamagedFile) {
  TrainAll();
  std::string file = ReadWhole(version(1) / "hierarchy.json");
  EXPECT_THAT(file, StartsWith(R"({"format":"forkcast.hierarchy","format_version":1,)"));
  fs::remove(version(1) / "hierarchy.json");
  EXPECT_EQ(Predict({"--hierarchy"}), ExitCode::kUnfit);
  EXPECT_THAT(err_.str(), HasSubstr("hierarchy.json"));
}

}  // namespace
}  // namespace forkcast::serving
