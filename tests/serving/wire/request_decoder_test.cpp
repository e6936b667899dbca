#include "serving/wire/request_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "serving/wire/decode.hpp"

namespace forkcast::wire {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using enum Format;
using enum Wrapping;

// ---- bodies that are taken ----

struct GoodCase {
  std::string name;
  Format format;
  std::string body;
  Wrapping wrapping;
  std::string rows;  // JSON: an array a row, in the order id, note, n, x, b, t (microseconds)
};

void PrintTo(const GoodCase& param, std::ostream* out) { *out << param.body; }

class GoodBodyTest : public testing::TestWithParam<GoodCase> {};

TEST_P(GoodBodyTest, IsDecoded) {
  Decoding decoding;
  const Status decoded = decoding.Decode(GetParam().format, GetParam().body);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  const DecodedRequest& request = decoding.request();
  EXPECT_THAT(request.errors, testing::IsEmpty());
  EXPECT_EQ(ToJson(request.rows), json::parse(GetParam().rows));
  EXPECT_EQ(request.row_count, request.rows.row_count());
  EXPECT_EQ(request.wrapping, GetParam().wrapping);
}

INSTANTIATE_TEST_SUITE_P(
    Json, GoodBodyTest,
    testing::Values(
        GoodCase{"EveryType", kJson,
                 R"({"id":"00123","note":"x","n":-7,"x":1.5,"b":true,"t":"1970-01-01 00:00:01"})",
                 kObject, R"([["00123","x",-7,1.5,true,1000000]])"},
        GoodCase{"AnyOrder", kJson, R"({"b":false,"id":"a","n":1})", kObject,
                 R"([["a",null,1,null,false,null]])"},
        GoodCase{"NullCountsAsAbsent", kJson, R"({"id":"a","n":null,"t":null})", kObject,
                 R"([["a",null,null,null,null,null]])"},
        GoodCase{
            "IgnoredFieldsOfAnyKind", kJson,
            R"({"p":{"id":["b",{"q":[]}],"r":{}},"id":"a","s":1e999,"u":-0.5E+3,"v":"\u00e9"})",
            kObject, R"([["a",null,null,null,null,null]])"},
        GoodCase{"IgnoredFieldsMayRepeat", kJson, R"({"p":1,"p":2,"id":"a"})", kObject,
                 R"([["a",null,null,null,null,null]])"},
        GoodCase{"IntegerForADouble", kJson, R"({"id":"a","x":3})", kObject,
                 R"([["a",null,null,3.0,null,null]])"},
        GoodCase{"LargestIntegers", kJson,
                 R"([{"id":"a","n":9223372036854775807},)"
                 R"({"id":"b","n":-9223372036854775808}])",
                 kArray,
                 R"([["a",null,9223372036854775807,null,null,null],)"
                 R"(["b",null,-9223372036854775808,null,null,null]])"},
        GoodCase{"EscapedText", kJson, R"({"id":"\"\\\/\b\f\n\r\t\u0041\ud83d\ude00"})", kObject,
                 R"([["\"\\/\b\f\n\r\tA\ud83d\ude00",null,null,null,null,null]])"},
        GoodCase{"NulInText", kJson, R"({"id":"a\u0000b"})", kObject,
                 R"([["a\u0000b",null,null,null,null,null]])"},
        GoodCase{"EscapedKey", kJson, R"({"i\u0064":"a"})", kObject,
                 R"([["a",null,null,null,null,null]])"},
        GoodCase{"BlanksAround", kJson, " \r\n\t{ \"id\" : \"a\" } \n", kObject,
                 R"([["a",null,null,null,null,null]])"},
        GoodCase{"Array", kJson, R"([{"id":"a"},{"n":2,"id":"b"}])", kArray,
                 R"([["a",null,null,null,null,null],["b",null,2,null,null,null]])"},
        GoodCase{"EmptyArray", kJson, "[]", kArray, "[]"},
        GoodCase{"Instances", kJson, R"({"instances":[{"id":"a"},{"id":"b"}]})", kInstances,
                 R"([["a",null,null,null,null,null],["b",null,null,null,null,null]])"},
        GoodCase{"EmptyInstances", kJson, R"({"instances":[]})", kInstances, "[]"},
        GoodCase{"MembersBesideInstancesAreIgnored", kJson,
                 R"({"id":5,"n":"x","instances":[{"id":"a"}],"id":{"p":1},"configuration":{}})",
                 kInstances, R"([["a",null,null,null,null,null]])"},
        GoodCase{"Inputs", kJson, R"({"inputs":[{"id":"a"}]})", kInstances,
                 R"([["a",null,null,null,null,null]])"},
        GoodCase{"DataframeRecords", kJson, R"({"dataframe_records":[{"id":"a"},{"id":"b"}]})",
                 kInstances, R"([["a",null,null,null,null,null],["b",null,null,null,null,null]])"},
        GoodCase{"InstancesAsArraysInDeclaredOrder", kJson,
                 R"({"instances":[["a","x",1,1.5,true,"1970-01-01"],["b"],{"id":"c"}]})",
                 kInstances,
                 R"([["a","x",1,1.5,true,0],["b",null,null,null,null,null],)"
                 R"(["c",null,null,null,null,null]])"},
        GoodCase{"DataframeSplit", kJson,
                 R"({"dataframe_split":{"index":[0,1],"columns":["n","other","id"],)"
                 R"("data":[[1,{"p":[]},"a"],[null,2,"b"]]}})",
                 kInstances, R"([["a",null,1,null,null,null],["b",null,null,null,null,null]])"},
        GoodCase{"DataframeSplitAmongOtherMembers", kJson,
                 R"({"id":5,"dataframe_split":{"columns":["id"],"data":[["a"]],"index":[7]},)"
                 R"("params":{"p":1}})",
                 kInstances, R"([["a",null,null,null,null,null]])"},
        GoodCase{"DataframeSplitWithItsNamesBehind", kJson,
                 R"({"p":[1],"dataframe_split":{"data":[[1,"a"],[null,"b"]],"index":[0,1],)"
                 R"("columns":["n","id"]},"params":{}})",
                 kInstances, R"([["a",null,1,null,null,null],["b",null,null,null,null,null]])"},
        GoodCase{"DataframeSplitWithoutNames", kJson,
                 R"({"dataframe_split":{"index":[0],"data":[["a","x",1]]}})", kInstances,
                 R"([["a","x",1,null,null,null]])"},
        GoodCase{"DataframeSplitWithColumnsThatPandasCounted", kJson,
                 R"({"dataframe_split":{"columns":[0,1],"data":[["a","x"]]}})", kInstances,
                 R"([["a","x",null,null,null,null]])"},
        GoodCase{"InputsByColumns", kJson,
                 R"({"inputs":{"n":[1,null],"id":["\u0061","b"],"p":{"any":[1]}},"params":{}})",
                 kInstances, R"([["a",null,1,null,null,null],["b",null,null,null,null,null]])"},
        GoodCase{"InputsByColumnsOfTensors", kJson, R"({"inputs":{"id":[["a"],["b"]]}})",
                 kInstances, R"([["a",null,null,null,null,null],["b",null,null,null,null,null]])"},
        GoodCase{"InputsByColumnsWithoutRows", kJson, R"({"inputs":{"id":[]}})", kInstances, "[]"},
        GoodCase{"NaNIsMissingWhereRowsAreWrapped", kJson,
                 R"({"dataframe_split":{"columns":["id","note","n","x","p"],)"
                 R"("data":[["a",NaN,NaN,NaN,NaN]]}})",
                 kInstances, R"([["a",null,null,null,null,null]])"},
        GoodCase{"NaNIsMissingInColumns", kJson, R"({"inputs":{"id":["a"],"x":[NaN]}})", kInstances,
                 R"([["a",null,null,null,null,null]])"},
        GoodCase{"DataframeSplitWithoutRows", kJson,
                 R"({"dataframe_split":{"columns":["id"],"data":[]}})", kInstances, "[]"},
        GoodCase{"InputsThatAreNoRowsAreIgnoredBesideAField", kJson, R"({"inputs":5,"id":"a"})",
                 kObject, R"([["a",null,null,null,null,null]])"},
        GoodCase{"DataframeSplitThatIsNoObjectIsIgnored", kJson,
                 R"({"dataframe_split":[["a"]],"id":"a"})", kObject,
                 R"([["a",null,null,null,null,null]])"},
        GoodCase{"NumberTooSmallIsZero", kJson, R"({"id":"a","x":1e-400})", kObject,
                 R"([["a",null,null,0.0,null,null]])"},
        GoodCase{"InstancesThatAreNoArrayAreIgnored", kJson, R"({"instances":{},"id":"a"})",
                 kObject, R"([["a",null,null,null,null,null]])"},
        GoodCase{"InstancesWithinAnArrayAreIgnored", kJson, R"([{"id":"a","instances":[1]}])",
                 kArray, R"([["a",null,null,null,null,null]])"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    JsonLines, GoodBodyTest,
    testing::Values(GoodCase{"Lines", kJsonLines, "{\"id\":\"a\"}\n{\"id\":\"b\"}\n", kLines,
                             R"([["a",null,null,null,null,null],["b",null,null,null,null,null]])"},
                    GoodCase{"LastLineEndMayBeAbsent", kJsonLines, "{\"id\":\"a\"}\n{\"id\":\"b\"}",
                             kLines,
                             R"([["a",null,null,null,null,null],["b",null,null,null,null,null]])"},
                    GoodCase{"CrLfAndBlankLines", kJsonLines,
                             "\r\n{\"id\":\"a\"}\r\n\n \t\n{\"id\":\"b\"}\r\n\n", kLines,
                             R"([["a",null,null,null,null,null],["b",null,null,null,null,null]])"},
                    GoodCase{"InstancesOfALineAreIgnored", kJsonLines,
                             R"({"id":"a","instances":[]})", kLines,
                             R"([["a",null,null,null,null,null]])"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Csv, GoodBodyTest,
    testing::Values(
        GoodCase{"EveryType", kCsv,
                 "id,note,n,x,b,t\n00123,\"a,\"\"b\"\"\",-7,1.5,True,1970-01-01T00:00:01Z\n",
                 kLines, R"([["00123","a,\"b\"",-7,1.5,true,1000000]])"},
        GoodCase{"ColumnsInAnyOrderAndOthersIgnored", kCsv, "other,n,id\r\nx,1,a\r\ny,2,b", kLines,
                 R"([["a",null,1,null,null,null],["b",null,2,null,null,null]])"},
        GoodCase{"EmptyIsMissingUnlessQuoted", kCsv, "id,note,n\n\"\",\"\",\na,,\n", kLines,
                 R"([["","",null,null,null,null],["a",null,null,null,null,null]])"},
        GoodCase{"HeaderAlone", kCsv, "id\n", kLines, "[]"},
        GoodCase{"ByteOrderMark", kCsv, "\xEF\xBB\xBFid\na\n", kLines,
                 R"([["a",null,null,null,null,null]])"}),
    [](const auto& param) { return param.param.name; });

