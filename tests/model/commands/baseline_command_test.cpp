#include "model/commands/baseline_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using namespace preprocessing;
using nlohmann::ordered_json;
using testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr std::string_view kPipeline = R"({
  "name": "shop", "version": "1",
  "tables": {"stock": {"columns": {"sku": "text", "at": "timestamp", "level": "int64"}}},
  "series": {"stock": {"table": "stock", "key": ["sku"], "time": "at", "values": ["level"],
                       "max_staleness": "unlimited"}},
  "request": {"fields": {"sku": "text", "at": "timestamp"}, "time": "at"},
  "features": [{"name": "level", "op": "as_of", "series": "stock", "value": "level", "key": ["sku"]}]
})";
constexpr const char* kReference =
    R"({"format":"forkcast.reference","format_version":1,)"
    R"("features":{"level":{"rows":2,"missing":0,"min":1.0,"max":4.0}},)"
    R"("outputs":{"value":{"rows":2,"missing":0,"min":0.0,"max":9.0}}})";

class Baseline : public testing::Test {
 protected:
  Baseline() {
    pipeline_ = folder_.Write("pipeline.json", kPipeline);
    std::filesystem::create_directory(data());
    folder_.Write("data/stock.csv", "sku,at,level\n007,2024-01-01,5\n8,2024-01-02,-2\n");
  }
  [[nodiscard]] std::filesystem::path data() const { return folder_.path() / "data"; }
  [[nodiscard]] std::filesystem::path models() const { return folder_.path() / "models"; }

  int Run(Words words) {
    words.insert(words.end(), {"--out", out_file_.string()});
    out_.str("");
    err_.str("");
    const SystemClock clock;
    return RunCommand(BaselineCommand(), words,
                      {.environment = [](const char*) { return std::nullopt; },
                       .out = out_,
                       .err = err_,
                       .clock = clock,
                       .err_is_terminal = false});
  }
  [[nodiscard]] ordered_json Written() const { return ordered_json::parse(ReadWhole(out_file_)); }

  TempFolder folder_;
  std::filesystem::path pipeline_;
  std::filesystem::path out_file_ = folder_.path() / "constraints.json";
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(Baseline, LearnsTablesFromTheirRows) {
  ASSERT_EQ(Run({"--pipeline", pipeline_, "--from", data()}), 0) << err_.str();
  EXPECT_EQ(Written().dump(),
            R"({"format":"forkcast.constraints","format_version":1,"tables":{"stock":{)"
            R"("sku":{"nullable":false,"allowed":["007","8"]},"at":{"nullable":false},)"
            R"("level":{"nullable":false,"min":-2.0,"max":5.0}}}})");
  EXPECT_THAT(out_.str(), HasSubstr("stock: 2 rows, 3 columns with rules\n"));
}

TEST_F(Baseline, LearnsFeaturesAndOutputsFromAVersion) {
  const Registry registry(models());
  ASSERT_TRUE(registry
                  .Publish("shop", ordered_json::object(), {{"reference.json", kReference}},
                           Instant(), "champion")
                  .ok());
  for (const char* model : {"shop", "shop@1", "shop@champion"}) {
    ASSERT_EQ(Run({"--model", model, "--models", models()}), 0) << err_.str();
    EXPECT_LE(Written()["features"]["level"]["min"], 1.0);
    EXPECT_GE(Written()["features"]["level"]["max"], 4.0);
    EXPECT_LT(Written()["features"]["level"]["max"], 4.001);
    EXPECT_GE(Written()["outputs"]["value"]["max"], 9.0);
  }
}

TEST_F(Baseline, SaysWhatItNeeds) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("what is learned from?"));
  EXPECT_EQ(Run({"--pipeline", pipeline_}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("--pipeline FILE and --from DIR go together"));
  EXPECT_EQ(Run({"--model", "none", "--models", models()}), 3);
  EXPECT_FALSE(std::filesystem::exists(out_file_));
}

TEST_F(Baseline, OfAWrongFileWritesNothing) {
  folder_.Write("data/stock.csv", "sku,at,level\n007,2024-01-01,many\n");
  EXPECT_EQ(Run({"--pipeline", pipeline_, "--from", data()}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("stock.csv: line 2"));
  EXPECT_FALSE(std::filesystem::exists(out_file_));
}

}  // namespace
}  // namespace forkcast::model
