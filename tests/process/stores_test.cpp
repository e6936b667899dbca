// What a store keeps must not depend on which one it is: each publishes the same snapshots, byte
// for byte.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>
#include <tuple>

#include "support/cutting_proxy.hpp"
#include "support/server.hpp"
#include "support/store_kinds.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Data {
  fs::path pipeline;
  fs::path folder;
};

Data Sample(const std::string& name) {
  return {kSource / "conf/pipelines" / (name + ".json"), kSource / "data" / name};
}

/// Of the snapshots; the lists beside them are of this store and these files.
std::map<std::string, std::string> Contents(const fs::path& folder) {
  std::map<std::string, std::string> contents;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".snapshot")
      contents[entry.path().filename()] = ReadWhole(entry.path());
  }
  return contents;
}

class Stores : public testing::TestWithParam<ServerKind> {
 protected:
  void SetUp() override {
    if (!GetParam().is_installed()) GTEST_SKIP() << GetParam().name << " is not installed";
  }
  [[nodiscard]] std::vector<std::string> Ingest(const Data& data, const std::string& store,
                                                const std::string& snapshots) const {
    return {kForkcast, "ingest", "--quiet",   "--pipeline",  data.pipeline, "--store",
            store,     "--from", data.folder, "--snapshots", snapshots};
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
    const std::string store = GetParam().new_store();
    RunToEnd(workspace_ / "sqlite", Ingest(data, workspace_.store(), workspace_ / "a"));
    RunToEnd(workspace_ / "server", Ingest(data, store, workspace_ / "b"));
    const auto published = Contents(workspace_ / "b");
    EXPECT_THAT(published, Not(IsEmpty()));
    EXPECT_TRUE(published == Contents(workspace_ / "a"));
    // Nothing new, and so nothing else.
    RunToEnd(workspace_ / "again", Ingest(data, store, workspace_ / "c"));
    EXPECT_TRUE(published == Contents(workspace_ / "c"));
  }

  Workspace workspace_;
};

std::string NameOf(const testing::TestParamInfo<ServerKind>& kind) { return kind.param.name; }

INSTANTIATE_TEST_SUITE_P(Servers, Stores, testing::ValuesIn(ServerKinds()), NameOf);

TEST_P(Stores, GiveTheSameSnapshotsOfOrders) { ExpectTheSameSnapshots(Sample("order_triage")); }

TEST_P(Stores, GiveTheSameSnapshotsOfWeeklyDemand) {
  ExpectTheSameSnapshots(Sample("weekly_demand"));
}

TEST_P(Stores, GiveTheSameSnapshotsOfProductsInStores) {
  ExpectTheSameSnapshots(Sample("weekly_demand_by_store"));
}

TEST_P(Stores, GiveTheSameSnapshotsOfTheRealOrders) {
  const auto data = RealData();
  if (!data) GTEST_SKIP() << "the real orders are not on this machine";
  Data real = Sample("order_triage");
  real.folder = data->folder;
  ExpectTheSameSnapshots(real);
}

TEST_P(Stores, GiveTheSameSnapshotsOfTheRealPricesOfMilk) {
  const fs::path folder = kSource / "../shared/data/milk_price_chile";
  if (!fs::exists(folder)) GTEST_SKIP() << "the real prices are not on this machine";
  const fs::path pipeline = workspace_.Write("milk.json", R"({
    "name": "milk", "version": "1",
    "tables": {
      "precio_leche": {"columns": {"Anio": "int64", "Mes": "text", "Precio_leche": "double"},
                       "key": ["Anio", "Mes"]},
      "precipitaciones": {"columns": {"date": "timestamp", "Coquimbo": "double",
          "Valparaiso": "double", "Metropolitana_de_Santiago": "double",
          "Libertador_Gral__Bernardo_O_Higgins": "double", "Maule": "double", "Biobio": "double",
          "La_Araucania": "double", "Los_Rios": "double"}, "key": ["date"]}
    },
    "series": {
      "rain": {"table": "precipitaciones", "key": [], "time": "date",
               "values": ["Coquimbo", "Maule", "Los_Rios"], "max_staleness": "unlimited"},
      "price": {"query": ["SELECT Mes AS month, max(Precio_leche) AS highest, count(*) AS years",
                          "FROM precio_leche WHERE Anio > 1980 GROUP BY Mes ORDER BY Mes"],
                "columns": {"month": "text", "highest": "double", "years": "int64"},
                "key": ["month"], "values": ["highest", "years"]}
    },
    "request": {"fields": {"month": "text", "at": "timestamp"}, "time": "at"},
    "features": [{"name": "rain", "op": "as_of", "series": "rain", "value": "Maule", "key": []}]
  })");
  ExpectTheSameSnapshots({pipeline, folder});
}

