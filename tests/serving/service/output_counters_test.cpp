#include "serving/service/output_counters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Value;
using Kind = preprocessing::OutputMetric::Kind;
using testing::ElementsAre;

class OutputCountersTest : public testing::Test {
 protected:
  /// Two outputs a line: a class and a value.
  void Answer(const std::vector<Value>& outputs) {
    Scores scores;
    scores.outputs = outputs;
    scores.rows.resize(outputs.size() / 2);
    counters_.Count(scores, 2, "shop", series_.writer);
  }
  /// `labels: count [sum]`.
  [[nodiscard]] std::vector<std::string> Counted() const {
    std::vector<std::string> counted;
    for (const SeriesSum& one : SumSeries(series_.blocks())) {
      counted.push_back(one.labels + ": " + std::to_string(one.cells.front()));
      if (one.cells.size() == 2) {
        counted.back() += " " + std::to_string(std::bit_cast<double>(one.cells.back()));
      }
    }
    return counted;
  }

  TestSeries series_;
  const std::vector<PlannedMetric> metrics_{
      {.name = "decisions", .kind = Kind::kCountBy, .column = 0},
      {.name = "units", .kind = Kind::kSum, .column = 1}};
  OutputCounters counters_{metrics_};
};

TEST_F(OutputCountersTest, CountLinesByAValueAndSumAnother) {
  Answer({std::string_view("yes"), 1.5, std::string_view("no"), -4.0});
  Answer({std::string_view("yes"), 2.0});
  EXPECT_THAT(Counted(), ElementsAre(R"(deployment="shop",metric="decisions",value="no": 1)",
                                     R"(deployment="shop",metric="decisions",value="yes": 2)",
                                     R"(deployment="shop",metric="units": 3 -0.500000)"));
}

TEST_F(OutputCountersTest, SumNothingThatIsMissingOrNoNumber) {
  Answer({Value(), Value(), true, std::numeric_limits<double>::quiet_NaN(), std::int64_t{7}, 1.0});
  EXPECT_THAT(Counted(), ElementsAre(R"(deployment="shop",metric="decisions",value="": 1)",
                                     R"(deployment="shop",metric="decisions",value="7": 1)",
                                     R"(deployment="shop",metric="decisions",value="true": 1)",
                                     R"(deployment="shop",metric="units": 1 1.000000)"));
}

TEST_F(OutputCountersTest, CountMoreValuesThanAreKeptApartTogether) {
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("class-" + std::to_string(i));
  for (const std::string& name : names) Answer({std::string_view(name), 0.0});
  const std::vector<std::string> counted = Counted();
  EXPECT_EQ(counted.size(), 52U);  // 50 values, the others, and the sum
  EXPECT_THAT(counted,
              testing::Contains(R"(deployment="shop",metric="decisions",value="other": 950)"));
}

}  // namespace
}  // namespace forkcast::serving
