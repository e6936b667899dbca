#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/folder_store.hpp"
#include "model/artefact/registry.hpp"
#include "model/artefact/s3_store.hpp"
#include "support/fault_proxy.hpp"
#include "support/s3_server.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;
using process_test::Fault;
using process_test::FaultProxy;
using process_test::S3Server;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Kind = Fault::Kind;

constexpr Instant kNow{std::chrono::seconds(1'700'000'000)};
constexpr const char* kUrl = "s3://forecasts/models";

/// A registry in a real S3 server, behind a proxy that does what a network may.
class S3FaultsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!S3Server::IsInstalled()) GTEST_SKIP() << "versitygw cannot be had: no Go or no network";
    server_ = std::make_unique<S3Server>();
    proxy_ = std::make_unique<FaultProxy>(server_->port());
  }

  [[nodiscard]] Result<S3StoreSettings> Settings(const std::string& cache) const {
    auto settings = ReadS3StoreSettings(
        kUrl, process_test::EnvironmentOf(server_->Variables(proxy_->port(), cache)));
    if (settings) {
      settings->limits.first_pause = std::chrono::milliseconds(1);
      settings->limits.stall = std::chrono::seconds(1);
    }
    return settings;
  }
  [[nodiscard]] S3Store Store(const std::string& cache = "cache") const {
    return S3Store(kUrl, Settings(cache), clock_);
  }

  [[nodiscard]] Result<std::uint64_t> Publish(const std::string& bytes,
                                              const std::string& alias = {}) const {
    const nlohmann::ordered_json manifest{{"seed", 7}};
    const std::vector<ArtefactFile> files{{"model/1.ubj", bytes}};
    const std::optional<ExpectedAlias> any;
    return Store().Publish(
        "demand",
        {.manifest = manifest, .files = files, .now = kNow, .alias = alias, .expected = any});
  }

  SystemClock clock_;
  std::unique_ptr<S3Server> server_;
  std::unique_ptr<FaultProxy> proxy_;
};

struct PassingFault {
  std::string name;
  std::string request;  ///< Part of the head of what meets the fault.
  Fault fault;
};

class PassingS3Fault : public S3FaultsTest, public testing::WithParamInterface<PassingFault> {};

TEST_P(PassingS3Fault, CostsAnotherAttemptAndNothingElse) {
  proxy_->SetFirst(2, GetParam().request, GetParam().fault);
  const auto number = Publish("trees", "champion");
  ASSERT_TRUE(number) << number.error().message;
  EXPECT_EQ(*number, 1U);
  proxy_->SetFirst(2, GetParam().request, GetParam().fault);
  const auto found = Store().Find("demand", "champion");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(ReadWhole(found->folder / "model/1.ubj"), "trees");
  const auto versions = Store().Versions("demand");
  ASSERT_EQ(versions->size(), 1U);
  EXPECT_THAT(versions->front().aliases, ElementsAre("champion"));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PassingS3Fault,
    testing::Values(
        PassingFault{"SlowDown", "GET ", {.kind = Kind::kAnswer, .answer = "503 Slow Down"}},
        PassingFault{"AnErrorOfTheServer", "PUT ", {.kind = Kind::kAnswer, .answer = "500 Error"}},
        PassingFault{"HalfAFile", "1.ubj", {.kind = Kind::kCut}},
        PassingFault{
            "AFileThatStalls", "GET /forecasts/models/demand/1/model", {.kind = Kind::kStall}},
        PassingFault{"AListThatIsCut", "list-type", {.kind = Kind::kCut}},
        PassingFault{
            "AnAnswerThatIsLostWhenANumberIsTaken", "published.json", {.kind = Kind::kNoAnswer}},
        PassingFault{
            "AnAnswerThatIsLostWhenAManifestIsPut", "manifest.json", {.kind = Kind::kNoAnswer}},
        PassingFault{"AnAnswerThatIsLostWhenAnAliasMoves",
                     "PUT /forecasts/models/demand/champion",
                     {.kind = Kind::kNoAnswer}}),
    [](const auto& param) { return param.param.name; });

struct LastingFault {
  std::string name;
  std::string request;
  Fault fault;
  std::string message;
};

class LastingS3Fault : public S3FaultsTest, public testing::WithParamInterface<LastingFault> {};

