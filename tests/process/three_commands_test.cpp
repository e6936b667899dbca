// From a file of rows to a served forecast, in the three commands that init tells.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <array>
#include <chrono>
#include <functional>
#include <ostream>

#include "data_preprocessing/document/json.hpp"
#include "support/http_client.hpp"
#include "support/server.hpp"
#include "support/slowdown.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct UnknownFile {
  std::string name;  ///< Of the table.
  fs::path source;   ///< A gzip.
  /// Which lines are taken, few enough for a test; none: the whole file.
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

/// Of everything that ended until now.
std::chrono::duration<double> ProcessorTimeOfPrograms() {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return std::chrono::duration<double>(seconds(used.ru_utime) + seconds(used.ru_stime));
}

class ThreeCommands : public testing::TestWithParam<UnknownFile> {
 protected:
  /// One that takes as long as the machine is slow.
  void Run(const char* name, const std::vector<std::string>& command) const {
    constexpr std::chrono::minutes kLong{28};
    Program program(workspace_ / name, command);
    ASSERT_EQ(program.Wait(kLong), 0) << name << ": " << program.err();
  }

  /// init and train of a folder with one file.
  void Learn(const std::filesystem::path& rows, const std::vector<std::string>& more) const {
    std::vector<std::string> init{kForkcast, "init",    "--from", rows,
                                  "--out",   pipeline_, "--name", GetParam().name};
    init.insert(init.end(), GetParam().flags.begin(), GetParam().flags.end());
    ASSERT_NO_FATAL_FAILURE(Run("init", init));
    std::vector<std::string> train{
        kForkcast,          "train",  "--pipeline",       pipeline_,  "--store",
        workspace_.store(), "--from", rows.parent_path(), "--models", models_};
    train.insert(train.end(), more.begin(), more.end());
    ASSERT_NO_FATAL_FAILURE(Run("train", train));
  }

  void ServeAndAsk() const {
    const Endpoint endpoint{.socket = workspace_ / "s.sock"};
    Program server(
        workspace_ / "serve",
        {kForkcast, "serve", "--store", workspace_.store(), "--models", models_, "--deploy",
         GetParam().name, "--bind", "unix:" + endpoint.socket.string(), "--workers", "1"});
    ASSERT_TRUE(Eventually([&] { return Ping(endpoint) == 200; })) << server.err();
    const Answer answer = AskOnce(endpoint, {.body = GetParam().question});
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(json::parse(answer.body)["forecast"].size(), GetParam().horizon);
    server.Signal(SIGTERM);
    EXPECT_EQ(server.Wait(), 0) << server.err();
  }

  const Workspace workspace_;
  const std::string pipeline_ = workspace_ / "made.json";
  const std::string models_ = workspace_ / "trained";
};

TEST_P(ThreeCommands, LeadFromAFileToAForecast) {
  const UnknownFile& file = GetParam();
  if (!fs::exists(file.source)) GTEST_SKIP() << file.source << " is not on this machine";
  fs::create_directory(workspace_ / "rows");
  const fs::path rows = workspace_.Write("rows/" + file.name + ".csv", CutOf(file));
  // Of so few rows not every model is worth having, which is not the point here.
  ASSERT_NO_FATAL_FAILURE(Learn(rows, {"--force-promote", "--threads", "1"}));
  ServeAndAsk();
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

class ThreeCommandsOverAllRows : public ThreeCommands {};

TEST_P(ThreeCommandsOverAllRows, LeadToAForecastThatBeatsItsBaselinesWithinAMinute) {
  const UnknownFile& file = GetParam();
  if (!fs::exists(file.source)) GTEST_SKIP() << file.source << " is not on this machine";
  if (kSlowdown > 1) GTEST_SKIP() << "a build that watches itself says nothing of the time";
  fs::create_directory(workspace_ / "rows");
  const fs::path rows = workspace_ / ("rows/" + file.name + ".csv.gz");
  fs::copy_file(file.source, rows);
  const auto before = ProcessorTimeOfPrograms();
  ASSERT_NO_FATAL_FAILURE(Learn(rows, {}));
  ServeAndAsk();
#ifdef NDEBUG
  constexpr std::chrono::seconds kMost{60};
#else
  constexpr std::chrono::seconds kMost{300};  // nothing is optimised
#endif
  const std::chrono::duration<double> took = ProcessorTimeOfPrograms() - before;
  RecordProperty("processor_seconds", std::to_string(took.count()));
  EXPECT_LT(took, kMost);
}

INSTANTIATE_TEST_SUITE_P(
    Files, ThreeCommandsOverAllRows,
    testing::Values(UnknownFile{"online_retail",
                                kSource / "../shared/data/online_retail/online_retail.csv.gz",
                                {},
                                {"--time", "InvoiceDate", "--key", "StockCode", "--target",
                                 "Quantity"},
                                R"({"StockCode": "22086"})",
                                4},
                    UnknownFile{"train",
                                kSource / "../shared/data/rossmann/train.csv.gz",
                                {},
                                {"--target", "Sales", "--known", "Open", "--known", "Promo",
                                 "--known", "StateHoliday", "--known", "SchoolHoliday"},
                                R"({"Store": 1, "origin": "2015-07-17"})",
                                14}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::process_test
