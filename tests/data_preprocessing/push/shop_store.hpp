#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {

/// A store with the tables of a shop: sales without key, of which a series makes a grid of days,
/// and prices with one.
class ShopStore : public testing::Test {
 protected:
  ShopStore() {
    spec_.tables = {{.name = "sales",
                     .schema = {{{.name = "sku", .type = ColumnType::kText},
                                 {.name = "at", .type = ColumnType::kTimestamp},
                                 {.name = "count", .type = ColumnType::kInt64}}},
                     .key = {}},
                    {.name = "prices",
                     .schema = {{{.name = "sku", .type = ColumnType::kText},
                                 {.name = "cents", .type = ColumnType::kInt64}}},
                     .key = {"sku"}}};
    spec_.series = {{.name = "daily",
                     .source = TableSource{"sales"},
                     .source_schema = spec_.tables.front().schema,
                     .key = {"sku"},
                     .values = {},
                     .aggregate = AggregateSpec{.period = Period::kDay, .values = {}},
                     .time = "at",
                     .known_at = {},
                     .max_staleness = {}}};
    Open();
    for (const TableSpec& table : spec_.tables) EXPECT_TRUE(dao_->EnsureTable(table).ok());
  }

  void Open() {
    dao_.reset();
    dao_ = OpenStore("sqlite:" + (folder_.path() / "s.db").string(), StoreAccess::kReadWriteCreate)
               .value();
  }
  /// The rows of a table, a text each: "a 1".
  std::vector<std::string> RowsOf(std::size_t table) {
    const TableSpec& spec = spec_.tables[table];
    std::vector<std::string> rows;
    const Status read =
        dao_->Read(TableSource{spec.name}, spec.schema, {}, 100, [&rows](const Table& batch) {
          const std::size_t last = batch.column_count() - 1;
          for (std::size_t row = 0; row < batch.row_count(); ++row) {
            rows.push_back(std::string(batch.column(0).Text(row)) + " " +
                           std::to_string(batch.column(last).Int64(row)));
          }
          return Status();
        });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return rows;
  }
  std::vector<std::string> Sales() { return RowsOf(0); }
  std::vector<std::string> Prices() { return RowsOf(1); }

  TempFolder folder_;
  PipelineSpec spec_{};
  std::unique_ptr<TableDao> dao_;
};

}  // namespace forkcast::preprocessing
