#include "serving/http/error_response.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

struct CodeCase {
  ErrorCode code;
  int status;
  std::string_view name;
};

// One line a code; the switch in ToHttp() warns of one that is not there.
constexpr CodeCase kCodes[] = {
    {ErrorCode::kInvalidArgument, 400, "invalid_argument"},
    {ErrorCode::kMalformed, 400, "bad_request"},
    {ErrorCode::kFeatureMissing, 422, "feature_missing"},
    {ErrorCode::kFeatureStale, 422, "feature_stale"},
    {ErrorCode::kRejected, 422, "rejected"},
    {ErrorCode::kTooLarge, 413, "too_large"},
    {ErrorCode::kHeaderTooLarge, 431, "header_too_large"},
    {ErrorCode::kUnsupportedType, 415, "unsupported_media_type"},
    {ErrorCode::kNotAcceptable, 406, "not_acceptable"},
    {ErrorCode::kExpectationFailed, 417, "expectation_failed"},
    {ErrorCode::kNotImplemented, 501, "not_implemented"},
    {ErrorCode::kUnknownVersion, 505, "version_not_supported"},
    {ErrorCode::kNotFound, 404, "not_found"},
    {ErrorCode::kMethodNotAllowed, 405, "method_not_allowed"},
    {ErrorCode::kNotReady, 503, "not_ready"},
    {ErrorCode::kOverloaded, 503, "overloaded"},
    {ErrorCode::kRemoteFailed, 502, "remote_failed"},
    {ErrorCode::kDeadlineExceeded, 504, "deadline_exceeded"},
    {ErrorCode::kClientTimeout, 408, "request_timeout"},
    {ErrorCode::kConflict, 409, "conflict"},
    {ErrorCode::kRefusedData, 500, "internal"},
    {ErrorCode::kCorrupt, 500, "internal"},
    {ErrorCode::kIo, 500, "internal"},
    {ErrorCode::kInternal, 500, "internal"},
};

TEST(ToHttp, GivesEveryCodeAStatusAndAName) {
  ASSERT_EQ(std::size(kCodes), static_cast<std::size_t>(ErrorCode::kInternal) + 1);
  for (const CodeCase& expected : kCodes) {
    const HttpError error = ToHttp(expected.code);
    EXPECT_EQ(error.status, expected.status) << expected.name;
    EXPECT_EQ(error.code, expected.name);
    EXPECT_NE(ReasonPhrase(error.status), "Unknown") << expected.name;
  }
}

TEST(ToHttp, GivesWhatTheReadmeLists) {
  std::ifstream readme(FORKCAST_SOURCE_DIR "/README.md");
  const std::regex row(R"(\| ([0-9]{3}) \| `([a-z_]+)` \|.*)");
  std::set<std::string> listed;
  for (std::string line; std::getline(readme, line);) {
    std::smatch match;
    if (std::regex_match(line, match, row)) listed.insert(match[1].str() + " " + match[2].str());
  }
  std::set<std::string> given;
  for (const CodeCase& one : kCodes) {
    given.insert(std::to_string(one.status) + " " + std::string(one.name));
  }
  given.insert("507 no_room");            // no code: WriteNoRoom()
  given.insert("429 too_many_attempts");  // nor this: WriteTooOften()
  given.insert({"401 unauthorized", "403 csrf_token_missing", "403 forbidden",
                "421 wrong_host"});  // nor these: WriteRefusal()
  EXPECT_EQ(listed, given);
}

json BodyOf(const Response& response) {
  EXPECT_EQ(response.content_type, "application/json");
  return json::parse(response.body);
}

TEST(WriteError, HoldsCodeMessageFieldAndRequestId) {
  Response response;
  response.body = "begun before it failed";
  WriteError({ErrorCode::kInvalidArgument, "expected \"text\"", "zip_code"}, "r-1", response);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(BodyOf(response), (json{{"error",
                                     {{"code", "invalid_argument"},
                                      {"message", "expected \"text\""},
                                      {"field", "zip_code"},
                                      {"request_id", "r-1"}}}}));
}

