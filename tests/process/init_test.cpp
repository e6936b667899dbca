// From a file of rows to a served forecast, in the three commands that init tells.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <functional>
#include <ostream>

#include "data_preprocessing/document/json.hpp"
#include "support/http_client.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct UnknownFile {
  std::string name;  ///< Of the table.
  fs::path source;   ///< A gzip.
  /// Which lines are taken: few enough for a test.
  std::function<bool(std::string_view line)> is_taken;
  std::vector<std::string> flags;  ///< Of init.
  std::string question;
  std::size_t horizon;
};

void PrintTo(const UnknownFile& one, std::ostream* out) { *out << one.name; }

/// The header and the lines that are taken.
std::string CutOf(const UnknownFile& file) {
  const std::unique_ptr<gzFile_s, decltype(&::gzclose)> lines(::gzopen(file.source.c_str(), "rb"),
                                                              &::gzclose);
  std::string cut;
  std::array<char, 4096> line;
  while (::gzgets(lines.get(), line.data(), line.size()) != nullptr) {
    if (cut.empty() || file.is_taken(line.data())) cut += line.data();
  }
  return cut;
}

class ThreeCommands : public testing::TestWithParam<UnknownFile> {};

TEST_P(ThreeCommands, LeadFromAFileToAForecast) {
  const UnknownFile& file = GetParam();
  if (!fs::exists(file.source)) GTEST_SKIP() << file.source << " is not on this machine";
  const Workspace workspace;
  fs::create_directory(workspace / "rows");
  const fs::path rows = workspace.Write("rows/" + file.name + ".csv", CutOf(file));
  const std::string pipeline = workspace / "made.json";
  const std::string models = workspace / "trained";

  std::vector<std::string> init{kForkcast, "init", "--from", rows, "--out", pipeline};
  init.insert(init.end(), file.flags.begin(), file.flags.end());
  RunToEnd(workspace / "init", init);
  RunToEnd(workspace / "train",
           {kForkcast, "train", "--pipeline", pipeline, "--store", workspace.store(), "--from",
            workspace / "rows", "--models", models,
            // Of so few rows not every model is worth having, which is not the point here.
            "--force-promote", "--threads", "1"});
  const Endpoint endpoint{.socket = workspace / "s.sock"};
  Program server(workspace / "serve",
                 {kForkcast, "serve", "--store", workspace.store(), "--models", models, "--deploy",
                  file.name, "--bind", "unix:" + endpoint.socket.string(), "--workers", "1"});
  ASSERT_TRUE(Eventually([&] { return Ping(endpoint) == 200; })) << server.err();
  const Answer answer = AskOnce(endpoint, {.body = file.question});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body)["forecast"].size(), file.horizon);
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(), 0) << server.err();
}

INSTANTIATE_TEST_SUITE_P(
    Files, ThreeCommands,
    testing::Values(
        // Products 22080 to 22089.
        UnknownFile{"online_retail",
                    kSource / "../shared/data/online_retail/online_retail.csv.gz",
                    [](std::string_view line) {
                      const std::size_t comma = line.find(',');
                      return comma != line.npos && line.substr(comma + 1, 4) == "2208";
                    },
                    {"--time", "InvoiceDate", "--key", "StockCode", "--target", "Quantity"},
                    R"({"StockCode": 22086})",
                    4},
        // Stores 1 and 2.
        UnknownFile{"train",
                    kSource / "../shared/data/rossmann/train.csv.gz",
                    [](std::string_view line) {
                      return line.size() > 1 && line[0] <= '2' && line[1] == ',';
                    },
                    {"--target", "Sales", "--known", "Open", "--known", "Promo", "--known",
                     "StateHoliday", "--known", "SchoolHoliday", "--horizon", "2"},
                    // Of days whose plan is there.
                    R"({"Store": 1, "origin": "2015-07-17"})",
                    2}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::process_test