TEST_P(LastingS3Fault, IsToldAndLeavesNothingOfAVersionBehind) {
  ASSERT_TRUE(Publish("trees", "champion"));
  proxy_->SetFirst(1'000, GetParam().request, GetParam().fault);
  const S3Store store = Store();
  const auto found = store.Find("demand", "1");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr(GetParam().message));
  EXPECT_FALSE(fs::exists(store.folder() / "demand/1"));
  proxy_->Set({});
  EXPECT_TRUE(store.Find("demand", "1"));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LastingS3Fault,
    testing::Values(
        LastingFault{"HalfAFile", "1.ubj", {.kind = Kind::kCut}, "does not answer"},
        LastingFault{"AFileThatStalls", "1.ubj", {.kind = Kind::kStall}, "does not answer"},
        LastingFault{
            "AFileWithAnotherByte", "1.ubj", {.kind = Kind::kSpoil}, "not what was published"},
        LastingFault{
            "AManifestThatIsNone", "manifest.json", {.kind = Kind::kSpoil}, "manifest.json"},
        LastingFault{"AFileThatIsMissing",
                     "1.ubj",
                     {.kind = Kind::kAnswer, .answer = "404 Not Found"},
                     "s3://forecasts/models/demand/1/model/1.ubj: not there"},
        LastingFault{"AnErrorOfTheServer",
                     "list-type",
                     {.kind = Kind::kAnswer, .answer = "500 Error"},
                     "answers 500"},
        LastingFault{"AServerThatIsNotS3",
                     "list-type",
                     {.kind = Kind::kAnswer, .answer = "200 OK"},
                     "is it S3?"},
        LastingFault{"ARedirection",
                     "list-type",
                     {.kind = Kind::kAnswer, .answer = "301 Moved"},
                     "answers 301"}),
    [](const auto& param) { return param.param.name; });

TEST_F(S3FaultsTest, AVersionWhosePublisherDiesIsSeenByNobodyAndItsNumberIsNotGivenAgain) {
  ASSERT_TRUE(Publish("first", "champion"));
  proxy_->Set([](std::string_view head) {
    const bool is_lost = head.starts_with("PUT") && head.find("manifest.json") != head.npos;
    const bool is_late = head.starts_with("DELETE");  // nor is what was put removed
    return is_lost || is_late ? Fault{.kind = Kind::kAnswer, .answer = "503 Gone"} : Fault{};
  });
  EXPECT_FALSE(Publish("second", "champion"));
  proxy_->Set({});
  const auto versions = Store().Versions("demand");
  ASSERT_EQ(versions->size(), 1U);
  EXPECT_EQ(Store().Find("demand", "champion")->number, 1U);
  EXPECT_EQ(*Publish("third"), 3U);
}

TEST_F(S3FaultsTest, WhatWasFetchedGoesOnWhenS3IsAway) {
  ASSERT_TRUE(Publish("trees", "champion"));
  const S3Store store = Store();
  ASSERT_TRUE(store.Refresh("demand", "champion", Effort::kEverything));
  server_->Kill();
  const Status refreshed = store.Refresh("demand", "champion", Effort::kWhatChanged);
  ASSERT_FALSE(refreshed);
  EXPECT_EQ(refreshed.error().code, ErrorCode::kIo);
  const auto here = FolderStore(store.folder()).Find("demand", "champion");
  ASSERT_TRUE(here) << here.error().message;
  EXPECT_TRUE(Registry::Check(*here));
  server_->Start();
  EXPECT_TRUE(store.Refresh("demand", "champion", Effort::kWhatChanged));
}

TEST_F(S3FaultsTest, AFetchedFileThatWasChangedIsFetchedAnew) {
  ASSERT_TRUE(Publish("trees", "champion"));
  const S3Store store = Store();
  const auto found = store.Find("demand", "champion");
  ASSERT_TRUE(found) << found.error().message;
  std::ofstream(found->folder / "model/1.ubj") << "other";
  ASSERT_TRUE(store.Refresh("demand", "champion", Effort::kEverything));
  EXPECT_EQ(ReadWhole(found->folder / "model/1.ubj"), "trees");
}