TEST(WriteError, LeavesOutWhatThereIsNot) {
  Response response;
  WriteError({ErrorCode::kNotFound, "no such path"}, {}, response);
  EXPECT_EQ(BodyOf(response),
            (json{{"error", {{"code", "not_found"}, {"message", "no such path"}}}}));
}

TEST(WriteError, TellsWhenToComeBackOnlyWhileNotReady) {
  for (const CodeCase& param : kCodes) {
    Response response;
    WriteError({param.code, "m"}, {}, response);
    EXPECT_EQ(response.headers, param.code == ErrorCode::kNotReady ? "Retry-After: 1\r\n" : "");
  }
}

TEST(WriteError, KeepsInternalsToItself) {
  for (const CodeCase& param : kCodes) {
    Response response;
    WriteError({param.code, "/var/lib/secret.db: disk I/O error"}, "r", response);
    if (param.status == 500) {
      EXPECT_THAT(response.body, Not(HasSubstr("secret"))) << static_cast<int>(param.code);
      EXPECT_THAT(response.body, HasSubstr("see the server's log"));
    } else {
      EXPECT_THAT(response.body, HasSubstr("secret")) << param.name;
    }
  }
}

TEST(WriteError, IsValidJsonWhateverTheMessageHolds) {
  Response response;
  WriteError({ErrorCode::kInvalidArgument, "got \"\\\n\x01\xff", "\xc3("}, "r", response);
  const json error = BodyOf(response).at("error");
  EXPECT_EQ(error.at("message"), "got \"\\\n\x01\xEF\xBF\xBD");
}

wire::RowError RowFailure(std::size_t row, std::string field = "sku_code") {
  return {.row = row,
          .error = {ErrorCode::kInvalidArgument, "wrong in row " + std::to_string(row),
                    std::move(field)}};
}

TEST(WriteRowErrors, HoldsTheFirstRowAndAListOfThem) {
  Response response;
  WriteRowErrors(std::vector{RowFailure(2), RowFailure(5, "")}, "r", response);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(BodyOf(response),
            json::parse(R"({"error": {"code": "invalid_argument", "message": "wrong in row 2",
                "field": "sku_code", "row": 2, "request_id": "r", "bad_rows": 2, "rows": [
                {"code": "invalid_argument", "message": "wrong in row 2", "field": "sku_code",
                 "row": 2},
                {"code": "invalid_argument", "message": "wrong in row 5", "row": 5}]}})"));
}

TEST(WriteRowErrors, ListsAtMostTenAndCountsAll) {
  std::vector<wire::RowError> errors;
  for (std::size_t row = 0; row < 11; ++row) errors.push_back(RowFailure(row));
  for (const std::size_t count : {9U, 10U, 11U}) {
    Response response;
    WriteRowErrors(std::span(errors).first(count), "r", response);
    const json error = BodyOf(response).at("error");
    EXPECT_EQ(error.at("bad_rows"), count);
    ASSERT_EQ(error.at("rows").size(), std::min<std::size_t>(count, 10));
    EXPECT_EQ(error.at("rows").back().at("row"), error.at("rows").size() - 1);
  }
}

TEST(WriteRowErrors, TakesItsStatusFromTheFirst) {
  Response response;
  std::vector errors{RowFailure(0), RowFailure(1)};
  errors[0].error.code = ErrorCode::kFeatureStale;
  WriteRowErrors(errors, "r", response);
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(BodyOf(response).at("error").at("code"), "feature_stale");
}

TEST(WriteFault, EndsTheConnection) {
  Response response;
  WriteFault({.code = ErrorCode::kHeaderTooLarge, .message = "too large"}, "r-17", response);
  EXPECT_EQ(response.status, 431);
  EXPECT_TRUE(response.close);
  EXPECT_EQ(
      BodyOf(response),
      (json{{"error",
             {{"code", "header_too_large"}, {"message", "too large"}, {"request_id", "r-17"}}}}));
}

