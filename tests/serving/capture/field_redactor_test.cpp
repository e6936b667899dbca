#include "serving/capture/field_redactor.hpp"

#include <gmock/gmock.h>

#include <optional>
#include <string>

#include "data_preprocessing/table/table.hpp"
#include "serving/capture/capture_line.hpp"
#include "support/hook_testing.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "0123456789abcdef0123456789abcdef";

std::optional<std::string> WithKey(const char* name) {
  if (std::string_view(name) == "CAPTURE_KEY") return kKey;
  return std::nullopt;
}

const CaptureFieldRules kRules{
    .drop = {"zip"}, .hash = {"customer"}, .key_file = {}, .key_variable = "CAPTURE_KEY"};

// printf %s TEXT | openssl dgst -sha256 -hmac KEY
const std::string kHashOf42 = "3b12d0412db185c98ff58825ed4c81cfbc7bdabcf33ac48bdaaae5f39fc65445";

CaptureMessage MessageWith(std::string_view content_type, std::string_view body) {
  CaptureMessage message;
  message.request.content_type = content_type;
  message.request.body = body;
  message.declared_fields = {
      {"order_id", "order_id"}, {"zip", "Postal Code"}, {"customer", "customer"}};
  return message;
}

struct BodyCase {
  std::string name;
  std::string content_type;
  std::string body;
  std::string expected;  ///< "WITHHELD": is not kept.

  friend void PrintTo(const BodyCase& one, std::ostream* out) { *out << one.body; }
};

class RedactedRequest : public testing::TestWithParam<BodyCase> {};

TEST_P(RedactedRequest, HasNoDroppedFieldAndHashesOfOthers) {
  Result<FieldRedactor> redactor = FieldRedactor::Make(kRules, WithKey);
  ASSERT_TRUE(redactor.ok());
  const BodyCase& one = GetParam();
  const CaptureMessage redacted = redactor->Redact(MessageWith(one.content_type, one.body));
  const bool withheld = one.expected == "WITHHELD";
  EXPECT_EQ(redacted.request.body, withheld ? "" : one.expected);
  EXPECT_EQ(redacted.withheld.request, withheld);
}

const std::string kHashed = "\"" + kHashOf42 + "\"";

