#include "serving/web/safe_cell.hpp"

#include <gtest/gtest.h>

#include <string>

namespace forkcast::serving {
namespace {

struct CellCase {
  const char* name;
  const char* text;
  const char* cell;
};

class Cells : public testing::TestWithParam<CellCase> {};

TEST_P(Cells, AreNoFormulas) { EXPECT_EQ(SafeCell(GetParam().text), GetParam().cell); }

INSTANTIATE_TEST_SUITE_P(
    Cases, Cells,
    testing::Values(CellCase{"OfNothing", "", ""}, CellCase{"OfText", "leche", "leche"},
                    CellCase{"OfAFormula", "=1+2", "'=1+2"},
                    CellCase{"OfAProgram", "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"},
                    CellCase{"OfALink", R"(=HYPERLINK("http://e","x"))",
                             R"x("'=HYPERLINK(""http://e"",""x"")")x"},
                    CellCase{"WithAPlus", "+a", "'+a"}, CellCase{"WithAMinus", "-a", "'-a"},
                    CellCase{"WithAnAt", "@SUM(A1)", "'@SUM(A1)"},
                    CellCase{"WithATabulator", "\t=1", "\"'\t=1\""},
                    CellCase{"WithACarriageReturn", "\r=1", "\"'\r=1\""},
                    CellCase{"OfANumber", "3.5", "3.5"},
                    CellCase{"OfANegativeNumber", "-3.5", "-3.5"},
                    CellCase{"OfANumberWithAPlus", "+3.5e2", "+3.5e2"},
                    CellCase{"OfASum", "-3+2", "'-3+2"}, CellCase{"OfTwoMinuses", "--1", "'--1"},
                    CellCase{"WithAComma", "a,b", "\"a,b\""},
                    CellCase{"WithAQuote", "a\"b", "\"a\"\"b\""},
                    CellCase{"WithALineFeed", "a\n=b", "\"a\n=b\""}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
