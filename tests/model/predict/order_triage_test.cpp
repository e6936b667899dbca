#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <map>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/source/ingest.hpp"
#include "data_preprocessing/source/table_files.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "model/predict/model_kinds.hpp"
#include "model/predict/predictor.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::PipelineSpec;
using preprocessing::Table;
using preprocessing::Value;
using Counts = std::map<std::string, int>;

const fs::path kOrders = FORKCAST_SOURCE_DIR "/../shared/data/order_triage";
const fs::path kPipeline = FORKCAST_SOURCE_DIR "/conf/pipelines/order_triage.json";

struct Decision {
  std::string order_id;
  std::string recommendation;
};

fs::path FileOf(const std::string& table, const PipelineSpec& spec) {
  return preprocessing::FindTableFiles(kOrders, table, spec.tables)->files.front();
}

/// From CSV files to decisions in one process: the store, the snapshots, the features, the model.
/// `change` edits the shipped pipeline before.
std::vector<Decision> DecideAll(const std::function<void(ordered_json&)>& change) {
  const preprocessing::TempFolder folder;
  ordered_json json = preprocessing::ReadJsonFile(kPipeline);
  change(json);
  const PipelineSpec spec = *preprocessing::ParsePipelineSpec(json.dump(), kPipeline.parent_path());

  const auto dao = *preprocessing::OpenStore("sqlite:" + (folder.path() / "s.db").string(),
                                             preprocessing::StoreAccess::kReadWriteCreate);
  EXPECT_TRUE(dao->Begin().ok());
  for (const auto& table : spec.tables) {
    const auto report =
        preprocessing::IngestFile(*dao, table, FileOf(table.name, spec), spec.zone, {}, {});
    EXPECT_TRUE(report.ok()) << report.error().message;
  }
  EXPECT_TRUE(dao->Commit().ok());
  const auto published =
      preprocessing::PublishSnapshots(*dao, spec, folder.path(), SystemClock().Now());
  EXPECT_TRUE(published.ok()) << published.error().message;
  const auto snapshots = *preprocessing::OpenSnapshots(spec, folder.path());

  const Predictor predictor =
      *Predictor::Make(std::move(LoadModel(spec.serving->model)->model), spec.features);
  std::vector<float> inputs(predictor.input_count());
  preprocessing::FeatureComputer computer(spec.features, spec.series, spec.request, spec.zone);
  std::vector<Value> features(computer.feature_count());

  auto reader =
      *preprocessing::CsvTableReader::Open(FileOf("orders", spec), spec.request.fields, spec.zone);
  Table orders(spec.request.fields);
  std::vector<Decision> decisions;
  while (*reader.ReadBatch(1000, orders)) {
    for (std::size_t i = 0; i < orders.row_count(); ++i) {
      preprocessing::SeriesMask stale = 0;
      const Status computed = computer.Compute(snapshots, orders, i, {}, features, stale);
      EXPECT_TRUE(computed.ok()) << computed.error().message;
      EXPECT_EQ(stale, 0U);
      double decided = -1;
      EXPECT_TRUE(predictor.Encode(features, inputs));
      predictor.Predict(inputs, {}, std::span(&decided, 1));
      const Value decision = OutputValue(predictor.outputs().front(), decided);
      decisions.push_back({std::string(orders.column(0).Text(i)),
                           std::string(std::get<std::string_view>(decision))});
    }
  }
  return decisions;
}

Counts CountsOf(const std::vector<Decision>& decisions) {
  Counts counts;
  for (const Decision& decision : decisions) ++counts[decision.recommendation];
  return counts;
}

/// The digest that `sha256sum` prints of `text`.
std::string Sha256(const std::string& text) {
  const preprocessing::TempFolder folder;
  const std::string command = "sha256sum " + folder.Write("text", text).string();
  FILE* const pipe = ::popen(command.c_str(), "r");
  std::array<char, 65> digest{};
  EXPECT_NE(pipe, nullptr);
  EXPECT_NE(std::fgets(digest.data(), digest.size(), pipe), nullptr);
  EXPECT_EQ(::pclose(pipe), 0);
  return digest.data();
}

/// The 10,000 real orders; what is expected of them was computed from the rules' definitions.
class RealOrders : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kOrders)) GTEST_SKIP() << "the real orders are not on this machine";
  }
};

TEST_F(RealOrders, AreDecidedFromWhatWasKnownWhenTheyWerePlaced) {
  std::vector<Decision> decisions = DecideAll([](ordered_json&) {});
  EXPECT_EQ(CountsOf(decisions), (Counts{{"HoldCheckAvailability", 2122},
                                         {"HoldCheckDelivery", 3680},
                                         {"HoldCheckPayment", 1240},
                                         {"Decline", 723},
                                         {"Deliver", 2235}}));
  std::ranges::sort(decisions, {}, &Decision::order_id);
  std::string lines;
  for (const Decision& decision : decisions) {
    lines += decision.order_id + "," + decision.recommendation + "\n";
  }
  EXPECT_EQ(Sha256(lines), "d734a462b16feac69f98162b19e74ff645fb6378c060551dd195e4e5ddd03b14");
}

TEST_F(RealOrders, WouldBeDecidedOtherwiseFromTheLastLevelOfEachSku) {
  const auto decisions = DecideAll([](ordered_json& pipeline) {
    pipeline["series"]["inventory"] = ordered_json::parse(R"({
      "query": "SELECT sku_code, inventory FROM inventory ORDER BY timestamp",
      "columns": {"sku_code": "text", "inventory": "int64"},
      "key": ["sku_code"], "values": ["inventory"]
    })");
  });
  EXPECT_EQ(CountsOf(decisions), (Counts{{"HoldCheckAvailability", 2272},
                                         {"HoldCheckDelivery", 3620},
                                         {"HoldCheckPayment", 1227},
                                         {"Decline", 685},
                                         {"Deliver", 2196}}));
}

/// Times are whole seconds, so a delay of one is "earlier than" instead of "not later than".
TEST_F(RealOrders, WouldBeDecidedOtherwiseFromLevelsStrictlyBeforeThem) {
  const auto decisions =
      DecideAll([](ordered_json& pipeline) { pipeline["series"]["inventory"]["delay"] = "1s"; });
  EXPECT_EQ(CountsOf(decisions), (Counts{{"HoldCheckAvailability", 2904},
                                         {"HoldCheckDelivery", 2982},
                                         {"HoldCheckPayment", 1223},
                                         {"Decline", 695},
                                         {"Deliver", 2196}}));
}

}  // namespace
}  // namespace forkcast::model
