#include "client/row_requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_files.hpp"

namespace forkcast::client {
namespace {

using preprocessing::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using wire::Format;

/// Bodies of all requests; checks that rows are counted without a gap.
std::vector<std::string> Bodies(const std::filesystem::path& path, const RowRequests::Form& form) {
  Result<RowRequests> requests = RowRequests::Open(path, form);
  EXPECT_TRUE(requests.ok());
  std::vector<std::string> bodies;
  RowRequest request;
  std::size_t next_row = 0;
  while (requests.ok()) {
    const Result<bool> more = requests->Next(request);
    EXPECT_TRUE(more.ok()) << more.error().message;
    if (!more || !*more) break;
    EXPECT_EQ(request.first_row, next_row);
    EXPECT_GE(request.rows, 1U);
    EXPECT_LE(request.rows, form.rows_per_request);
    next_row += request.rows;
    bodies.push_back(request.body);
  }
  return bodies;
}

// Leading zeros, a missing value, an empty text, a comma, a quote, a line break, words of JSON.
constexpr std::string_view kFile =
    "\"id\",zip,\"a \"\"note\"\"\"\r\n"
    "\"007\",01234,\r\n"
    "1e3,true,\"\"\r\n"
    "\"x,y\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n";

struct FormCase {
  const char* name;
  RowRequests::Form form;
  std::vector<std::string> bodies;
};

class RowRequestsForm : public testing::TestWithParam<FormCase> {};

TEST_P(RowRequestsForm, KeepsEveryFieldAsItStands) {
  const TempFolder folder;
  EXPECT_EQ(Bodies(folder.Write("o.csv", kFile), GetParam().form), GetParam().bodies);
  EXPECT_EQ(Bodies(folder.WriteGzip("o.csv.gz", kFile), GetParam().form), GetParam().bodies);
}

const std::string kCsvHeader = "id,zip,\"a \"\"note\"\"\"\n";
const std::string kCsvRows[] = {"007,01234,\n", "1e3,true,\"\"\n",
                                "\"x,y\",\"say \"\"hi\"\"\",\"two\nlines\"\n"};
const std::string kJsonRows[] = {
    R"({"id":"007","zip":"01234","a \"note\"":null})",
    R"({"id":"1e3","zip":"true","a \"note\"":""})",
    R"({"id":"x,y","zip":"say \"hi\"","a \"note\"":"two\nlines"})",
};

INSTANTIATE_TEST_SUITE_P(
    Cases, RowRequestsForm,
    testing::Values(
        FormCase{"CsvRowByRow",
                 {Format::kCsv, 1},
                 {kCsvHeader + kCsvRows[0], kCsvHeader + kCsvRows[1], kCsvHeader + kCsvRows[2]}},
        FormCase{"CsvWithARestInTheLastBatch",
                 {Format::kCsv, 2},
                 {kCsvHeader + kCsvRows[0] + kCsvRows[1], kCsvHeader + kCsvRows[2]}},
        FormCase{"CsvInOneBatch",
                 {Format::kCsv, 100},
                 {kCsvHeader + kCsvRows[0] + kCsvRows[1] + kCsvRows[2]}},
        FormCase{"JsonOneByOneIsAnObject",
                 {Format::kJson, 1},
                 {kJsonRows[0], kJsonRows[1], kJsonRows[2]}},
        FormCase{"JsonInBatchesIsAnArrayEvenOfOne",
                 {Format::kJson, 2},
                 {"[" + kJsonRows[0] + "," + kJsonRows[1] + "]", "[" + kJsonRows[2] + "]"}},
        FormCase{"JsonLinesEndEachLine",
                 {Format::kJsonLines, 2},
                 {kJsonRows[0] + "\n" + kJsonRows[1] + "\n", kJsonRows[2] + "\n"}}),
    [](const auto& param) { return std::string(param.param.name); });

struct DialectCase {
  const char* name;
  std::string file;
  RowRequests::Form form;
  std::string body;
};

