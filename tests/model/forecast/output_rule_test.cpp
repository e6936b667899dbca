#include "model/forecast/output_rule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

OutputRule Read(const char* text) {
  const ordered_json document = ordered_json::parse(text);
  return ReadOutputRule(JsonNode(document));
}

struct OutputCase {
  const char* name;
  const char* rule;
  double forecast;
  double output;
};

void PrintTo(const OutputCase& one, std::ostream* out) {
  *out << one.rule << " of " << one.forecast;
}

class Output : public testing::TestWithParam<OutputCase> {};

TEST_P(Output, IsWhatTheRuleMakesOfAForecast) {
  EXPECT_EQ(Read(GetParam().rule).Apply(GetParam().forecast), GetParam().output);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Output,
    testing::Values(OutputCase{"NearestDown", R"({"round": "nearest"})", 2.4, 2},
                    OutputCase{"NearestUp", R"({"round": "nearest"})", 2.5, 3},
                    OutputCase{"NearestOfANegative", R"({"round": "nearest"})", -2.5, -3},
                    OutputCase{"Up", R"({"round": "up"})", 2.1, 3},
                    OutputCase{"Down", R"({"round": "down"})", 2.9, 2},
                    OutputCase{"BelowTheMinimum", R"({"minimum": 0})", -0.5, 0},
                    OutputCase{"AboveTheMinimum", R"({"minimum": 0})", 0.5, 0.5},
                    OutputCase{"RoundedBelowTheMinimum", R"({"round": "down", "minimum": 1})", 0.9,
                               1}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(OutputOfAMissingForecast, IsMissing) {
  EXPECT_TRUE(std::isnan(Read(R"({"round": "up", "minimum": 0})").Apply(std::nan(""))));
}

}  // namespace
}  // namespace forkcast::model