// ---- bodies that are refused as a whole ----

struct BadBodyCase {
  std::string name;
  Format format;
  std::string body;
  std::string message;  // a part of it
  ErrorCode code = ErrorCode::kInvalidArgument;
};

void PrintTo(const BadBodyCase& param, std::ostream* out) { *out << param.body; }

class BadBodyTest : public testing::TestWithParam<BadBodyCase> {};

TEST_P(BadBodyTest, IsRefusedAndTheNextIsTaken) {
  Decoding decoding(EveryType(), {.max_depth = 4, .max_rows = 3});
  const Status decoded = decoding.Decode(GetParam().format, GetParam().body);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, GetParam().code);
  EXPECT_THAT(decoded.error().message, HasSubstr(GetParam().message));
  EXPECT_EQ(decoding.request().row_count, 0U);
  EXPECT_EQ(decoding.request().rows.row_count(), 0U);
  EXPECT_TRUE(decoding.request().errors.empty());

  ASSERT_TRUE(decoding.Decode(kJson, R"({"id":"a"})").ok());
  EXPECT_EQ(decoding.request().rows.row_count(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Json, BadBodyTest,
    testing::Values(
        BadBodyCase{"Empty", kJson, "", "it is empty"},
        BadBodyCase{"Blank", kJson, " \n", "it is empty"},
        BadBodyCase{"NotJson", kJson, "order=1", "not valid JSON"},
        BadBodyCase{"Number", kJson, "12",
                    "expected a JSON object or an array of objects, got a number"},
        BadBodyCase{"Text", kJson, "\"a\"", "got text"},
        BadBodyCase{"Null", kJson, "null", "got null"},
        BadBodyCase{"TextAndMore", kJson, "\"a\" 1", "behind its end"},
        BadBodyCase{"ObjectAndMore", kJson, R"({"id":"a"} {})", "behind its end"},
        BadBodyCase{"ArrayAndMore", kJson, R"([{"id":"a"}] [])", "behind its end"},
        BadBodyCase{"OpenObject", kJson, R"({"id":"a")", "not closed"},
        BadBodyCase{"OpenArray", kJson, R"([{"id":"a"})", "not closed"},
        BadBodyCase{"OpenObjectBehindAClosedOne", kJson, R"({"id":"a","p":{})", "not closed"},
        BadBodyCase{"OpenArrayBehindAClosedOne", kJson, R"([[])", "not closed"},
        BadBodyCase{"OpenText", kJson, R"({"id":"a)", "text is not closed"},
        BadBodyCase{"WrongBracket", kJson, R"({"id":"a"])", "not closed"},
        BadBodyCase{"WrongBracketInside", kJson, R"({"p":[1},"id":"a"})", "out of place"},
        BadBodyCase{"CommaAtTheEnd", kJson, R"({"id":"a",})", "out of place"},
        BadBodyCase{"CommaAtTheEndOfAnArray", kJson, R"([{"id":"a"},])", "expected a value"},
        BadBodyCase{"NoComma", kJson, R"({"id":"a" "n":1})", "out of place"},
        BadBodyCase{"NoColon", kJson, R"({"id" "a"})", "out of place"},
        BadBodyCase{"NoValue", kJson, R"({"id":})", "expected a value"},
        BadBodyCase{"KeyThatIsNoText", kJson, R"({1:2})", "out of place"},
        BadBodyCase{"UnknownWordInAnIgnoredField", kJson, R"({"id":"a","p":tru})",
                    "expected a value"},
        BadBodyCase{"LeadingZeroInAnIgnoredField", kJson, R"({"id":"a","p":[01]})",
                    "expected a value"},
        BadBodyCase{"NoDigitBehindThePoint", kJson, R"({"id":"a","x":1.})", "expected a value"},
        BadBodyCase{"NoDigitInTheExponent", kJson, R"({"id":"a","x":1e})", "expected a value"},
        BadBodyCase{"PlusSign", kJson, R"({"id":"a","x":+1})", "expected a value"},
        BadBodyCase{"NaNInAnIgnoredField", kJson, R"({"id":"a","p":NaN})",
                    "NaN is no JSON: a value that is missing is written null, near byte 14"},
        BadBodyCase{"NaNAsADocument", kJson, "NaN", "not valid JSON"},
        BadBodyCase{"NaNAsARow", kJson, "[NaN]", "NaN is no JSON"},
        BadBodyCase{"NaNBesideRows", kJson, R"({"instances":[],"p":-Infinity})",
                    "-Infinity is no JSON"},
        BadBodyCase{"BadEscapeInAnIgnoredText", kJson, R"({"id":"a","p":"\q"})", "bad escape"},
        BadBodyCase{"BadEscapeInAKey", kJson, R"({"id":"a","\u00g0":1})", "bad escape"},
        BadBodyCase{"LoneHighSurrogate", kJson, R"({"id":"\ud800"})", "bad escape"},
        BadBodyCase{"LoneLowSurrogate", kJson, R"({"id":"\udc00x"})", "bad escape"},
        BadBodyCase{"TwoHighSurrogates", kJson, R"({"id":"\ud800\ud800"})", "bad escape"},
        BadBodyCase{"SurrogateAndALetter", kJson, R"({"id":"\ud800\u0041"})", "bad escape"},
        BadBodyCase{"NotUtf8", kJson, "{\"id\":\"\xC3\"}", "not UTF-8"},
        BadBodyCase{"EncodedSurrogate", kJson, "{\"id\":\"\xED\xA0\x80\"}", "not UTF-8"},
        BadBodyCase{"LineBreakInText", kJson, "{\"id\":\"a\nb\"}", "control character"},
        BadBodyCase{"NulByte", kJson, std::string("{\"id\":\"a\"}\0", 11), "not"},
        BadBodyCase{"TooDeepInAnIgnoredField", kJson, R"({"id":"a","p":[[[[1]]]]})",
                    "more than 4 deep"},
        BadBodyCase{"TooDeepInATypedField", kJson, R"([{"id":[{"p":{}}]}])", "more than 4 deep"},
        BadBodyCase{"TooDeepWithoutAnEnd", kJson, "[" + std::string(100'000, '['), "not closed"},
        BadBodyCase{"TooDeepByFar", kJson, std::string(100'000, '[') + std::string(100'000, ']'),
                    "more than 4 deep"},
        BadBodyCase{"InstancesTwice", kJson, R"({"instances":[],"instances":[]})", "given twice"},
        BadBodyCase{"RowsTwice", kJson, R"({"inputs":[],"dataframe_records":[]})", "given twice"},
        BadBodyCase{"RowsTwiceByADataframe", kJson,
                    R"({"instances":[],"dataframe_split":{"columns":["id"],"data":[]}})",
                    "given twice"},
        BadBodyCase{"DataTwice", kJson,
                    R"({"dataframe_split":{"columns":["id"],"data":[],"data":[]}})", "given twice"},
        BadBodyCase{"ColumnsTwice", kJson,
                    R"({"dataframe_split":{"columns":["id"],"columns":["id"],"data":[]}})",
                    "\"columns\" is given twice"},
        BadBodyCase{"DataTwiceBeforeColumns", kJson,
                    R"({"dataframe_split":{"data":[],"data":[],"columns":["id"]}})", "given twice"},
        BadBodyCase{"DataBeforeColumnsThatIsNoJson", kJson,
                    R"({"dataframe_split":{"data":[["a",x]],"columns":["id"]}})",
                    "expected a value"},
        BadBodyCase{"DataBeforeColumnsThatIsNotClosed", kJson,
                    R"({"dataframe_split":{"data":[["a"]],"columns":["id"]})", "not closed"},
        BadBodyCase{"ColumnsThatAreCountedOtherwise", kJson,
                    R"({"dataframe_split":{"columns":[1,2],"data":[]}})", "names no field"},
        BadBodyCase{"InputsByColumnsOfDifferentLengths", kJson,
                    R"({"inputs":{"id":["a","b"],"n":[1]}})", "1 values, and 2 of id"},
        BadBodyCase{"InputsByColumnsThatAreNoArrays", kJson, R"({"inputs":{"id":"a"}})",
                    "expected an array with a value for each row, got text"},
        BadBodyCase{"InputsByColumnsTwice", kJson, R"({"inputs":{"id":["a"],"id":["b"]}})",
                    "given twice"},
        BadBodyCase{"InputsByColumnsThatNameNoField", kJson, R"({"inputs":{"q":[1]}})",
                    "inputs names no field"},
        BadBodyCase{"InputsByColumnsThatLackARequiredOne", kJson, R"({"inputs":{"n":[1]}})",
                    "inputs lacks a required column"},
        BadBodyCase{"InputsByColumnsOfTooManyRows", kJson, R"({"inputs":{"id":["a","b","c","d"]}})",
                    "more than 3 rows", ErrorCode::kTooLarge},
        BadBodyCase{"InputsByColumnsOfSeveralValues", kJson, R"({"inputs":{"id":[["a","b"]]}})",
                    "expected one value for each row"},
        BadBodyCase{"InputsByColumnsTooDeep", kJson, R"({"inputs":{"id":[[["a"]]]}})",
                    "more than 4 deep"},
        BadBodyCase{"InputsByColumnsThatAreNotClosed", kJson, R"({"inputs":{"id":["a"],"n":[1)",
                    "not closed"},
        BadBodyCase{"InputsByColumnsAndRows", kJson, R"({"inputs":{"id":[]},"instances":[]})",
                    "given twice"},
        BadBodyCase{"NoData", kJson, R"({"dataframe_split":{"columns":["id"]}})",
                    "there is no \"data\""},
        BadBodyCase{"DataThatIsNoArray", kJson,
                    R"({"dataframe_split":{"columns":["id"],"data":{}}})",
                    "\"data\" to be an array of rows, got an object"},
        BadBodyCase{"ColumnsThatAreNoArray", kJson,
                    R"({"dataframe_split":{"columns":"id","data":[]}})",
                    "an array of names, got text"},
        BadBodyCase{"ColumnsThatAreNoNames", kJson,
                    R"({"dataframe_split":{"columns":[true],"data":[]}})",
                    "an array of names, got a boolean in it"},
        BadBodyCase{"InputsThatAreANumber", kJson, R"({"inputs":5})",
                    "expected an array of rows or an object with an array of values for each "
                    "field, got a number"},
        BadBodyCase{"InputsThatAreNull", kJson, R"({"params":{},"inputs":null})", "got null"},
        BadBodyCase{"InstancesThatAreOneRow", kJson, R"({"instances":{"id":"a"}})",
                    "expected an array of rows, got an object"},
        BadBodyCase{"DataframeRecordsThatAreText", kJson, R"({"dataframe_records":"[]"})",
                    "expected an array of rows, got text"},
        BadBodyCase{"ADataframeThatIsAnArray", kJson, R"({"dataframe_split":[["a"]]})",
                    "expected an object with the rows in \"data\" and their names in "
                    "\"columns\", got an array"},
        BadBodyCase{"InputsThatAreNotClosed", kJson, R"({"inputs":5)", "not closed"},
        BadBodyCase{"InputsAndMore", kJson, R"({"inputs":5} {})", "behind its end"},
        BadBodyCase{"ColumnNamedTwice", kJson,
                    R"({"dataframe_split":{"columns":["id","id"],"data":[]}})", "names this twice"},
        BadBodyCase{"ColumnsThatNameNoField", kJson,
                    R"({"dataframe_split":{"columns":["p","q"],"data":[]}})",
                    "dataframe_split names no field: read \"p,q\", expected some of id, note"},
        BadBodyCase{"ColumnsThatLackARequiredOne", kJson,
                    R"({"dataframe_split":{"columns":["n"],"data":[]}})",
                    "dataframe_split lacks a required column: read \"n\""},
        BadBodyCase{"OpenDataframe", kJson,
                    R"({"dataframe_split":{"columns":["id"],"data":[["a"]]})", "not closed"},
        BadBodyCase{"DataframeTooDeep", kJson,
                    R"({"dataframe_split":{"columns":["id"],"data":[[[1]]]}})", "more than 4 deep"},
        BadBodyCase{"NamesTheRow", kJson, R"([{"id":"a"},{"id":"b","n":x}])",
                    "near byte 26, in row 1"},
        BadBodyCase{"TooManyRows", kJson, R"([{"id":"a"},{},{},{}])", "more than 3 rows",
                    ErrorCode::kTooLarge},
        BadBodyCase{"TooManyInstances", kJson, R"({"instances":[1,2,3,4]})", "more than 3 rows",
                    ErrorCode::kTooLarge}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(JsonLines, BadBodyTest,
                         testing::Values(BadBodyCase{"Empty", kJsonLines, "", "empty"},
                                         BadBodyCase{"BlankLines", kJsonLines, "\n \r\n", "empty"},
                                         BadBodyCase{"TooManyRows", kJsonLines, "{}\n{}\n{}\n{}",
                                                     "more than 3 rows", ErrorCode::kTooLarge}),
                         [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Csv, BadBodyTest,
    testing::Values(BadBodyCase{"Empty", kCsv, "", "header"},
                    BadBodyCase{"BlankLines", kCsv, "\n\r\n", "header"},
                    BadBodyCase{"HeaderThatNamesNoField", kCsv, "a,1\nb,2\n",
                                "read \"a,1\", expected some of "
                                "id, note, n, x, b, t; a body without a "
                                "header says text/csv; header=absent"},
                    BadBodyCase{"RequiredColumnAbsent", kCsv, "note,a\nx,y\n",
                                "lacks a required column: read \"note,a\""},
                    BadBodyCase{"HeaderInAnotherCase", kCsv, "ID,note\na,b\n",
                                "read \"ID,note\"; \"ID\" is written \"id\""},
                    BadBodyCase{"Semicolons", kCsv, "id;note\na;b\n",
                                "is its delimiter a semicolon?"},
                    BadBodyCase{"Tabs", kCsv, "id\tnote\na\tb\n", "is its delimiter a tab?"},
                    BadBodyCase{"ColumnTwice", kCsv, "id,id\na,b\n", "twice"},
                    BadBodyCase{"OpenQuote", kCsv, "id\n\"b\n", "line 2"},
                    BadBodyCase{"QuoteThatAnotherLineClosed", kCsv, "id\n\"a\n\"b\"\n", "line 3"},
                    BadBodyCase{"HeaderWithABadQuote", kCsv, "i\"d\na\n", "line 1"},
                    BadBodyCase{"HeaderThatIsNotUtf8", kCsv, "id,\xFF\na,\n", "line 1"},
                    BadBodyCase{"TooManyRows", kCsv, "id\na\nb\nc\nd\n", "more than 3 rows",
                                ErrorCode::kTooLarge}),
    [](const auto& param) { return param.param.name; });

TEST(RequestDecoder, TakesNestingUpToTheLimit) {
  Decoding decoding(EveryType(), {.max_depth = 4});
  EXPECT_TRUE(decoding.Decode(kJson, R"({"id":"a","p":[[[1]]]})").ok());
  EXPECT_TRUE(decoding.Decode(kJson, R"([{"id":"a","p":{"q":{}}}])").ok());
}

TEST(RequestDecoder, NamesTheColumnThatACsvHeaderLacks) {
  Decoding decoding;
  const Status decoded = decoding.Decode(kCsv, "note\n");
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().field, "id");
}

TEST(RequestDecoder, TakesInstancesAsAFieldWhenTheSchemaNamesIt) {
  using enum preprocessing::ColumnType;
  Decoding decoding({{{.name = "instances", .type = kText}, {.name = "id", .type = kText}}});
  ASSERT_TRUE(decoding.Decode(kJson, R"({"instances":"a","id":"b"})").ok());
  EXPECT_EQ(ToJson(decoding.request().rows), json::parse(R"([["a","b"]])"));
  ASSERT_TRUE(decoding.Decode(kJson, R"({"instances":[],"id":"b"})").ok());
  ASSERT_EQ(decoding.request().errors.size(), 1U);
  EXPECT_EQ(decoding.request().errors[0].error.field, "instances");
}

TEST(RequestDecoder, FindsNamesThatJsonMustEscape) {
  using enum preprocessing::ColumnType;
  Decoding decoding({{{.name = "a\"b", .type = kText}, {.name = "c\\d", .type = kText}}});
  ASSERT_TRUE(decoding.Decode(kJson, R"({"a\"b":"1","c\\d":"2"})").ok());
  EXPECT_EQ(ToJson(decoding.request().rows), json::parse(R"([["1","2"]])"));
}

TEST(RequestDecoder, FindsLongNames) {
  using enum preprocessing::ColumnType;
  const std::string name(3 * kBodyPadding, 'n');
  Decoding decoding({{{.name = name, .type = kText}}});
  ASSERT_TRUE(decoding.Decode(kJson, json{{name, "1"}}.dump()).ok());
  EXPECT_EQ(ToJson(decoding.request().rows), json::parse(R"([["1"]])"));
  ASSERT_TRUE(decoding.Decode(kJson, json{{name.substr(1), "1"}}.dump()).ok());
  EXPECT_EQ(decoding.request().errors.size(), 1U);
}

TEST(RequestDecoder, CountsRowsOfASchemaWithoutFields) {
  Decoding decoding(preprocessing::Schema{});
  ASSERT_TRUE(decoding.Decode(kJson, R"([{},{"a":1}])").ok());
  EXPECT_THAT(decoding.request().row_numbers, ElementsAre(0, 1));
}

TEST(RequestDecoder, ReadsTimesWithoutZoneInItsZone) {
  Result<preprocessing::TimeZone> zone = preprocessing::TimeZone::Load("Europe/Berlin");
  ASSERT_TRUE(zone.ok());
  RequestDecoder decoder(EveryType(), *zone, {});
  DecodedRequest request(decoder.schema());
  const PaddedBody body(R"({"id":"a","t":"1970-01-01 01:00:00"})");
  ASSERT_TRUE(decoder.Decode(kJson, body.view(), request).ok());
  EXPECT_EQ(ToMicros(request.rows.column(5).Timestamp(0)), 0);
}

TEST(RequestDecoder, KeepsWorkingWhenMoved) {
  RequestDecoder first(EveryType(), preprocessing::TimeZone(), {});
  RequestDecoder decoder = std::move(first);
  DecodedRequest request(decoder.schema());
  const PaddedBody body(R"({"id":"a"})");
  ASSERT_TRUE(decoder.Decode(kJson, body.view(), request).ok());
  EXPECT_EQ(request.rows.row_count(), 1U);
}

// ---- rows that are refused ----

struct BadRowCase {
  std::string name;
  Format format;
  std::string row;  // a JSON value, or a CSV record under the header id,note,n,x,b,t
  std::string field;
  std::string message;  // a part of it
};

void PrintTo(const BadRowCase& param, std::ostream* out) { *out << param.row; }

class BadRowTest : public testing::TestWithParam<BadRowCase> {
 protected:
  /// The row between two good ones.
  static std::string Body() {
    const std::string& row = GetParam().row;
    switch (GetParam().format) {
      case kJson:
        return R"([{"id":"before"},)" + row + R"(,{"id":"after"}])";
      case kJsonLines:
        return "{\"id\":\"before\"}\n" + row + "\n{\"id\":\"after\"}\n";
      case kCsv:
        return "id,note,n,x,b,t\nbefore,,,,,\n" + row + "\nafter,,,,,\n";
    }
    return {};
  }
};

TEST_P(BadRowTest, IsNotedAndItsNeighboursAreTaken) {
  Decoding decoding;
  const Status decoded = decoding.Decode(GetParam().format, Body());
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  const DecodedRequest& request = decoding.request();
  EXPECT_EQ(request.row_count, 3U);
  EXPECT_THAT(request.row_numbers, ElementsAre(0, 2));
  EXPECT_EQ(ToJson(request.rows), json::parse(R"([["before",null,null,null,null,null],)"
                                              R"(["after",null,null,null,null,null]])"));
  ASSERT_EQ(request.errors.size(), 1U);
  EXPECT_EQ(request.errors[0].row, 1U);
  EXPECT_EQ(request.errors[0].error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(request.errors[0].error.field, GetParam().field);
  EXPECT_THAT(request.errors[0].error.message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Json, BadRowTest,
    testing::Values(
        BadRowCase{"RequiredAbsent", kJson, R"({"note":"x"})", "id", "required field is missing"},
        BadRowCase{"RequiredNull", kJson, R"({"id":null})", "id", "required field is missing"},
        BadRowCase{"NumberForText", kJson, R"({"id":123})", "id",
                   "expected text, got a number: a number would lose leading zeros"},
        BadRowCase{"BooleanForText", kJson, R"({"id":true})", "id", "expected text, got a boolean"},
        BadRowCase{"ArrayForText", kJson, R"({"id":["a",{"b":[]}]})", "id",
                   "expected text, got an array"},
        BadRowCase{"ObjectForText", kJson, R"({"id":{"a":1},"n":1})", "id",
                   "expected text, got an object"},
        BadRowCase{"TextForInteger", kJson, R"({"id":"a","n":"1"})", "n",
                   "expected an integer of 64 bits, got text"},
        BadRowCase{"BooleanForInteger", kJson, R"({"id":"a","n":false})", "n", "got a boolean"},
        BadRowCase{"FractionForInteger", kJson, R"({"id":"a","n":1.0})", "n",
                   "a fraction or an exponent"},
        BadRowCase{"ExponentForInteger", kJson, R"({"id":"a","n":1e3})", "n",
                   "a fraction or an exponent"},
        BadRowCase{"IntegerAboveTheRange", kJson, R"({"id":"a","n":9223372036854775808})", "n",
                   "integer of 64 bits, got \"9223372036854775808\""},
        BadRowCase{"IntegerBelowTheRange", kJson, R"({"id":"a","n":-9223372036854775809})", "n",
                   "integer of 64 bits"},
        BadRowCase{"TextForDouble", kJson, R"({"id":"a","x":"1.5"})", "x",
                   "expected a number, got text"},
        BadRowCase{"DoubleAboveTheRange", kJson, R"({"id":"a","x":1e400})", "x", "finite"},
        BadRowCase{"NumberForBoolean", kJson, R"({"id":"a","b":1})", "b",
                   "expected true or false, got a number"},
        BadRowCase{"TextForBoolean", kJson, R"({"id":"a","b":"true"})", "b", "got text"},
        BadRowCase{"NumberForTimestamp", kJson, R"({"id":"a","t":1625430662})", "t",
                   "expected a timestamp as text (YYYY-MM-DD"},
        BadRowCase{"UnreadableTimestamp", kJson, R"({"id":"a","t":"04.07.2021"})", "t",
                   "expected a timestamp (YYYY-MM-DD"},
        BadRowCase{"FieldTwice", kJson, R"({"id":"a","id":"a"})", "id", "given twice"},
        BadRowCase{"FieldTwiceByEscape", kJson, R"({"id":"a","\u0069d":"b"})", "id", "given twice"},
        BadRowCase{"NullableFieldTwice", kJson, R"({"id":"a","n":null,"n":1})", "n", "given twice"},
        BadRowCase{"FirstErrorCounts", kJson, R"({"n":"x","id":5,"x":"y"})", "n", "integer"},
        BadRowCase{"NaN", kJson, R"({"id":"a","x":NaN})", "x",
                   "NaN is no JSON: a value that is missing is written null"},
        BadRowCase{"NaNForText", kJson, R"({"id":NaN})", "id", "NaN is no JSON"},
        BadRowCase{"NegativeInfinity", kJson, R"({"id":"a","x":-Infinity})", "x",
                   "-Infinity is no JSON"},
        BadRowCase{"NumberAsRow", kJson, "17", "", "expected a JSON object, got a number"},
        BadRowCase{"ArrayAsRow", kJson, R"([{"id":"a"}])", "",
                   "expected a JSON object, got an array"},
        BadRowCase{"NullAsRow", kJson, "null", "", "got null"},
        BadRowCase{"TextAsRow", kJson, "\"a\"", "", "got text"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    JsonLines, BadRowTest,
    testing::Values(
        BadRowCase{"RequiredAbsent", kJsonLines, "{}", "id", "required field is missing"},
        BadRowCase{"NaN", kJsonLines, R"({"id":"a","x":NaN})", "x", "NaN is no JSON"},
        BadRowCase{"CutShort", kJsonLines, R"({"id":"a")", "", "not valid JSON"},
        BadRowCase{"MalformedBehindAWrongField", kJsonLines, R"({"id":5,"n":x})", "",
                   "not valid JSON"},
        BadRowCase{"TwoDocuments", kJsonLines, R"({"id":"a"}{"id":"b"})", "", "behind its end"},
        BadRowCase{"NotUtf8", kJsonLines, "{\"id\":\"\xFF\"}", "", "not UTF-8"},
        BadRowCase{"TooDeep", kJsonLines,
                   R"({"id":"a","p":)" + std::string(40, '[') + std::string(40, ']') + "}", "",
                   "more than 32 deep"},
        BadRowCase{"NotJson", kJsonLines, "hello", "", "not valid JSON"},
        BadRowCase{"Number", kJsonLines, "5", "", "expected a JSON object, got a number"},
        BadRowCase{"Text", kJsonLines, "\"a\"", "", "got text"},
        BadRowCase{"Array", kJsonLines, R"([{"id":"a"}])", "", "got an array"},
        BadRowCase{"MalformedArray", kJsonLines, "[[]", "", "not closed"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Csv, BadRowTest,
    testing::Values(
        BadRowCase{"NotUtf8", kCsv, "a\xFF,,,,,", "", "line 3, column 1: this field is not UTF-8"},
        BadRowCase{"NotUtf8OverTwoLines", kCsv, "\"a\n\xFF\",,,,,", "", "not UTF-8"},
        BadRowCase{"NulByte", kCsv, std::string("a\0,,,,,", 7), "", "a NUL byte"},
        BadRowCase{"QuoteInsideAField", kCsv, "a\"b,,,,,", "", "line 3, column 2: a quote inside"},
        BadRowCase{"TextBehindAQuote", kCsv, "\"a\"b,,,,,", "",
                   "line 3, column 4: expected a comma"},
        BadRowCase{"BareCarriageReturn", kCsv, "a\rb,,,,,", "", "without a line feed"},
        BadRowCase{"TooLong", kCsv, std::string(1'100'000, 'a') + ",,,,,", "", "more than 1 MiB"},
        BadRowCase{"TooFewFields", kCsv, "a,,", "", "expected 6 fields as in the header, got 3"},
        BadRowCase{"TooManyFields", kCsv, "a,,,,,,", "", "got 7"},
        BadRowCase{"RequiredEmpty", kCsv, ",x,,,,", "id", "required field is missing"},
        BadRowCase{"BadInteger", kCsv, "a,,1.5,,,", "n", "integer"},
        BadRowCase{"BadDouble", kCsv, "a,,,x,,", "x", "number"},
        BadRowCase{"BadBoolean", kCsv, "a,,,,yes,", "b", "true or false"},
        BadRowCase{"BadTimestamp", kCsv, "a,,,,,today", "t", "expected a timestamp (YYYY-MM-DD"}),
    [](const auto& param) { return param.param.name; });

// ---- rows that are arrays ----

struct BadArrayCase {
  std::string name;
  std::string body;
  std::string field;
  std::string message;  // a part of it
};

void PrintTo(const BadArrayCase& param, std::ostream* out) { *out << param.body; }

class BadArrayTest : public testing::TestWithParam<BadArrayCase> {};

TEST_P(BadArrayTest, IsNotedAndItsNeighbourIsTaken) {
  Decoding decoding;
  const Status decoded = decoding.Decode(kJson, GetParam().body);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_THAT(decoding.request().row_numbers, ElementsAre(1));
  ASSERT_EQ(decoding.request().errors.size(), 1U);
  EXPECT_EQ(decoding.request().errors[0].error.field, GetParam().field);
  EXPECT_THAT(decoding.request().errors[0].error.message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Instances, BadArrayTest,
    testing::Values(
        BadArrayCase{"TooManyValues", R"({"instances":[["a",null,1,1,true,null,7],["b"]]})", "",
                     "expected at most 6 values, got 7"},
        BadArrayCase{"RequiredNull", R"({"instances":[[null,"x"],["b"]]})", "id",
                     "required field is missing"},
        BadArrayCase{"NoValues", R"({"instances":[[],["b"]]})", "id", "required field is missing"},
        BadArrayCase{"WrongKind", R"({"instances":[["a","x","1"],["b"]]})", "n", "got text"},
        BadArrayCase{"Number", R"({"inputs":[5,["b"]]})", "",
                     "expected a JSON object or an array of values, got a number"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Dataframe, BadArrayTest,
    testing::Values(
        BadArrayCase{"TooFewValues",
                     R"({"dataframe_split":{"columns":["n","id"],"data":[["x"],[2,"b"]]}})", "",
                     "expected 2 values as in the header, got 1"},
        BadArrayCase{"TooManyValues",
                     R"({"dataframe_split":{"columns":["n","id"],"data":[[1,"a",{}],[2,"b"]]}})",
                     "", "expected 2 values as in the header, got 3"},
        BadArrayCase{"Object",
                     R"({"dataframe_split":{"columns":["id"],"data":[{"id":"a"},["b"]]}})", "",
                     "expected an array of values, got an object"},
        BadArrayCase{"NaNOfARequiredField",
                     R"({"dataframe_split":{"columns":["id","x"],"data":[[NaN,1],["b",1]]}})", "id",
                     "required field is missing"},
        BadArrayCase{
            "AnInfinityThatIsNoNumber",
            R"({"dataframe_split":{"columns":["id","n"],"data":[["a",Infinity],["b",1]]}})", "n",
            "Infinity is no JSON"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Columns, BadArrayTest,
    testing::Values(BadArrayCase{"WrongKind", R"({"inputs":{"id":["a","b"],"n":["x",2]}})", "n",
                                 "got text"},
                    BadArrayCase{"RequiredNull", R"({"inputs":{"id":[null,"b"],"n":[1,2]}})", "id",
                                 "required field is missing"},
                    BadArrayCase{"Object", R"({"inputs":{"n":[{"p":1},2],"id":["a","b"]}})", "n",
                                 "got an object"}),
    [](const auto& param) { return param.param.name; });

TEST(RequestDecoder, TakesObjectsOfAFieldByColumnsAsTheyAreWritten) {
  const preprocessing::Schema schema = EveryType();
  RequestDecoder decoder(schema, preprocessing::TimeZone(), {});
  decoder.TakeObjects(1);
  DecodedRequest request(schema);
  const PaddedBody body(R"({"inputs":{"note":[{"p":[1, 2]},null],"id":["a","b"]}})");
  ASSERT_TRUE(decoder.Decode(kJson, body.view(), request).ok());
  EXPECT_EQ(ToJson(request.rows), json::parse(R"([["a","{\"p\":[1, 2]}",null,null,null,null],
                                                  ["b",null,null,null,null,null]])"));
}

TEST(RequestDecoder, ReadsRowsByColumnsInSteps) {
  const preprocessing::Schema schema = EveryType();
  RequestDecoder decoder(schema, preprocessing::TimeZone(), {});
  DecodedRequest request(schema);
  const PaddedBody body(R"({"inputs":{"id":["a","b","c"],"n":[1,2,3]},"p":1})");
  decoder.Start(kJson, body.view(), request);
  std::size_t steps = 0;
  Result<bool> whole = false;
  for (; whole.ok() && !*whole; ++steps) whole = decoder.Continue(1);
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_GE(steps, 3U);
  EXPECT_THAT(request.row_numbers, ElementsAre(0, 1, 2));
}

TEST(RequestDecoder, TakesInfinitiesWhereRowsAreWrapped) {
  Decoding decoding;
  ASSERT_TRUE(decoding
                  .Decode(kJson, R"({"dataframe_records":[{"id":"a","x":Infinity},)"
                                 R"({"id":"b","x":-Infinity}]})")
                  .ok());
  ASSERT_TRUE(decoding.request().errors.empty());
  const preprocessing::Column& x = decoding.request().rows.column(3);
  EXPECT_EQ(x.Double(0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(x.Double(1), -std::numeric_limits<double>::infinity());
}

TEST(RequestDecoder, ReadsTheNextBodyStrictlyBehindOneThatWrapsRows) {
  Decoding decoding;
  ASSERT_TRUE(decoding.Decode(kJson, R"({"instances":[{"id":"a","x":NaN}]})").ok());
  EXPECT_TRUE(decoding.request().errors.empty());
  ASSERT_TRUE(decoding.Decode(kJson, R"({"id":"a","x":NaN})").ok());
  EXPECT_EQ(decoding.request().errors.size(), 1U);
  EXPECT_FALSE(decoding.Decode(kJson, R"({"id":"a","p":NaN})").ok());
}

TEST(RequestDecoder, TakesArraysAsRowsWithinWrappersAlone) {
  Decoding decoding;
  ASSERT_TRUE(decoding.Decode(kJson, R"({"instances":[["a"]]})").ok());
  ASSERT_TRUE(decoding.Decode(kJson, R"([["a"]])").ok());
  ASSERT_EQ(decoding.request().errors.size(), 1U);
  EXPECT_EQ(decoding.request().errors[0].error.message, "expected a JSON object, got an array");
}

/// A schema in which everything may be missing.
preprocessing::Schema Optional() {
  using enum preprocessing::ColumnType;
  return {{{.name = "id", .type = kText, .nullable = true},
           {.name = "n", .type = kInt64, .nullable = true}}};
}

TEST(RequestDecoder, RefusesRowsThatNameNoFieldThoughAllMayBeMissing) {
  Decoding decoding(Optional());
  ASSERT_TRUE(decoding.Decode(kJson, R"([{"other":1},{},{"n":null},{"id":"a"}])").ok());
  EXPECT_THAT(decoding.request().row_numbers, testing::ElementsAre(2, 3));
  ASSERT_EQ(decoding.request().errors.size(), 2U);
  EXPECT_EQ(decoding.request().errors[0].error.message,
            "names no field of the request: expected some of id, n");
}

TEST(RequestDecoder, TakesCsvWithoutAHeaderInTheDeclaredOrder) {
  const preprocessing::Schema schema = Optional();
  RequestDecoder decoder(schema, preprocessing::TimeZone(), {});
  DecodedRequest request(schema);
  const PaddedBody body("a,1\nid\n,2\nb,3,4\n");
  decoder.Start(kCsv, body.view(), request, CsvHeader::kAbsent);
  const Result<bool> read = decoder.Continue(100);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_TRUE(*read);
  EXPECT_EQ(ToJson(request.rows), (nlohmann::json{{"a", 1}, {"id", nullptr}, {nullptr, 2}}));
  ASSERT_EQ(request.errors.size(), 1U);
  EXPECT_EQ(request.errors[0].error.message, "expected at most 2 fields, got 3");
}

}  // namespace
}  // namespace forkcast::wire
