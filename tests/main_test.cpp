#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>

#include "support/test_files.hpp"

namespace forkcast {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Ended {
  int code = 0;
  std::string out;  ///< Standard output and error.
};

/// Runs a program through a shell, in `folder`, with `variables` (NAME=VALUE) beside ours.
Ended RunIn(const std::string& folder, const std::string& command_line,
            const std::string& variables = "") {
  const std::string command =
      "(cd " + folder + " && env " + variables + " " FORKCAST_BIN_DIR "/" + command_line + ") 2>&1";
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("no shell");
  std::string text;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    text.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

Ended RunProgram(const std::string& arguments) { return RunIn(".", "forkcast " + arguments); }

TEST(Program, ListsItsCommandsAndRefusesOthers) {
  const Ended help = RunProgram("--help");
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("\n  ingest "), HasSubstr("\n  serve ")));
  const Ended unknown = RunProgram("ingets --store x");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.out, AllOf(HasSubstr("unknown command \"ingets\""), HasSubstr("ingest")));
  EXPECT_EQ(RunProgram("").code, 2);
  const Ended version = RunProgram("--version");
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, testing::MatchesRegex("forkcast [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(Program, HandsArgumentsAndExitCodeOn) {
  EXPECT_THAT(RunProgram("ingest --help").out, HasSubstr("usage: forkcast ingest"));
  const Ended refused = RunProgram("ingest --store sqlite:/absent/x");
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.out, HasSubstr("--pipeline"));
}

TEST(Program, HelpWithACommandIsThatCommandsAlsoOfAProgramBeside) {
  EXPECT_THAT(RunProgram("help ingest").out, HasSubstr("usage: forkcast ingest"));
  EXPECT_THAT(RunProgram("help evaluate").out, HasSubstr("usage: forkcast evaluate"));
}

TEST(Program, HelpHasRoomInEightyColumns) {
  for (const char* const command :
       {"capture", "check", "ingest", "evaluate", "train", "models", "predict", "schema",
        "features", "retrain", "skew", "serve", "status", ""}) {
    std::istringstream help(RunProgram(std::string("help ") + command).out);
    for (std::string line; std::getline(help, line);) {
      EXPECT_LE(line.size(), 80U) << command << ": " << line;
    }
  }
}

struct EndCase {
  std::string name;
  /// In a folder with `bad.json`, which is none, `s.json`, a server's, and a folder `folder`.
  std::string command_line;
  int code = 0;
  std::string said;
  std::string variables{};
};

class Ends : public testing::TestWithParam<EndCase> {};

/// One table over all commands: a number means the same in each of them (command/exit_code.cpp).
TEST_P(Ends, WithTheCodeThatMeansThisEverywhere) {
  const preprocessing::TempFolder folder;
  folder.Write("bad.json", "{bad");
  folder.Write("s.json", R"({"models": "there", "snapshots": "folder", "deployments": [
      {"name": "weekly", "model": "weekly_demand@canary"},
      {"name": "fixed", "model": "weekly_demand@3"}, {"name": "triage", "pipeline": "t.json"}]})");
  std::filesystem::create_directory(folder.path() / "folder");
  std::filesystem::create_symlink(FORKCAST_SOURCE_DIR "/conf", folder.path() / "conf");
  std::filesystem::create_symlink(FORKCAST_SOURCE_DIR "/data", folder.path() / "data");
  const Ended ended = RunIn(folder.path(), GetParam().command_line, GetParam().variables);
  EXPECT_EQ(ended.code, GetParam().code) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr(GetParam().said));
}

const std::string kIngest = "forkcast ingest --store sqlite:o.db --from data/order_triage ";
const std::string kEvaluate = "forkcast evaluate --store sqlite:o.db ";
const std::string kTrain = "forkcast train --store sqlite:o.db ";
const std::string kServe = "forkcast serve --check --store sqlite:o.db ";
const std::string kWeekly = "--pipeline conf/pipelines/weekly_demand.json ";

const std::string kRetrain = "forkcast retrain ";

