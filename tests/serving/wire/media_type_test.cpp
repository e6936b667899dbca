#include "serving/wire/media_type.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>

namespace forkcast::wire {
namespace {

struct ContentTypeCase {
  std::string name;
  std::string content_type;
  std::optional<Format> format;  // none: kUnsupportedType
};

void PrintTo(const ContentTypeCase& param, std::ostream* out) { *out << param.content_type; }

class FormatOfRequestTest : public testing::TestWithParam<ContentTypeCase> {};

TEST_P(FormatOfRequestTest, FollowsTheContentType) {
  const Result<Format> format = FormatOfRequest(GetParam().content_type);
  ASSERT_EQ(format.ok(), GetParam().format.has_value());
  if (format) {
    EXPECT_EQ(*format, *GetParam().format);
  } else {
    EXPECT_EQ(format.error().code, ErrorCode::kUnsupportedType);
    EXPECT_EQ(format.error().field, "Content-Type");
  }
}

using enum Format;

INSTANTIATE_TEST_SUITE_P(
    Cases, FormatOfRequestTest,
    testing::Values(
        ContentTypeCase{"NoneMeansJson", "", kJson}, ContentTypeCase{"BlankMeansJson", " ", kJson},
        ContentTypeCase{"Json", "application/json", kJson},
        ContentTypeCase{"NamesHaveNoCase", "Application/JSON", kJson},
        ContentTypeCase{"JsonLines", "application/jsonlines", kJsonLines},
        ContentTypeCase{"XJsonLines", "application/x-jsonlines", kJsonLines},
        ContentTypeCase{"XNdjson", "application/x-ndjson", kJsonLines},
        ContentTypeCase{"Ndjson", "application/ndjson", kJsonLines},
        ContentTypeCase{"TextCsv", "text/csv", kCsv},
        ContentTypeCase{"ApplicationCsv", "application/csv", kCsv},
        ContentTypeCase{"CharsetUtf8", "application/json; charset=utf-8", kJson},
        ContentTypeCase{"CharsetInCapitals", "text/csv;Charset=UTF-8", kCsv},
        ContentTypeCase{"CharsetInQuotes", "text/csv ; charset=\"utf-8\" ; header=present", kCsv},
        ContentTypeCase{"CharsetWithoutHyphen", "text/csv; charset=utf8", kCsv},
        ContentTypeCase{"AsciiIsASubsetOfUtf8", "text/csv; charset=us-ascii", kCsv},
        ContentTypeCase{"OtherParametersAreIgnored", "application/json; v=\"a;b\\\"c\"", kJson},
        ContentTypeCase{"EmptyParametersAreIgnored", "application/json;; ;", kJson},
        ContentTypeCase{"OtherCharset", "application/json; charset=iso-8859-1", std::nullopt},
        ContentTypeCase{"OtherType", "application/xml", std::nullopt},
        ContentTypeCase{"OtherTopLevelType", "text/json", std::nullopt},
        ContentTypeCase{"LongerSubtype", "application/jsonx", std::nullopt},
        ContentTypeCase{"Wildcard", "application/*", std::nullopt},
        ContentTypeCase{"NoSubtype", "application", std::nullopt},
        ContentTypeCase{"NoType", "/json", std::nullopt},
        ContentTypeCase{"BlankInside", "application /json", std::nullopt},
        ContentTypeCase{"TwoTypes", "application/json, text/csv", std::nullopt},
        ContentTypeCase{"ParameterWithoutValue", "application/json; charset", std::nullopt},
        ContentTypeCase{"OpenQuote", "application/json; charset=\"utf-8", std::nullopt},
        ContentTypeCase{"OpenQuoteAfterBackslash", "application/json; a=\"\\", std::nullopt}),
    [](const auto& param) { return param.param.name; });

struct AcceptCase {
  std::string name;
  std::string accept;
  Format request;
  std::optional<Format> answer;  // none: kNotAcceptable
};

void PrintTo(const AcceptCase& param, std::ostream* out) { *out << param.accept; }

class NegotiateAnswerTest : public testing::TestWithParam<AcceptCase> {};

TEST_P(NegotiateAnswerTest, PicksTheFormat) {
  const Result<Format> answer = NegotiateAnswer(GetParam().accept, GetParam().request);
  ASSERT_EQ(answer.ok(), GetParam().answer.has_value());
  if (answer) {
    EXPECT_EQ(*answer, *GetParam().answer);
  } else {
    EXPECT_EQ(answer.error().code, ErrorCode::kNotAcceptable);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, NegotiateAnswerTest,
    testing::Values(
        AcceptCase{"AbsentAnswersAlike", "", kCsv, kCsv},
        AcceptCase{"EmptyElementsAreNone", " , ,", kJsonLines, kJsonLines},
        AcceptCase{"AnythingAnswersAlike", "*/*", kCsv, kCsv},
        AcceptCase{"ByName", "text/csv", kJson, kCsv},
        AcceptCase{"ByAnotherName", "application/x-ndjson", kJson, kJsonLines},
        AcceptCase{"WithoutCase", "TEXT/CSV;Q=1", kJson, kCsv},
        AcceptCase{"HighestWeightWins", "application/json;q=0.5, text/csv;q=0.8", kJson, kCsv},
        AcceptCase{"ThreeDigitsCount", "application/json;q=0.998, text/csv;q=0.999", kJson, kCsv},
        AcceptCase{"NoWeightIsOne", "application/json;q=0.9,text/csv", kJson, kCsv},
        AcceptCase{"AmongEqualsTheRequestsWins", "application/json,text/csv", kCsv, kCsv},
        AcceptCase{"AmongEqualsJsonComesNext", "text/csv, application/json", kJsonLines, kJson},
        AcceptCase{"ThenJsonLines", "text/csv, application/jsonlines", kJson, kJsonLines},
        AcceptCase{"TextWildcardIsCsv", "text/*", kJson, kCsv},
        AcceptCase{"ApplicationWildcardIsNotCsv", "application/*", kCsv, kJson},
        AcceptCase{"TheMoreSpecificDecides", "application/json;q=0.1, application/*;q=0.9, */*;q=1",
                   kJson, kCsv},
        AcceptCase{"OrderOfElementsDoesNotMatter",
                   "*/*, application/*;q=0.9,application/json;q=0.1", kJson, kCsv},
        AcceptCase{"ZeroExcludes", "application/json;q=0, */*", kJson, kJsonLines},
        AcceptCase{"ZeroInAllFormsExcludes", "*/*;q=0.000, text/csv;q=0.001", kJson, kCsv},
        AcceptCase{"TheBetterOfTwoNamesCounts",
                   "application/ndjson;q=0.9, application/jsonlines;q=0.1, text/csv;q=0.5", kJson,
                   kJsonLines},
        AcceptCase{"OtherParametersAreIgnored",
                   "text/csv;header=\"a,b\";q=0.5,application/json;q=0.4", kJson, kCsv},
        AcceptCase{"UnknownTypesAreNoHarm", "text/html, application/json;q=0.1", kCsv, kJson},
        AcceptCase{"BrowsersGetWhatTheySent", "text/html,application/xml;q=0.9,*/*;q=0.8", kCsv,
                   kCsv},
        AcceptCase{"MalformedWeightIsIgnored", "text/csv;q=2, application/json;q=0.1", kCsv, kJson},
        AcceptCase{"FourDigitsAreMalformed", "text/csv;q=0.1234, application/json;q=0.1", kCsv,
                   kJson},
        AcceptCase{"MoreThanOneIsMalformed", "text/csv;q=1.001, application/json;q=0.1", kCsv,
                   kJson},
        AcceptCase{"MalformedRangeIsIgnored", "csv, */json, text/csv x, application/json", kCsv,
                   kJson},
        AcceptCase{"CommaInMalformedQuotesIsNoEnd", "a/b c=\"x,text/csv\", application/json", kCsv,
                   kJson},
        AcceptCase{"NothingOfOurs", "text/html", kJson, std::nullopt},
        AcceptCase{"OnlyExcluded", "application/json;q=0", kJson, std::nullopt},
        AcceptCase{"AllExcluded", "*/*;q=0", kJson, std::nullopt},
        AcceptCase{"OnlyMalformed", "json", kJson, std::nullopt}),
    [](const auto& param) { return param.param.name; });

class MediaTypeRoundTrip : public testing::TestWithParam<Format> {};

TEST_P(MediaTypeRoundTrip, WhatWeSendWeAlsoTakeAndCanBeAskedFor) {
  const std::string_view name = MediaType(GetParam());
  ASSERT_TRUE(FormatOfRequest(name).ok());
  EXPECT_EQ(*FormatOfRequest(name), GetParam());
  ASSERT_TRUE(NegotiateAnswer(name, kJson).ok());
  EXPECT_EQ(*NegotiateAnswer(name, kJson), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Formats, MediaTypeRoundTrip, testing::Values(kJson, kJsonLines, kCsv));

TEST(CsvHeader, IsWhatTheContentTypeSays) {
  EXPECT_EQ(*CsvHeaderOfRequest("text/csv"), std::nullopt);
  EXPECT_EQ(*CsvHeaderOfRequest("text/csv; header=present"), CsvHeader::kPresent);
  EXPECT_EQ(*CsvHeaderOfRequest("text/csv;charset=utf-8; Header=\"ABSENT\""), CsvHeader::kAbsent);
  const auto other = CsvHeaderOfRequest("text/csv; header=no");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kUnsupportedType);
}

struct QuoteCase {
  std::string name;
  std::string message;
  Error error;
};

void PrintTo(const QuoteCase& param, std::ostream* out) { *out << param.name; }

class RefusedHeaderTest : public testing::TestWithParam<QuoteCase> {};

TEST_P(RefusedHeaderTest, IsQuotedBesideWhatIsTaken) {
  EXPECT_EQ(GetParam().error.message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedHeaderTest,
    testing::Values(
        QuoteCase{"ContentType",
                  "expected application/json, application/jsonlines or text/csv, got \"text/json\"",
                  FormatOfRequest("text/json").error()},
        QuoteCase{"Charset", "expected the charset utf-8, got \"latin1\"",
                  FormatOfRequest("text/csv; charset=latin1").error()},
        QuoteCase{"CsvHeader", "expected header=present or header=absent, got \"no\"",
                  CsvHeaderOfRequest("text/csv; header=no").error()},
        QuoteCase{"Accept",
                  "can answer as application/json, application/jsonlines or text/csv, but was "
                  "asked for \"text/html\"",
                  NegotiateAnswer("text/html", kJson).error()}),
    [](const auto& param) { return param.param.name; });

struct EncodingCase {
  std::string name;
  std::string accept_encoding;
  bool gzip;
};

void PrintTo(const EncodingCase& param, std::ostream* out) { *out << param.accept_encoding; }

class PrefersGzipTest : public testing::TestWithParam<EncodingCase> {};

TEST_P(PrefersGzipTest, FollowsAcceptEncoding) {
  EXPECT_EQ(PrefersGzip(GetParam().accept_encoding), GetParam().gzip);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PrefersGzipTest,
    testing::Values(EncodingCase{"NothingSaid", "", false}, EncodingCase{"ByName", "gzip", true},
                    EncodingCase{"ByAnotherName", "x-gzip", true},
                    EncodingCase{"WithoutCase", "GZIP", true},
                    EncodingCase{"AmongOthers", "br, deflate, gzip;q=0.1, zstd", true},
                    EncodingCase{"OthersAlone", "br, deflate", false},
                    EncodingCase{"Anything", "*", true},
                    EncodingCase{"ZeroExcludes", "gzip;q=0", false},
                    EncodingCase{"ZeroExcludesWhatAnythingIncludes", "*, gzip;q=0.000", false},
                    EncodingCase{"AnythingElseExcluded", "identity, *;q=0", false},
                    EncodingCase{"IdentityPreferred", "gzip;q=0.5, identity", false},
                    EncodingCase{"IdentityLessPreferred", "identity;q=0.5, gzip;q=1.0", true},
                    EncodingCase{"AmongEqualsGzip", "identity, gzip", true},
                    EncodingCase{"MalformedWeightIsIgnored", "gzip;q=2, deflate", false},
                    EncodingCase{"BrowsersAndRequests", "gzip, deflate, br, zstd", true}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::wire
