#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "serving/wire/answer_writer.hpp"
#include "serving/wire/decode.hpp"
#include "support/allocation_counter.hpp"

namespace forkcast::wire {
namespace {

using preprocessing::ColumnType;

preprocessing::Schema Orders() {
  return {{{.name = "order_id", .type = ColumnType::kText},
           {.name = "timestamp", .type = ColumnType::kTimestamp},
           {.name = "sku_code", .type = ColumnType::kText},
           {.name = "zip_code", .type = ColumnType::kText}}};
}

struct BodyCase {
  std::string name;
  Format format;
  std::string body;
  std::size_t rows;
};

void PrintTo(const BodyCase& param, std::ostream* out) { *out << param.name; }

class SteadyStateTest : public testing::TestWithParam<BodyCase> {};

TEST_P(SteadyStateTest, DecodingAllocatesNothing) {
  const PaddedBody body(GetParam().body);
  RequestDecoder decoder(Orders(), preprocessing::TimeZone(), {});
  DecodedRequest request(decoder.schema());
  for (int warm_up = 0; warm_up < 2; ++warm_up) {
    ASSERT_TRUE(decoder.Decode(GetParam().format, body.view(), request).ok());
  }
  const std::size_t before = AllocationCount();
  const Status decoded = decoder.Decode(GetParam().format, body.view(), request);
  EXPECT_EQ(AllocationCount() - before, 0U);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(request.row_numbers.size(), GetParam().rows);
}

const std::string kOrder =
    R"({"order_id": "a-000000000000000000001", "ignored": {"deep": [1, "text", null]}, )"
    R"("timestamp": "2021-07-04 20:31:02", "sku_code": "00123", "zip_code": "01001", "x": 1.5})";

INSTANTIATE_TEST_SUITE_P(
    Bodies, SteadyStateTest,
    testing::Values(BodyCase{"OneObject", Format::kJson, kOrder, 1},
                    BodyCase{"Array", Format::kJson, "[" + kOrder + "," + kOrder + "]", 2},
                    BodyCase{"Instances", Format::kJson, R"({"instances": [)" + kOrder + "]}", 1},
                    BodyCase{"JsonLines", Format::kJsonLines, kOrder + "\n" + kOrder + "\r\n", 2},
                    BodyCase{"Csv", Format::kCsv,
                             "zip_code,order_id,ignored,sku_code,timestamp\n"
                             "01001,a-000000000000000000001,\"a, b\",00123,2021-07-04T20:31:02Z\n"
                             "01001,\"say \"\"yes\"\"\",,00123,2021-07-04 20:31:02\n",
                             2}),
    [](const auto& param) { return param.param.name; });

class SteadyAnswerTest : public testing::TestWithParam<Format> {};

TEST_P(SteadyAnswerTest, WritingIntoAWarmStringAllocatesNothing) {
  AnswerWriter writer({.fields = {"order_id", "recommendation"}, .features = {"stock", "hour"}});
  const std::vector<preprocessing::Value> fields{
      std::string_view("a \"quoted\" identifier, longer than a small string"),
      std::string_view("Deliver")};
  const std::vector<preprocessing::Value> features{0.1, FromMicros(1'625'430'662'000'000)};
  const std::vector<std::string_view> stale{"inventory"};
  const Error error{ErrorCode::kInvalidArgument, "required field is missing", "zip_code"};
  std::string out;
  std::size_t before = 0;
  for (int round = 0; round < 3; ++round) {
    before = AllocationCount();
    out.clear();
    writer.Start({.format = GetParam(),
                  .wrapping = Wrapping::kArray,
                  .with_features = true,
                  .partial = true},
                 out);
    writer.AddRow(fields, features, {.stale = stale});
    writer.AddError(1, "invalid_argument", error);
    writer.Finish();
  }
  EXPECT_EQ(AllocationCount() - before, 0U);
  EXPECT_GT(out.size(), 100U);
}

INSTANTIATE_TEST_SUITE_P(Formats, SteadyAnswerTest,
                         testing::Values(Format::kJson, Format::kJsonLines, Format::kCsv));

TEST(AllocationCounter, SeesAnAllocation) {
  const std::size_t before = AllocationCount();
  const auto held = std::make_unique<std::string>("x");
  EXPECT_EQ(AllocationCount() - before, 1U);
}

}  // namespace
}  // namespace forkcast::wire
