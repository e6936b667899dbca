#include "serving/config/deployment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "serving/config/settings_parser.hpp"
#include "support/spec_error.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct TextCase {
  std::string name;
  std::string text;
  std::string deployment;  ///< "NAME of MODEL"; empty: refused.
};

void PrintTo(const TextCase& one, std::ostream* out) { *out << one.name; }

class DeploymentText : public testing::TestWithParam<TextCase> {};

TEST_P(DeploymentText, NamesAModelAndWhatItIsServedAs) {
  const auto parsed = ParseDeployment(GetParam().text);
  if (GetParam().deployment.empty()) {
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(parsed.error().message,
              "expected [NAME=]MODEL[@ALIAS|NUMBER], where MODEL may be mlflow:MODEL");
    return;
  }
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->name + " of " + parsed->model, GetParam().deployment);
  EXPECT_EQ(parsed->cold_start, "") << "not declared";
}

INSTANTIATE_TEST_SUITE_P(
    Cases, DeploymentText,
    testing::Values(TextCase{"ChampionWithoutAlias", "demand", "demand of demand@champion"},
                    TextCase{"Alias", "demand@next", "demand of demand@next"},
                    TextCase{"Number", "demand@12", "demand of demand@12"},
                    TextCase{"NameOfItsOwn", "weekly=demand@2", "weekly of demand@2"},
                    TextCase{"Nothing", "", ""}, TextCase{"NoModel", "weekly=", ""},
                    TextCase{"NoName", "=demand", ""}, TextCase{"NoAlias", "demand@", ""},
                    TextCase{"TwoAliases", "demand@a@b", ""},
                    TextCase{"FolderAbove", "../demand", ""},
                    TextCase{"NameThatIsNoPartOfAPath", "a/b=demand", ""}),
    [](const auto& param) { return param.param.name; });

struct DocumentCase {
  std::string name;
  std::string json;
  std::string message;  ///< What is wrong with it.
};

void PrintTo(const DocumentCase& one, std::ostream* out) { *out << one.name; }

class BadDeployment : public testing::TestWithParam<DocumentCase> {};