// `--deploy` means what the server's configuration says of the deployment.
INSTANTIATE_TEST_SUITE_P(
    Retrain, Ends,
    testing::Values(
        EndCase{"OfADeployment", kRetrain + "--config s.json --deploy weekly", 2,
                "no model \"weekly_demand\" in there"},
        EndCase{"OfADeploymentOfTheVariable", kRetrain + "--deploy=weekly", 2,
                "no model \"weekly_demand\" in there", "FORKCAST_CONFIG=s.json"},
        EndCase{"WithAFolderOfTheUser", kRetrain + "--config s.json --deploy weekly --models mine",
                2, "no model \"weekly_demand\" in mine"},
        EndCase{"OfAModelWithoutAConfig", "forkcast retrain --deploy weekly --snapshots folder", 2,
                "no model \"weekly\" in models"},
        EndCase{"OfNoSuchDeployment", kRetrain + "--config=s.json --deploy weekli", 2,
                "no deployment \"weekli\"; did you mean \"weekly\"?"},
        EndCase{"OfAVersionThatStays", kRetrain + "--config s.json --deploy fixed", 2,
                "serves version 3 whatever is promoted"},
        EndCase{"OfAPipelineFile", kRetrain + "--config s.json --deploy triage", 2,
                "is no model of a registry"},
        EndCase{"OfADeploymentAndAName", kRetrain + "--config s.json --deploy weekly --name x", 2,
                "--name: the deployment says it"},
        EndCase{"OfADeploymentWithoutName", kRetrain + "--deploy", 2, "--deploy: needs a value"},
        EndCase{"WithAConfigForNothing", kRetrain + "--config s.json --name x", 2,
                "--config: only --deploy"},
        EndCase{"OfNothing", "forkcast retrain --snapshots folder", 2,
                "--name or --deploy is missing"},
        EndCase{"WithItsHelp", "forkcast retrain --deploy x --help", 0, "usage: forkcast retrain"},
        EndCase{"OfTheProgramThatTrains", "forkcast-train retrain --deploy x --snapshots folder", 2,
                "--deploy: only forkcast itself"}),
    [](const auto& param) { return param.param.name; });

// What the user wrote: 2.
INSTANTIATE_TEST_SUITE_P(
    WrongUsage, Ends,
    testing::Values(
        EndCase{"NoSuchCommand", "forkcast evalute", 2, "did you mean \"evaluate\"?"},
        EndCase{"NoSuchCommandOfTheClient", "forkcast-client reply", 2, "did you mean \"replay\"?"},
        EndCase{"IngestFlag", kIngest + "--pipline x", 2, "did you mean --pipeline?"},
        EndCase{"EvaluateFlag", kEvaluate + "--pipline x", 2, "did you mean --pipeline?"},
        EndCase{"TrainFlag", kTrain + "--pipline x", 2, "did you mean --pipeline?"},
        EndCase{"ServeFlag", kServe + "--pipline x", 2, "did you mean --pipeline?"},
        EndCase{"PredictFlag", "forkcast predict --deply x", 2, "did you mean --deploy?"},
        EndCase{"DeployFlag", "forkcast deploy x --chalenger 2", 2, "did you mean --challenger?"},
        EndCase{"DeployOfAShareThatIsNone", "forkcast deploy x --control c --share 110%", 2,
                "a share such as 10% or 0.1"},
        EndCase{"DeployOfNothing", "forkcast deploy x --control c", 2, "expected one of"},
        EndCase{"DeployOfTwoThings", "forkcast deploy x --control c --stop --promote", 2,
                "--promote and --stop exclude each other"},
        EndCase{"ModelsFlag", "forkcast models list --model x", 2, "did you mean --models?"},
        EndCase{"ModelsVerb", "forkcast models promte", 2, "did you mean \"promote\"?"},
        EndCase{"StatusFlag", "forkcast status --contrl x", 2, "did you mean --control?"},
        EndCase{"ReplayFlag", "forkcast-client replay --order x", 2, "did you mean --orders?"},
        EndCase{"IngestPipelineAbsent", kIngest + "--pipeline absent", 2, "absent: cannot be read"},
        EndCase{"IngestPipelineIsAFolder", kIngest + "--pipeline folder", 2, "Is a directory"},
        EndCase{"IngestPipelineIsNoJson", kIngest + "--pipeline bad.json", 2, "not JSON"},
        EndCase{"EvaluatePipelineAbsent", kEvaluate + "--pipeline absent", 2, "cannot be read"},
        EndCase{"EvaluatePipelineIsNoJson", kEvaluate + "--pipeline bad.json", 2, "not JSON"},
        EndCase{"TrainPipelineAbsent", kTrain + "--pipeline absent", 2, "cannot be read"},
        EndCase{"TrainPipelineIsNoJson", kTrain + "--pipeline bad.json", 2, "not JSON"},
        EndCase{"ServeConfigAbsent", kServe + "--config absent", 2, "cannot be read"},
        EndCase{"ServeConfigIsNoJson", kServe + "--config bad.json", 2, "not JSON"},
        EndCase{"PageAndJsonBothPrinted", kEvaluate + kWeekly + "--report - --json", 2,
                "standard output has the page"},
        EndCase{"ForecastsAndJsonBothPrinted",
                "forkcast predict --deploy x --store sqlite:o.db --out - --json", 2,
                "standard output has the forecasts"},
        EndCase{"UnknownVariable", kServe, 2,
                "unknown environment variable FORKCAST_WORKERZ; did you mean FORKCAST_WORKERS?",
                "FORKCAST_WORKERZ=1"},
        EndCase{"UnknownVariableOfATrainingCommand", kEvaluate + kWeekly, 2,
                "did you mean FORKCAST_STORE?", "FORKCAST_STOER=x"},
        EndCase{"UnknownVariableOfTheClient", "forkcast-client replay --orders x", 2,
                "did you mean FORKCAST_URL?", "FORKCAST_URI=x"},
        EndCase{"BadValueOfAVariable", kServe, 2, "from FORKCAST_WORKERS",
                "FORKCAST_WORKERS=many"}),
    [](const auto& param) { return param.param.name; });

