#include "serving/capture/capture_line.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "data_preprocessing/document/json.hpp"
#include "support/hook_testing.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;

std::string Line(SampleInvocation& sample) {
  const std::vector<std::byte> bytes = Encoded(kTarget, sample.view());
  const Result<CaptureMessage> message = DecodeCapture(bytes);
  std::string line;
  AppendCaptureLine(*message, "11111111-2222-4333-8444-555555555555", line);
  return line;
}

TEST(CaptureLine, HasTheMembersOfSageMakersDataCapture) {
  SampleInvocation sample;
  sample.invocation.request.inference_id = "inference-7";
  sample.invocation.request.custom_attributes = "trace=a,b";
  sample.invocation.answer.content_type = "application/json; charset=utf-8";
  sample.rows = {0, 2};
  sample.values = {std::int64_t{7}, std::string_view("OK"), preprocessing::Value(),
                   std::numeric_limits<double>::quiet_NaN()};
  const std::string line = Line(sample);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(json::parse(line), json::parse(R"({
      "captureData": {
        "endpointInput": {"observedContentType": "application/json", "mode": "INPUT",
                          "data": "{\"order_id\":\"00123\"}", "encoding": "JSON"},
        "endpointOutput": {"observedContentType": "application/json; charset=utf-8",
                           "mode": "OUTPUT",
                           "data": "{\"order_id\":\"00123\",\"recommendation\":\"Deliver\"}",
                           "encoding": "JSON"}},
      "eventMetadata": {"eventId": "11111111-2222-4333-8444-555555555555",
                        "inferenceId": "inference-7", "customAttributes": ["trace=a,b"],
                        "inferenceTime": "2024-01-31T23:59:59Z"},
      "eventVersion": "0",
      "forkcast": {"requestId": "request-1", "pipeline": "order_triage", "modelVersion": "v1",
                   "status": 200, "latencyUs": 1234,
                   "rows": [{"row": 0, "features": {"inventory": 7, "payment": "OK"}},
                            {"row": 2, "features": {"inventory": null, "payment": null}}]}})"));
}

TEST(CaptureLine, HasTheTraceThatTheCallerIsIn) {
  SampleInvocation sample;
  sample.invocation.request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  EXPECT_EQ(json::parse(Line(sample)).at("forkcast").at("traceparent"),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

TEST(CaptureLine, LeavesOutWhatTheCallerDidNotSend) {
  SampleInvocation sample;
  sample.rows.clear();
  sample.values.clear();
  const json line = json::parse(Line(sample));
  EXPECT_EQ(line.at("eventMetadata"), json({{"eventId", "11111111-2222-4333-8444-555555555555"},
                                            {"inferenceTime", "2024-01-31T23:59:59Z"}}));
  EXPECT_EQ(line.at("forkcast").at("rows"), json::array());
  EXPECT_FALSE(line.at("forkcast").contains("traceparent"));
}

struct BodyCase {
  const char* name;
  std::string_view content_type;
  std::string_view body;
  const char* observed;
  const char* encoding;
  const char* data;
};

class CapturedBody : public testing::TestWithParam<BodyCase> {};

TEST_P(CapturedBody, IsEncodedByItsContentType) {
  SampleInvocation sample;
  sample.invocation.request.content_type = GetParam().content_type;
  sample.invocation.request.body = GetParam().body;
  sample.invocation.answer.content_type = GetParam().content_type;
  sample.invocation.answer.body = GetParam().body;
  json expected{{"observedContentType", GetParam().observed},
                {"mode", "INPUT"},
                {"data", GetParam().data},
                {"encoding", GetParam().encoding}};
  const json line = json::parse(Line(sample));
  EXPECT_EQ(line.at("captureData").at("endpointInput"), expected);
  expected["mode"] = "OUTPUT";
  EXPECT_EQ(line.at("captureData").at("endpointOutput"), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CapturedBody,
    testing::Values(
        BodyCase{"Json", "application/json", "{\"a\":\"\xC3\xA9\n\"}", "application/json", "JSON",
                 "{\"a\":\"\xC3\xA9\n\"}"},
        BodyCase{"JsonWithCharset", "Application/JSON; charset=UTF-8", "1",
                 "Application/JSON; charset=UTF-8", "JSON", "1"},
        BodyCase{"WithoutContentType", "", "[]", "application/json", "JSON", "[]"},
        BodyCase{"JsonLines", "application/jsonlines", "1\n2\n", "application/jsonlines", "JSON",
                 "1\n2\n"},
        BodyCase{"Csv", "text/csv", "a,b\r\n1,\"x\"\r\n", "text/csv", "CSV", "a,b\r\n1,\"x\"\r\n"},
        BodyCase{"OtherType", "application/octet-stream", "any", "application/octet-stream",
                 "BASE64", "YW55"},
        BodyCase{"OtherCharset", "text/csv; charset=latin1", "a", "text/csv; charset=latin1",
                 "BASE64", "YQ=="},
        BodyCase{"CsvThatIsNotUtf8", "text/csv", "\xFF\xFE", "text/csv", "BASE64", "//4="},
        BodyCase{"JsonWithSurrogate", "application/json", "\xED\xA0\x80", "application/json",
                 "BASE64", "7aCA"},
        BodyCase{"EmptyOfOtherType", "image/png", "", "image/png", "BASE64", ""}),
    [](const auto& param) { return std::string(param.param.name); });

// RFC 4648, section 10.
TEST(Base64, EncodesTheTestVectorsOfItsStandard) {
  for (const auto& [bytes, expected] :
       std::initializer_list<std::pair<const char*, const char*>>{{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}}) {
    std::string encoded;
    AppendBase64(bytes, encoded);
    EXPECT_EQ(encoded, expected);
  }
}

}  // namespace
}  // namespace forkcast::serving
