#include "data_preprocessing/source/message_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const TableSpec kSales{.name = "sales",
                       .schema = {{{.name = "sku", .type = ColumnType::kText},
                                   {.name = "at", .type = ColumnType::kTimestamp, .nullable = true},
                                   {.name = "count", .type = ColumnType::kInt64, .nullable = true},
                                   {.name = "price", .type = ColumnType::kDouble, .nullable = true},
                                   {.name = "promo",
                                    .type = ColumnType::kBool,
                                    .nullable = true,
                                    .format = {.header = "Promo"}}}},
                       .key = {}};

struct Message {
  std::string name;
  MessageFormat format;
  std::string text;
  std::string row;  ///< As Rows() shows it, or what is wrong.
};

void PrintTo(const Message& message, std::ostream* out) { *out << message.text.substr(0, 80); }

std::string NameOf(const testing::TestParamInfo<Message>& message) { return message.param.name; }

class Messages : public testing::TestWithParam<Message> {
 protected:
  TimeZone zone_;
  MessageReader reader_{kSales, zone_, GetParam().format};
  Table batch_{kSales.schema};
};

using GoodMessages = Messages;

TEST_P(GoodMessages, BecomeARow) {
  const Status appended = reader_.Append(GetParam().text, batch_);
  ASSERT_TRUE(appended.ok()) << appended.error().message;
  EXPECT_THAT(Rows(batch_), ElementsAre(GetParam().row));
}

constexpr auto kJson = MessageFormat::kJson;
constexpr auto kCsv = MessageFormat::kCsv;

INSTANTIATE_TEST_SUITE_P(
    Good, GoodMessages,
    testing::Values(
        Message{"AllOfIt", kJson,
                R"({"sku":"007","at":"2024-01-02 03:04:05","count":3,"price":1.5,"Promo":true})",
                "'007' 2024-01-02T03:04:05Z 3 1.5 true"},
        Message{"AbsentAndNullAreMissing", kJson, R"({"sku":"a","at":null})", "'a' - - - -"},
        Message{"OtherMembersAreLeftOut", kJson, R"({"sku":"a","x":{"sku":"b"},"count":1})",
                "'a' - 1 - -"},
        Message{"NumbersMayBeTexts", kJson, R"({"sku":"a","count":"3","price":"1.5"})",
                "'a' - 3 1.5 -"},
        Message{"AWholeNumberForAText", kJson, R"({"sku":17})", "'17' - - - -"},
        Message{"AnIntegerWithAFractionOfZero", kJson, R"({"sku":"a","count":3.0})", "'a' - 3 - -"},
        Message{"AWholeNumberForADouble", kJson, R"({"sku":"a","price":2})", "'a' - - 2 -"},
        Message{"TruthAsAText", kJson, R"({"sku":"a","Promo":"1"})", "'a' - - - true"},
        Message{"ALineOfCsv", kCsv, "007,2024-01-02,3,1.5,true",
                "'007' 2024-01-02T00:00:00Z 3 1.5 true"},
        Message{"ALineWithItsEnd", kCsv, "\"a,b\",,,,\n", "'a,b' - - - -"}),
    NameOf);

using BadMessages = Messages;

TEST_P(BadMessages, AreRefusedWithTheReasonAndLeaveNothing) {
  const Status appended = reader_.Append(GetParam().text, batch_);
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(appended.error().message, HasSubstr(GetParam().row));
  EXPECT_EQ(batch_.row_count(), 0U);
  ASSERT_TRUE(reader_.Append(GetParam().format == kJson ? R"({"sku":"b"})" : "b,,,,", batch_).ok());
  EXPECT_THAT(Rows(batch_), ElementsAre("'b' - - - -"));
}

INSTANTIATE_TEST_SUITE_P(
    Bad, BadMessages,
    testing::Values(
        Message{"Empty", kJson, "", "the message is empty"},
        Message{"NoJson", kJson, "hello", "the message is no JSON"},
        Message{"HalfJson", kJson, R"({"sku":"a")", "the message is no JSON"},
        Message{"TwoObjects", kJson, R"({"sku":"a"}{"sku":"b"})", "the message is no JSON"},
        Message{"NoUtf8", kJson, "{\"sku\":\"\xff\"}", "the message is no JSON"},
        Message{"AList", kJson, R"([{"sku":"a"}])", "the message is no JSON object"},
        Message{"WithoutWhatMayNotBeMissing", kJson, R"({"count":1})", "column sku: is missing"},
        Message{"AMemberTwice", kJson, R"({"sku":"a","sku":"b"})", "column sku: is there twice"},
        Message{"AFractionForAnInteger", kJson, R"({"sku":"a","count":1.5})",
                "column count: expected int64, got 1.5"},
        Message{"AWordForANumber", kJson, R"({"sku":"a","count":"many"})", "column count: "},
        Message{"TooLargeAnInteger", kJson, R"({"sku":"a","count":18446744073709551615})",
                "column count: expected int64, got 18446744073709551615"},
        Message{"AnObjectForAText", kJson, R"({"sku":{"id":1}})",
                R"(column sku: expected text, got {"id":1})"},
        Message{"NoTime", kJson, R"({"sku":"a","at":"tomorrow"})", "column at: "},
        Message{"TheColumnsNameInsteadOfItsHeader", kJson, R"({"sku":"a","Promo":2})",
                "column Promo: "},
        Message{"TooLarge", kJson, std::string(MessageReader::kMaxBytes + 1, ' '),
                "more than the 1048576 of a row"},
        Message{"TooFewFields", kCsv, "a,b", "expected the 5 columns of the table, got 2 fields"},
        Message{"TwoLines", kCsv, "a,,,,\nb,,,,\n", "more than one line"},
        Message{"AnOpenQuote", kCsv, "\"a,,,,", "column 1"},
        Message{"AWordForANumberInCsv", kCsv, "a,,many,,", "column count: "}),
    NameOf);

}  // namespace
}  // namespace forkcast::preprocessing