TEST_P(BadDeployment, IsRefusedNamingThePlaceInTheFile) {
  const Parser parser(R"({"deployments": )" + GetParam().json + "}");
  const auto parsed = parser.ParseBare({"--store", "sqlite:s"});
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(parser.Generic(parsed.error().message), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadDeployment,
    testing::Values(
        DocumentCase{"NoList", "{}", "FILE: $.deployments: expected an array"},
        DocumentCase{"UnknownMember", R"([{"model": "a"}, {"model": "b", "alias": "c"}])",
                     "FILE: $.deployments[1].alias: unknown key"},
        DocumentCase{"NothingToServe", R"([{"name": "a"}])",
                     R"(FILE: $.deployments[0]: expected either "model" or "pipeline")"},
        DocumentCase{"TwoToServe", R"([{"model": "a", "pipeline": "b"}])",
                     R"(FILE: $.deployments[0]: expected either "model" or "pipeline")"},
        DocumentCase{"ModelThatIsNone", R"([{"model": "a@"}])",
                     "FILE: $.deployments[0].model: expected MODEL[@ALIAS|NUMBER]"},
        DocumentCase{"AModelElsewhereWithoutFeatures", R"([{"model": "oip://a:1/m"}])",
                     R"(FILE: $.deployments[0]: expected "pipeline" beside a model that runs)"},
        DocumentCase{"AModelElsewhereThatIsNone",
                     R"([{"model": "oip://a/m", "pipeline": "p.json"}])",
                     "FILE: $.deployments[0].model: expected oip://HOST:PORT"},
        DocumentCase{"OptionsOfAModelThatIsHere", R"([{"model": "a", "remote": {}}])",
                     "FILE: $.deployments[0].remote: expected none"},
        DocumentCase{"NameThatIsNone", R"([{"name": "a b", "model": "a"}])",
                     "FILE: $.deployments[0].name: expected 1 to 128 letters"},
        DocumentCase{"NameTwice",
                     R"([{"model": "a"}, {"model": "b"}, {"name": "a", "model": "b"}])",
                     R"(FILE: $.deployments[2]: a second deployment "a", beside that of FILE: )"
                     "$.deployments[0]"},
        DocumentCase{"RoutesThatAreNone", R"([{"model": "a", "routes": 1}])",
                     "FILE: $.deployments[0].routes: expected an array of routes"},
        DocumentCase{"RoutesOfNoFile", R"([{"model": "a", "routes": "none.json"}])", "none.json"},
        DocumentCase{"TwoDefaults",
                     R"([{"model": "a", "default": true}, {"model": "b", "default": true}])",
                     R"(FILE: $.deployments[1]: a second default, beside "a" of FILE: )"
                     "$.deployments[0]"}),
    [](const auto& param) { return param.param.name; });

/// Names, or files without one, and origins of what `parsed` serves.
std::vector<std::string> Served(const Parser& parser, const Result<ParsedSettings>& parsed) {
  if (!parsed) return {parsed.error().message};
  std::vector<std::string> served;
  for (const Deployment& deployment : parsed->config.deployments) {
    const std::string name =
        deployment.name.empty() ? deployment.pipeline.string() : deployment.name;
    served.push_back(name + (deployment.is_default ? " by default, " : ", ") +
                     parser.Generic(deployment.origin));
  }
  return served;
}

TEST(Deployments, AreThoseOfFileFlagAndPipelineWhichIsTheDefault) {
  const Parser parser(R"({"deployments": [{"model": "a"}, {"pipeline": "conf/b.json"}]})");
  EXPECT_THAT(Served(parser, parser.Parse({"--deploy", "c", "--deploy", "d=c@1"})),
              ElementsAre("p.json by default, --pipeline", "a, FILE: $.deployments[0]",
                          "conf/b.json, FILE: $.deployments[1]", "c, --deploy", "d, --deploy"));
}

TEST(Deployments, BeginWithTheOneThatIsDeclaredTheDefault) {
  const Parser parser(R"({"deployments": [{"model": "a"}, {"model": "b", "default": true}]})");
  EXPECT_THAT(Served(parser, parser.Parse({})),
              ElementsAre("b by default, FILE: $.deployments[1]", "a, FILE: $.deployments[0]",
                          "p.json, --pipeline"));
}

TEST(Deployments, HaveTheFirstAsDefaultWhereNoneIsDeclared) {
  const Parser parser;
  EXPECT_THAT(
      Served(parser, parser.ParseBare({"--store", "sqlite:s"}, {{"FORKCAST_DEPLOY", "a,b@2"}})),
      ElementsAre("a by default, FORKCAST_DEPLOY", "b, FORKCAST_DEPLOY"));
}

TEST(Deployments, AreRefusedWhenFlagAndFileGiveOneName) {
  const Parser parser(R"({"deployments": [{"model": "a"}]})");
  EXPECT_THAT(Served(parser, parser.Parse({"--deploy", "a@2"})),
              ElementsAre(HasSubstr(R"(--deploy: a second deployment "a", beside that of )")));
}

TEST(Deployments, ReadTheServersSnapshotsUnlessTheyHaveTheirOwn) {
  const Parser parser(
      R"({"deployments": [{"model": "a"}, {"model": "b", "snapshots": "elsewhere"}]})");
  const auto parsed = parser.ParseBare({"--store", "sqlite:s"});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->config.deployments[0].snapshots, "s.snapshots");
  EXPECT_EQ(parsed->config.deployments[1].snapshots, "elsewhere");
  const auto no_store = parser.ParseBare({});
  ASSERT_FALSE(no_store.ok());
  EXPECT_THAT(no_store.error().message, HasSubstr("store: missing"));
}

