#include "model/report/chart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <regex>

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

struct TerseCase {
  const char* name;
  double value;
  const char* text;
};

void PrintTo(const TerseCase& one, std::ostream* out) { *out << one.value; }

class TerseNumber : public testing::TestWithParam<TerseCase> {};

TEST_P(TerseNumber, HasFourDigitsInAsFewCharactersAsPossible) {
  EXPECT_EQ(Terse(GetParam().value), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TerseNumber,
    testing::Values(TerseCase{"Zero", 0, "0"}, TerseCase{"WholeOfFourDigits", 5263, "5263"},
                    TerseCase{"WholeOfFive", 12345, "12340"},
                    TerseCase{"WholeOfSevenIsLongerWithAnExponent", 9999499, "9999000"},
                    TerseCase{"Large", 123456789, "1.235e+08"}, TerseCase{"Fraction", 0.5, ".5"},
                    TerseCase{"NegativeFraction", -0.25, "-.25"},
                    TerseCase{"Rounded", 3.14159, "3.142"}, TerseCase{"Small", 1.5e-9, "1.5e-09"},
                    TerseCase{"Missing", std::nan(""), ""},
                    TerseCase{"Infinite", std::numeric_limits<double>::infinity(), ""}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(TerseNumbers, LeaveAGapForWhatIsMissing) {
  EXPECT_EQ(Terse(std::vector{1.0, std::nan(""), 2.5}), "1,,2.5");
  EXPECT_EQ(Terse(std::vector<double>()), "");
}

Chart TwoLines() {
  return {.title = "wape by <step>",
          .labels = {"step 1", "step 2", "step 3"},
          .lines = {{.name = "model",
                     .ink = ChartLine::Ink::kModel,
                     .points = {{0, 0.5}, {1, std::nan("")}, {2, 0.25}}},
                    {.name = "naive",
                     .ink = ChartLine::Ink::kBaseline,
                     .has_dots = true,
                     .points = {{1, 1}}}}};
}

TEST(ChartPicture, HasALineAGapAndADot) {
  const std::string picture = Picture(TwoLines());
  EXPECT_THAT(picture, HasSubstr("aria-label=\"wape by &lt;step&gt;\""));
  EXPECT_THAT(picture, HasSubstr("<circle class=\"baseline\""));
  const std::regex two_pieces("<path class=\"model\" d=\"M[0-9. ]+M[0-9. ]+\"/>");
  EXPECT_TRUE(std::regex_search(picture, two_pieces)) << picture;
  EXPECT_THAT(picture, Not(HasSubstr("<script")));
}

TEST(ChartPicture, SaysThatThereIsNothingToShow) {
  Chart chart = TwoLines();
  for (ChartLine& line : chart.lines) line.points.clear();
  EXPECT_EQ(Picture(chart), "<p>Nothing to show.</p>\n");
}

TEST(InteractiveCharts, CarryTheirNumbers) {
  const std::string chart = InteractiveChart(TwoLines());
  const std::string begin = "<script type=\"application/json\">";
  const std::size_t from = chart.find(begin) + begin.size();
  const auto numbers = ordered_json::parse(chart.substr(from, chart.find("</script>") - from));
  EXPECT_EQ(numbers["title"], "wape by <step>");
  EXPECT_EQ(numbers["labels"], ordered_json({"step 1", "step 2", "step 3"}));
  EXPECT_EQ(numbers["lines"][0], ordered_json({{"name", "model"},
                                               {"ink", "model"},
                                               {"dots", false},
                                               {"x", "0,1,2"},
                                               {"y", ".5,,.25"}}));
}

TEST(ScriptOfADocument, CannotBeEndedByWhatIsInIt) {
  const ordered_json document{{"name", "</script><!--<script>"}};
  const std::string script = ScriptOf(document, "series");
  const std::string begin = "<script type=\"application/json\" id=\"series\">";
  ASSERT_TRUE(script.starts_with(begin)) << script;
  ASSERT_TRUE(script.ends_with("</script>"));
  const std::string text =
      script.substr(begin.size(), script.size() - begin.size() - std::string("</script>").size());
  EXPECT_THAT(text, Not(HasSubstr("<")));
  EXPECT_EQ(ordered_json::parse(text), document);
}

TEST(ScriptOfADocument, ReplacesWhatIsNoUtf8) {
  EXPECT_THAT(ScriptOf({{"name", "\xff"}}, {}), HasSubstr("\"\xEF\xBF\xBD\""));
}

}  // namespace
}  // namespace forkcast::model
