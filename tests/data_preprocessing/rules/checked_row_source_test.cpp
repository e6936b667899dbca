#include "data_preprocessing/rules/checked_row_source.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;

const Schema kSchema{{{.name = "name", .type = ColumnType::kText},
                      {.name = "price", .type = ColumnType::kDouble, .nullable = true}}};

// Two batches: lines 2 to 4 and 5 to 6 of a file.
class PriceSource final : public RowSource {
 public:
  explicit PriceSource(std::vector<std::vector<double>> batches) : batches_(std::move(batches)) {}
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] bool has_lasting_name() const noexcept override { return true; }
  Result<std::string> ContentHash() override { return std::string("hash"); }
  void SetAside(RejectRecord reject) override { reject_ = std::move(reject); }
  Result<Fetched> Read(std::size_t /*max_rows*/, Table& batch) override {
    first_line_ += batch_ == 0 ? 0 : batches_[batch_ - 1].size();
    batch.Clear();
    if (batch_ == batches_.size()) return Fetched::kEnd;
    for (const double price : batches_[batch_++]) {
      batch.column(0).AppendText("of " + std::to_string(static_cast<int>(price)));
      batch.column(1).AppendDouble(price);
    }
    return Fetched::kRows;
  }
  [[nodiscard]] std::string PlaceOf(std::size_t row) const override {
    return "prices.csv: line " + std::to_string(first_line_ + row);
  }
  Status Reject(std::size_t row, std::string_view reason) override {
    return reject_({.line = first_line_ + row, .reason = reason, .text = {}});
  }
  [[nodiscard]] SourcePosition position() const noexcept override { return {}; }

 private:
  std::string name_ = "prices.csv";
  std::vector<std::vector<double>> batches_;
  std::size_t batch_ = 0;
  std::size_t first_line_ = 2;
  RejectRecord reject_;
};

CheckedRowSource Checked(std::vector<std::vector<double>> batches) {
  const auto json = ParseJson(R"({"min":0})");
  return {std::make_unique<PriceSource>(std::move(batches)),
          kSchema,
          {ColumnRule::FromJson("price", JsonNode(json), RuleAction::kReject)}};
}

TEST(CheckedRowSourceTest, HandsOnRowsThatKeepTheRules) {
  CheckedRowSource source = Checked({{1, 2, 3}});
  Table batch(kSchema);
  EXPECT_EQ(source.Read(100, batch).value(), Fetched::kRows);
  EXPECT_EQ(batch.row_count(), 3U);
  EXPECT_EQ(source.Read(100, batch).value(), Fetched::kEnd);
}

TEST(CheckedRowSourceTest, EndsWithTheFirstThatDoesNotNamingItsPlace) {
  CheckedRowSource source = Checked({{1, -2, -3}});
  Table batch(kSchema);
  EXPECT_EQ(source.Read(100, batch).error(),
            (Error{ErrorCode::kInvalidArgument,
                   "prices.csv: line 3: column price: got -2, expected at least 0"}));
}

TEST(CheckedRowSourceTest, SetsOthersAsideAndKnowsThePlacesOfThoseThatAreLeft) {
  CheckedRowSource source = Checked({{-1, 2, -3}, {-4}, {5, 6}});
  std::vector<std::string> rejected;
  source.SetAside([&](const RejectedRecord& row) -> Status {
    rejected.push_back(std::to_string(row.line) + " " + std::string(row.reason));
    return {};
  });
  Table batch(kSchema);
  EXPECT_EQ(source.Read(100, batch).value(), Fetched::kRows);
  ASSERT_EQ(batch.row_count(), 1U);
  EXPECT_EQ(batch.column(0).Text(0), "of 2");
  EXPECT_EQ(batch.column(1).Double(0), 2);
  EXPECT_EQ(source.PlaceOf(0), "prices.csv: line 3");
  EXPECT_EQ(source.Read(100, batch).value(), Fetched::kRows);
  EXPECT_EQ(batch.row_count(), 2U);
  EXPECT_EQ(source.PlaceOf(1), "prices.csv: line 7");
  EXPECT_EQ(source.Read(100, batch).value(), Fetched::kEnd);
  EXPECT_THAT(rejected, ElementsAre("2 column price: got -1, expected at least 0",
                                    "4 column price: got -3, expected at least 0",
                                    "5 column price: got -4, expected at least 0"));
}

TEST(CheckedRowSourceTest, ALaterRefusalIsOfTheRowThatIsMeant) {
  CheckedRowSource source = Checked({{-1, 2}});
  std::vector<std::size_t> lines;
  source.SetAside([&](const RejectedRecord& row) -> Status {
    lines.push_back(row.line);
    return {};
  });
  Table batch(kSchema);
  EXPECT_EQ(source.Read(100, batch).value(), Fetched::kRows);
  EXPECT_TRUE(source.Reject(0, "it is there already").ok());
  EXPECT_THAT(lines, ElementsAre(2, 3));
}

}  // namespace
}  // namespace forkcast::preprocessing
