#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "data_preprocessing/commands/ingest_command.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/commands/train_command.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

const fs::path kPipeline = FORKCAST_SOURCE_DIR "/conf/pipelines/order_fulfilment.json";
const fs::path kReference = FORKCAST_SOURCE_DIR "/../shared/data/order_triage";
const fs::path kSample = FORKCAST_SOURCE_DIR "/data/order_triage";

/// The shipped pipeline judged on the files of `data`, all in one process.
ordered_json Judge(const fs::path& data) {
  const preprocessing::TempFolder folder;
  const std::string store = "sqlite:" + (folder.path() / "o.db").string();
  const SystemClock clock;
  std::ostringstream out;
  std::ostringstream err;
  const preprocessing::CommandContext context{
      .environment = [](const char*) { return std::optional<std::string>(); },
      .out = out,
      .err = err,
      .clock = clock};
  EXPECT_EQ(preprocessing::RunCommand(preprocessing::IngestCommand(),
                                      {"--pipeline", kPipeline.string(), "--store", store, "--from",
                                       data.string(), "--quiet"},
                                      context),
            0)
      << err.str();
  out.str("");
  EXPECT_EQ(preprocessing::RunCommand(
                EvaluateCommand(),
                {"--pipeline", kPipeline.string(), "--store", store, "--json", "--quiet"}, context),
            0)
      << err.str();
  return ordered_json::parse(out.str())["evaluation"];
}

TEST(OrderFulfilment, IsRightForAtLeast999Of1000LaterReferenceOrders) {
  if (!fs::exists(kReference)) GTEST_SKIP() << kReference << " is not here";
  const ordered_json judged = Judge(kReference);
  EXPECT_EQ(judged["folds"][0]["train_rows"], 7000);
  EXPECT_EQ(judged["metrics"]["rows"], 3000);
  EXPECT_GE(judged["metrics"]["accuracy"].get<double>(), 0.999) << judged["metrics"].dump(1);
  EXPECT_TRUE(judged["beats_baselines"]);
  // Two thirds of the rows are decided by the zip code's date, and few of those are late.
  const ordered_json by_zip_code = judged["slices"][1];
  EXPECT_EQ(by_zip_code["slice"], "decided_by_zip_code");
  EXPECT_EQ(by_zip_code["rows"], 2271);
  EXPECT_GE(by_zip_code["accuracy"].get<double>(), 0.999);
  EXPECT_EQ(by_zip_code["classes"][0]["rows"], 14);
  EXPECT_GE(by_zip_code["classes"][0]["recall"].get<double>(), 0.9);
}

TEST(OrderFulfilment, LearnsSomethingFromTheSample) {
  const ordered_json judged = Judge(kSample);
  EXPECT_EQ(judged["metrics"]["rows"], 150);
  EXPECT_GE(judged["metrics"]["accuracy"].get<double>(), 0.95) << judged.dump(1);
  EXPECT_TRUE(judged["beats_baselines"]);
}

}  // namespace
}  // namespace forkcast::model
