#include "serving/metrics/series.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "serving/metrics/request_scope.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A family's line in docs/operations.md.
std::string DocumentedAs(const SeriesFamily& family) {
  std::string labels;
  for (const std::string_view label : family.labels) {
    if (label.empty()) continue;
    labels += (labels.empty() ? "`" : ", `") + std::string(label) + "`";
  }
  const bool is_counter = family.kind == SeriesFamily::Kind::kCounter;
  return "| `forkcast_" + std::string(family.family) + (is_counter ? "_total" : "") + "` | " +
         std::string(WordFor(family.kind)) + " | " + labels + " | " + std::string(family.help) +
         " |";
}

TEST(SeriesFamilies, AreDocumentedLineByLineAsDeclared) {
  std::vector<std::string> declared;
  for (const SeriesFamily& family : kSeriesFamilies) declared.push_back(DocumentedAs(family));

  std::ifstream file(FORKCAST_SOURCE_DIR "/docs/operations.md");
  std::vector<std::string> documented;
  bool in_section = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) in_section = line == "### By label";
    if (in_section && line.starts_with("| `")) documented.push_back(line);
  }
  EXPECT_EQ(documented, declared);
}

std::size_t SlowBucket(std::int64_t ns) {
  return static_cast<std::size_t>(std::ranges::lower_bound(kLatencyBounds, ns) -
                                  kLatencyBounds.begin());
}

TEST(LatencyBucket, IsThatOfTheLeastBoundThatIsNoLess) {
  for (const std::int64_t bound : kLatencyBounds) {
    for (const std::int64_t ns : {bound - 1, bound, bound + 1}) {
      EXPECT_EQ(LatencyBucket(ns), SlowBucket(ns)) << ns;
    }
  }
  for (int bit = 0; bit < 63; ++bit) {
    const std::int64_t power = std::int64_t{1} << bit;
    for (const std::int64_t ns : {power - 1, power, power + 1}) {
      EXPECT_EQ(LatencyBucket(ns), SlowBucket(ns)) << ns;
    }
  }
  EXPECT_EQ(LatencyBucket(-1), 0U);
  EXPECT_EQ(LatencyBucket(std::numeric_limits<std::int64_t>::max()), kLatencyBounds.size());
}

class SeriesTest : public testing::Test {
 protected:
  static SeriesCounter Answers(SeriesWriter& writer, std::string_view deployment,
                               std::string_view code = "200") {
    const std::array<std::string_view, 3> values{deployment, "/invocations", code};
    return writer.CounterOf("requests", values);
  }
  /// `labels: value`.
  [[nodiscard]] std::vector<std::string> Counted() const {
    std::vector<std::string> counted;
    for (const SeriesSum& one : SumSeries({blocks_.get(), kSlots})) {
      counted.push_back(one.labels + ": " + std::to_string(one.cells.front()));
    }
    return counted;
  }

  static constexpr std::size_t kSlots = 2;
  std::unique_ptr<SeriesBlock[]> blocks_ =
      std::make_unique<SeriesBlock[]>(kSlots);  // NOLINT(modernize-avoid-c-arrays)
};

TEST_F(SeriesTest, AreAddedUpOverSlotsByTheirLabels) {
  SeriesWriter first(blocks_[0]);
  SeriesWriter second(blocks_[1]);
  Answers(first, "a").Add(1);
  Answers(second, "b").Add(10);
  Answers(second, "a").Add(100);
  Answers(second, "a", "400").Add(1000);
  EXPECT_THAT(Counted(), ElementsAre(R"(deployment="a",route="/invocations",code="200": 101)",
                                     R"(deployment="a",route="/invocations",code="400": 1000)",
                                     R"(deployment="b",route="/invocations",code="200": 10)"));
}

TEST_F(SeriesTest, GoOnInTheProcessThatHasTheSlotNext) {
  Answers(*std::make_unique<SeriesWriter>(blocks_[0]), "a").Add(3);
  SeriesWriter next(blocks_[0]);
  Answers(next, "b").Add(1);
  Answers(next, "a").Add(4);
  EXPECT_THAT(Counted(), ElementsAre(testing::EndsWith(": 7"), testing::EndsWith(": 1")));
}

TEST_F(SeriesTest, OfAnyTextAreEscaped) {
  SeriesWriter writer(blocks_[0]);
  Answers(writer, "a\"b\\c\nd").Add(1);
  EXPECT_THAT(Counted().front(), HasSubstr(R"(deployment="a\"b\\c\nd",)"));
}

TEST_F(SeriesTest, BeyondTheRoomThatThereIsAreCountedTogether) {
  SeriesWriter writer(blocks_[0]);
  constexpr std::size_t kMany = 2 * SeriesBlock::kMaxSeries;
  for (std::size_t i = 0; i < kMany; ++i) Answers(writer, std::to_string(i)).Add(1);
  const std::array<std::string_view, 2> late{"late", "/invocations"};
  writer.HistogramOf("request_duration_seconds", late).Observe(std::chrono::seconds(1));

  std::uint64_t total = 0;
  std::uint64_t other = 0;
  std::vector<std::string> histograms;
  for (const SeriesSum& one : SumSeries({blocks_.get(), kSlots})) {
    if (kSeriesFamilies[one.family].family != "requests") {
      histograms.push_back(one.labels);
      continue;
    }
    total += one.cells.front();
    if (one.labels == R"(deployment="other",route="other",code="other")") other = one.cells.front();
  }
  EXPECT_EQ(total, kMany);
  EXPECT_GE(other, kMany - SeriesBlock::kMaxSeries);
  EXPECT_THAT(histograms, ElementsAre(R"(deployment="other",route="other")"));
}

TEST_F(SeriesTest, WithLabelsThatAreTooLongAreCountedTogether) {
  SeriesWriter writer(blocks_[0]);
  Answers(writer, std::string(5000, 'x')).Add(1);
  EXPECT_THAT(Counted(), ElementsAre(R"(deployment="other",route="other",code="other": 1)"));
}

TEST_F(SeriesTest, ThatAreSumsMayShrink) {
  SeriesWriter writer(blocks_[0]);
  const std::array<std::string_view, 2> values{"sales", "units"};
  const SeriesSummary summary = writer.SummaryOf("output", values);
  summary.Add(2.5, 2);
  summary.Add(-1, 1);
  const std::vector<SeriesSum> sums = SumSeries({blocks_.get(), kSlots});
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums.front().cells.front(), 3U);
  EXPECT_EQ(std::bit_cast<double>(sums.front().cells.back()), 1.5);
}

