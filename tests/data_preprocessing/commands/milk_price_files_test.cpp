// The raw files of a public challenge (milk prices in Chile) as their authors left them: CRLF and
// LF, a time with the word UTC behind, names of months in Spanish, thousands parted by points, a
// letter where a number belongs, a month thirteen, months that are there twice. All of it is said
// in the pipeline.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/commands/ingest_command.hpp"
#include "data_preprocessing/document/json.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;

const fs::path kMilk = FORKCAST_SOURCE_DIR "/../shared/data/milk_price_chile";

std::vector<std::string> HeaderOf(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  if (line.ends_with('\r')) line.pop_back();
  std::vector<std::string> names;
  std::istringstream fields(line);
  for (std::string name; std::getline(fields, name, ',');) names.push_back(name);
  return names;
}

/// The columns of which the challenge's recipe lets no month be without a value.
bool IsNeeded(const std::string& name) {
  return name.starts_with("PIB") || name.starts_with("Imacec") ||
         name == "Indice_de_ventas_comercio_real_no_durables_IVCM";
}

ordered_json BankTable(const std::vector<std::string>& names) {
  ordered_json columns;
  for (const std::string& name : names) columns[name] = {{"type", "text"}, {"nullable", true}};
  columns["Periodo"] = {{"type", "timestamp"}, {"format", "%Y-%m-%d %H:%M:%S UTC"}};
  columns["PIB"] = {{"type", "int64"}, {"nullable", true}};
  return {{"columns", columns},
          {"key", {"Periodo"}},
          // A point parts thousands, here also where none belongs: such columns are texts for SQL.
          {"csv", {{"thousands", "."}, {"null", {"a"}}}}};
}

ordered_json RainTable() {
  ordered_json columns{{"date", "timestamp"}};
  for (const std::string& name : HeaderOf(kMilk / "precipitaciones.csv")) {
    if (name != "date") columns[name] = "double";
  }
  return {{"columns", columns}, {"key", {"date"}}};
}

/// One row for each month that has everything.
std::string MonthsQuery(const std::vector<std::string>& names) {
  std::string sql =
      "WITH price AS (SELECT CAST(strftime('%s', printf('%04d-%02d-01', Anio, "
      "(instr('EneFebMarAbrMayJunJulAgoSepOctNovDic', Mes) + 2) / 3)) AS INTEGER) * 1000000 AS "
      "month, "
      "Precio_leche FROM precio_leche) "
      "SELECT 'milk' AS product, month, Precio_leche AS price, PIB AS product_of_all, "
      "Coquimbo AS rain FROM price JOIN banco_central ON Periodo = month "
      "JOIN precipitaciones ON date = month WHERE TRUE";
  for (const std::string& name : names) {
    if (IsNeeded(name)) sql += fmt::format(" AND \"{}\" IS NOT NULL", name);
  }
  return sql;
}

ordered_json Pipeline() {
  const std::vector<std::string> names = HeaderOf(kMilk / "banco_central.csv");
  ordered_json pipeline = ordered_json::parse(R"({
    "name": "milk_price", "version": "1",
    "tables": {
      "precio_leche": {"columns": {"Anio": "int64", "Mes": "text", "Precio_leche": "double"},
                       "key": ["Anio", "Mes"]}
    },
    "series": {
      "months": {
        "columns": {"product": "text", "month": "timestamp", "price": "double",
                    "product_of_all": "int64", "rain": "double"},
        "key": ["product"], "time": "month", "values": ["price", "product_of_all", "rain"],
        "max_staleness": "unlimited"}
    },
    "request": {"fields": {"product": "text", "month": "timestamp"}, "time": "month"},
    "features": [{"name": "price", "op": "as_of", "series": "months", "value": "price",
                  "key": ["product"]}]
  })");
  pipeline["tables"]["banco_central"] = BankTable(names);
  pipeline["tables"]["precipitaciones"] = RainTable();
  pipeline["series"]["months"]["query"] = MonthsQuery(names);
  return pipeline;
}

TEST(MilkPriceFiles, GoInByDeclarationAndSqlAlone) {
  if (!fs::exists(kMilk)) GTEST_SKIP() << "the raw files are not on this machine";
  const TempFolder folder;
  const fs::path rejects = folder.path() / "rejects.csv";
  std::ostringstream out;
  std::ostringstream err;
  const SystemClock clock;
  const int code = RunCommand(
      IngestCommand(),
      {"--pipeline", folder.Write("pipeline.json", Pipeline().dump(2)), "--store",
       "sqlite:" + (folder.path() / "s.db").string(), "--from", kMilk, "--rejects", rejects,
       "--json"},
      {.environment = [](const char*) -> std::optional<std::string> { return std::nullopt; },
       .out = out,
       .err = err,
       .clock = clock,
       .err_is_terminal = false});
  ASSERT_EQ(code, 0) << err.str();
  const auto summary = ordered_json::parse(out.str());
  std::vector<std::string> tables;
  for (const auto& table : summary["tables"]) {
    tables.push_back(fmt::format("{}: {} added, {} identical, {} rejected",
                                 table["table"].get<std::string>(), table["added"].get<int>(),
                                 table["identical"].get<int>(), table["rejected"].get<int>()));
  }
  // The counts of the data's README: 614 rows, one of a month thirteen, two months there twice.
  EXPECT_THAT(tables, testing::ElementsAre("precio_leche: 506 added, 0 identical, 0 rejected",
                                           "banco_central: 611 added, 2 identical, 1 rejected",
                                           "precipitaciones: 496 added, 0 identical, 0 rejected"));
  EXPECT_THAT(ReadWhole(rejects),
              AllOf(HasSubstr("banco_central.csv\",91,"), HasSubstr("2020-13-01 00:00:00 UTC")));
  const auto& months = summary["series"][0];
  EXPECT_EQ(months["rows"], 76);
  EXPECT_EQ(months["newest"], "2020-04-01T00:00:00Z");
}

}  // namespace
}  // namespace forkcast::preprocessing
