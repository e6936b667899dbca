#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/classify/judgement.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/forecast_request.hpp"
#include "model/forecast/shipped_pipelines.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"
#include "support/server.hpp"

/// What validation judged is what a server answers: for each shipped pipeline, each fold's model is
/// published by `forkcast train --until` the end of its training, served, and asked over HTTP for
/// what the fold judged. The figures of an evaluation are those of the service, bit for bit.
namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using model::SmallDocument;
using nlohmann::ordered_json;
using preprocessing::IsoTimestamp;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;
using preprocessing::Table;
using preprocessing::Value;
using testing::IsEmpty;

struct JsonOfValue {
  ordered_json operator()(std::monostate) const { return nullptr; }
  ordered_json operator()(Instant instant) const { return IsoTimestamp(instant); }
  ordered_json operator()(std::string_view text) const { return std::string(text); }
  ordered_json operator()(auto number) const { return number; }
};
/// A row of request fields as a client sends it.
std::string BodyOf(const Table& rows, std::size_t row) {
  ordered_json body = ordered_json::object();
  for (std::size_t i = 0; i < rows.column_count(); ++i) {
    const Value value = ValueAt(rows.column(i), row);
    if (preprocessing::IsMissing(value)) continue;
    body[rows.schema().columns[i].name] = std::visit(JsonOfValue(), value);
  }
  return body.dump();
}

/// A pipeline over the rows of its sample, in a folder of its own.
class Trained {
 public:
  Trained(const ordered_json& document, const fs::path& sample)
      : document_(document),
        pipeline_(workspace_.Write("pipeline.json", document.dump())),
        spec_(*preprocessing::ParsePipelineSpec(document.dump(), model::kPipelines)) {
    RunToEnd(workspace_ / "ingest", {kForkcast, "ingest", "--quiet", "--pipeline", pipeline_,
                                     "--store", workspace_.store(), "--from", sample});
  }

  [[nodiscard]] const PipelineSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] JsonNode root() const { return JsonNode(document_); }
  [[nodiscard]] fs::path snapshots() const { return workspace_ / "o.db.snapshots"; }
  [[nodiscard]] std::string store() const { return workspace_.store(); }

  /// Publishes what is learned from what was known by `until`, and serves it.
  [[nodiscard]] std::unique_ptr<Server> Serve(Instant until) const {
    const std::string models = workspace_ / "models";
    RunToEnd(workspace_ / "train",
             {kForkcast, "train", "--quiet", "--pipeline", pipeline_, "--store", store(),
              "--models", models, "--until", IsoTimestamp(until), "--force-promote"});
    auto server = std::make_unique<Server>(
        workspace_,
        ServerOptions{.workers = 1,
                      .deploys = {"--models", models, "--deploy", spec_.name + "@champion"}});
    server->WaitUntilAllReady();
    return server;
  }

 private:
  ordered_json document_;
  Workspace workspace_;
  fs::path pipeline_;
  PipelineSpec spec_;
};

/// Of levels that the samples have rows enough for. Versions are published without judging their
/// intervals, for which the earliest have no past.
ordered_json WithIntervals(ordered_json document) {
  document["training"]["intervals"] = {0.5, 0.8};
  document["training"]["calibration_folds"] = 0;
  return document;
}

ordered_json Ask(HttpConnection& connection, const std::string& body) {
  const Exchange exchange =
      connection.Ask({.headers = "Content-Type: application/json\r\n", .body = body});
  if (exchange.answer.status != 200) {
    ADD_FAILURE() << body << ": " << exchange.answer.status << " " << exchange.answer.body;
    return {};
  }
  return ordered_json::parse(exchange.answer.body);
}

class ServedForecast : public testing::TestWithParam<fs::path> {};

