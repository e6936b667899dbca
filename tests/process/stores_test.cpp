// What a store keeps must not depend on which one it is: each publishes the same snapshots, byte
// for byte.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "support/postgres_server.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

PostgresServer& Postgres() {
  static PostgresServer server;
  return server;
}

struct Data {
  std::string pipeline;
  fs::path folder;
};

void PrintTo(const Data& data, std::ostream* out) { *out << data.pipeline; }

class Stores : public testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::IsInstalled()) GTEST_SKIP() << "postgresql-15 is not installed";
  }
  [[nodiscard]] std::vector<std::string> Ingest(const Data& data, const std::string& store,
                                                const std::string& snapshots) const {
    return {kForkcast,
            "ingest",
            "--quiet",
            "--pipeline",
            kSource / "conf/pipelines" / (data.pipeline + ".json"),
            "--store",
            store,
            "--from",
            data.folder,
            "--snapshots",
            snapshots};
  }
  static std::map<std::string, std::string> Contents(const fs::path& folder) {
    std::map<std::string, std::string> contents;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (entry.is_regular_file()) contents[entry.path().filename()] = ReadWhole(entry.path());
    }
    return contents;
  }
  static void SortRows(const fs::path& file) {
    std::istringstream text(ReadWhole(file));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    std::sort(lines.begin() + 1, lines.end());
    std::ofstream sorted(file);
    for (const std::string& line : lines) sorted << line << '\n';
  }
  void ExpectTheSameSnapshots(const Data& data) const {
    const std::string store = Postgres().NewStore();
    RunToEnd(workspace_ / "sqlite", Ingest(data, workspace_.store(), workspace_ / "a"));
    RunToEnd(workspace_ / "postgres", Ingest(data, store, workspace_ / "b"));
    const auto published = Contents(workspace_ / "b");
    EXPECT_THAT(published, Not(IsEmpty()));
    EXPECT_TRUE(published == Contents(workspace_ / "a"));
    // Nothing new, and so nothing else.
    RunToEnd(workspace_ / "again", Ingest(data, store, workspace_ / "c"));
    EXPECT_TRUE(published == Contents(workspace_ / "c"));
  }

  Workspace workspace_;
};

class SampleInStores : public Stores, public testing::WithParamInterface<Data> {};

TEST_P(SampleInStores, GivesTheSameSnapshotsFromEach) { ExpectTheSameSnapshots(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Samples, SampleInStores,
    testing::Values(Data{"order_triage", kSource / "data/order_triage"},
                    Data{"weekly_demand", kSource / "data/weekly_demand"},
                    Data{"weekly_demand_by_store", kSource / "data/weekly_demand_by_store"}),
    [](const testing::TestParamInfo<Data>& data) { return data.param.pipeline; });

TEST_F(Stores, GiveTheSameSnapshotsOfTheRealOrders) {
  const auto data = RealData();
  if (!data) GTEST_SKIP() << "the real orders are not on this machine";
  ExpectTheSameSnapshots({"order_triage", data->folder});
}

TEST_F(Stores, ATableThatAShopKeepsItselfIsReadWhereItIs) {
  const std::string store = Postgres().NewStore();
  // A table that knows no order of ingestion comes in that of its values.
  const fs::path sample = workspace_ / "sample";
  fs::copy(kSource / "data/order_triage", sample);
  SortRows(sample / "zip_codes.csv");
  Postgres().Run(store,
                 "CREATE TABLE zip_codes (id serial PRIMARY KEY, zip_code varchar(5) NOT NULL, "
                 "available_from timestamp NOT NULL, note text)");
  std::istringstream rows(ReadWhole(sample / "zip_codes.csv"));
  std::string row;
  for (std::getline(rows, row); std::getline(rows, row);) {
    std::ranges::replace(row, '"', '\'');
    Postgres().Run(store, "INSERT INTO zip_codes (zip_code, available_from) VALUES (" + row + ")");
  }
  const Data data{"order_triage", sample};
  RunToEnd(workspace_ / "sqlite", Ingest(data, workspace_.store(), workspace_ / "a"));
  std::vector<std::string> command = Ingest(data, store, workspace_ / "b");
  for (const char* const table : {"inventory", "payments"}) {
    command.insert(command.end(), {"--table", table});
  }
  RunToEnd(workspace_ / "postgres", command);
  EXPECT_TRUE(Contents(workspace_ / "a") == Contents(workspace_ / "b"));

  Program refused(workspace_ / "refused", Ingest(data, store, workspace_ / "c"));
  EXPECT_EQ(refused.Wait(), 1);
  EXPECT_THAT(refused.err(), HasSubstr("was not created by Forkcast"));
}

}  // namespace
}  // namespace forkcast::process_test
