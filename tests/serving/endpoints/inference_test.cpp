#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/registry.hpp"
#include "model/import/import_model.hpp"
#include "model/import/small_models.hpp"
#include "serving/endpoints/order_service.hpp"
#include "serving/endpoints/sales_service.hpp"
#include "support/http_message.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::string_view kTriage = "/v2/models/order_triage";

std::string Path(std::string_view rest, std::string_view model = kTriage) {
  return std::string(model).append(rest);
}

json Column(std::string_view name, std::string_view type, json data) {
  json tensor{{"name", name}, {"datatype", type}, {"shape", {data.size()}}};
  tensor["data"] = std::move(data);
  return tensor;
}

/// Three orders as tensors.
json Orders() {
  return {{"inputs",
           {Column("order_id", "BYTES", {"paid", "declined", "other"}),
            Column("timestamp", "BYTES",
                   {"2021-07-02 00:00:00", "2021-07-02 00:00:00", "2021-07-04 00:00:00"}),
            Column("sku_code", "BYTES", {"ABC", "ABC", "00123"}),
            Column("zip_code", "BYTES", {"01001", "01001", "99999"})}}};
}

/// The values of each of an answer's outputs, by name.
std::map<std::string, json> Outputs(const Response& response) {
  std::map<std::string, json> outputs;
  const json answer = json::parse(response.body);
  for (const json& output : answer.at("outputs")) {
    outputs[output.at("name")] = output.at("data");
  }
  return outputs;
}

class InferenceTest : public testing::Test {
 protected:
  Response Infer(const json& body, RequestView parts = {}) { return InferBody(body.dump(), parts); }
  Response InferBody(std::string_view body, RequestView parts = {}) {
    static const std::string kInfer = Path("/infer");
    if (parts.path.empty()) parts.path = kInfer;
    return service_.Post(body, parts);
  }
  Response Get(const std::string& path) {
    return Ask(service_.router(), {}, {.method = Method::kGet, .path = path});
  }

  OrderService service_;
};

TEST_F(InferenceTest, AnswersWhatInvocationsAnswers) {
  const Response response = Infer(Orders());
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/json");
  const std::map<std::string, json> outputs = Outputs(response);

  const json orders = Orders();
  json rows = json::array();
  for (std::size_t row = 0; row < 3; ++row) {
    json one;
    for (const json& input : orders["inputs"]) {
      one[input["name"].get<std::string>()] = input["data"][row];
    }
    rows.push_back(std::move(one));
  }
  const json expected = json::parse(service_.Post(rows.dump()).body);
  ASSERT_EQ(expected.size(), 3U);
  for (const auto& [name, values] : outputs) {
    for (std::size_t row = 0; row < 3; ++row) EXPECT_EQ(values[row], expected[row][name]) << name;
  }
  EXPECT_EQ(outputs.size() + expected[0].count("stale"), expected[0].size());
}

TEST_F(InferenceTest, SaysModelVersionAndIdOfTheRequest) {
  json body = Orders();
  body["id"] = "42";
  const json answer = json::parse(Infer(body).body);
  EXPECT_EQ(answer["model_name"], "order_triage");
  EXPECT_EQ(answer["id"], "42");
  EXPECT_FALSE(answer["model_version"].get<std::string>().empty());
  EXPECT_EQ(json::parse(Infer(Orders()).body)["id"], "r");  // X-Request-Id
}

TEST_F(InferenceTest, AnswersTheOutputsThatAreNamedInTheirOrder) {
  json body = Orders();
  body["outputs"] = {{{"name", "recommendation"}}, {{"name", "order_id"}}};
  const json answer = json::parse(Infer(body).body);
  ASSERT_EQ(answer["outputs"].size(), 2U);
  EXPECT_EQ(answer["outputs"][0]["name"], "recommendation");
  EXPECT_EQ(answer["outputs"][1]["name"], "order_id");
  EXPECT_EQ(answer["outputs"][1]["data"], (json{"paid", "declined", "other"}));
}

TEST_F(InferenceTest, TakesAndGivesBinaryData) {
  const auto bytes = [](const json& texts) {
    std::string all;
    for (const json& one : texts) {
      const auto text = one.get<std::string>();
      const auto size = static_cast<std::uint32_t>(text.size());
      all.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
    }
    return all;
  };
  json head = Orders();
  std::string behind;
  for (json& input : head["inputs"]) {
    const std::string data = bytes(input["data"]);
    input.erase("data");
    input["parameters"]["binary_data_size"] = data.size();
    behind += data;
  }
  head["outputs"] = {{{"name", "recommendation"}, {"parameters", {{"binary_data", true}}}}};
  const std::string text = head.dump();
  const std::string size = std::to_string(text.size());
  const Response response = InferBody(text + behind, {.inference_header_length = size});
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/octet-stream");
  const std::size_t json_size =
      std::stoul(std::string(HeaderValue(response, "Inference-Header-Content-Length")));
  const json expected = Outputs(Infer(Orders()))["recommendation"];
  EXPECT_EQ(response.body.substr(json_size), bytes(expected));
  EXPECT_EQ(json::parse(response.body.substr(0, json_size))["outputs"][0]["parameters"],
            (json{{"binary_data_size", bytes(expected).size()}}));
}

