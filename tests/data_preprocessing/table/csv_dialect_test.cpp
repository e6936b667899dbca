#include "data_preprocessing/table/csv_dialect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "data_preprocessing/table/csv_reader.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::EndsWith;
using testing::HasSubstr;

ColumnSpec Nullable(std::string name, ColumnType type, ColumnFormat format = {}) {
  return {.name = std::move(name), .type = type, .nullable = true, .format = std::move(format)};
}

Schema EveryType() {
  return {{Nullable("text", ColumnType::kText), Nullable("whole", ColumnType::kInt64),
           Nullable("number", ColumnType::kDouble), Nullable("flag", ColumnType::kBool),
           Nullable("at", ColumnType::kTimestamp)}};
}

/// The rows of a file of these bytes, or the error behind the file's name.
Result<std::vector<std::string>> ReadRows(const std::string& bytes, const Schema& schema,
                                          const CsvDialect& dialect) {
  const TempFolder folder;
  const std::filesystem::path path = folder.Write("t.csv", bytes);
  const auto without_file = [&path](Error error) {
    EXPECT_TRUE(error.message.starts_with(path.string() + ": ")) << error.message;
    error.message.erase(0, path.string().size() + 2);
    return error;
  };
  Result<CsvTableReader> reader =
      CsvTableReader::Open(path, schema, TimeZone(), {.dialect = dialect});
  if (!reader) return without_file(reader.error());
  Table batch(schema);
  const Result<bool> more = reader->ReadBatch(1000, batch);
  if (!more) return without_file(more.error());
  return Rows(batch);
}

struct DialectCase {
  std::string name;
  CsvDialect dialect;
  std::string bytes;
  std::vector<std::string> rows;
};

void PrintTo(const DialectCase& one, std::ostream* out) { *out << one.name; }

class CsvInADialect : public testing::TestWithParam<DialectCase> {};

TEST_P(CsvInADialect, GivesItsRows) {
  const auto rows = ReadRows(GetParam().bytes, EveryType(), GetParam().dialect);
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_THAT(*rows, ElementsAreArray(GetParam().rows));
}

const std::string kFields = "text,whole,number,flag,at\n";
const std::string kSemicolons = "text;whole;number;flag;at\n";

