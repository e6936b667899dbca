#include "serving/config/remote_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::HasSubstr;

struct UrlCase {
  const char* name;
  const char* url;
  std::vector<std::string> addresses;
  const char* model;
  const char* version = "";
};

class RemoteUrl : public testing::TestWithParam<UrlCase> {};

TEST_P(RemoteUrl, NamesAddressesModelAndVersion) {
  const auto spec = ParseRemoteModel(GetParam().url);
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  std::vector<std::string> addresses;
  for (const RemoteAddress& one : spec->addresses) addresses.push_back(ToString(one));
  EXPECT_EQ(addresses, GetParam().addresses);
  EXPECT_EQ(spec->model, GetParam().model);
  EXPECT_EQ(spec->version, GetParam().version);
  EXPECT_EQ(spec->outputs, (std::vector<RemoteOutput>{{.name = "value"}}));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RemoteUrl,
    testing::Values(UrlCase{"One", "oip://127.0.0.1:8000/demand", {"127.0.0.1:8000"}, "demand"},
                    UrlCase{"Several",
                            "oip://triton-1:8000,[::1]:81/demand.v2/3",
                            {"triton-1:8000", "[::1]:81"},
                            "demand.v2",
                            "3"}),
    [](const auto& param) { return std::string(param.param.name); });

struct BadUrlCase {
  const char* name;
  const char* url;
  const char* message;
};

class BadRemoteUrl : public testing::TestWithParam<BadUrlCase> {};

TEST_P(BadRemoteUrl, IsRefusedSayingWhatWasExpected) {
  const auto spec = ParseRemoteModel(GetParam().url);
  ASSERT_FALSE(spec.ok());
  EXPECT_THAT(spec.error().message, HasSubstr("expected oip://HOST:PORT[,HOST:PORT...]/MODEL"));
  EXPECT_THAT(spec.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadRemoteUrl,
    testing::Values(BadUrlCase{"AnotherScheme", "http://a:1/m", "begins otherwise"},
                    BadUrlCase{"NoModel", "oip://a:1", "no model"},
                    BadUrlCase{"AnEmptyModel", "oip://a:1/", "MODEL"},
                    BadUrlCase{"NoPort", "oip://localhost/m", "\"localhost\""},
                    BadUrlCase{"PortZero", "oip://localhost:0/m", "localhost:0"},
                    BadUrlCase{"AUnixSocket", "oip://unix:a/m", "unix:a"},
                    BadUrlCase{"NothingBetweenCommas", "oip://a:1,,b:1/m", "\"\""},
                    BadUrlCase{"AnAddressTwice", "oip://a:1,b:1,a:1/m", "a:1 is there twice"},
                    BadUrlCase{"APathAsModel", "oip://a:1/../m", "MODEL"},
                    BadUrlCase{"ALineInTheModel", "oip://a:1/m%0d%0a", "MODEL"},
                    BadUrlCase{"AnEmptyVersion", "oip://a:1/m/", "VERSION"},
                    BadUrlCase{"MoreThanAVersion", "oip://a:1/m/1/2", "VERSION"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(RemoteOptions, AreReadIntoWhatTheUrlSays) {
  const auto json = nlohmann::ordered_json::parse(R"({
    "outputs": {"class": "text", "sure": "number"}, "timeout_ms": 300, "attempts": 3,
    "breaker_failures": 7, "breaker_rest_ms": 50, "max_batch": 128, "max_delay_us": 250,
    "connections": 4, "max_in_flight": 100})");
  RemoteModelSpec spec = *ParseRemoteModel("oip://a:1/m");
  ReadRemoteOptions(JsonNode(json), spec);
  EXPECT_EQ(spec, (RemoteModelSpec{.addresses = {{.host = "a", .port = 1}},
                                   .model = "m",
                                   .outputs = {{.name = "class", .type = RemoteOutput::Type::kText},
                                               {.name = "sure"}},
                                   .timeout = milliseconds(300),
                                   .attempts = 3,
                                   .breaker_failures = 7,
                                   .breaker_rest = milliseconds(50),
                                   .max_batch = 128,
                                   .max_delay = microseconds(250),
                                   .connections = 4,
                                   .max_in_flight = 100}));
}

struct BadOptionCase {
  const char* name;
  const char* json;
  const char* message;
};

class BadRemoteOption : public testing::TestWithParam<BadOptionCase> {};

TEST_P(BadRemoteOption, IsRefusedNamingItsPlace) {
  const auto json = nlohmann::ordered_json::parse(GetParam().json);
  RemoteModelSpec spec;
  try {
    ReadRemoteOptions(JsonNode(json, "$.remote"), spec);
    FAIL() << "nothing was refused";
  } catch (const preprocessing::SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadRemoteOption,
    testing::Values(
        BadOptionCase{"AnUnknownOne", R"({"max_batchs": 1})", "$.remote.max_batchs"},
        BadOptionCase{"NoBatch", R"({"max_batch": 0})", "$.remote.max_batch"},
        BadOptionCase{"NoOutput", R"({"outputs": {}})", "$.remote.outputs: expected at least one"},
        BadOptionCase{"AnOutputOfNoType", R"({"outputs": {"a": "float"}})",
                      "expected \"number\" or \"text\""},
        BadOptionCase{"ADelayThatLeavesNoTime", R"({"timeout_ms": 1, "max_delay_us": 1000})",
                      "max_delay_us below timeout_ms"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
