#include "model/commands/container_training.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/commands/train_command.hpp"
#include "support/stopping_clock.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::ExitCode;
using preprocessing::ReadWhole;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

const fs::path kPipeline = FORKCAST_SOURCE_DIR "/conf/pipelines/weekly_demand.json";
const fs::path kClassifier = FORKCAST_SOURCE_DIR "/conf/pipelines/order_fulfilment.json";
const fs::path kLines = FORKCAST_SOURCE_DIR "/data/weekly_demand/order_lines.csv";

/// The folder that a platform would mount, with one channel for the sample and one for the
/// pipeline.
class ContainerTraining : public testing::Test {
 protected:
  ContainerTraining() {
    fs::create_directories(temporary());
    WriteInput("config/inputdataconfig.json",
               R"({"train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated",
                             "RecordWrapperType": "None", "ContentType": "text/csv"},
                   "pipeline": {"TrainingInputMode": "FastFile"}})");
    WriteInput("data/train/order_lines.csv", ReadWhole(kLines));
    WriteInput("data/pipeline/weekly_demand.json", ReadWhole(kPipeline));
    WriteHyperparameters();
  }

  void WriteInput(const std::string& name, const std::string& text) {
    fs::create_directories((input() / name).parent_path());
    std::ofstream(input() / name, std::ios::binary) << text;
  }
  void RemoveInput(const std::string& name) { fs::remove_all(input() / name); }
  void WriteHyperparameters() {
    WriteInput("config/hyperparameters.json", hyperparameters_.dump());
  }
  void SetHosts(const std::string& current) {
    WriteInput("config/resourceconfig.json", ordered_json{{"current_host", current},
                                                          {"hosts", {"algo-2", "algo-1"}},
                                                          {"network_interface_name", "eth0"}}
                                                 .dump());
  }

  ExitCode Train(const std::vector<std::string>& arguments = {},
                 const Clock& clock = SystemClock()) {
    out_.str("");
    err_.str("");
    const auto environment = [this](const char* name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    };
    return static_cast<ExitCode>(preprocessing::RunCommand(
        TrainOrContainerCommand(), arguments,
        {.environment = environment, .out = out_, .err = err_, .clock = clock}));
  }
  void ExpectNoModel() const {
    std::error_code absent;
    EXPECT_TRUE(!fs::exists(base() / "model") || fs::is_empty(base() / "model"));
    ExpectNothingTemporary();
  }
  void ExpectNothingTemporary() const {
    EXPECT_TRUE(!fs::exists(temporary()) || fs::is_empty(temporary()));
  }

  [[nodiscard]] fs::path base() const { return folder_.path() / "ml"; }
  [[nodiscard]] fs::path input() const { return base() / "input"; }
  [[nodiscard]] fs::path temporary() const { return folder_.path() / "tmp"; }
  [[nodiscard]] std::string failure() const { return ReadWhole(base() / "output/failure"); }
  [[nodiscard]] std::string manifest() const { return ReadWhole(base() / "model/manifest.json"); }
  [[nodiscard]] ordered_json evaluation() const {
    return ordered_json::parse(ReadWhole(base() / "output/data/evaluation.json"))["evaluation"];
  }

  preprocessing::TempFolder folder_;
  /// Few trees, since none of this is about how good they are.
  ordered_json hyperparameters_{
      {"model.trees", "20"}, {"model.learning_rate", "0.2"}, {"threads", "1"}};
  std::map<std::string, std::string> environment_{{"SAGEMAKER_BASE_DIR", base()},
                                                  {"TMPDIR", temporary()}};
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(ContainerTraining, PutsAWholeVersionIntoTheModelFolder) {
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  const auto read = Registry::ReadManifest({.model = "weekly_demand",
                                            .number = 1,
                                            .folder = base() / "model",
                                            .aliases = {},
                                            .published_at = {}});
  ASSERT_TRUE(read.ok()) << read.error().message;
  std::set<std::string> expected{"manifest.json"};
  for (const ordered_json& file : (*read)["files"]) expected.insert(file["path"]);
  std::set<std::string> found;
  std::size_t snapshots = 0;
  for (const auto& entry : fs::recursive_directory_iterator(base() / "model")) {
    EXPECT_FALSE(entry.is_symlink()) << entry.path();
    if (!entry.is_regular_file()) continue;
    if (entry.path().parent_path() == base() / "model/snapshots") {
      if (entry.path().extension() == ".snapshot") ++snapshots;
      continue;
    }
    found.insert(entry.path().lexically_relative(base() / "model").string());
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(snapshots, 1U);
  EXPECT_TRUE(found.contains("pipeline.json") && found.contains("model/1.ubj"));
  EXPECT_FALSE(fs::exists(base() / "output/failure"));
  EXPECT_THAT(ReadWhole(base() / "output/data/report.html"), HasSubstr("beats every baseline"));
  ExpectNothingTemporary();
}

TEST_F(ContainerTraining, PrintsMetricsThatARegularExpressionFinds) {
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  EXPECT_THAT(out_.str(), AllOf(ContainsRegex("(^|\n)validation:wape=[0-9.e+-]+\n"),
                                ContainsRegex("\nbest_baseline=rolling_median_8\n"),
                                ContainsRegex("\nbest_baseline:wape=[0-9.e+-]+\n")));
  const ordered_json wape = evaluation()["metrics"]["wape"];
  EXPECT_THAT(out_.str(), HasSubstr("validation:wape=" + wape.dump() + "\n"));
}

TEST_F(ContainerTraining, AppliesHyperparametersWhetherTheyAreTextsOrTyped) {
  const ordered_json texts{{"model.trees", "20"},
                           {"model.learning_rate", "0.2"},
                           {"model.early_stopping", R"({"rounds": 5})"},
                           {"features.mean_4.window", "6"},
                           {"metric", "mae"},
                           {"mase_season", "4"},
                           {"seed", "\"3\""},
                           {"threads", "1"},
                           {"last", "60w"},
                           {"sagemaker_program", "none of ours"}};
  const ordered_json typed{{"last", "60w"},
                           {"threads", 1},
                           {"seed", 3},
                           {"metric", "\"mae\""},
                           {"mase_season", 4},
                           {"features.mean_4.window", 6},
                           {"model.early_stopping", {{"rounds", 5}}},
                           {"model.learning_rate", 0.2},
                           {"model.trees", 20}};
  hyperparameters_ = texts;
  WriteHyperparameters();
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  const std::string first = manifest();
  const ordered_json pipeline = ordered_json::parse(ReadWhole(base() / "model/pipeline.json"));
  EXPECT_EQ(pipeline["training"]["model"]["trees"], 20);
  EXPECT_EQ(pipeline["training"]["model"]["early_stopping"], ordered_json({{"rounds", 5}}));
  EXPECT_EQ(pipeline["training"]["metric"], "mae");
  EXPECT_EQ(pipeline["features"][4]["window"], 6);
  EXPECT_EQ(ordered_json::parse(first)["seed"], 3);
  EXPECT_EQ(ordered_json::parse(first)["data"]["periods"], 60);

  fs::remove_all(base() / "model");
  hyperparameters_ = typed;
  WriteHyperparameters();
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  EXPECT_EQ(manifest(), first);
}

TEST_F(ContainerTraining, TakesWhatTuningJobsAndPythonMakeOfNumbersAndTruth) {
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  const std::string before = manifest();
  fs::remove_all(base() / "model");
  hyperparameters_ = {{"_tuning_objective_metric", "validation:wape"},
                      {"sagemaker_submit_directory", "\"s3://bucket/code\""},
                      {"model.trees", "20.0"},
                      {"model.learning_rate", "0.2"},
                      {"target.not_negative", "True"},
                      {"threads", "1.0"}};
  WriteHyperparameters();
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  EXPECT_EQ(manifest(), before);
}

TEST_F(ContainerTraining, SkipsWhatIsHiddenAndSaysSo) {
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  const std::string before = manifest();
  fs::remove_all(base() / "model");
  WriteInput("data/train/.ipynb_checkpoints/order_lines.csv", ReadWhole(kLines));
  WriteInput("data/train/._order_lines.csv", "not one of ours");
  WriteInput("data/pipeline/.weekly_demand-checkpoint.json", "{}");
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  EXPECT_EQ(manifest(), before);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("train/.ipynb_checkpoints is hidden, and skipped\n"),
                                HasSubstr("train/._order_lines.csv is hidden, and skipped\n")));
}

