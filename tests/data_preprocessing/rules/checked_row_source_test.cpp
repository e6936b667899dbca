#include "data_preprocessing/rules/checked_row_source.hpp"

#include <fmt/format.h>
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
  void SetBadRowsAside() override { sets_aside_ = true; }
  Result<Fetched> Read(std::size_t /*max_rows*/, RowBatch& batch) override {
    batch.rows.Clear();
    batch.places.clear();
    batch.texts.Clear();
    batch.set_aside.clear();
    if (batch_ == batches_.size()) return Fetched::kEnd;
    for (const double price : batches_[batch_++]) {
      batch.rows.column(0).AppendText("of " + std::to_string(static_cast<int>(price)));
      batch.rows.column(1).AppendDouble(price);
      if (sets_aside_) batch.texts.AppendText("text " + std::to_string(line_));
      batch.places.push_back(line_++);
    }
    return Fetched::kRows;
  }
  [[nodiscard]] std::string PlaceOf(std::size_t line) const override {
    return "prices.csv: line " + std::to_string(line);
  }

 private:
  std::string name_ = "prices.csv";
  std::vector<std::vector<double>> batches_;
  std::size_t batch_ = 0;
  std::size_t line_ = 2;
  bool sets_aside_ = false;
};

CheckedRowSource Checked(std::vector<std::vector<double>> batches) {
  const auto json = ParseJson(R"({"min":0})");
  return {std::make_unique<PriceSource>(std::move(batches)),
          kSchema,
          {ColumnRule::FromJson("price", JsonNode(json), RuleAction::kReject)}};
}

TEST(CheckedRowSourceTest, HandsOnRowsThatKeepTheRules) {
  CheckedRowSource source = Checked({{1, 2, 3}});
  RowBatch batch(kSchema);
  EXPECT_EQ(source.Read(100, batch).value(), Fetched::kRows);
  EXPECT_EQ(batch.rows.row_count(), 3U);
  EXPECT_EQ(source.Read(100, batch).value(), Fetched::kEnd);
}

TEST(CheckedRowSourceTest, EndsWithTheFirstThatDoesNotNamingItsPlace) {
  CheckedRowSource source = Checked({{1, -2, -3}});
  RowBatch batch(kSchema);
  EXPECT_EQ(source.Read(100, batch).error(),
            (Error{ErrorCode::kInvalidArgument,
                   "prices.csv: line 3: column price: got -2, expected at least 0"}));
}

TEST(CheckedRowSourceTest, SetsOthersAsideAndKnowsThePlacesOfThoseThatAreLeft) {
  CheckedRowSource source = Checked({{-1, 2, -3}, {-4}, {5, 6}});
  source.SetBadRowsAside();
  RowBatch batch(kSchema);
  std::vector<std::string> rejected;
  std::vector<std::string> kept;
  while (source.Read(100, batch).value() == Fetched::kRows) {
    for (const SetAsideRow& row : batch.set_aside) {
      rejected.push_back(fmt::format("{} {} {}", row.place, row.text, row.reason));
    }
    for (std::size_t row = 0; row < batch.rows.row_count(); ++row) {
      kept.push_back(fmt::format("{} {} {} {}", source.PlaceOf(batch.places[row]),
                                 batch.texts.Text(row), batch.rows.column(0).Text(row),
                                 batch.rows.column(1).Double(row)));
    }
  }
  EXPECT_THAT(kept,
              ElementsAre("prices.csv: line 3 text 3 of 2 2", "prices.csv: line 6 text 6 of 5 5",
                          "prices.csv: line 7 text 7 of 6 6"));
  EXPECT_THAT(rejected, ElementsAre("2 text 2 column price: got -1, expected at least 0",
                                    "4 text 4 column price: got -3, expected at least 0",
                                    "5 text 5 column price: got -4, expected at least 0"));
}

}  // namespace
}  // namespace forkcast::preprocessing
