#include "serving/metrics/metric.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "serving/metrics/metric_values.hpp"

namespace forkcast::serving {
namespace {

/// A metric's line in docs/operations.md.
std::string DocumentedAs(const Metric& metric) {
  const std::string heading =
      metric.heading.empty() ? std::string() : "`" + std::string(metric.heading) + "`";
  return "| `" + std::string(metric.name) + "` | " + heading + (heading.empty() ? "" : " ") + "| " +
         std::string(WordFor(metric.kind)) + " | " + std::string(WordFor(metric.across)) + " | " +
         std::string(metric.help) + " |";
}

TEST(Metrics, AreDocumentedLineByLineAsDeclared) {
  std::vector<std::string> declared;
  for (const Metric& metric : kMetrics) declared.push_back(DocumentedAs(metric));

  std::ifstream file(FORKCAST_SOURCE_DIR "/docs/operations.md");
  std::vector<std::string> documented;
  bool in_section = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) in_section = line == "## Metrics";
    if (in_section && line.starts_with("| `")) documented.push_back(line);
  }
  EXPECT_EQ(documented, declared);
}

TEST(Metrics, AreFoundByTheirNames) {
  for (std::size_t i = 0; i < kMetrics.size(); ++i) EXPECT_EQ(MetricId(i).index(), i);
  static_assert(MetricId("requests").index() == 0);
  EXPECT_EQ(kMetrics[MetricId("hook_failures").index()].name, "hook_failures");
}

struct AddUpCase {
  const char* name;
  Metric::Across across;
  std::vector<std::optional<std::uint64_t>> values;
  std::uint64_t result;
};
void PrintTo(const AddUpCase& one, std::ostream* out) { *out << one.name; }

class AddedUp : public testing::TestWithParam<AddUpCase> {};

TEST_P(AddedUp, IsOneValueOfAll) {
  EXPECT_EQ(AddUp(GetParam().across, GetParam().values), GetParam().result);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AddedUp,
    testing::Values(AddUpCase{"SumOfNone", Metric::Across::kSum, {}, 0},
                    AddUpCase{"Sum", Metric::Across::kSum, {1, 5, 3}, 9},
                    AddUpCase{"SumOfWhatIsKnown", Metric::Across::kSum, {1, {}, 3}, 4},
                    AddUpCase{"MaxOfNone", Metric::Across::kMax, {}, 0},
                    AddUpCase{"Max", Metric::Across::kMax, {1, 5, 3}, 5},
                    AddUpCase{"MaxOfWhatIsKnown", Metric::Across::kMax, {1, {}, 3}, 3}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(MetricValues, KeepCountersWhenTheirProcessEndsButNoGauge) {
  MetricValues values;
  values.Count("requests");
  values.Count("requests");
  values.Set("connections", 7);
  MetricReadings readings = values.Read();
  EXPECT_EQ(readings["requests"], 2U);
  EXPECT_EQ(readings["connections"], 7U);
  EXPECT_EQ(readings["clipped"], 0U);

  values.ClearGauges();
  EXPECT_EQ(values.Get("requests"), 2U);
  EXPECT_EQ(values.Get("connections"), 0U);
}

}  // namespace
}  // namespace forkcast::serving
