#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/registry.hpp"
#include "model/classify/classifier_version.hpp"
#include "serving/endpoints/order_service.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;

const std::filesystem::path kModels = FORKCAST_SOURCE_DIR "/tests/data/published";

/// The classifier of tests/data/published, which reads no series.
class ClassifiersTest : public testing::Test {
 protected:
  ClassifiersTest() {
    auto loaded = LoadDeployments(
        std::vector{Deployment{.name = "delivery", .model = "delivery@1", .origin = "--deploy"}},
        kModels);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    test_.service.catalogue.Serve(*std::move(loaded));
  }

  /// What the version's own model answers to an order: the class, and a probability for each.
  static std::vector<double> Outputs(const std::string& shop, const std::string& at,
                                     std::int64_t pieces) {
    const auto version =
        model::ClassifierVersion::Read(*model::Registry(kModels).Find("delivery", "1"));
    const auto model = version->Model();
    const preprocessing::PipelineSpec& spec = version->spec();
    preprocessing::Table row(spec.request.fields);
    row.column(0).AppendText(shop);
    row.column(1).AppendTimestamp(*preprocessing::ParseTimestamp(at, {}));
    row.column(2).AppendInt64(pieces);
    preprocessing::FeatureComputer computer(spec.features, spec.series, spec.request, spec.zone);
    std::vector<preprocessing::Value> features(computer.feature_count());
    preprocessing::SeriesMask stale = 0;
    EXPECT_TRUE(computer.Compute({}, row, 0, {}, features, stale).ok());
    const model::Predictor& predictor = model->predictor();
    std::vector<float> inputs(predictor.input_count());
    EXPECT_TRUE(predictor.Encode(features, inputs).ok());
    std::vector<double> outputs(predictor.outputs().size());
    predictor.Predict(inputs, {}, outputs);
    return outputs;
  }

  TestClock clock_;
  std::array<WorkerSlot, 1> slots_;
  TestService test_{slots_, 0, clock_};
};

TEST_F(ClassifiersTest, AnswerFieldsClassAndTheProbabilityOfEachAsTheModelDoes) {
  for (std::int64_t pieces = 0; pieces < 20; ++pieces) {
    const json order{
        {"shop", pieces % 2 == 0 ? "a" : "b"}, {"at", "2024-01-02T08:00:00"}, {"pieces", pieces}};
    const Response response = PostTo(test_.router, order.dump());
    ASSERT_EQ(response.status, 200) << response.body;
    const json answer = json::parse(response.body);
    const std::vector<double> outputs = Outputs(order["shop"], order["at"], pieces);
    EXPECT_EQ(answer, (json{{"shop", order["shop"]},
                            {"pieces", pieces},
                            {"class", outputs[0] == 0 ? "false" : "true"},
                            {"probability.false", outputs[1]},
                            {"probability.true", outputs[2]}}));
  }
}

TEST_F(ClassifiersTest, AnswerEveryFormOfBodyWithOneLineARow) {
  const Response csv = PostTo(test_.router, "shop,at,pieces\na,2024-01-02,3\nb,2024-01-02,4\n",
                              {.content_type = "text/csv"});
  EXPECT_THAT(csv.body, testing::StartsWith("shop,pieces,class,probability.false,"
                                            "probability.true\na,3,"));
}

}  // namespace
}  // namespace forkcast::serving