TEST_F(S3FaultsTest, AnAliasThatIsAsItWasCostsOneRequestAndIsNotWrittenAgain) {
  ASSERT_TRUE(Publish("trees", "champion"));
  const S3Store store = Store();
  ASSERT_TRUE(store.Refresh("demand", "champion", Effort::kEverything));
  const auto before = fs::last_write_time(store.folder() / "demand/champion");
  const std::size_t asked = proxy_->requests().size();
  ASSERT_TRUE(store.Refresh("demand", "champion", Effort::kWhatChanged));
  EXPECT_EQ(proxy_->requests().size(), asked + 1);
  EXPECT_EQ(fs::last_write_time(store.folder() / "demand/champion"), before);
}

struct WrongKeys {
  std::string name;
  std::string variable;
  std::string value;
  std::string message;
};

class WrongS3Keys : public S3FaultsTest, public testing::WithParamInterface<WrongKeys> {};

TEST_P(WrongS3Keys, AreToldByTheVariableAndNeverShown) {
  std::vector<std::string> variables = server_->Variables(server_->port());
  for (std::string& variable : variables) {
    if (variable.starts_with(GetParam().variable + "=")) {
      variable = GetParam().variable + "=" + GetParam().value;
    }
  }
  const Registry registry(kUrl, process_test::EnvironmentOf(variables));
  const auto found = registry.Find("demand", "champion");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr(GetParam().message));
  for (const std::string& variable : variables) {
    if (variable.find("KEY") == variable.npos) continue;
    const std::string value = variable.substr(variable.find('=') + 1);
    if (!value.empty()) EXPECT_THAT(found.error().message, Not(HasSubstr(value)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongS3Keys,
    testing::Values(WrongKeys{"ASecretOfAnother", "AWS_SECRET_ACCESS_KEY", "wrong-secret-of-tests",
                              "see AWS_SECRET_ACCESS_KEY"},
                    WrongKeys{"AKeyThatIsNot", "AWS_ACCESS_KEY_ID", "nobody-of-the-tests",
                              "see AWS_ACCESS_KEY_ID"},
                    WrongKeys{"NoSecret", "AWS_SECRET_ACCESS_KEY", "", "set AWS_ACCESS_KEY_ID"}),
    [](const auto& param) { return param.param.name; });

struct BadUrl {
  std::string name;
  std::string url;
};

class BadS3Url : public testing::TestWithParam<BadUrl> {};

TEST_P(BadS3Url, IsRefusedBeforeAnybodyIsAsked) {
  const auto settings =
      ReadS3StoreSettings(GetParam().url, process_test::EnvironmentOf({"HOME=/nowhere"}));
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().message, HasSubstr("expected s3://BUCKET or s3://BUCKET/PREFIX"));
}

INSTANTIATE_TEST_SUITE_P(Cases, BadS3Url,
                         testing::Values(BadUrl{"NoBucket", "s3://"},
                                         BadUrl{"AShortBucket", "s3://ab/x"},
                                         BadUrl{"AFolderAbove", "s3://bucket/../x"},
                                         BadUrl{"AQuery", "s3://bucket/a?b"},
                                         BadUrl{"AnEmptyFolder", "s3://bucket/a//b"}),
                         [](const auto& param) { return param.param.name; });

TEST_F(S3FaultsTest, BotoReadsWhatWasPublished) {
  if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "no python3";
  ASSERT_TRUE(Publish("trees & leaves", "champion"));
  const preprocessing::TempFolder folder;
  const std::vector<std::string> variables = server_->Variables(server_->port());
  std::vector<std::string> command{"/usr/bin/env"};
  command.insert(command.end(), variables.begin(), variables.end());
  command.insert(command.end(),
                 {"/usr/bin/python3", "-B", FORKCAST_SOURCE_DIR "/tests/support/read_with_boto3.py",
                  S3Server::kBucket, "models/demand/"});
  process_test::Program boto(folder.path() / "boto", command);
  constexpr std::chrono::minutes kPatience{5};  // Python reads all of boto3 first
  EXPECT_EQ(boto.Wait(kPatience), 0) << boto.err();
  const std::string out = boto.out();
  EXPECT_THAT(out, HasSubstr("models/demand/1/model/1.ubj trees & leaves\n"));
  EXPECT_THAT(out, HasSubstr("models/demand/champion 1\n"));
}

}  // namespace
}  // namespace forkcast::model