// What the command works on: 3.
INSTANTIATE_TEST_SUITE_P(
    Unfit, Ends,
    testing::Values(
        EndCase{"EvaluateWithoutSnapshots", kEvaluate + kWeekly, 3, "run forkcast ingest"},
        EndCase{"TrainWithoutSnapshots", kTrain + kWeekly, 3, "run forkcast ingest"},
        EndCase{"TrainWithAVariableOfTraining", kTrain + kWeekly, 3, "run forkcast ingest",
                "FORKCAST_MLFLOW=http://127.0.0.1:1"},
        EndCase{"ServeWithAVariableOfTraining", kServe + "--pipeline absent", 3, "cannot be read",
                "FORKCAST_MLFLOW=http://127.0.0.1:1"},
        EndCase{"ServeWithoutSnapshots", kServe + "--pipeline conf/pipelines/order_triage.json", 3,
                "run forkcast ingest"},
        EndCase{"ServePipelineAbsent", kServe + "--pipeline absent", 3, "cannot be read"},
        EndCase{"ServePipelineIsNoJson", kServe + "--pipeline bad.json", 3, "not JSON"},
        EndCase{"ShowWithoutModel", "forkcast models show x", 3, "no model \"x\""},
        EndCase{"PredictWithoutModel", "forkcast predict --deploy x --store sqlite:o.db", 3,
                "no model \"x\""},
        EndCase{"ReplayWithoutServer",
                "forkcast-client replay --orders data/order_triage/orders.csv --wait 0 "
                "--url unix:absent",
                3, "did not answer 200"}),
    [](const auto& param) { return param.param.name; });

// What the system does not give: 5.
INSTANTIATE_TEST_SUITE_P(
    Io, Ends,
    testing::Values(
        EndCase{"IngestWithoutFiles",
                "forkcast ingest --store sqlite:o.db --from absent "
                "--pipeline conf/pipelines/order_triage.json",
                5, "absent"},
        EndCase{"StoreIsAFolder",
                "forkcast ingest --store sqlite:folder --from data/order_triage "
                "--pipeline conf/pipelines/order_triage.json",
                5, "is a folder, not a store"},
        EndCase{"ReportCannotBeWritten", kEvaluate + kWeekly + "--report absent/page.html", 5,
                "absent/page.html: No such file or directory"},
        EndCase{"ReportOfADryRunCannotBeWritten", kTrain + kWeekly + "--dry-run --report folder", 5,
                "folder: Is a directory"},
        EndCase{"StatusWithoutServer", "forkcast status --control absent", 5, "no server answers"},
        EndCase{"DeployWithoutServer", "forkcast deploy x --control absent --stop", 5,
                "no server answers"},
        EndCase{"ReplayWithoutOrders", "forkcast-client replay --orders absent --wait 0", 5,
                "absent: cannot be opened"},
        EndCase{"ReplayCannotWriteAnswers",
                "forkcast-client replay --orders data/order_triage/orders.csv --out absent/x", 5,
                "absent/x: No such file or directory"},
        EndCase{"OutputFull", "forkcast serve --print-config >/dev/full", 5,
                "standard output: No space left on device"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast
