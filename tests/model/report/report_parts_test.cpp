#include "model/report/report_parts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "model/report/calibration.hpp"

namespace forkcast::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct EscapeCase {
  const char* name;
  std::string text;
  std::string html;
};

void PrintTo(const EscapeCase& one, std::ostream* out) { *out << testing::PrintToString(one.text); }

class EscapedText : public testing::TestWithParam<EscapeCase> {};

TEST_P(EscapedText, IsShownAsItIs) { EXPECT_EQ(EscapeHtml(GetParam().text), GetParam().html); }

INSTANTIATE_TEST_SUITE_P(Cases, EscapedText,
                         testing::Values(EscapeCase{"Tag", "<b>", "&lt;b&gt;"},
                                         EscapeCase{"Ampersand", "a&b", "a&amp;b"},
                                         EscapeCase{"Quote", "\"", "&quot;"},
                                         EscapeCase{"ControlCharacter", "a\x01z", "a\xEF\xBF\xBDz"},
                                         EscapeCase{"Umlaut", "\xC3\xBC", "\xC3\xBC"}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(Page, AllowsNoRequestToAnywhere) {
  EXPECT_THAT(BeginPage("sales"),
              HasSubstr("Content-Security-Policy\" content=\"default-src 'none'"));
}

TEST(Page, HasScriptsAndTheirLicenceOnlyWhereChartsWantThem) {
  EXPECT_THAT(EndPage(false), Not(AnyOf(HasSubstr("<script"), HasSubstr("Licence"))));
  EXPECT_THAT(EndPage(true), AllOf(HasSubstr("<script>"), HasSubstr("Permission is hereby granted"),
                                   Not(HasSubstr("sourceMappingURL"))));
}

TEST(Calibration, ComparesTheMeansOfRowsInGroups) {
  std::vector<std::pair<double, double>> rows;
  for (int i = 0; i < 40; ++i) rows.emplace_back(i, 2 * i);  // two groups of 20
  const CalibrationWords words{.said = "forecast", .came = "actual", .reading = "."};
  EXPECT_THAT(
      CalibrationSection(rows, words),
      AllOf(HasSubstr("<td>20</td><td>9.5</td><td>19</td>"),
            HasSubstr("<td>20</td><td>29.5</td><td>59</td>"), HasSubstr("\"y\":\"19,59\"")));
}

TEST(Calibration, IsNotToldOfTooFewRows) {
  EXPECT_EQ(CalibrationSection(std::vector(39, std::pair(1.0, 1.0)),
                               {.said = "forecast", .came = "actual", .reading = "."}),
            "");
}

}  // namespace
}  // namespace forkcast::model