TEST(Deployments, DeclareRoutesInTheirOwnWordsOrInAFile) {
  preprocessing::TempFolder folder;
  const std::string file = folder.Write("routes.json", R"([{"path": "/b"}])").string();
  const Parser parser(R"({"deployments": [{"model": "a", "routes": [{"path": "/a"}]},
                                          {"model": "b", "routes": ")" +
                      file + R"("}]})");
  const auto parsed = parser.ParseBare({"--store", "sqlite:s"});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->config.deployments[0].routes.json, R"([{"path":"/a"}])");
  EXPECT_EQ(parser.Generic(parsed->config.deployments[0].routes.path),
            "FILE: $.deployments[0].routes");
  EXPECT_EQ(parsed->config.deployments[1].routes.json, R"([{"path":"/b"}])");
  EXPECT_EQ(parsed->config.deployments[1].routes.path, file + ": $");
}

TEST(Deployments, MayAllHaveSnapshotsOfTheirOwn) {
  const Parser parser(R"({"deployments": [{"model": "a", "snapshots": "elsewhere"}]})");
  EXPECT_TRUE(parser.ParseBare({}).ok());
}

/// What a platform puts into its folder, and what the image says in its environment.
struct PlatformCase {
  std::string name;
  bool has_model = false;
  Words flags;
  Variables variables;
  std::string file;
  std::vector<std::string> served;  ///< "FOLDER" is the platform's.
};
void PrintTo(const PlatformCase& one, std::ostream* out) { *out << one.name; }

class Platform : public testing::TestWithParam<PlatformCase> {};

TEST_P(Platform, IsServedUnlessSomebodySaysWhat) {
  const PlatformCase& one = GetParam();
  const preprocessing::TempFolder base;
  std::filesystem::create_directory(base.path() / "model");
  if (one.has_model) base.Write("model/manifest.json", "{}");
  Variables variables = one.variables;
  variables["SAGEMAKER_BASE_DIR"] = base.path();
  variables["FORKCAST_STORE"] = "sqlite:s";
  const Parser parser(one.file);
  const auto parsed = parser.ParseBare(one.flags, variables);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  std::vector<std::string> served;
  for (const Deployment& deployment : parsed->config.deployments) {
    const bool is_folder = deployment.place == base.path() / "model";
    served.push_back(is_folder ? "FOLDER"
                               : deployment.place.string() + deployment.name +
                                     deployment.pipeline.string());
  }
  EXPECT_EQ(served, one.served);
}

const Variables kImage{{"FORKCAST_PIPELINE", "image.json"}};

INSTANTIATE_TEST_SUITE_P(
    Cases, Platform,
    testing::Values(
        PlatformCase{"ModelBeforeThePipelineOfTheImage", true, {}, kImage, "", {"FOLDER"}},
        PlatformCase{"ModelWithoutAnything", true, {}, {}, "", {"FOLDER"}},
        PlatformCase{"NoModel", false, {}, kImage, "", {"image.json"}},
        PlatformCase{
            "FlagBeforeModel", true, {"--pipeline", "flag.json"}, kImage, "", {"flag.json"}},
        PlatformCase{"FileBeforeModel",
                     true,
                     {},
                     kImage,
                     R"({"deployments": [{"model": "a"}]})",
                     {"image.json", "a"}},
        PlatformCase{"ModelsOfTheRegistryBeforeModel",
                     true,
                     {"--deploy", "a"},
                     kImage,
                     "",
                     {"image.json", "a"}},
        PlatformCase{"FolderOfAFlag", true, {"--model-dir", "other"}, kImage, "", {"other"}},
        PlatformCase{"ManyModelsAreNoneToBeginWith",
                     true,
                     {},
                     {{"FORKCAST_PIPELINE", "image.json"}, {"SAGEMAKER_MULTI_MODEL", "true"}},
                     "",
                     {}},
        PlatformCase{"ManyModelsBesideThePipelineOfAFlag",
                     false,
                     {"--pipeline", "flag.json"},
                     {{"SAGEMAKER_MULTI_MODEL", "true"}},
                     "",
                     {"flag.json"}},
        PlatformCase{"ManyModelsOfOursLeaveThePipeline",
                     false,
                     {"--multi-model", "true"},
                     kImage,
                     "",
                     {"image.json"}}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::serving