TEST_F(SeriesTest, ThatAreGaugesSayWhatIsNow) {
  SeriesWriter writer(blocks_[0]);
  const std::array<std::string_view, 2> values{"sales", "units"};
  const SeriesGauge gauge = writer.GaugeOf("drift_effect", values);
  gauge.Set(0.5);
  gauge.Set(0.25);
  const std::vector<SeriesSum> sums = SumSeries({blocks_.get(), kSlots});
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums.front().labels, R"(deployment="sales",column="units")");
  EXPECT_EQ(std::bit_cast<double>(sums.front().cells.front()), 0.25);
  gauge.Clear();
  EXPECT_TRUE(SumSeries({blocks_.get(), kSlots}).empty());
}

TEST_F(SeriesTest, ThatAreGaugesEndWithTheirProcess) {
  const std::array<std::string_view, 2> values{"sales", "units"};
  SeriesWriter(blocks_[0]).GaugeOf("drift_effect", values).Set(0.5);
  const SeriesWriter next(blocks_[0]);
  EXPECT_TRUE(SumSeries({blocks_.get(), kSlots}).empty());
}

TEST_F(SeriesTest, ThatAreGaugesAreNotAskedOfAServerBefore) {
  const std::array<std::string_view, 2> values{"sales", "units"};
  SeriesWriter before(blocks_[1]);
  before.GaugeOf("drift_effect", values).Set(0.5);
  before.CounterOf("drift_column_alarms", values).Add(2);
  const std::array servers{std::span<const SeriesBlock>(&blocks_[0], 1),
                           std::span<const SeriesBlock>(&blocks_[1], 1)};
  const std::vector<SeriesSum> sums = SumSeries(servers);
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums.front().cells.front(), 2U);
}

TEST_F(SeriesTest, ThatAreGaugesAreLeftOutWhereThereIsNoRoom) {
  SeriesWriter writer(blocks_[0]);
  for (std::size_t i = 0; i < 2 * SeriesBlock::kMaxSeries; ++i) {
    const std::string column = std::to_string(i);
    const std::array<std::string_view, 2> values{"sales", column};
    writer.GaugeOf("drift_effect", values).Set(static_cast<double>(i));
  }
  for (const SeriesSum& one : SumSeries({blocks_.get(), kSlots})) {
    EXPECT_EQ(one.labels, fmt::format(R"(deployment="sales",column="{}")",
                                      std::bit_cast<double>(one.cells.front())));
  }
}

TEST_F(SeriesTest, AreWholeForWhoeverReadsMeanwhile) {
  constexpr std::uint64_t kCounts = 100;
  std::thread writing([this] {
    SeriesWriter writer(blocks_[0]);
    for (std::uint64_t i = 0; i < kCounts; ++i) Answers(writer, std::to_string(i)).Add(1);
  });
  std::size_t seen = 0;
  while (seen < kCounts) {
    const std::vector<SeriesSum> sums = SumSeries({blocks_.get(), kSlots});
    EXPECT_GE(sums.size(), seen);
    seen = sums.size();
    for (const SeriesSum& one : sums) {
      EXPECT_THAT(one.labels, testing::StartsWith("deployment=\""));
      EXPECT_LE(one.cells.front(), 1U);
    }
  }
  writing.join();
}

TEST_F(SeriesTest, OfARequestAreThoseOfItsDeploymentAndRoute) {
  SeriesWriter writer(blocks_[0]);
  RouteScopes scopes(writer, "/p/{key}");
  scopes.of_none().CountAnswer(404);
  RequestScope& a = scopes.Of("a");
  for (const int status : {200, 200, 400, 200}) a.CountAnswer(status);
  EXPECT_EQ(&scopes.Of("a"), &a);
  scopes.Of("b").CountAnswer(200);
  EXPECT_THAT(Counted(), ElementsAre(R"(deployment="",route="/p/{key}",code="404": 1)",
                                     R"(deployment="a",route="/p/{key}",code="200": 3)",
                                     R"(deployment="a",route="/p/{key}",code="400": 1)",
                                     R"(deployment="b",route="/p/{key}",code="200": 1)"));
}

TEST_F(SeriesTest, OfMoreDeploymentsThanAreKeptApartAreCountedTogether) {
  SeriesWriter writer(blocks_[0]);
  RouteScopes scopes(writer, "/invocations");
  for (int i = 0; i < 1000; ++i) scopes.Of("model-" + std::to_string(i)).CountAnswer(200);
  const std::vector<std::string> counted = Counted();
  EXPECT_THAT(counted, testing::Contains(HasSubstr(R"(deployment="other",)")));
  EXPECT_LE(counted.size(), 300U);
}

}  // namespace
}  // namespace forkcast::serving