TEST_F(InferenceTest, AnswersAsItWouldHaveAtAnotherTime) {
  service_.clock().SetNow(*preprocessing::ParseTimestamp("2021-07-11", {}));
  EXPECT_EQ(Infer(Orders(), {.query = "as_of=2021-07-05"}).status, 200);
  EXPECT_EQ(Infer(Orders(), {.query = "as_of=2021-07-12"}).status, 400);
  EXPECT_EQ(Infer(Orders(), {.query = "as_off=2021-07-05"}).status, 400);
}

struct BadInference {
  const char* name;
  std::string body;
  int status;
  const char* error;
  RequestView parts{};
};
std::ostream& operator<<(std::ostream& out, const BadInference& bad) { return out << bad.name; }

class BadInferenceTest : public InferenceTest, public testing::WithParamInterface<BadInference> {};

TEST_P(BadInferenceTest, IsAnsweredWithOneText) {
  const Response response = InferBody(GetParam().body, GetParam().parts);
  EXPECT_EQ(response.status, GetParam().status);
  const json error = json::parse(response.body);
  ASSERT_EQ(error.size(), 1U) << response.body;
  EXPECT_THAT(error.at("error").get<std::string>(), HasSubstr(GetParam().error));
}

json WithoutZipCodes() {
  json body = Orders();
  body["inputs"].erase(3);
  return body;
}
json WithBadTime() {
  json body = Orders();
  body["inputs"][1]["data"][1] = "so\"on";
  return body;
}
json WithOutput(const char* name) {
  json body = Orders();
  body["outputs"] = {{{"name", name}}};
  return body;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadInferenceTest,
    testing::Values(
        BadInference{"NotJson", "{", 400, "not valid JSON"},
        BadInference{"NoInputs", "{}", 400, "inputs: missing: expected an array of tensors"},
        BadInference{"ARequiredInputIsMissing", WithoutZipCodes().dump(), 400,
                     "zip_code: the required input (BYTES) is missing"},
        BadInference{"ABadRow", WithBadTime().dump(), 400, "timestamp: expected a timestamp ("},
        BadInference{"ABadRowIsNamed", WithBadTime().dump(), 400, "(row 1)"},
        BadInference{"AnOutputThatThereIsNot", WithOutput("recomendation").dump(), 400,
                     "recomendation: there is no such output; did you mean \"recommendation\"?"},
        BadInference{"AnotherContentType",
                     "a\n1\n",
                     415,
                     "Content-Type: expected application/json",
                     {.content_type = "text/csv"}},
        BadInference{"ALengthThatIsNone",
                     Orders().dump(),
                     400,
                     "Inference-Header-Content-Length: expected a number of bytes",
                     {.inference_header_length = "-1"}},
        BadInference{"AModelThatIsNotServed",
                     Orders().dump(),
                     404,
                     "no deployment \"x\"; there are: order_triage",
                     {.path = "/v2/models/x/infer"}},
        BadInference{"AVersionThatIsNotServed",
                     Orders().dump(),
                     404,
                     "version \"9\" of \"order_triage\" is not served; there are: ",
                     {.path = "/v2/models/order_triage/versions/9/infer"}},
        BadInference{"APathThatThereIsNot",
                     "",
                     404,
                     "no such path",
                     {.path = "/v2/models/order_triage/predict"}},
        BadInference{"TooMuchIsWaiting",
                     Orders().dump(),
                     503,
                     "more requests are waiting",
                     {.retry_after = std::chrono::seconds(1)}}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(InferenceTest, DescribesWhatADeploymentTakesAndGives) {
  const Response response = Get(Path(""));
  ASSERT_EQ(response.status, 200) << response.body;
  const json model = json::parse(response.body);
  EXPECT_EQ(model["name"], "order_triage");
  EXPECT_EQ(model["platform"], "forkcast");
  EXPECT_EQ(model["inputs"][0],
            (json{{"name", "order_id"}, {"datatype", "BYTES"}, {"shape", {-1}}}));
  std::map<std::string, json> answered = Outputs(Infer(Orders()));
  EXPECT_EQ(model["outputs"].size(), answered.size());
  for (const json& output : model["outputs"]) EXPECT_TRUE(answered.contains(output["name"]));
  const std::string version = model["versions"][0];
  EXPECT_EQ(json::parse(Get(Path("/versions/" + version)).body), model);
  EXPECT_EQ(Infer(Orders(), {.path = Path("/versions/" + version + "/infer")}).status, 200);
}

TEST_F(InferenceTest, SaysWhatIsReady) {
  EXPECT_EQ(Get("/v2/health/live").body, R"({"live":true})");
  EXPECT_EQ(Get("/v2/health/ready").status, 503);
  service_.slot().SetState(WorkerState::kReady);
  EXPECT_EQ(Get("/v2/health/ready").body, R"({"ready":true})");
  EXPECT_EQ(json::parse(Get(Path("/ready")).body),
            (json{{"name", "order_triage"}, {"ready", true}}));
  EXPECT_EQ(Get("/v2/models/x/ready").status, 404);
  EXPECT_EQ(Get(Path("/versions/9/ready")).status, 404);
}

TEST_F(InferenceTest, SaysWhoAnswers) {
  const json server = json::parse(Get("/v2").body);
  EXPECT_EQ(server["name"], "forkcast");
  EXPECT_EQ(server["extensions"], (json{"binary_tensor_data", "parameters"}));
  EXPECT_EQ(Get("/v2/").body, Get("/v2").body);
}

TEST_F(InferenceTest, ListsWhatIsServed) {
  service_.ServeAlso("second", {});
  const Response response = service_.Post(R"({"ready": true})", {.path = "/v2/repository/index"});
  ASSERT_EQ(response.status, 200) << response.body;
  const json index = json::parse(response.body);
  ASSERT_EQ(index.size(), 2U);
  EXPECT_EQ(index[0]["name"], "order_triage");
  EXPECT_EQ(index[0]["state"], "READY");
  EXPECT_EQ(index[1]["name"], "second");
  EXPECT_EQ(service_.Post("[]", {.path = "/v2/repository/index"}).status, 400);
}

// ---- forecasts ----

TEST(ForecastInference, HasAValueALineAsCsvHas) {
  SalesService sales;
  const Response csv = sales.Post("shop\n000\n001\n", {.content_type = "text/csv"});
  ASSERT_EQ(csv.status, 200) << csv.body;
  const json body{{"inputs", {Column("shop", "BYTES", {"000", "001"})}}};
  const Response response = sales.Post(body.dump(), {.path = "/v2/models/sales/versions/1/infer"});
  ASSERT_EQ(response.status, 200) << response.body;
  const json outputs = json::parse(response.body)["outputs"];
  const std::size_t lines = outputs[0]["data"].size();
  EXPECT_GT(lines, 2U);
  std::string again;
  for (const json& output : outputs) {
    again += (again.empty() ? "" : ",") + output["name"].get<std::string>();
    EXPECT_EQ(output["shape"], (json{lines}));
  }
  again += '\n';
  for (std::size_t line = 0; line < lines; ++line) {
    std::string values;
    for (const json& output : outputs) {
      const json& value = output["data"][line];
      values += (values.empty() ? "" : ",") + (value.is_string() ? value.get<std::string>()
                                               : value.is_null() ? ""
                                                                 : value.dump());
    }
    again += values + '\n';
  }
  EXPECT_EQ(again, csv.body);
}

// ---- plain vectors ----

/// A model of XGBoost (SmallXGBoost) that was imported.
class VectorInferenceTest : public testing::Test {
 protected:
  VectorInferenceTest() {
    const auto prepared = model::PrepareImport(
        {.file = folder_.Write("model.json", model::SmallXGBoost()), .name = "demand"});
    EXPECT_TRUE(prepared) << prepared.error().message;
    const std::filesystem::path models = folder_.path() / "models";
    EXPECT_TRUE(model::Registry(models).Publish("demand", prepared->manifest, prepared->files, {},
                                                "champion"));
    auto loaded = LoadDeployments(
        std::vector{Deployment{.name = "demand", .model = "demand@champion", .origin = "--deploy"}},
        models);
    EXPECT_TRUE(loaded) << loaded.error().message;
    test_.service.catalogue.Serve(*std::move(loaded));
  }
  Response Infer(const json& body) {
    return PostTo(test_.router, body.dump(), {.path = "/v2/models/demand/infer"});
  }

  preprocessing::TempFolder folder_;
  TestClock clock_;
  std::array<WorkerSlot, 1> slots_;
  TestService test_{slots_, 0, clock_};
};

TEST_F(VectorInferenceTest, TakesAMatrix) {
  const json matrix{{"name", "predict"},
                    {"datatype", "FP32"},
                    {"shape", {2, 2}},
                    {"data", json::parse("[[10, 2], [9.5, null]]")}};
  const Response response = Infer({{"inputs", {matrix}}});
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(Outputs(response)["value"], (json{1.5, 4.5}));
}

TEST_F(VectorInferenceTest, TakesColumnsByName) {
  const Response response =
      Infer({{"inputs", {Column("stock", "INT32", {2, 3}), Column("price", "FP64", {10, 10})}}});
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(Outputs(response)["value"], (json{1.5, 5.5}));
}

}  // namespace
}  // namespace forkcast::serving
