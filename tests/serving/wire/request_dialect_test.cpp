// Requests that are written in the way that a pipeline declares for them. What a dialect means is
// tested with files (csv_dialect_test.cpp); here is that requests have it, too.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serving/wire/decode.hpp"

namespace forkcast::wire {
namespace {

using preprocessing::CsvDialect;
using preprocessing::CsvEncoding;
using preprocessing::CsvHeaderMatch;
using preprocessing::Schema;
using preprocessing::TimeFormat;
using testing::HasSubstr;

/// The rows of a body, or the error of the first one.
std::string Decoded(const Schema& schema, const CsvDialect& dialect, Format format,
                    std::string_view body) {
  RequestDecoder decoder(schema, preprocessing::TimeZone(), {}, dialect);
  DecodedRequest request(schema);
  const PaddedBody padded(body);
  const Status decoded = decoder.Decode(format, padded.view(), request);
  if (!decoded) return decoded.error().message;
  if (!request.errors.empty()) return request.errors.front().error.message;
  return ToJson(request.rows).dump();
}

/// EveryType(), with times and bools as others write them.
Schema Formatted() {
  Schema schema = EveryType();
  schema.columns[4].format = {.true_words = {"yes"}, .false_words = {"no"}};
  schema.columns[5].format = {.time = TimeFormat::Make("%d/%m/%Y").value()};
  return schema;
}

TEST(RequestInADialect, IsReadAsAFileInItIs) {
  const CsvDialect dialect{.delimiter = ';',
                           .decimal = ',',
                           .thousands = '.',
                           .encoding = CsvEncoding::kWindows1252,
                           .header = CsvHeaderMatch::kAnyCase,
                           .null = {"NA"}};
  EXPECT_EQ(Decoded(Formatted(), dialect, Format::kCsv,
                    "ID;Note;N;X;B;T\ncaf\xE9;NA;1.234;1,5;yes;02/01/1970\n"),
            R"([["café",null,1234,1.5,true,86400000000]])");
}

TEST(RequestInADialect, ThatIsNotItsEncodingIsRefused) {
  EXPECT_THAT(Decoded(EveryType(), {.encoding = CsvEncoding::kWindows1252}, Format::kCsv,
                      "id,note\na,\x81\n"),
              HasSubstr("line 2: the byte 0x81 is no character in windows-1252"));
}

TEST(RequestInCsv, HasNoValueWhereAQuotedFieldIsEmptyButForTexts) {
  EXPECT_EQ(
      Decoded(EveryType(), {}, Format::kCsv, "id,note,n,x,b,t\n\"\",\"\",\"\",\"\",\"\",\"\"\n"),
      R"([["","",null,null,null,null]])");
}

TEST(RequestInCsv, MayWriteAnIntegerWithAFractionOfZeros) {
  EXPECT_EQ(Decoded(EveryType(), {}, Format::kCsv, "id,n\na,7.0\n"),
            R"([["a",null,7,null,null,null]])");
  EXPECT_THAT(Decoded(EveryType(), {}, Format::kCsv, "id,n\na,7.5\n"),
              HasSubstr("expected an integer of 64 bits, got \"7.5\""));
}

TEST(RequestInJson, MayWriteATimeAsDeclaredOrAsAnswersDo) {
  for (const char* const time : {"02/01/1970", "1970-01-02", "1970-01-02T00:00:00Z"}) {
    EXPECT_EQ(
        Decoded(Formatted(), {}, Format::kJson, std::string(R"({"id":"a","t":")") + time + R"("})"),
        R"([["a",null,null,null,null,86400000000]])");
  }
  EXPECT_THAT(Decoded(Formatted(), {}, Format::kJson, R"({"id":"a","t":"1970/01/02"})"),
              HasSubstr("expected a time written as %d/%m/%Y, got \"1970/01/02\""));
}

TEST(RequestInJson, MayWriteAnEpochAsANumber) {
  Schema schema = EveryType();
  schema.columns[5].format = {.time = TimeFormat::Make("epoch_s").value()};
  for (const char* const time : {"86400", "\"86400\""}) {
    EXPECT_EQ(Decoded(schema, {}, Format::kJson, std::string(R"({"id":"a","t":)") + time + "}"),
              R"([["a",null,null,null,null,86400000000]])");
  }
}

}  // namespace
}  // namespace forkcast::wire