TEST_P(Stores, ATableThatAShopKeepsItselfIsReadWhereItIs) {
  const std::string store = GetParam().new_store();
  // A table that knows no order of ingestion comes in that of its values.
  const fs::path sample = workspace_ / "sample";
  fs::copy(kSource / "data/order_triage", sample);
  SortRows(sample / "zip_codes.csv");
  GetParam().ask(store,
                 "CREATE TABLE zip_codes (id integer, zip_code varchar(5) NOT NULL, "
                 "available_from timestamp NOT NULL, note text)");
  std::istringstream rows(ReadWhole(sample / "zip_codes.csv"));
  std::string row;
  for (std::getline(rows, row); std::getline(rows, row);) {
    std::ranges::replace(row, '"', '\'');
    GetParam().ask(store, "INSERT INTO zip_codes (zip_code, available_from) VALUES (" + row + ")");
  }
  Data data = Sample("order_triage");
  data.folder = sample;
  RunToEnd(workspace_ / "sqlite", Ingest(data, workspace_.store(), workspace_ / "a"));
  std::vector<std::string> command = Ingest(data, store, workspace_ / "b");
  for (const char* const table : {"inventory", "payments"}) {
    command.insert(command.end(), {"--table", table});
  }
  RunToEnd(workspace_ / "server", command);
  EXPECT_TRUE(Contents(workspace_ / "a") == Contents(workspace_ / "b"));

  Program refused(workspace_ / "refused", Ingest(data, store, workspace_ / "c"));
  EXPECT_EQ(refused.Wait(), 1);
  EXPECT_THAT(refused.err(), HasSubstr("was not created by Forkcast"));
}

/// What befalls the server or the way to it.
struct Fault {
  std::string name;
  void (*befall)(const ServerKind& kind);
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

const Fault kFaults[] = {
    {"ConnectionIsCut", [](const ServerKind&) {}},
    {"ServerCrashes",
     [](const ServerKind& kind) {
       kind.crash();
       kind.start();
     }},
    {"SessionsAreEnded", [](const ServerKind& kind) { kind.end_others(); }},
};

class FaultyStores : public testing::TestWithParam<std::tuple<ServerKind, Fault>> {
 protected:
  void SetUp() override {
    if (!kind().is_installed()) GTEST_SKIP() << kind().name << " is not installed";
  }
  [[nodiscard]] static const ServerKind& kind() { return std::get<0>(GetParam()); }

  /// Takes the sample in through a proxy, and gives what it has said.
  std::string Ingest(const std::string& store, const std::string& snapshots,
                     const CuttingProxy& proxy, bool is_cut) {
    std::string url = store;
    const std::string folder = kind().socket().parent_path();
    url.replace(url.find(folder), folder.size(), Proxied().parent_path().string());
    Program program(workspace_ / "ingest",
                    {kForkcast, "ingest", "--quiet", "--pipeline", workspace_.pipeline(), "--store",
                     url, "--from", SampleData().folder, "--snapshots", workspace_ / snapshots});
    if (is_cut) {
      EXPECT_TRUE(Eventually([&] { return proxy.has_cut(); }));
      std::get<1>(GetParam()).befall(kind());
      proxy.LetGo();
    }
    EXPECT_EQ(program.Wait(), 0) << program.err() << " after " << proxy.bytes() << " bytes";
    return program.err();
  }
  [[nodiscard]] fs::path Proxied() const {
    fs::create_directories(workspace_ / "p");
    return workspace_ / "p" / kind().socket().filename();
  }

  Workspace workspace_;
};

TEST_P(FaultyStores, IngestTriesAgainAndTakesEachRowOnce) {
  std::size_t bytes = 0;
  {
    const CuttingProxy whole(Proxied(), kind().socket(),
                             [](std::string_view, std::size_t) { return false; });
    EXPECT_EQ(Ingest(kind().new_store(), "undisturbed", whole, false), "");
    bytes = whole.bytes();
  }
  constexpr std::size_t kCuts = 4;
  std::vector<CuttingProxy::When> whens{[](std::string_view piece, std::size_t) {
    // What it says is done, or not: the answer is lost.
    constexpr std::string_view kWithNul("COMMIT\0", 7);
    return piece.ends_with("COMMIT") || piece.find(kWithNul) != std::string_view::npos;
  }};
  for (std::size_t i = 1; i <= kCuts; ++i) {
    whens.emplace_back(
        [at = bytes * i / (kCuts + 1)](std::string_view, std::size_t all) { return all >= at; });
  }
  for (std::size_t i = 0; i < whens.size(); ++i) {
    const std::string name = "cut" + std::to_string(i);
    const CuttingProxy proxy(Proxied(), kind().socket(), whens[i]);
    const std::string said = Ingest(kind().new_store(), name, proxy, true);
    EXPECT_THAT(said, HasSubstr("trying again in 200 ms"));
    EXPECT_TRUE(Contents(workspace_ / name) == Contents(workspace_ / "undisturbed"))
        << name << ": " << said;
  }
}

INSTANTIATE_TEST_SUITE_P(Servers, FaultyStores,
                         testing::Combine(testing::ValuesIn(ServerKinds()),
                                          testing::ValuesIn(kFaults)),
                         [](const auto& one) {
                           return std::get<0>(one.param).name + std::get<1>(one.param).name;
                         });

}  // namespace
}  // namespace forkcast::process_test