TEST_P(ServedForecast, IsWhatTheValidationJudged) {
  const Trained trained(WithIntervals(SmallDocument(GetParam())), model::SampleOf(GetParam()));
  const PipelineSpec& spec = trained.spec();
  auto plan = model::ReadTrainingPlan(trained.root(), spec, model::TrainerKinds());
  // So that a fold's intervals are made of as many folds as a version's.
  plan.calibration_folds = plan.folds.n_splits;
  const auto data = *model::ForecastData::Open(spec, trained.snapshots());
  const auto all = *data->grid().AllPeriods();
  const model::PeriodRange periods{.first = all.first, .last = all.last};
  const auto examples = *model::StepExamples::Compute(*data, plan, periods, data->AllKeys());
  const auto backtest =
      **model::RunBacktest(*data, plan, examples, periods, [](const auto&) { return true; });

  std::vector<std::string> different;
  std::size_t compared = 0;
  for (std::size_t i = 0; i < backtest.folds.size(); ++i) {
    const model::Fold& fold = backtest.folds[i];
    const auto server = trained.Serve(data->grid().StartOf(fold.train.last + 1));
    HttpConnection connection(server->endpoint());
    for (const model::JudgedForecast& judged : backtest.rows) {
      if (judged.fold != i) continue;
      const auto& [point, step, value] = judged.forecast;
      Table rows(spec.request.fields);
      model::AppendForecastRequest(spec, data->grid().KeyValues(point.key),
                                   data->grid().VisibleFrom(fold.origin), rows);
      const std::string body = BodyOf(rows, 0);
      const ordered_json answer = Ask(connection, body);
      ASSERT_TRUE(answer.contains("forecast")) << answer;
      const ordered_json& served = answer["forecast"].at(step - 1);
      const auto compare = [&](const std::string& name, double judged_value) {
        const double number = served.at(name);
        if (std::bit_cast<std::uint64_t>(number) == std::bit_cast<std::uint64_t>(judged_value)) {
          return;
        }
        different.push_back(fmt::format("{}: {} of step {} is {}, judged {}", body, name, step,
                                        number, judged_value));
      };
      compare("value", value);
      ASSERT_EQ(judged.intervals.size(), plan.intervals.size());
      for (std::size_t level = 0; level < plan.intervals.size(); ++level) {
        compare(model::LowerName(plan.intervals[level]), judged.intervals[level].lower);
        compare(model::UpperName(plan.intervals[level]), judged.intervals[level].upper);
      }
      ++compared;
    }
  }
  EXPECT_THAT(different, IsEmpty());
  EXPECT_EQ(compared, backtest.rows.size());
  RecordProperty("compared", static_cast<int>(compared));
}

INSTANTIATE_TEST_SUITE_P(Each, ServedForecast, testing::ValuesIn(model::ForecastPipelines()),
                         [](const auto& param) { return param.param.stem().string(); });

TEST(ServedClassifier, SaysTheProbabilitiesThatTheValidationJudged) {
  const fs::path pipeline = model::kPipelines / "order_fulfilment.json";
  const Trained trained(preprocessing::ReadJsonFile(pipeline), model::kSamples / "order_triage");
  const PipelineSpec& spec = trained.spec();
  const auto plan = model::ReadClassifierPlan(trained.root(), spec, model::TrainerKinds());
  const auto dao =
      *preprocessing::OpenStore(trained.store(), preprocessing::StoreAccess::kReadOnly);
  const auto snapshots = *preprocessing::OpenSnapshots(spec, trained.snapshots());
  const auto rows = *model::LabelledRows::Read(*dao, spec, {}, plan.split.label_delay);
  const auto examples = *model::LabelledExamples::Compute(spec, snapshots, rows, plan);
  const auto folds = *model::SplitByTime(rows.times(), plan.split);
  const auto judgement =
      **model::JudgeClassifier(plan, examples, rows.classes(), folds, [](auto...) { return true; });
  ASSERT_EQ(folds.size(), 1U);

  const Instant first = rows.times()[folds.front().test_first];
  const auto server = trained.Serve(first - std::chrono::microseconds(1));
  HttpConnection connection(server->endpoint());
  std::vector<std::string> different;
  for (const model::JudgedRow& judged : judgement.rows) {
    const std::string body =
        BodyOf(rows.requests(), rows.request_of(examples.rows[judged.example]));
    const ordered_json answer = Ask(connection, body);
    const std::string name = model::NameOf(rows.classes()[judged.taken_for]);
    const double served = answer.at("probability." + name);
    if (answer.at("class") != name ||
        std::bit_cast<std::uint64_t>(served) != std::bit_cast<std::uint64_t>(judged.probability)) {
      different.push_back(answer.dump() + fmt::format(", judged {} {}", name, judged.probability));
    }
  }
  EXPECT_THAT(different, IsEmpty());
  RecordProperty("compared", static_cast<int>(judgement.rows.size()));
}

}  // namespace
}  // namespace forkcast::process_test