struct Layout {
  const char* name;
  /// Puts the rows elsewhere than in data/train/order_lines.csv, which is gone.
  std::function<void(const fs::path& data, const std::string& rows)> write;
};
class Layouts : public ContainerTraining, public testing::WithParamInterface<Layout> {};

void Write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}
/// The rows in two files with the same header.
void WriteParts(const fs::path& first, const fs::path& second, const std::string& rows) {
  const std::size_t header = rows.find('\n') + 1;
  const std::size_t middle = rows.find('\n', rows.size() / 2) + 1;
  Write(first, rows.substr(0, middle));
  Write(second, rows.substr(0, header) + rows.substr(middle));
}

TEST_P(Layouts, GiveTheSameModel) {
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  const std::string before = manifest();
  fs::remove_all(base() / "model");
  RemoveInput("data/train/order_lines.csv");
  RemoveInput("config/inputdataconfig.json");  // then every folder is a channel
  GetParam().write(input() / "data", ReadWhole(kLines));
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  EXPECT_EQ(manifest(), before);
}
INSTANTIATE_TEST_SUITE_P(
    Each, Layouts,
    testing::Values(Layout{"Compressed",
                           [](const fs::path& data, const std::string& rows) {
                             const preprocessing::TempFolder folder;
                             fs::copy_file(folder.WriteGzip("order_lines.csv.gz", rows),
                                           data / "train/order_lines.csv.gz");
                           }},
                    Layout{"ChannelCalledAsTheTable",
                           [](const fs::path& data, const std::string& rows) {
                             WriteParts(data / "order_lines/part-0.csv",
                                        data / "order_lines/part-1.csv", rows);
                           }},
                    Layout{"FolderCalledAsTheTable",
                           [](const fs::path& data, const std::string& rows) {
                             Write(data / "train/order_lines/2024/rows.csv", rows);
                             Write(data / "train/order_lines/_SUCCESS", "");
                           }},
                    Layout{"LinkToAFolder",
                           [](const fs::path& data, const std::string& rows) {
                             const fs::path elsewhere = data.parent_path() / "mounted";
                             Write(elsewhere / "rows.csv", rows);
                             fs::create_directory_symlink(elsewhere, data / "train/order_lines");
                           }},
                    Layout{"OneTableInTwoChannels",
                           [](const fs::path& data, const std::string& rows) {
                             WriteParts(data / "a/order_lines.csv", data / "b/order_lines.csv",
                                        rows);
                           }},
                    Layout{"TheSameFileInTwoChannels",
                           [](const fs::path& data, const std::string& rows) {
                             Write(data / "a/order_lines.csv", rows);
                             Write(data / "b/order_lines.csv", rows);
                           }}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(ContainerTraining, TakesThePipelineThatTheHyperparameterNames) {
  WriteInput("data/pipeline/other.json", "{}");
  hyperparameters_["pipeline"] = "pipeline/weekly_demand.json";
  WriteHyperparameters();
  EXPECT_EQ(Train(), ExitCode::kDone) << err_.str();
  fs::remove_all(base() / "model");
  hyperparameters_["pipeline"] = kPipeline;
  WriteHyperparameters();
  EXPECT_EQ(Train(), ExitCode::kDone) << err_.str();
}

TEST_F(ContainerTraining, TakesThePipelineOfTheEnvironmentWhenNobodyNamesOne) {
  RemoveInput("data/pipeline");
  WriteInput("config/inputdataconfig.json", R"({"train": {}})");
  environment_["FORKCAST_PIPELINE"] = kPipeline;
  EXPECT_EQ(Train(), ExitCode::kDone) << err_.str();
}

TEST_F(ContainerTraining, WritesNoModelThatABaselineBeatsUnlessForced) {
  hyperparameters_ = {{"model.trees", "1"}, {"target", "{}"}, {"threads", "1"}};  // about the mean
  WriteHyperparameters();
  EXPECT_EQ(Train(), ExitCode::kGate);
  EXPECT_THAT(failure(), AllOf(HasSubstr("does not beat its baselines: wape 0."),
                               HasSubstr("best baseline rolling_median")));
  EXPECT_FALSE(evaluation()["beats_baselines"]);
  EXPECT_TRUE(fs::exists(base() / "output/data/report.html"));
  ExpectNoModel();

  hyperparameters_["force_promote"] = "true";
  WriteHyperparameters();
  EXPECT_EQ(Train(), ExitCode::kDone) << err_.str();
  EXPECT_THAT(manifest(), HasSubstr(R"("beats_baselines": false)"));
  EXPECT_FALSE(fs::exists(base() / "output/failure")) << "that of the first run is gone";
}

TEST_F(ContainerTraining, LeavesNoEvaluationOfAnEarlierRun) {
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  ASSERT_TRUE(fs::exists(base() / "output/data/evaluation.json"));
  fs::remove_all(base() / "model");
  hyperparameters_["metric"] = "none";
  WriteHyperparameters();
  EXPECT_EQ(Train(), ExitCode::kUsage);
  EXPECT_FALSE(fs::exists(base() / "output/data/evaluation.json"));
  EXPECT_FALSE(fs::exists(base() / "output/data/report.html"));
}

TEST_F(ContainerTraining, TrainsAClassifierToo) {
  RemoveInput("data");
  for (const char* const table : {"orders", "inventory", "payments", "zip_codes"}) {
    const std::string file = std::string(table) + ".csv";
    WriteInput("data/train/" + file,
               ReadWhole(fs::path(FORKCAST_SOURCE_DIR "/data/order_triage") / file));
  }
  WriteInput("data/pipeline/p.json",
             ReadWhole(FORKCAST_SOURCE_DIR "/conf/pipelines/order_fulfilment.json"));
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  EXPECT_EQ(ordered_json::parse(manifest())["kind"], "classifier");
  EXPECT_TRUE(fs::exists(base() / "model/classes.json"));
  EXPECT_THAT(out_.str(), ContainsRegex("(^|\n)validation:accuracy=0[.]9[0-9]*\n"));
  ExpectNothingTemporary();
}

TEST_F(ContainerTraining, LeavesTheWorkToTheFirstHost) {
  SetHosts("algo-2");
  EXPECT_EQ(Train(), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("nothing to do on algo-2: algo-1 trains"));
  EXPECT_FALSE(fs::exists(base() / "output"));
  ExpectNoModel();
  SetHosts("algo-1");
  EXPECT_EQ(Train(), ExitCode::kDone) << err_.str();
  EXPECT_TRUE(fs::exists(base() / "model/manifest.json"));
}

class Stopped : public ContainerTraining, public testing::WithParamInterface<int> {};
TEST_P(Stopped, ASignalEndsItWithoutAModel) {
  EXPECT_EQ(Train({}, StoppingClock(GetParam())), ExitCode::kStopped);
  EXPECT_THAT(failure(), HasSubstr("stopped"));
  ExpectNoModel();
}
// The clock is asked twice for the one file, then by the training.
INSTANTIATE_TEST_SUITE_P(WhileItReadsAndWhileItTrains, Stopped, testing::Values(2, 9));

struct Refusal {
  const char* name;
  std::function<void(const fs::path& input, ordered_json& hyperparameters,
                     std::map<std::string, std::string>& environment)>
      spoil;
  ExitCode exit;
  std::string message;
};
class Refusals : public ContainerTraining, public testing::WithParamInterface<Refusal> {};

TEST_P(Refusals, AreToldInTheFailureFile) {
  GetParam().spoil(input(), hyperparameters_, environment_);
  if (!hyperparameters_.is_null()) WriteHyperparameters();
  EXPECT_EQ(Train(), GetParam().exit);
  EXPECT_THAT(failure(), HasSubstr(GetParam().message));
  EXPECT_LT(failure().find(GetParam().message) + GetParam().message.size(), 1024U);
  EXPECT_THAT(err_.str(), HasSubstr(GetParam().message));
  ExpectNoModel();
}

/// Sets one hyperparameter.
auto With(const std::string& name, const ordered_json& value) {
  return [=](const fs::path&, ordered_json& hyperparameters, std::map<std::string, std::string>&) {
    hyperparameters[name] = value;
  };
}
/// Writes one file below input/.
auto WithFile(const std::string& name, const std::string& text) {
  return [=](const fs::path& input, ordered_json& hyperparameters,
             std::map<std::string, std::string>&) {
    Write(input / name, text);
    if (name.ends_with("hyperparameters.json")) hyperparameters = nullptr;
  };
}
/// Writes inputdataconfig.json with this for the channel of the data.
auto WithChannel(const std::string& channel) {
  return WithFile("config/inputdataconfig.json", R"({"pipeline": {}, "train": )" + channel + "}");
}
auto Without(const std::string& name) {
  return [=](const fs::path& input, ordered_json&, std::map<std::string, std::string>&) {
    fs::remove_all(input / name);
  };
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Refusals,
    testing::Values(
        Refusal{"NoJson", WithFile("config/hyperparameters.json", "{seed: 1}"), ExitCode::kUsage,
                "hyperparameters.json"},
        Refusal{"NoObject", WithFile("config/hyperparameters.json", "[]"), ExitCode::kUsage,
                "hyperparameters.json: $: expected an object"},
        Refusal{"UnknownHyperparameter", With("sed", "1"), ExitCode::kUsage,
                R"(hyperparameters.json: "sed": $.training.sed: unknown key)"},
        Refusal{"UnknownMemberOfTheModel", With("model.tres", "1"), ExitCode::kUsage,
                R"("model.tres": $.training.model.tres: unknown key)"},
        Refusal{"UnknownFeature", With("features.mean_5.window", "1"), ExitCode::kUsage,
                R"(hyperparameters.json: "features.mean_5.window": )"
                R"("features.mean_5.window" is no member of a feature)"},
        Refusal{"MemberOfWhatHasNone", With("metric.wape", "1"), ExitCode::kUsage,
                R"("metric.wape")"},
        Refusal{"ValueOutOfRange", With("features.mean_4.window", "0"), ExitCode::kUsage,
                R"("features.mean_4.window": $.features[4].window: expected an integer)"},
        Refusal{"TextForANumber", With("model.trees", "many"), ExitCode::kUsage,
                R"("model.trees": $.training.model.trees: expected)"},
        Refusal{"TextForANumberOfAClassifierBeforeAnyRowIsRead",
                [](const fs::path& input, ordered_json& hyperparameters,
                   std::map<std::string, std::string>&) {
                  fs::remove(input / "data/pipeline/weekly_demand.json");
                  Write(input / "data/pipeline/order_fulfilment.json", ReadWhole(kClassifier));
                  hyperparameters["model.max_depth"] = "banana";
                },
                ExitCode::kUsage,
                "hyperparameters.json: \"model.max_depth\": $.training.model.max_depth: expected"},
        Refusal{"Null", With("model.trees", nullptr), ExitCode::kUsage,
                "$.model.trees: expected a value"},
        Refusal{"SeedInWords", With("seed", "x"), ExitCode::kUsage,
                "$.seed: expected a whole number from 0 to 2147483647, got \"x\""},
        Refusal{"SeedBeyondWhatAPipelineMayHold", With("seed", "2147483648"), ExitCode::kUsage,
                "$.seed: expected a whole number from 0 to 2147483647, got \"2147483648\""},
        Refusal{"ForcePromoteInWords", With("force_promote", "please"), ExitCode::kUsage,
                "$.force_promote: expected true or false, got \"please\""},
        Refusal{"LastWithoutUnit", With("last", "12"), ExitCode::kUsage, "--last"},
        Refusal{"PipelineThatIsNotThere", With("pipeline", "train/p.json"), ExitCode::kUsage,
                "$.pipeline: there is no file"},
        Refusal{"TwoPipelines", WithFile("data/pipeline/b.json", "{}"), ExitCode::kUsage,
                "expected one *.json, found 2"},
        Refusal{"NoPipeline", WithFile("config/inputdataconfig.json", R"({"train": {}})"),
                ExitCode::kUsage, "no pipeline: expected the hyperparameter"},
        Refusal{"PipelineWithoutTraining",
                WithFile("data/pipeline/weekly_demand.json", R"({"name": "x"})"), ExitCode::kUsage,
                "pipeline/weekly_demand.json: $"},
        Refusal{
            "PipeMode", WithChannel(R"({"TrainingInputMode": "Pipe"})"), ExitCode::kUsage,
            "$.train.TrainingInputMode: Pipe: channel \"train\" must be files: expected File or "
            "FastFile"},
        Refusal{"RecordIo", WithChannel(R"({"RecordWrapperType": "RecordIO"})"), ExitCode::kUsage,
                "$.train.RecordWrapperType"},
        Refusal{"ShardsOnSeveralHosts",
                [](const fs::path& input, ordered_json&, std::map<std::string, std::string>&) {
                  Write(input / "config/resourceconfig.json",
                        R"({"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]})");
                  Write(input / "config/inputdataconfig.json",
                        R"({"pipeline": {}, "train": {"S3DistributionType": "ShardedByS3Key"}})");
                },
                ExitCode::kUsage, "each of 2 hosts has only a part of channel \"train\""},
        Refusal{"AbsentChannel", Without("data/train"), ExitCode::kUsage,
                "$.train: there is no folder"},
        Refusal{"NoChannel", WithFile("config/inputdataconfig.json", "{}"), ExitCode::kUsage,
                "there is no channel to learn from"},
        Refusal{"HostThatIsNone",
                WithFile("config/resourceconfig.json",
                         R"({"current_host": "algo-9", "hosts": ["algo-1"]})"),
                ExitCode::kUsage, "$.current_host: \"algo-9\" is none of the hosts"},
        Refusal{"FileOfNoTable", WithFile("data/train/lines.csv", "a,b\n"), ExitCode::kUnfit,
                "train/lines.csv: neither the file nor a folder around it is called as a table "
                "(order_lines)"},
        Refusal{"TableWithoutFile", Without("data/train/order_lines.csv"), ExitCode::kUnfit,
                "no channel has a file of table \"order_lines\""},
        Refusal{"WrongRow",
                WithFile("data/train/more/order_lines.csv",
                         "invoice,product,quantity,sold_at,unit_price\n1,2,three,2024-01-01,4\n"),
                ExitCode::kUnfit, "order_lines.csv: line 2"},
        Refusal{"TwoRowsWhereOneIsDeclared",
                [](const fs::path& input, ordered_json&, std::map<std::string, std::string>&) {
                  ordered_json pipeline = ordered_json::parse(ReadWhole(kPipeline));
                  pipeline["series"]["weekly"]["aggregate"]["values"]["price"]["op"] = "only";
                  Write(input / "data/pipeline/weekly_demand.json", pipeline.dump());
                },
                ExitCode::kUnfit, "two rows with \"unit_price\", expected one"},
        Refusal{"NameThatIsNotUtf8", WithFile("data/train/\xff.csv", "a\n"), ExitCode::kUnfit,
                "\xEF\xBF\xBD.csv: neither the file"},
        Refusal{"TooLittleHistory", With("last", "3w"), ExitCode::kUnfit, "periods"},
        Refusal{
            "NoFolderForWhatIsTemporary",
            [](const fs::path&, ordered_json&, std::map<std::string, std::string>& environment) {
              environment["TMPDIR"] += "/absent";
            },
            ExitCode::kIo, "/absent/forkcast-train-"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(ContainerTraining, SaysThatTheModelCannotBeWritten) {
  std::ofstream(base() / "model") << "a file";
  EXPECT_EQ(Train(), ExitCode::kIo);
  EXPECT_THAT(failure(), HasSubstr((base() / "model").string()));
  ExpectNothingTemporary();
}

TEST_F(ContainerTraining, SaysInTheLogAloneThatThereIsNoPlaceForTheFailure) {
  std::ofstream(base() / "output") << "a file";
  EXPECT_EQ(Train(), ExitCode::kIo);
  EXPECT_THAT(err_.str(), HasSubstr((base() / "output").string()));
  ExpectNoModel();
}

TEST_F(ContainerTraining, DoesNotMixTwoModels) {
  ASSERT_EQ(Train(), ExitCode::kDone) << err_.str();
  const std::string before = manifest();
  EXPECT_EQ(Train(), ExitCode::kIo);
  EXPECT_THAT(failure(), HasSubstr("expected an empty folder"));
  EXPECT_EQ(manifest(), before);
}

TEST_F(ContainerTraining, TakesFlagsAsEverywhereElse) {
  EXPECT_EQ(Train({"--pipeline", kPipeline}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--store"));
  EXPECT_FALSE(fs::exists(base() / "output"));
  EXPECT_EQ(Train({"--help"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("--store"), HasSubstr("SAGEMAKER_BASE_DIR")));
  RemoveInput("config/hyperparameters.json");
  EXPECT_EQ(Train(), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--pipeline"));
  EXPECT_FALSE(fs::exists(base() / "output"));
}

TEST_F(ContainerTraining, IsWhatTheProgramDoesWithNothingButTheFolder) {
  const std::string command =
      fmt::format("env -i SAGEMAKER_BASE_DIR={} TMPDIR={} {}/forkcast train 2>&1", base().string(),
                  temporary().string(), FORKCAST_BIN_DIR);
  FILE* const pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string text;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    text.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << text;
  EXPECT_THAT(text, HasSubstr("validation:wape="));
  EXPECT_THAT(manifest(), HasSubstr("weekly_demand"));
  ExpectNothingTemporary();
}

}  // namespace
}  // namespace forkcast::model