TEST(WrapForSageMaker, MakesAnErrorAModelErrorWithExactlyItsMembers) {
  Response response;
  WriteError({ErrorCode::kInvalidArgument, "a \"quoted\" word"}, "r", response);
  const std::string original = response.body;
  WrapForSageMaker(response);
  EXPECT_EQ(response.status, 424);
  EXPECT_EQ(response.headers, "x-amzn-ErrorType: ModelError\r\n");
  EXPECT_EQ(
      BodyOf(response),
      (json{{"Message", "Received client or server error (400) from the model with message \"" +
                            original + "\""},
            {"OriginalStatusCode", 400},
            {"OriginalMessage", original},
            {"LogStreamArn", ""}}));
}

TEST(WrapForSageMaker, LeavesUnavailableToTheRetriesOfTheSdk) {
  Response response;
  WriteError({ErrorCode::kNotReady, "loading"}, {}, response);
  const std::string original = response.body;
  WrapForSageMaker(response);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers, "Retry-After: 1\r\nx-amzn-ErrorType: ServiceUnavailable\r\n");
  EXPECT_EQ(BodyOf(response), (json{{"Message", original}}));
}

TEST(WrapForSageMaker, LeavesSuccessesAlone) {
  Response response;
  response.content_type = "text/csv";
  response.body = "a,b\n";
  WrapForSageMaker(response);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "a,b\n");
  EXPECT_EQ(response.content_type, "text/csv");
  EXPECT_EQ(response.headers, "");
}

TEST(WriteNoRoom, Is507) {
  Response response;
  WriteNoRoom("no \"room\"", "r-1", response);
  EXPECT_EQ(response.status, 507);
  EXPECT_EQ(ReasonPhrase(507), "Insufficient Storage");
  EXPECT_EQ(
      BodyOf(response),
      (json{{"error", {{"code", "no_room"}, {"message", "no \"room\""}, {"request_id", "r-1"}}}}));
}

TEST(WrapForModels, PutsTheMembersOfTheMultiModelServerBeforeOurs) {
  for (const std::string message :
       {"", "plain", "a \"quoted\" \\ one\\", "\"message\":\"x\"", "\n"}) {
    Response response;
    WriteError({ErrorCode::kNotFound, message, "field"}, "r", response);
    const json original = BodyOf(response);
    WrapForModels(response);
    EXPECT_EQ(response.status, 404);
    const json body = BodyOf(response);
    EXPECT_EQ(body.at("error"), original.at("error")) << message;
    EXPECT_EQ(body.at("code"), 404);
    EXPECT_EQ(body.at("type"), "ModelNotFoundException");
    EXPECT_EQ(body.at("message"), message);
  }
}

TEST(WrapForModels, LeavesAnswersAsTheyAre) {
  Response response;
  response.body = "x";
  WrapForModels(response);
  EXPECT_EQ(response.body, "x");
}

TEST(WrapForInference, MakesOneTextOfMessageFieldAndRow) {
  Response response;
  WriteError({ErrorCode::kNotFound, "no \"x\""}, "r", response);
  WrapForInference(response);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, R"({"error":"no \"x\""})");
  WriteError({ErrorCode::kInvalidArgument, "expected a number", "a\"b"}, "r", response);
  WrapForInference(response);
  EXPECT_EQ(response.body, R"({"error":"a\"b: expected a number"})");
  const std::vector<wire::RowError> rows{
      {.row = 12, .error = {ErrorCode::kFeatureStale, "too old", "sku"}},
      {.row = 13, .error = {ErrorCode::kInvalidArgument, "no", {}}}};
  WriteRowErrors(rows, "r", response);
  WrapForInference(response);
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.body, R"text({"error":"sku: too old (row 12)"})text");
}

TEST(WrapForInference, LeavesAnAnswerThatIsNoErrorAlone) {
  Response response;
  response.body = "{}";
  WrapForInference(response);
  EXPECT_EQ(response.body, "{}");
}

}  // namespace
}  // namespace forkcast::serving