INSTANTIATE_TEST_SUITE_P(
    Json, RedactedRequest,
    testing::Values(
        BodyCase{"AnObject", "application/json", R"({"order_id": "1", "zip": "01234", "x": 1.50})",
                 R"({"order_id":"1","x":1.50})"},
        BodyCase{"WhateverTheCaseOfLetters", "", R"({"ZIP": "01234", "Zip": 1})", "{}"},
        BodyCase{"WithAnEscapedName", "", R"({"z\u0069p": "01234", "x": "\u00e9"})",
                 "{\"x\":\"é\"}"},
        BodyCase{"AtAnyDepth", "", R"({"a":{"b":[{"zip":[1,{"c":2}],"x":null}]}})",
                 R"({"a":{"b":[{"x":null}]}})"},
        BodyCase{"ATextIsHashedAsItsNumber", "", R"([{"customer":"42"},{"customer":42}])",
                 R"([{"customer":)" + kHashed + R"(},{"customer":)" + kHashed + "}]"},
        BodyCase{"AMissingValueStaysMissing", "", R"({"customer":null})", R"({"customer":null})"},
        BodyCase{"WhatIsBelowAHashedMemberIsHashed", "", R"({"customer":{"id":42,"all":[42]}})",
                 R"({"customer":{"id":)" + kHashed + R"(,"all":[)" + kHashed + "]}}"},
        BodyCase{"InstancesAsObjects", "", R"({"instances":[{"zip":"0","order_id":"1"}]})",
                 R"({"instances":[{"order_id":"1"}]})"},
        BodyCase{"InstancesAsArrays", "", R"({"instances":[["1","01234",42]]})",
                 R"({"instances":[["1",)" + kHashed + "]]}"},
        BodyCase{"InputsByColumns", "", R"({"inputs":{"zip":["0"],"customer":["42"]}})",
                 R"({"inputs":{"customer":[)" + kHashed + "]}}"},
        BodyCase{
            "ASplitOfPandas", "",
            R"({"dataframe_split":{"columns":["zip","x","customer"],"data":[["0",1,42]]}})",
            R"({"dataframe_split":{"columns":["x","customer"],"data":[[1,)" + kHashed + "]]}}"},
        BodyCase{"ASplitWhoseNamesComeTooLate", "",
                 R"({"dataframe_split":{"data":[["01234"]],"columns":["zip"]}})", "WITHHELD"},
        BodyCase{
            "ColumnsAsTensors", "",
            R"({"id":"1","inputs":[{"data":["0"],"name":"zip","datatype":"BYTES","shape":[1]},)"
            R"({"name":"customer","datatype":"INT64","shape":[1,1],"data":[[42]]},)"
            R"({"name":"order_id","datatype":"BYTES","shape":[1],"data":["7"]}]})",
            R"({"id":"1","inputs":[{"name":"zip","datatype":"BYTES","shape":[1]},)"
            R"({"name":"customer","datatype":"INT64","shape":[1,1],"data":[[)" +
                kHashed +
                R"(]]},{"name":"order_id","datatype":"BYTES","shape":[1],"data":["7"]}]})"},
        BodyCase{"ATensorOfSeveralFields", "",
                 R"({"inputs":[{"name":"all","datatype":"FP64","shape":[1,2],"data":[1,2]}]})",
                 "WITHHELD"},
        BodyCase{"TensorsInBinary", "application/octet-stream",
                 R"({"inputs":[{"name":"zip","datatype":"INT8","shape":[1]}]}a)", "WITHHELD"},
        BodyCase{"MoreValuesThanFields", "", R"({"instances":[["1","2","3","01234"]]})",
                 "WITHHELD"},
        BodyCase{"Lines", "application/jsonlines", "{\"zip\":1,\"x\":1}\n\n{\"x\":2}",
                 "{\"x\":1}\n{\"x\":2}\n"},
        BodyCase{"LinesOfWhichOneIsBroken", "application/jsonlines", "{\"x\":1}\n{\"zip\":\"0123",
                 "WITHHELD"},
        BodyCase{"CutShort", "", R"({"x":1,"zip":"01)", "WITHHELD"},
        BodyCase{"WithSomethingBehind", "", R"({"x":1}{"zip":"01234"})", "WITHHELD"},
        BodyCase{"WithNan", "", R"({"x":NaN})", "WITHHELD"},
        BodyCase{"AText", "", R"("01234")", "WITHHELD"},
        BodyCase{"NoUtf8", "", "{\"x\":\"\xff\"}", "WITHHELD"},
        BodyCase{"AnotherType", "application/xml", "<zip>01234</zip>", "WITHHELD"},
        BodyCase{"Nothing", "", "", ""}),
    [](const auto& one) { return one.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Csv, RedactedRequest,
    testing::Values(
        BodyCase{"WithAHeader", "text/csv", "order_id,zip,customer\n1,01234,42\n2,,\n",
                 "order_id,customer\n1," + kHashOf42 + "\n2,\n"},
        BodyCase{"WithQuotes", "text/csv", "zip,\"note, long\"\r\n0,\"a \"\"b\"\"\"\r\n1,\"\"",
                 "\"note, long\"\n\"a \"\"b\"\"\"\n\"\"\n"},
        BodyCase{"ByWhatTheCsvCallsIt", "text/csv", "order_id,Postal Code\n1,01234\n",
                 "order_id\n1\n"},
        BodyCase{"WithoutAHeader", "text/csv; header=absent", "1,01234,42\n",
                 "1," + kHashOf42 + "\n"},
        BodyCase{"MoreColumnsThanFields", "text/csv; header=absent", "1,2,3,01234\n", "WITHHELD"},
        BodyCase{"ALineWithMoreFieldsThanTheHeader", "text/csv", "order_id\n1,01234\n", "WITHHELD"},
        BodyCase{"AQuoteLeftOpen", "text/csv", "order_id\n\"01234\n", "WITHHELD"}),
    [](const auto& one) { return one.param.name; });

class FieldRedactorTest : public testing::Test {
 protected:
  static FieldRedactor Make(const CaptureFieldRules& rules = kRules) {
    Result<FieldRedactor> made = FieldRedactor::Make(rules, WithKey);
    EXPECT_TRUE(made.ok());
    return *std::move(made);
  }
};

TEST_F(FieldRedactorTest, SplitsACsvAtTheDelimiterOfThePipeline) {
  FieldRedactor redactor = Make();
  CaptureMessage message = MessageWith("text/csv", "zip;order_id\n01234;1,5\n");
  message.request.csv_delimiter = ';';
  EXPECT_EQ(redactor.Redact(message).request.body, "order_id\n1,5\n");
}

TEST_F(FieldRedactorTest, WithholdsRowsWithoutNamesOfARequestThatWasNotDecoded) {
  FieldRedactor redactor = Make();
  CaptureMessage message = MessageWith("", R"({"instances":[["1"]]})");
  message.declared_fields.clear();
  EXPECT_TRUE(redactor.Redact(message).withheld.request);
}

TEST_F(FieldRedactorTest, TakesFieldsOutOfFeatures) {
  FieldRedactor redactor = Make();
  CaptureMessage message;
  message.feature_names = {"zip", "customer", "price"};
  message.row_numbers = {0, 1};
  message.values = {std::string_view("01234"), std::int64_t{42},       1.5,
                    std::string_view("04321"), preprocessing::Value(), 2.5};
  const CaptureMessage redacted = redactor.Redact(message);
  EXPECT_THAT(redacted.feature_names, ElementsAre("customer", "price"));
  EXPECT_THAT(redacted.values, ElementsAre(preprocessing::Value(std::string_view(kHashOf42)), 1.5,
                                           preprocessing::Value(), 2.5));
}

TEST_F(FieldRedactorTest, TakesFieldsOutOfAnswersAndTextsOutOfTheirErrors) {
  FieldRedactor redactor = Make();
  CaptureMessage message;
  message.answer.content_type = "application/json";
  message.answer.body =
      R"([{"zip":"0","score":1},{"error":{"code":"c","message":"got \"01234\"","field":"zip"}}])";
  EXPECT_EQ(redactor.Redact(message).answer.body,
            R"([{"score":1},{"error":{"code":"c","field":"zip"}}])");
  message.answer.content_type = "text/csv";
  message.answer.body = "score,features.zip,error\n1,01234,\n,,invalid: zip: got 01234\n";
  EXPECT_EQ(redactor.Redact(message).answer.body, "score\n1\n\n");
}