INSTANTIATE_TEST_SUITE_P(Delimiters, CsvInADialect,
                         testing::Values(DialectCase{"Semicolon",
                                                     {.delimiter = ';'},
                                                     kSemicolons + "a,b;1;1.5;;\n",
                                                     {"'a,b' 1 1.5 - -"}},
                                         DialectCase{
                                             "Tab",
                                             {.delimiter = '\t'},
                                             "text\twhole\tnumber\tflag\tat\na\t1\t1.5\t\t\n",
                                             {"'a' 1 1.5 - -"}},
                                         DialectCase{"Pipe",
                                                     {.delimiter = '|'},
                                                     "text|whole|number|flag|at\n\"a|b\"|1|1.5||\n",
                                                     {"'a|b' 1 1.5 - -"}}),
                         [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Numbers, CsvInADialect,
    testing::Values(DialectCase{"DecimalComma",
                                {.delimiter = ';', .decimal = ','},
                                kSemicolons + "a;-7;-1,5;;\nb;7,0;1e3;;\n",
                                {"'a' -7 -1.5 - -", "'b' 7 1000 - -"}},
                    DialectCase{"PointsBetweenThousands",
                                {.delimiter = ';', .decimal = ',', .thousands = '.'},
                                kSemicolons + "a;1.234.567;1.234,5;;\nb;12;1234,5;;\n",
                                {"'a' 1234567 1234.5 - -", "'b' 12 1234.5 - -"}},
                    DialectCase{"PointsBetweenThousandsAlone",
                                {.decimal = '\0', .thousands = '.'},
                                kFields + "a,1.234,1.234.567,,\n",
                                {"'a' 1234 1234567 - -"}},
                    DialectCase{"QuotedCommasBetweenThousands",
                                {.thousands = ','},
                                kFields + "a,\"1,234\",\"1,234,567.25\",,\n",
                                {"'a' 1234 1234567.25 - -"}},
                    DialectCase{"BlanksBetweenThousands",
                                {.decimal = '.', .thousands = ' '},
                                kFields + "a,1 234,1 234.5,,\nb,1\u00A0234,1\u202F234.5,,\n",
                                {"'a' 1234 1234.5 - -", "'b' 1234 1234.5 - -"}},
                    DialectCase{"ApostrophesBetweenThousands",
                                {.thousands = '\''},
                                kFields + "a,1'234,1\u2019234.5,,\n",
                                {"'a' 1234 1234.5 - -"}},
                    DialectCase{"ZerosAsTheFractionOfAnInteger",
                                {},
                                kFields + "a,7.0,1,,\nb,-7.000,1,,\n",
                                {"'a' 7 1 - -", "'b' -7 1 - -"}},
                    DialectCase{"TooSmallANumberIsZero",
                                {},
                                kFields + "a,1,1e-400,,\nb,1,-1e-400,,\n",
                                {"'a' 1 0 - -", "'b' 1 -0 - -"}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Missing, CsvInADialect,
    testing::Values(
        DialectCase{"NullTexts", {.null = {"NA", "-"}}, kFields + "NA,NA,-,NA,-\n", {"- - - - -"}},
        DialectCase{"AQuotedNullTextIsAText",
                    {.null = {"NA"}},
                    kFields + "\"NA\",\"NA\",\"NA\",\"NA\",\"NA\"\n",
                    {"'NA' - - - -"}},
        DialectCase{"AQuotedNothingIsMissingButForTexts",
                    {},
                    kFields + "\"\",\"\",\"\",\"\",\"\"\n",
                    {"'' - - - -"}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Blanks, CsvInADialect,
    testing::Values(DialectCase{"AroundFieldsAndNames",
                                {.blanks = CsvBlanks::kTrimmed},
                                "text , whole,number\t,flag, at\n a b ,\t7, 1.5 , true,\n",
                                {"'a b' 7 1.5 true -"}},
                    DialectCase{"AroundQuotes",
                                {.blanks = CsvBlanks::kTrimmed},
                                kFields + " \" a, \"\"b\"\" \" ,7 ,1,,\n",
                                {"' a, \"b\" ' 7 1 - -"}},
                    DialectCase{"ATabThatIsTheDelimiter",
                                {.delimiter = '\t', .blanks = CsvBlanks::kTrimmed},
                                "text\twhole\tnumber\tflag\tat\n a\t7 \t\t\t\n",
                                {"'a' 7 - - -"}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(Headers, CsvInADialect,
                         testing::Values(DialectCase{"InAnotherCase",
                                                     {.header = CsvHeaderMatch::kAnyCase},
                                                     "Text,WHOLE,Number,flag,At\na,7,1,,\n",
                                                     {"'a' 7 1 - -"}},
                                         DialectCase{
                                             "TheExactNameComesFirst",
                                             {.header = CsvHeaderMatch::kAnyCase},
                                             "TEXT,text,whole,number,flag,at\nno,yes,7,1,,\n",
                                             {"'yes' 7 1 - -"}}),
                         [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Encodings, CsvInADialect,
    testing::Values(
        DialectCase{"Windows1252",
                    {.encoding = CsvEncoding::kWindows1252},
                    kFields + "caf\xE9 \x80,7,1,,\n",
                    {"'caf\u00E9 \u20AC' 7 1 - -"}},
        DialectCase{"Utf16WithAByteOrderMark",
                    {.encoding = CsvEncoding::kUtf16Be},
                    "\xFE\xFF\0t\0e\0x\0t\0,\0w\0h\0o\0l\0e\0,\0n\0u\0m\0b\0e\0r\0,\0f\0l\0a\0g\0,"
                    "\0a\0t\0\n\x20\xAC\0,\0007\0,\0001\0,\0,"s,
                    {"'\u20AC' 7 1 - -"}},
        DialectCase{"Utf8WithAByteOrderMark",
                    {},
                    "\xEF\xBB\xBF" + kFields + "\u20AC,7,1,,\n",
                    {"'\u20AC' 7 1 - -"}}),
    [](const auto& param) { return param.param.name; });

TEST(CsvColumnFormats, AreReadByColumn) {
  const Schema schema{
      {Nullable("day", ColumnType::kTimestamp, {.time = TimeFormat::Make("%d/%m/%Y").value()}),
       Nullable("at", ColumnType::kTimestamp, {.time = TimeFormat::Make("epoch_ms").value()}),
       Nullable("open", ColumnType::kBool, {.true_words = {"yes", "y"}, .false_words = {"no"}}),
       Nullable("sold", ColumnType::kInt64, {.header = "Units sold"})}};
  const auto rows =
      ReadRows("Units sold,open,at,day\n3,y,1500,31/12/2024\n,no,,\n", schema, CsvDialect());
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_THAT(
      *rows, ElementsAre("2024-12-31T00:00:00Z 1970-01-01T00:00:01.500000Z true 3", "- - false -"));
}

// A large file in another encoding, so that its buffers end within characters and records.
TEST(CsvInAnotherEncoding, IsTheSameInAFileOfManyBuffers) {
  std::string latin = "text;whole\n";
  std::vector<std::string> expected;
  for (int i = 0; latin.size() < 3'000'000; ++i) {
    const std::string number = std::to_string(i);
    latin.append("\xE9t\xE9 ").append(number).append(";").append(number).append("\n");
    expected.push_back("'\u00E9t\u00E9 " + number + "' " + number);
  }
  const TempFolder folder;
  const Schema schema{{Nullable("text", ColumnType::kText), Nullable("whole", ColumnType::kInt64)}};
  auto reader =
      CsvTableReader::Open(folder.WriteGzip("t.csv.gz", latin), schema, TimeZone(),
                           {.dialect = {.delimiter = ';', .encoding = CsvEncoding::kIso88591}});
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  Table all(schema);
  Table batch(schema);
  while (reader->ReadBatch(1000, batch).value()) all.Append(batch);
  EXPECT_EQ(Rows(all), expected);
}

// ---- what is refused, and what it looks like ----

struct HintCase {
  std::string name;
  CsvDialect dialect;
  std::string bytes;
  std::string message;  // its end
};

void PrintTo(const HintCase& one, std::ostream* out) { *out << one.name; }

class CsvInAnotherDialect : public testing::TestWithParam<HintCase> {};

TEST_P(CsvInAnotherDialect, IsRefusedWithTheOptionThatTakesIt) {
  const auto rows = ReadRows(GetParam().bytes, EveryType(), GetParam().dialect);
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(rows.error().message, EndsWith(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Headers, CsvInAnotherDialect,
    testing::Values(
        HintCase{"Semicolons",
                 {},
                 kSemicolons + "a;1;1,5;;\n",
                 "one field with 4 \";\" in it: is the delimiter \";\"? (\"csv\": {\"delimiter\": "
                 "\";\"})"},
        HintCase{"Tabs",
                 {},
                 "text\twhole\n",
                 "is the delimiter \"\\t\"? (\"csv\": {\"delimiter\": \"\\t\"})"},
        HintCase{"Commas",
                 {.delimiter = ';'},
                 kFields,
                 "is the delimiter \",\"? (\"csv\": {\"delimiter\": \",\"})"},
        HintCase{"AnotherCase",
                 {},
                 "Text,whole,number,flag,at\n",
                 "the header has no column \"text\": it has \"Text\" (\"csv\": {\"header\": "
                 "\"any_case\"})"},
        HintCase{"Blanks",
                 {},
                 "text, whole,number,flag,at\n",
                 "it has \"whole\" with blanks around it (\"csv\": {\"trim\": true})"},
        HintCase{"AnotherTable",
                 {},
                 "id,price\n",
                 "the header has no column \"text\": it has id, price"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Fields, CsvInAnotherDialect,
    testing::Values(
        HintCase{"DecimalComma",
                 {.delimiter = ';'},
                 kSemicolons + "a;1;1,5;;\n",
                 "got \"1,5\": is it written with another point? (\"csv\": {\"decimal\": \",\"})"},
        HintCase{"Thousands",
                 {.delimiter = ';'},
                 kSemicolons + "a;1;1.234,5;;\n",
                 "(\"csv\": {\"decimal\": \",\", \"thousands\": \".\"})"},
        HintCase{"ThousandsOfAnInteger",
                 {},
                 kFields + "a,\"1,234\",1,,\n",
                 "(\"csv\": {\"thousands\": \",\"})"},
        HintCase{
            "AFractionWhereThereIsNone",
            {.decimal = '\0', .thousands = '.'},
            kFields + "a,1,1.5,,\n",
            "expected a finite number without fraction and \".\" between thousands, got \"1.5\": "
            "is it written with another point? (\"csv\": {\"decimal\": \".\"}), without "
            "\"thousands\""},
        HintCase{"AFractionOfAnInteger",
                 {},
                 kFields + "a,1.5,1,,\n",
                 "got \"1.5\": the column has fractions; declare it as \"double\""},
        HintCase{"ANullText",
                 {},
                 kFields + "a,NA,1,,\n",
                 "got \"NA\": does it stand for a missing value? (\"csv\": {\"null\": [\"NA\"]})"},
        HintCase{"NotANumber", {}, kFields + "a,1,NaN,,\n", "(\"csv\": {\"null\": [\"NaN\"]})"},
        HintCase{"BlanksAround",
                 {},
                 kFields + "a, 1,1,,\n",
                 "got \" 1\": blanks around it are not taken away unless asked for (\"csv\": "
                 "{\"trim\": true})"},
        HintCase{"Words",
                 {},
                 kFields + "a,1,1,Yes,\n",
                 "the column can declare its words ({\"type\": \"bool\", \"true\": [\"Yes\"], "
                 "\"false\": [\"No\"]})"},
        HintCase{"DayMonthYear",
                 {},
                 kFields + "a,1,1,,31/12/2024\n",
                 "the column can declare how its times are written (\"format\": \"%d/%m/%Y\")"},
        HintCase{"DayOrMonth",
                 {},
                 kFields + "a,1,1,,01/02/2024\n",
                 "(\"format\": \"%d/%m/%Y\" or \"format\": \"%m/%d/%Y\")"},
        HintCase{"Epoch", {}, kFields + "a,1,1,,1719792000\n", "(\"format\": \"epoch_s\")"},
        HintCase{"EpochInMilliseconds",
                 {},
                 kFields + "a,1,1,,1719792000000\n",
                 "(\"format\": \"epoch_ms\")"},
        HintCase{"NothingKnown", {}, kFields + "a,1,1,,soon\n", "got \"soon\""}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Bytes, CsvInAnotherDialect,
    testing::Values(
        HintCase{"Windows1252",
                 {},
                 kFields + "caf\xE9,1,1,,\n",
                 "this field is not UTF-8: is it windows-1252? (\"csv\": {\"encoding\": "
                 "\"windows-1252\"})"},
        HintCase{
            "Utf16",
            {},
            "\xFF\xFEt\0e\0x\0t\0"s,
            "its first bytes say that it is utf-16le: (\"csv\": {\"encoding\": \"utf-16le\"})"},
        HintCase{"Utf16WithoutAMark",
                 {},
                 "t\0e\0x\0t\0,\0w\0\n\0"s,
                 "is it utf-16le? (\"csv\": {\"encoding\": \"utf-16le\"})"},
        HintCase{"Utf8WhereAnotherWasDeclared",
                 {.encoding = CsvEncoding::kWindows1252},
                 "\xEF\xBB\xBF" + kFields,
                 "its first bytes say that it is utf-8: (\"csv\": {\"encoding\": \"utf-8\"})"},
        HintCase{"Zip",
                 {},
                 "PK\x03\x04\x14\0"s,
                 "it is a zip (an .xlsx is one, too): unpack it, or save the sheet as CSV"},
        HintCase{"Xz", {}, "\xFD\x37zXZ\0"s, "it is compressed by xz: unpack it, or use gzip"},
        HintCase{"Zstd",
                 {},
                 "\x28\xB5\x2F\xFD\x04"s,
                 "it is compressed by zstd: unpack it, or use gzip"},
        HintCase{"Parquet", {}, "PAR1\x15\x04"s, "it is Parquet: write it as CSV"},
        HintCase{"Html",
                 {},
                 "<!doctype html>\n<html>",
                 "it is HTML, most likely the page of an error or of a login"}),
    [](const auto& param) { return param.param.name; });

// ---- dialects that contradict themselves ----

struct RefusedDialect {
  std::string name;
  CsvDialect dialect;
  std::string member;
  std::string why;
};

void PrintTo(const RefusedDialect& one, std::ostream* out) { *out << one.name; }

class BadDialect : public testing::TestWithParam<RefusedDialect> {};

TEST_P(BadDialect, IsRefusedForAMember) {
  const Status good = CheckDialect(GetParam().dialect);
  ASSERT_FALSE(good.ok());
  EXPECT_EQ(good.error().field, GetParam().member);
  EXPECT_THAT(good.error().message, HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadDialect,
    testing::Values(
        RefusedDialect{"ALetterDelimits", {.delimiter = 'x'}, "delimiter", "no letter"},
        RefusedDialect{"ADigitDelimits", {.delimiter = '0'}, "delimiter", "digit"},
        RefusedDialect{"AQuoteDelimits", {.delimiter = '"'}, "delimiter", "quote"},
        RefusedDialect{"ASignDelimits", {.delimiter = '-'}, "delimiter", "sign"},
        RefusedDialect{"ALineBreakDelimits", {.delimiter = '\n'}, "delimiter", "expected a tab"},
        RefusedDialect{"HalfACharacterDelimits", {.delimiter = '\xE9'}, "delimiter", "expected"},
        RefusedDialect{"TheDecimalPointDelimits", {.decimal = ','}, "decimal", "delimiter as well"},
        RefusedDialect{"AnUnheardOfDecimalPoint", {.decimal = ';'}, "decimal", "expected"},
        RefusedDialect{"TheDecimalPointPartsThousands",
                       {.thousands = '.'},
                       "thousands",
                       "decimal point as well: say \"decimal\": \",\""},
        RefusedDialect{
            "AnUnheardOfMarkPartsThousands", {.thousands = '*'}, "thousands", "expected"},
        RefusedDialect{"TheDelimiterIsTrimmed",
                       {.delimiter = ' ', .blanks = CsvBlanks::kTrimmed},
                       "trim",
                       "a blank is the delimiter"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