void PrintTo(const DialectCase& one, std::ostream* out) { *out << one.name; }

class RowRequestsOfADialect : public testing::TestWithParam<DialectCase> {};

TEST_P(RowRequestsOfADialect, CarryWhatTheFieldsSay) {
  const TempFolder folder;
  EXPECT_THAT(Bodies(folder.Write("o.csv", GetParam().file), GetParam().form),
              ElementsAre(GetParam().body));
}

const preprocessing::CsvDialect kSemicolons{.delimiter = ';', .decimal = ','};

INSTANTIATE_TEST_SUITE_P(
    Cases, RowRequestsOfADialect,
    testing::Values(DialectCase{"SemicolonsBecomeCommas",
                                "id;note\n7;\"a,b\"\n",
                                {.rows_per_request = 9, .read = {.delimiter = ';'}},
                                "id,note\n7,\"a,b\"\n"},
                    DialectCase{"AsTheServerTakesThem",
                                "id;price;note\n7;1,5;\n8;\"2\";\"\"\n",
                                {.rows_per_request = 9, .read = kSemicolons, .sent = kSemicolons},
                                "\"id\";\"price\";\"note\"\n\"7\";\"1,5\";\n\"8\";\"2\";\"\"\n"},
                    DialectCase{"WhatStandsForMissingIsMissing",
                                "id,note\n7,NA\n8,\"NA\"\n",
                                {.rows_per_request = 9, .read = {.null = {"NA"}}},
                                "id,note\n7,\n8,NA\n"},
                    DialectCase{"AnEncodingBecomesUtf8",
                                "ort\nK\xf6ln\n",
                                {.format = Format::kJson,
                                 .rows_per_request = 1,
                                 .read = {.encoding = preprocessing::CsvEncoding::kWindows1252}},
                                "{\"ort\":\"Köln\"}"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(RowRequests, AreRefusedWithTheFlagToSayWhenTheDelimiterLooksLikeAnother) {
  const TempFolder folder;
  const auto requests = RowRequests::Open(folder.Write("o.csv", "id;zip;at\n1;2;3\n"), {});
  ASSERT_FALSE(requests.ok());
  EXPECT_THAT(requests.error().message,
              HasSubstr("o.csv: line 1: one field with 2 \";\" in it: is the delimiter \";\"? "
                        "(--csv '{\"delimiter\": \";\"}')"));
}

TEST(RowRequests, OfAFileWithoutRowsAreNone) {
  const TempFolder folder;
  EXPECT_THAT(Bodies(folder.Write("o.csv", "id,zip\n"), {}), ElementsAre());
}

TEST(RowRequests, AreRefusedWithFileAndLineWhenARowIsRagged) {
  const TempFolder folder;
  Result<RowRequests> requests = RowRequests::Open(folder.Write("o.csv", "id,zip\n1,2\n3\n"), {});
  ASSERT_TRUE(requests.ok());
  RowRequest request;
  ASSERT_TRUE(requests->Next(request).ok());
  const Result<bool> ragged = requests->Next(request);
  ASSERT_FALSE(ragged.ok());
  EXPECT_THAT(ragged.error().message, HasSubstr("o.csv: line 3"));
}

TEST(CountRows, CountsThemAndFindsTheBadLineBeforeAnythingIsSent) {
  const TempFolder folder;
  const auto rows = CountRows(folder.Write("o.csv", kFile));
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(*rows, std::optional<std::size_t>(3));
  const auto ragged = CountRows(folder.Write("ragged.csv", "id,zip\n1,2\n3\n"));
  ASSERT_FALSE(ragged.ok());
  EXPECT_THAT(ragged.error().message, HasSubstr("ragged.csv: line 3"));
  EXPECT_FALSE(CountRows(folder.Write("twice.csv", "id,id\n1,2\n")).ok());
}

TEST(CountRows, KnowsNothingOfWhatCanBeReadOnlyOnce) {
  const auto rows = CountRows("/dev/null");
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(*rows, std::nullopt);
}

}  // namespace
}  // namespace forkcast::client
