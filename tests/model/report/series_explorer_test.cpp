#include "model/report/series_explorer.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "data_preprocessing/document/json.hpp"
#include "model/report/report_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kPlenty = 100'000'000;

/// Keys with one history, and folds of the same forecasts.
class SeriesExplorerTest : public testing::Test {
 protected:
  /// The last `folds` x `horizon` periods are the folds' tests.
  void Make(int keys, int periods, int folds, int horizon) {
    for (int i = 0; i < periods; ++i) actual_.push_back(1000.5 + 37.25 * (i % 91));
    explorer_ = {.value_name = "amount",
                 .metric = "wape",
                 .folds = {},
                 .levels = {},
                 .period_name = [](std::int64_t period) { return fmt::format("day {}", period); },
                 .keys = {}};
    for (int fold = 0; fold < folds; ++fold) {
      const std::int64_t first = periods - (folds - fold) * horizon;
      explorer_.folds.push_back({.first = first, .last = first + horizon - 1});
    }
    for (int key = 0; key < keys; ++key) {
      explorer_.keys.push_back(
          {.name = fmt::format("shop {}", key),
           .rows = static_cast<std::uint64_t>(folds * horizon),
           .size = 1000.0 * key,
           .error = 0.125,
           .bias = -0.0123456,
           .first_period = 0,
           .actual = actual_,
           .folds = std::vector(
               static_cast<std::size_t>(folds),
               ExploredFold{.forecast = std::vector(static_cast<std::size_t>(horizon), 1234.5678),
                            .lower = {},
                            .upper = {}})});
    }
  }

  std::string Section(std::size_t most_bytes = kPlenty) {
    return ExplorerSection(explorer_, "<p>pictures</p>", most_bytes);
  }
  /// What the script reads.
  static ordered_json DocumentIn(const std::string& section) {
    const std::string begin = "id=\"series\">";
    const std::size_t from = section.find(begin) + begin.size();
    return ordered_json::parse(section.substr(from, section.find("</script>") - from));
  }
  ordered_json Document() { return DocumentIn(Section()); }

  std::vector<double> actual_;
  SeriesExplorer explorer_;
};

TEST_F(SeriesExplorerTest, HasActualValuesAndForecastsOfEveryKey) {
  Make(2, 6, 2, 2);
  actual_[1] = NAN;
  explorer_.keys[1].first_period = 3;
  explorer_.keys[1].actual = std::span<const double>(actual_).first(3);
  explorer_.keys[1].folds[0].forecast.clear();
  const ordered_json document = Document();
  EXPECT_EQ(document["folds"], ordered_json::parse("[[2, 3], [4, 5]]"));
  EXPECT_EQ(document["periods"].size(), 6U);
  EXPECT_EQ(document["keys"][0], ordered_json::parse(R"({
      "name": "shop 0", "rows": 4, "size": 0.0, "error": 0.125, "bias": -0.01235, "first": 0,
      "actual": "1000,,1075,1112,1150,1187", "forecast": ["1235,1235", "1235,1235"]})"));
  EXPECT_EQ(document["keys"][1]["first"], 3);
  EXPECT_EQ(document["keys"][1]["actual"], "1000,,1075");
  EXPECT_EQ(document["keys"][1]["forecast"], ordered_json({"", "1235,1235"}));
  EXPECT_THAT(Section(), Not(HasSubstr("left out")));
}

TEST_F(SeriesExplorerTest, HasTheBandsOfEveryLevel) {
  Make(1, 4, 2, 1);
  explorer_.levels = {"80", "95"};
  explorer_.keys[0].folds[1].lower = {{2}, {1}};
  explorer_.keys[0].folds[1].upper = {{8}, {9}};
  const ordered_json key = Document()["keys"][0];
  EXPECT_EQ(key["lower_80"], ordered_json({"", "2"}));
  EXPECT_EQ(key["upper_80"], ordered_json({"", "8"}));
  EXPECT_EQ(key["lower_95"], ordered_json({"", "1"}));
  EXPECT_EQ(key["upper_95"], ordered_json({"", "9"}));
}

struct CutCase {
  const char* name;
  std::size_t most_bytes;
  std::size_t first_fold;
  bool has_all_keys;
  const char* told;
};

void PrintTo(const CutCase& one, std::ostream* out) { *out << one.most_bytes << " bytes"; }

class CutSeries : public SeriesExplorerTest, public testing::WithParamInterface<CutCase> {};

TEST_P(CutSeries, KeepsWithinItsBytesAndSaysWhatIsMissing) {
  Make(40, 2000, 8, 14);
  const std::string section = Section(GetParam().most_bytes);
  constexpr std::size_t kAround = 1000;  // what is no number
  EXPECT_LT(section.size(), GetParam().most_bytes + kAround);
  EXPECT_THAT(section, HasSubstr(GetParam().told));
  const ordered_json document = DocumentIn(section);
  EXPECT_EQ(document["first_fold"], GetParam().first_fold);
  EXPECT_EQ(document["keys"].size() == 40, GetParam().has_all_keys);
  EXPECT_EQ(document["keys"][0]["name"], "shop 0");
  // The last fold ends with the last period that is there.
  EXPECT_EQ(document["folds"].back()[1].get<std::size_t>() + 1, document["periods"].size());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CutSeries,
    testing::Values(CutCase{"FirstTheLongPast", 300'000, 1, true, "What happened before day "},
                    CutCase{"ThenTheOldestFolds", 42'000, 5, true, "Of 8 folds the newest 4 are"},
                    CutCase{"ThenTheLastKeys", 4'000, 8, false, "Of 40 keys the first "}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(SeriesExplorerTest, OfAThousandKeysFitsIntoAPageOfTwoMegabytes) {
  constexpr std::size_t kMostOfReports = 1'600'000;
  Make(1000, 942, 5, 48);
  const std::string section = Section(kMostOfReports);
  // The rest of 2 MB is for the page's tables.
  EXPECT_LT((BeginPage("sales") + section + EndPage(true)).size(), 1'850'000U);
  EXPECT_EQ(DocumentIn(section)["keys"].size(), 1000U);
}

TEST_F(SeriesExplorerTest, ShowsPicturesAloneWhenOneKeyIsTooMuch) {
  Make(1, 100, 1, 7);
  EXPECT_EQ(Section(10), "<div id=\"keys\">\n<p>pictures</p></div>\n");
}

}  // namespace
}  // namespace forkcast::model
