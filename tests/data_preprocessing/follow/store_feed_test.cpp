#include "data_preprocessing/follow/store_feed.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

const TableSpec kSales{
    .name = "sales", .schema = {{{.name = "sku", .type = ColumnType::kText}}}, .key = {}};

TEST(StoreFeed, TellsWhenOthersHaveChangedTheStore) {
  const TempFolder folder;
  const std::string url = "sqlite:" + (folder.path() / "s.db").string();
  const auto others = OpenStore(url, StoreAccess::kReadWriteCreate).value();
  ASSERT_TRUE(others->EnsureTable(kSales).ok());
  const auto ours = OpenStore(url, StoreAccess::kReadOnly).value();
  StoreFeed feed(std::chrono::milliseconds(250));
  const FeedTurn first = feed.Take(*ours, {}).value();
  EXPECT_TRUE(first.changed);
  EXPECT_EQ(first.pause, std::chrono::milliseconds(250));
  EXPECT_FALSE(feed.Take(*ours, {}).value().changed);
  Table batch(kSales.schema);
  batch.column(0).AppendText("007");
  std::size_t failed_row = 0;
  ASSERT_TRUE(others->Append(kSales, batch, OnConflict::kRefuse, failed_row).ok());
  EXPECT_TRUE(feed.Take(*ours, {}).value().changed);
  EXPECT_FALSE(feed.Take(*ours, {}).value().changed);
}

}  // namespace
}  // namespace forkcast::preprocessing