TEST_F(FieldRedactorTest, WithholdsAnswersThatAreErrors) {
  FieldRedactor redactor = Make();
  CaptureMessage message = MessageWith("", R"({"order_id":"1"})");
  message.answer.status = 400;
  message.answer.content_type = "application/json";
  message.answer.body = R"({"error":{"message":"got \"01234\""}})";
  const CaptureMessage redacted = redactor.Redact(message);
  EXPECT_TRUE(redacted.withheld.answer);
  EXPECT_EQ(redacted.answer.body, "");
  EXPECT_FALSE(redacted.withheld.request);
  std::string line;
  AppendCaptureLine(redacted, "event", line);
  EXPECT_THAT(line, HasSubstr(R"("withheld":["answer"])"));
  EXPECT_THAT(line, Not(HasSubstr("01234")));
}

TEST_F(FieldRedactorTest, WithholdsPredictionsWithoutNamesWhereARuleNamesWhatIsAnswered) {
  CaptureMessage message;
  message.answer.content_type = "application/json";
  message.answer.body = R"({"predictions":[0.5,[0.25,0.75]]})";
  FieldRedactor of_fields = Make();
  EXPECT_EQ(of_fields.Redact(message).answer.body, message.answer.body);
  CaptureFieldRules rules = kRules;
  rules.drop.emplace_back("Probability.1");
  FieldRedactor of_outputs = Make(rules);
  const CaptureMessage redacted = of_outputs.Redact(message);
  EXPECT_TRUE(redacted.withheld.answer);
  EXPECT_EQ(redacted.answer.body, "");
  message.answer.body = R"({"predictions":[{"class":"a","probability.1":0.5}]})";
  EXPECT_EQ(of_outputs.Redact(message).answer.body, R"({"predictions":[{"class":"a"}]})");
}

TEST_F(FieldRedactorTest, IsIdleWithoutFields) {
  EXPECT_TRUE(Make({}).is_idle());
  EXPECT_FALSE(Make().is_idle());
}

TEST_F(FieldRedactorTest, ReadsItsKeyFromAFileWithoutTheLineFeedBehindIt) {
  const TempFolder folder;
  CaptureFieldRules rules = kRules;
  rules.key_variable.clear();
  rules.key_file = folder.Write("key", std::string(kKey) + "\n");
  FieldRedactor redactor = Make(rules);
  EXPECT_EQ(redactor.Redact(MessageWith("", R"({"customer":42})")).request.body,
            R"({"customer":)" + kHashed + "}");
}

struct KeyCase {
  std::string name;
  std::string key_file;
  std::string key_variable;
  std::string message;

  friend void PrintTo(const KeyCase& one, std::ostream* out) { *out << one.message; }
};

class KeyThatWillNotDo : public testing::TestWithParam<KeyCase> {};

TEST_P(KeyThatWillNotDo, IsRefusedWithoutBeingShown) {
  const KeyCase& one = GetParam();
  const auto environment = [](const char* name) -> std::optional<std::string> {
    if (std::string_view(name) == "SHORT_KEY") return "hunter2";
    return std::nullopt;
  };
  const Result<FieldRedactor> made = FieldRedactor::Make({.drop = {},
                                                          .hash = {"customer"},
                                                          .key_file = one.key_file,
                                                          .key_variable = one.key_variable},
                                                         environment);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, HasSubstr(one.message));
  EXPECT_THAT(made.error().message, Not(HasSubstr("hunter2")));
}

INSTANTIATE_TEST_SUITE_P(
    Keys, KeyThatWillNotDo,
    testing::Values(KeyCase{"NoFile", "/nonexistent/key", "",
                            "the key file /nonexistent/key cannot be read"},
                    KeyCase{"NoVariable", "", "NO_KEY",
                            "the key in the environment variable NO_KEY has 0 bytes: expected 16"},
                    KeyCase{"TooShort", "", "SHORT_KEY",
                            "the key in the environment variable SHORT_KEY has 7 bytes"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace forkcast::serving
