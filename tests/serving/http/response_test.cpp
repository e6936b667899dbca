#include "serving/http/response.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace forkcast::serving {
namespace {

constexpr std::string_view kDate = "Wed, 31 Jan 2024 23:59:59 GMT";

std::string HeadOf(const Response& response, const HeadOptions& options = {.date = kDate}) {
  std::string head = "what was there before";
  WriteHead(response, options, head);
  return head;
}

TEST(WriteHead, HoldsStatusDateTypeLengthAndFurtherHeaders) {
  Response response;
  response.content_type = "text/csv";
  response.body = "hello";
  response.AddHeader("X-Request-Id", "r");
  response.AddHeader("Allow", "POST");
  EXPECT_EQ(HeadOf(response),
            "HTTP/1.1 200 OK\r\nDate: Wed, 31 Jan 2024 23:59:59 GMT\r\nContent-Type: text/csv\r\n"
            "Content-Length: 5\r\nX-Request-Id: r\r\nAllow: POST\r\n\r\n");
}

TEST(WriteHead, NamesNoTypeWithoutBody) {
  EXPECT_EQ(HeadOf({}),
            "HTTP/1.1 200 OK\r\nDate: Wed, 31 Jan 2024 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n");
}

TEST(WriteHead, TellsNoLengthOfWhatTheCallerHasAlready) {
  Response response;
  response.status = 304;
  EXPECT_EQ(HeadOf(response),
            "HTTP/1.1 304 Not Modified\r\nDate: Wed, 31 Jan 2024 23:59:59 GMT\r\n\r\n");
}

TEST(WriteHead, TellsNoLengthOfWhatHasNoContent) {
  Response response;
  response.status = 204;
  EXPECT_EQ(HeadOf(response),
            "HTTP/1.1 204 No Content\r\nDate: Wed, 31 Jan 2024 23:59:59 GMT\r\n\r\n");
}

TEST(WriteHead, AnnouncesTheEndOfAConnectionInEveryVersion) {
  for (const bool old : {false, true}) {
    EXPECT_THAT(HeadOf({}, {.keep_alive = false, .http_1_0 = old, .date = kDate}),
                testing::EndsWith("\r\nConnection: close\r\n\r\n"));
  }
}

TEST(WriteHead, TellsTheOldVersionThatTheConnectionIsKept) {
  EXPECT_THAT(HeadOf({}, {.http_1_0 = true, .date = kDate}),
              testing::EndsWith("\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_THAT(HeadOf({}), testing::Not(testing::HasSubstr("Connection:")));
}

TEST(Response, ClearForgetsEverything) {
  Response response{
      .status = 500, .content_type = "a/b", .headers = "A: b\r\n", .body = "x", .close = true};
  response.Clear();
  EXPECT_EQ(HeadOf(response), HeadOf({}));
  EXPECT_FALSE(response.close);
}

TEST(ReasonPhrase, IsTheRegisteredOneAndNeverEmpty) {
  EXPECT_EQ(ReasonPhrase(422), "Unprocessable Content");
  EXPECT_EQ(ReasonPhrase(505), "HTTP Version Not Supported");
  for (const int status : {200, 201, 202, 204, 303, 304, 429, 502}) {
    EXPECT_NE(ReasonPhrase(status), "Unknown") << status;
  }
  EXPECT_EQ(ReasonPhrase(299), "Unknown");
}

}  // namespace
}  // namespace forkcast::serving
