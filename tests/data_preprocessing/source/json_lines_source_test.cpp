#include "data_preprocessing/source/json_lines_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const TableSpec kSales{.name = "sales",
                       .schema = {{{.name = "sku", .type = ColumnType::kText},
                                   {.name = "count", .type = ColumnType::kInt64}}},
                       .key = {}};

class JsonLines : public testing::Test {
 protected:
  [[nodiscard]] JsonLinesSource Of(std::string_view text) const {
    return {"push.jsonl", text, kSales, zone_};
  }

  TimeZone zone_;
  RowBatch batch_{kSales.schema};
};

TEST_F(JsonLines, AreRowsWithTheNumbersOfTheirLines) {
  JsonLinesSource lines = Of("{\"sku\":\"a\",\"count\":1}\r\n\n{\"sku\":\"b\",\"count\":2}");
  ASSERT_EQ(lines.Read(10, batch_).value(), Fetched::kRows);
  EXPECT_THAT(batch_.places, ElementsAre(1, 3));
  EXPECT_EQ(batch_.rows.column(0).Text(1), "b");
  EXPECT_EQ(lines.PlaceOf(3), "push.jsonl: line 3");
  EXPECT_EQ(lines.Read(10, batch_).value(), Fetched::kEnd);
}

TEST_F(JsonLines, ComeInBatches) {
  JsonLinesSource lines = Of("{\"sku\":\"a\",\"count\":1}\n{\"sku\":\"b\",\"count\":2}\n");
  ASSERT_EQ(lines.Read(1, batch_).value(), Fetched::kRows);
  EXPECT_THAT(batch_.places, ElementsAre(1));
  ASSERT_EQ(lines.Read(1, batch_).value(), Fetched::kRows);
  EXPECT_THAT(batch_.places, ElementsAre(2));
  EXPECT_EQ(lines.Read(1, batch_).value(), Fetched::kEnd);
}

TEST_F(JsonLines, ThatAreNoRowsAreTheEndOrSetAside) {
  constexpr std::string_view kText =
      "{\"sku\":\"a\",\"count\":\"x\"}\n{\"sku\":\"b\",\"count\":2}\n";
  JsonLinesSource strict = Of(kText);
  const Result<Fetched> read = strict.Read(10, batch_);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("push.jsonl: line 1: column count: "));
  JsonLinesSource lenient = Of(kText);
  lenient.SetBadRowsAside();
  ASSERT_EQ(lenient.Read(10, batch_).value(), Fetched::kRows);
  EXPECT_THAT(batch_.places, ElementsAre(2));
  ASSERT_EQ(batch_.set_aside.size(), 1U);
  EXPECT_EQ(batch_.set_aside.front().place, 1U);
}

TEST_F(JsonLines, OfNothingAreNone) {
  EXPECT_EQ(Of("\n\r\n").Read(1, batch_).value(), Fetched::kEnd);
}

TEST_F(JsonLines, AreKnownAgainByTheirText) {
  EXPECT_EQ(Of("{}").ContentHash().value(), Of("{}").ContentHash().value());
  EXPECT_NE(Of("{}").ContentHash().value(), Of("{ }").ContentHash().value());
}

}  // namespace
}  // namespace forkcast::preprocessing
