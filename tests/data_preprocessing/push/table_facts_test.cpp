#include "data_preprocessing/push/table_facts.hpp"

#include <gtest/gtest.h>

#include <string>

#include "data_preprocessing/push/push_desk.hpp"
#include "shop_store.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;

class FactsOfTables : public ShopStore {
 protected:
  void Push(const std::string& table, const std::string& csv) {
    PushDesk desk({.spec = spec_, .on_conflict = OnConflict::kReplace});
    const auto reply =
        desk.Answer(*dao_, {.table = table, .content_type = "text/csv"}, csv, Instant{});
    ASSERT_TRUE(reply.ok() && !reply->error);
  }
  ordered_json Ask() {
    const auto facts = facts_.Ask(*dao_);
    EXPECT_TRUE(facts.ok()) << facts.error().message;
    return facts->at("tables");
  }

  TableFacts facts_{spec_};
};

TEST_F(FactsOfTables, AreRowsFirstAndLastTimeAndTheDaysWithoutAny) {
  Push("sales", "sku,at,count\na,2024-01-02 08:00,1\nb,2024-01-06 09:30,1\na,2024-01-03,1\n");
  EXPECT_EQ(Ask().at(0), ordered_json::parse(R"({"name": "sales", "rows": 3, "time": "at",
                                    "first": "2024-01-02T08:00:00Z",
                                    "last": "2024-01-06T09:30:00Z",
                                    "missing": [{"series": "daily", "period": "day", "count": 2,
                                                 "first": ["2024-01-04", "2024-01-05"]}]})"));
}

TEST_F(FactsOfTables, OfATableWithoutTimesAreItsRows) {
  Push("prices", "sku,cents\na,1\n");
  EXPECT_EQ(Ask().at(1), ordered_json::parse(R"({"name": "prices", "rows": 1})"));
}

TEST_F(FactsOfTables, OfAnEmptyTableHaveNoTimes) {
  const ordered_json sales = Ask().at(0);
  EXPECT_EQ(sales.at("rows"), 0);
  EXPECT_TRUE(sales.at("first").is_null());
  EXPECT_EQ(sales.at("missing").at(0).at("count"), 0);
}

TEST_F(FactsOfTables, GoOnWithRowsThatCame) {
  Push("sales", "sku,at,count\na,2024-01-01,1\na,2024-01-03,1\n");
  EXPECT_EQ(Ask().at(0).at("missing").at(0).at("count"), 1);
  Push("sales", "sku,at,count\na,2024-01-02,1\na,2024-01-04,1\n");
  const ordered_json sales = Ask().at(0);
  EXPECT_EQ(sales.at("rows"), 4);
  EXPECT_EQ(sales.at("last"), "2024-01-04T00:00:00Z");
  EXPECT_EQ(sales.at("missing").at(0).at("count"), 0);
  EXPECT_EQ(Ask().at(0), sales) << "nothing came";
}

TEST_F(FactsOfTables, BeginAnewWhenRowsWereReplaced) {
  Push("prices", "sku,cents\na,1\nb,2\n");
  EXPECT_EQ(Ask().at(1).at("rows"), 2);
  Push("prices", "sku,cents\na,3\n");
  EXPECT_EQ(Ask().at(1).at("rows"), 2);
}

TEST_F(FactsOfTables, ShowTheFirstOfManyMissingPeriods) {
  Push("sales", "sku,at,count\na,2023-01-01,1\na,2024-01-01,1\n");
  const ordered_json missing = Ask().at(0).at("missing").at(0);
  EXPECT_EQ(missing.at("count"), 364);
  EXPECT_EQ(missing.at("first").size(), TableFacts::kShownPeriods);
  EXPECT_EQ(missing.at("first").at(0), "2023-01-02");
}

TEST_F(FactsOfTables, CountMissingPeriodsUpToATimeThatIsWrong) {
  Push("sales", "sku,at,count\na,2024-01-01,1\na,2024-01-03,1\na,9999-12-31,1\n");
  EXPECT_EQ(Ask().at(0).at("missing").at(0).at("count"), 2'913'171);
}

}  // namespace
}  // namespace forkcast::preprocessing
