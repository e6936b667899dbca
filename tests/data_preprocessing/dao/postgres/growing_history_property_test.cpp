// A shop's own table in PostgreSQL, written by several at once whose transactions end in any order:
// what is published of its new rows is what a full build of all of them gives.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "data_preprocessing/pipeline/snapshots.hpp"
#include "support/postgres_server.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using process_test::PostgresServer;
using process_test::PostgresSession;

constexpr std::string_view kShop = R"({
  "name": "shop", "version": "1",
  "tables": {"orders": {"columns": {"id": "int64", "sku": "text", "at": "timestamp", "count": "int64"},
                        "grows_by": "id"}},
  "series": {"orders": {"table": "orders", "key": ["sku"], "time": "at", "values": ["count"],
                        "max_staleness": "unlimited"},
             "daily": {"table": "orders", "key": ["sku"], "time": "at", "max_staleness": "unlimited",
                       "aggregate": {"period": "day", "values": {"count": {"op": "sum", "column": "count"}},
                                     "partial": "drop"}}},
  "request": {"fields": {"sku": "text", "at": "timestamp"}, "time": "at"},
  "features": [{"name": "count", "op": "as_of", "series": "orders", "value": "count", "key": ["sku"]}]
})";

class AShopsTable : public testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::IsInstalled()) GTEST_SKIP() << "postgresql-15 is not installed";
    server_ = std::make_unique<PostgresServer>();
    store_ = server_->NewStore();
    server_->Run(store_,
                 "CREATE TABLE orders (id bigserial PRIMARY KEY, sku varchar(8) NOT NULL, "
                 "at timestamp NOT NULL, count integer NOT NULL, note text)");
    spec_ = ParsePipelineSpec(kShop, {}).value();
    dao_ = OpenStore(store_, StoreAccess::kReadOnly).value();
  }
  [[nodiscard]] std::vector<PublishedSeries> Publish(const std::string& folder, Publishing what) {
    auto published =
        PublishSnapshots(*dao_, spec_, folder_.path() / folder, Instant(), {.what = what});
    EXPECT_TRUE(published.ok()) << published.error().message;
    return published ? *std::move(published) : std::vector<PublishedSeries>(2);
  }
  /// Bytes of what is published of each series, of which none is in runs.
  [[nodiscard]] std::vector<std::string> Bytes(const std::string& folder) const {
    std::vector<std::string> bytes;
    for (const SeriesSpec& series : spec_.series) {
      bytes.push_back(ReadWhole(SnapshotPath(folder_.path() / folder, series, spec_.zone)));
    }
    return bytes;
  }

  TempFolder folder_;
  std::unique_ptr<PostgresServer> server_;
  std::string store_;
  PipelineSpec spec_;
  std::unique_ptr<TableDao> dao_;
};

/// One of those who write.
class Writer {
 public:
  explicit Writer(const std::string& store) : session_(store) {}

  /// Does something, by chance: few keys and instants, so that rows meet in both.
  void Go(std::mt19937_64& random) {
    const auto what = random() % 6;
    if (!is_open_) {
      session_.Run("BEGIN");
      is_open_ = true;
    } else if (what == 0) {
      End("ROLLBACK");
    } else if (what < 3) {
      End("COMMIT");
    } else {
      session_.Run(
          fmt::format("INSERT INTO orders (sku, at, count) VALUES ('sku{}', "
                      "'2024-01-{:02} 12:00', {})",
                      random() % 3, 1 + random() % 4, random() % 1000));
    }
  }
  void Commit() {
    if (is_open_) End("COMMIT");
  }

 private:
  void End(const std::string& how) {
    session_.Run(how);
    is_open_ = false;
  }

  PostgresSession session_;
  bool is_open_ = false;
};

TEST_F(AShopsTable, IsPublishedByItsNewRowsAsAFullBuildWouldDoIt) {
  constexpr unsigned kSeed = 5;
  SCOPED_TRACE(fmt::format("seed {}", kSeed));
  std::mt19937_64 random(kSeed);
  server_->Run(store_, "INSERT INTO orders (sku, at, count) VALUES ('sku0', '2024-01-01', 1)");
  ASSERT_TRUE(Publish("published", Publishing::kNewRows)[0].is_whole);
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < 3; ++i) writers.push_back(std::make_unique<Writer>(store_));
  int whole = 0;
  int alone = 0;
  for (int round = 0; round < 30 && !HasFailure(); ++round) {
    const bool all_are_done = round % 2 == 0;
    for (int i = 0; i < 8; ++i) writers[random() % writers.size()]->Go(random);
    if (all_are_done) {
      for (const auto& writer : writers) writer->Commit();
    }
    for (const PublishedSeries& one : Publish("published", Publishing::kNewRows)) {
      ++(one.is_whole ? whole : alone);
    }
    static_cast<void>(Publish("oracle", Publishing::kWhole));
    ASSERT_TRUE(Bytes("published") == Bytes("oracle")) << "round " << round;
  }
  EXPECT_GT(alone, 20) << "new rows alone";
  EXPECT_GT(whole, 0) << "what came late";
}

TEST_F(AShopsTable, CostsWhatIsNew) {
  server_->Run(
      store_,
      "INSERT INTO orders (sku, at, count) SELECT 'sku' || i % 100, "
      "timestamp '2024-01-01' + i * interval '1 minute', i FROM generate_series(1, 200000) i");
  ASSERT_TRUE(Publish("published", Publishing::kNewRows)[0].is_whole);
  server_->Run(store_,
               "INSERT INTO orders (sku, at, count) SELECT 'sku' || i, timestamp '2025-01-01', i "
               "FROM generate_series(1, 7) i");
  const std::vector<PublishedSeries> published = Publish("published", Publishing::kNewRows);
  for (const PublishedSeries& one : published) {
    EXPECT_FALSE(one.is_whole) << one.why_whole;
    EXPECT_EQ(one.new_rows, 7U);
  }
  EXPECT_EQ(published[0].runs, 1U);
}

}  // namespace
}  // namespace forkcast::preprocessing
