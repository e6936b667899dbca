#include "data_preprocessing/table/guess_dialect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

namespace forkcast::preprocessing {

void PrintTo(const CsvDialect& dialect, std::ostream* out) {
  *out << "delimiter '" << dialect.delimiter << "' decimal '" << dialect.decimal << "' thousands "
       << static_cast<int>(dialect.thousands) << " " << ToString(dialect.encoding)
       << (dialect.blanks == CsvBlanks::kTrimmed ? " trimmed" : "") << " null "
       << testing::PrintToString(dialect.null);
}

namespace {

using namespace std::string_literals;
using testing::ElementsAre;

struct GuessCase {
  std::string name;
  std::string bytes;
  CsvDialect dialect;
  bool has_header = true;
};

void PrintTo(const GuessCase& one, std::ostream* out) { *out << one.name; }

class GuessedDialect : public testing::TestWithParam<GuessCase> {};

TEST_P(GuessedDialect, IsThatOfTheBytes) {
  const GuessedCsv guess = GuessDialect(GetParam().bytes);
  EXPECT_EQ(guess.dialect, GetParam().dialect);
  EXPECT_EQ(guess.has_header, GetParam().has_header);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, GuessedDialect,
    testing::Values(
        GuessCase{"Plain", "id,day,sold\n1,2024-01-01,2.5\n2,2024-01-02,3\n", {}},
        GuessCase{"SemicolonsAndDecimalCommas",
                  "id;sold\n1;2,5\n2;3,25\n",
                  {.delimiter = ';', .decimal = ','}},
        GuessCase{"GermanThousands",
                  "id;sold\na;1.234,5\nb;12,25\n",
                  {.delimiter = ';', .decimal = ',', .thousands = '.'}},
        GuessCase{"QuotedThousands", "id,sold\na,\"1,234.5\"\nb,12\n", {.thousands = ','}},
        GuessCase{"PointsInMillions",
                  "id,sold\na,1.234.567\nb,12\n",
                  {.decimal = '\0', .thousands = '.'}},
        GuessCase{"APointInThousandsIsADecimalPointUnlessOthersTell",
                  "id;sold\na;1.234\nb;12\n",
                  {.delimiter = ';'}},
        GuessCase{"Tabs", "id\tname\n1\ta, b\n2\tc; d\n", {.delimiter = '\t'}},
        GuessCase{"CommasWithinTexts", "id;name\n1;a, b, c\n2;d\n3;e, f\n", {.delimiter = ';'}},
        GuessCase{"Latin",
                  "id;name\n1;caf\xE9\n",
                  {.delimiter = ';', .encoding = CsvEncoding::kWindows1252}},
        GuessCase{"Utf16",
                  "\xFF\xFEi\0d\0;\0n\0\n\0001\0;\0002\0\n\0"s,
                  {.delimiter = ';', .encoding = CsvEncoding::kUtf16Le}},
        GuessCase{"NullTextsBetweenNumbers", "id,sold\n1,NA\n2,5\n3,-\n", {.null = {"-", "NA"}}},
        GuessCase{"NullTextsBetweenTimes", "id,day\n1,NULL\n2,2024-01-01\n", {.null = {"NULL"}}},
        GuessCase{"ADashBetweenTextsIsAText", "id,name\n1,-\n2,b\n", {}},
        GuessCase{"BlanksAroundNumbers", "id, sold\n1, 5\n2, 6\n", {.blanks = CsvBlanks::kTrimmed}},
        GuessCase{"NoHeader", "1,2024-01-01\n2,2024-01-02\n", {}, false},
        GuessCase{"OneColumn", "sold\n1\n2\n", {}},
        GuessCase{"CutWithinARecord", "id;sold\n1;2,5\n2;3,", {.delimiter = ';', .decimal = ','}},
        GuessCase{"Nothing", "", {}}),
    [](const auto& param) { return param.param.name; });

TEST(GuessedFields, AreTheFirstRecordInUtf8WithoutBlanks) {
  EXPECT_THAT(GuessDialect("Stra\xDF"
                           "e; Preis\nx;2,5\n")
                  .fields,
              ElementsAre("Stra\u00DFe", "Preis"));
}

}  // namespace
}  // namespace forkcast::preprocessing
