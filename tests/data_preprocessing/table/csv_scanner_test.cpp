#include "data_preprocessing/table/csv_scanner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace forkcast::preprocessing {
namespace {

using namespace std::string_literals;

/// What a scanner says about a text: each field as LINE:COLUMN text, quoted where it was; then the
/// error, if it ends with one.
using Outcome = std::vector<std::vector<std::string>>;

void ScanAll(CsvScanner& scanner, Outcome& outcome, bool& failed) {
  while (true) {
    const Result<bool> record = scanner.Next();
    failed = !record.ok();
    if (failed) {
      EXPECT_EQ(record.error().code, ErrorCode::kInvalidArgument);
      outcome.push_back({record.error().message});
    }
    if (failed || !*record) return;
    std::vector<std::string>& fields = outcome.emplace_back();
    for (const CsvField& field : scanner.fields()) {
      const std::string quote = field.quoted ? "\"" : "";
      fields.push_back(std::to_string(field.position.line) + ":" +
                       std::to_string(field.position.column) + " " + quote +
                       std::string(field.text) + quote);
    }
  }
}

Outcome Scan(std::string_view text) {
  CsvScanner scanner;
  scanner.Reset(text);
  Outcome outcome;
  bool failed = false;
  ScanAll(scanner, outcome, failed);
  return outcome;
}

/// As Scan(), but with at most `length` more bytes at a time, each time in new memory.
Outcome ScanInPieces(std::string_view text, std::size_t length) {
  CsvScanner scanner;
  Outcome outcome;
  bool failed = false;
  // The byte-order mark must not be cut.
  std::size_t given = std::min(text.size(), std::max<std::size_t>(length, 3));
  std::string piece(text.substr(0, given));
  scanner.Reset(piece, CsvTextEnd::kMoreFollows);
  while (true) {
    ScanAll(scanner, outcome, failed);
    if (failed) return outcome;
    const std::size_t more = std::min(length, text.size() - given);
    std::string next(scanner.rest());
    next += text.substr(given, more);
    given += more;
    piece = std::move(next);
    scanner.Resume(piece, more == 0 ? CsvTextEnd::kIsTheEnd : CsvTextEnd::kMoreFollows);
    if (more == 0) {
      ScanAll(scanner, outcome, failed);
      return outcome;
    }
  }
}

struct ScanCase {
  std::string name;
  std::string text;
  Outcome expected;
};

class CsvScannerOnText : public testing::TestWithParam<ScanCase> {};

TEST_P(CsvScannerOnText, GivesRecordsAndPositions) {
  EXPECT_EQ(Scan(GetParam().text), GetParam().expected);
}

TEST_P(CsvScannerOnText, GivesTheSameWhereverATextIsCut) {
  for (std::size_t length = 1; length <= GetParam().text.size(); ++length) {
    EXPECT_EQ(ScanInPieces(GetParam().text, length), GetParam().expected)
        << "pieces of " << length << " bytes";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CsvScannerOnText,
    testing::Values(
        ScanCase{"AnEmptyTextHasNoRecord", "", {}},
        ScanCase{"LineFeedEndsARecord", "a,b\nc,d\n", {{"1:1 a", "1:3 b"}, {"2:1 c", "2:3 d"}}},
        ScanCase{"CarriageReturnLineFeedEndsARecord", "a\r\nb\r\n", {{"1:1 a"}, {"2:1 b"}}},
        ScanCase{"TheLastLineBreakMayBeAbsent", "a\nb", {{"1:1 a"}, {"2:1 b"}}},
        ScanCase{
            "ATrailingCommaBeginsAnEmptyField", "a,\n,", {{"1:1 a", "1:3 "}, {"2:1 ", "2:2 "}}},
        ScanCase{"BlanksArePartOfAField", " a , b\n", {{"1:1  a ", "1:5  b"}}},
        ScanCase{"QuotesProtectCommas", "\"a,b\",c", {{"1:1 \"a,b\"", "1:7 c"}}},
        ScanCase{"DoubledQuotesAreOneQuote",
                 "\"\"\"\",\"say \"\"hi\"\"\"\n",
                 {{"1:1 \"\"\"", "1:6 \"say \"hi\"\""}}},
        ScanCase{"LineBreaksInQuotesCountAsLines",
                 "\"a\r\nb\nc\",d\ne",
                 {{"1:1 \"a\r\nb\nc\"", "3:4 d"}, {"4:1 e"}}},
        ScanCase{"QuotedEmptyTextIsToldFromNothing", "\"\",\n", {{"1:1 \"\"", "1:4 "}}},
        ScanCase{"EmptyLinesAreSkippedButCounted", "\n\r\na\n\n\nb\n\n", {{"3:1 a"}, {"6:1 b"}}},
        ScanCase{"ByteOrderMarkIsSkipped", "\xEF\xBB\xBF"s + "a,b\n", {{"1:1 a", "1:3 b"}}},
        ScanCase{"ByteOrderMarkMayPrecedeAQuote", "\xEF\xBB\xBF"s + "\"a\"", {{"1:1 \"a\""}}},
        ScanCase{"ColumnsCountBytes", "\u00e9\u20ac,b", {{"1:1 \u00e9\u20ac", "1:7 b"}}},
        ScanCase{
            "AQuoteWithinAPlainFieldIsAnError",
            "a\nb,c\"d\n",
            {{"1:1 a"}, {"line 2, column 4: a quote inside a field that does not start with one"}}},
        ScanCase{"TextBehindAClosingQuoteIsAnError",
                 "\"a\"b\n",
                 {{"line 1, column 4: expected a comma or the end of the line behind a closing "
                   "quote (a quote inside quotes is written twice)"}}},
        ScanCase{"AnOpenQuoteAtTheEndIsAnErrorWhereItOpens",
                 "a\nb,\"c\nd\n",
                 {{"1:1 a"}, {"line 2, column 3: the quote that opens here is never closed"}}},
        ScanCase{"ABareCarriageReturnIsAnError",
                 "a\rb\n",
                 {{"line 1, column 2: a carriage return without a line feed behind it"}}},
        ScanCase{
            "ABareCarriageReturnAtTheEndIsAnError",
            "a\n\r",
            {{"1:1 a"}, {"line 2, column 1: a carriage return without a line feed behind it"}}},
        ScanCase{"ANulByteIsAnErrorOfItsField",
                 "a\nb,c\0d\n"s,
                 {{"1:1 a"}, {"line 2, column 3: a NUL byte in this field"}}},
        ScanCase{"BytesThatAreNotUtf8AreAnErrorOfTheirField",
                 "a,b\nc,\"\xE9t\xE9\"\n",
                 {{"1:1 a", "1:3 b"}, {"line 2, column 3: this field is not UTF-8"}}},
        ScanCase{"ACharacterCutShortByASeparatorIsAnError",
                 "\xE2\x82,\xAC\n",
                 {{"line 1, column 1: this field is not UTF-8"}}}),
    [](const auto& param) { return param.param.name; });

TEST(CsvScanner, ReadsBackWhateverAWriterQuotes) {
  std::mt19937 random(20210704);
  const std::vector<std::string> alphabet{"a", "0", ",", "\"", "\n", "\r", " ", "\u20ac"};
  for (int round = 0; round < 500; ++round) {
    std::vector<std::vector<std::string>> records(1 + random() % 4);
    std::string text;
    for (std::vector<std::string>& record : records) {
      record.resize(1 + random() % 4);
      for (std::size_t i = 0; i < record.size(); ++i) {
        text += i > 0 ? ",\"" : "\"";
        for (std::size_t left = random() % 6; left > 0; --left) {
          const std::string& character = alphabet[random() % alphabet.size()];
          record[i] += character;
          text += character == "\"" ? "\"\"" : character;
        }
        text += '"';
      }
      text += random() % 2 == 0 ? "\n" : "\r\n";
    }
    CsvScanner scanner;
    scanner.Reset(text);
    for (const std::vector<std::string>& record : records) {
      const Result<bool> read = scanner.Next();
      ASSERT_TRUE(read.ok()) << read.error().message << " in " << text;
      ASSERT_TRUE(*read) << text;
      std::vector<std::string> fields;
      for (const CsvField& field : scanner.fields()) fields.emplace_back(field.text);
      ASSERT_EQ(fields, record) << text;
    }
    const Result<bool> end = scanner.Next();
    ASSERT_TRUE(end.ok() && !*end) << text;
  }
}

TEST(CsvScanner, StartsOverAfterAnError) {
  CsvScanner scanner;
  scanner.Reset("a\n\"open");
  Outcome first;
  bool failed = false;
  ScanAll(scanner, first, failed);
  ASSERT_TRUE(failed);
  scanner.Reset("b\n");
  Outcome second;
  ScanAll(scanner, second, failed);
  EXPECT_EQ(second, (Outcome{{"1:1 b"}}));
}

TEST(CsvScanner, SaysWhereARecordStarts) {
  CsvScanner scanner;
  scanner.Reset("a\n\n\"b\nc\",d\n");
  ASSERT_TRUE(*scanner.Next() && *scanner.Next());
  EXPECT_EQ(scanner.position(), (CsvPosition{.line = 3, .column = 1}));
}

TEST(CsvScanner, TakesARecordOfTheLargestSizeAndRefusesALongerOne) {
  const std::string largest(kMaxCsvRecordBytes - 1, 'x');  // and its line feed
  EXPECT_EQ(Scan(largest + "\n").front().front().size(), largest.size() + "1:1 "s.size());
  EXPECT_EQ(Scan("a\n" + largest + "x\n").back().front(),
            "line 2, column 1: a record of more than 1 MiB (is a quote left open?)");
}

TEST(CsvScanner, RefusesAnEndlessRecordBeforeItsEndIsSeen) {
  CsvScanner scanner;
  const std::string text = "\"" + std::string(kMaxCsvRecordBytes, 'x');
  scanner.Reset(text, CsvTextEnd::kMoreFollows);
  const Result<bool> record = scanner.Next();
  ASSERT_FALSE(record.ok());
  EXPECT_THAT(record.error().message, testing::HasSubstr("more than 1 MiB"));
}

/// As Scan(), but behind records that cannot be read it goes on.
Outcome ScanOn(std::string_view text) {
  CsvScanner scanner;
  scanner.Reset(text);
  Outcome outcome;
  bool failed = false;
  std::string_view skipped;
  do {
    ScanAll(scanner, outcome, failed);
  } while (failed && scanner.knows_end_of_bad() && scanner.SkipBad(skipped));
  return outcome;
}

TEST(CsvScanner, GoesOnBehindARecordThatCannotBeRead) {
  EXPECT_EQ(ScanOn("a\nb\"c\nd\n"),
            (Outcome{{"1:1 a"},
                     {"line 2, column 2: a quote inside a field that does not start with one"},
                     {"3:1 d"}}));
  EXPECT_EQ(ScanOn("\"a\"b,c\nd").back(), (std::vector<std::string>{"2:1 d"}));
  EXPECT_EQ(ScanOn("a\rb\nc\n").back(), (std::vector<std::string>{"2:1 c"}));
  EXPECT_EQ(ScanOn("\"a\n\xFF\",b\nc\n"),
            (Outcome{{"line 1, column 1: this field is not UTF-8"}, {"3:1 c"}}));
  EXPECT_EQ(ScanOn("a\nb\"").size(), 2U);
}

TEST(CsvScanner, DoesNotGoOnWhereAQuoteHidesWhereRecordsEnd) {
  EXPECT_EQ(ScanOn("\"a\nb\nc\n"),
            (Outcome{{"line 1, column 1: the quote that opens here is never closed"}}));
  EXPECT_EQ(ScanOn("\"a\n\"b\"\nc\n").size(), 1U);
}

}  // namespace
}  // namespace forkcast::preprocessing
