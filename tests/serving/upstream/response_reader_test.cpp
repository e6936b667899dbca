#include "serving/upstream/response_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace forkcast::serving {
namespace {

using testing::HasSubstr;

constexpr ResponseReader::Limits kLimits{.max_head_bytes = 200, .max_body_bytes = 64};

/// Gives the reader the bytes, so many at a time.
Result<bool> Feed(ResponseReader& reader, std::string_view bytes, std::size_t at_a_time) {
  Result<bool> whole = false;
  while (!bytes.empty() && whole && !*whole) {
    const std::size_t some = std::min(at_a_time, bytes.size());
    std::memcpy(reader.Room(some), bytes.data(), some);
    bytes.remove_prefix(some);
    whole = reader.Filled(some);
  }
  return whole;
}

struct GoodCase {
  const char* name;
  const char* bytes;
  int status;
  const char* body;
  bool keep_alive = true;
};

class Good : public testing::TestWithParam<GoodCase> {};

TEST_P(Good, AnswerIsReadHoweverItComes) {
  for (const std::size_t at_a_time : {1U, 7U, 10'000U}) {
    ResponseReader reader(kLimits);
    const Result<bool> whole = Feed(reader, GetParam().bytes, at_a_time);
    ASSERT_TRUE(whole.ok()) << whole.error().message;
    EXPECT_TRUE(*whole);
    EXPECT_EQ(reader.status(), GetParam().status);
    EXPECT_EQ(reader.body(), GetParam().body);
    EXPECT_EQ(reader.keep_alive(), GetParam().keep_alive);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Good,
    testing::Values(
        GoodCase{"OfALength", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
        GoodCase{"WithoutAReason", "HTTP/1.1 404\r\ncontent-length:0\r\n\r\n", 404, ""},
        GoodCase{"InChunks",
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX: y\r\n\r\n",
                 200, "hello"},
        GoodCase{"InNoChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200,
                 ""},
        GoodCase{"WithoutABody", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
        GoodCase{"BehindAnInterimOne",
                 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200,
                 "ok"},
        GoodCase{"BehindInterimOnesWithHeaders",
                 "HTTP/1.1 103 Early Hints\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"
                 "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                 200, "ok"},
        GoodCase{"OfOneWhoCloses",
                 "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nok", 200,
                 "ok", false},
        GoodCase{"OfHttp1_0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
        GoodCase{"WhoseLengthIsSaidTwiceAlike",
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, "ok"}),
    [](const auto& param) { return std::string(param.param.name); });

std::string Repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

struct BadCase {
  const char* name;
  std::string bytes;
  const char* message;
};

class Bad : public testing::TestWithParam<BadCase> {};

TEST_P(Bad, AnswerIsRefusedHoweverItComes) {
  for (const std::size_t at_a_time : {1U, 7U, 10'000U}) {
    ResponseReader reader(kLimits);
    const Result<bool> whole = Feed(reader, GetParam().bytes, at_a_time);
    ASSERT_FALSE(whole.ok()) << at_a_time;
    EXPECT_THAT(whole.error().message, HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Bad,
    testing::Values(
        BadCase{"NoHttp", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "SSH-2.0"},
        BadCase{"AnotherVersion", "HTTP/2 200 OK\r\n\r\n", "HTTP/2"},
        BadCase{"NoStatus", "HTTP/1.1 2x0 OK\r\n\r\n", "first line"},
        BadCase{"HalfAStatus", "HTTP/1.1 2\r\n\r\n", "first line"},
        BadCase{"NoStatusAtAll", "HTTP/1.1 \r\n\r\n", "first line"},
        BadCase{"ALongStatus", "HTTP/1.1 2000\r\n\r\n", "first line"},
        BadCase{"NobodySaysWhereItEnds", "HTTP/1.1 200 OK\r\nServer: a\r\n\r\n", "neither"},
        BadCase{"TwoLengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
                "Content-Length"},
        BadCase{"ALengthThatIsNone", "HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n",
                "Content-Length"},
        BadCase{"ANegativeLength", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "Content-Length"},
        BadCase{"LengthAndChunks",
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
                "both"},
        BadCase{"AnotherCoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                "Transfer-Encoding"},
        BadCase{"Packed", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n",
                "gzip"},
        BadCase{"ALineThatIsNoHeader", "HTTP/1.1 200 OK\r\nno header\r\n\r\n", "no header"},
        BadCase{"TooLarge", "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n", "64"},
        BadCase{"ChunksThatAreTooLarge",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n", "64"},
        BadCase{"AChunkOfNoSize", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "chunk"},
        BadCase{"AChunkThatGoesOn",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
                "chunk"},
        BadCase{"AHeadWithoutEnd", "HTTP/1.1 200 OK\r\nX: " + std::string(300, 'x'), "head"},
        BadCase{"InterimOnesWithoutEnd", Repeated("HTTP/1.1 100 Continue\r\n\r\n", 1000),
                "head has more than 200 bytes"},
        BadCase{"AHeadThatIsTooLargeWithThoseBeforeIt",
                Repeated("HTTP/1.1 100 Continue\r\n\r\n", 7) +
                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                "head has more than 200 bytes"},
        BadCase{"AnotherProtocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "first line"},
        BadCase{"NoLengthOfItsJson",
                "HTTP/1.1 200 OK\r\nInference-Header-Content-Length: x\r\nContent-Length: "
                "1\r\n\r\na",
                "Inference-Header"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(ResponseReader, HasOneLimitForAHeadHoweverItComes) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
  const std::string at_the_limit = head + std::string(kLimits.max_head_bytes - head.size(), 'x');
  for (const std::size_t at_a_time : {1U, 2U, 3U, 67U, 10'000U}) {
    ResponseReader reader(kLimits);
    const auto whole = Feed(reader, at_the_limit + "\r\n\r\n", at_a_time);
    ASSERT_TRUE(whole.ok()) << at_a_time << ": " << whole.error().message;
    EXPECT_TRUE(*whole);
    ResponseReader other(kLimits);
    EXPECT_FALSE(Feed(other, at_the_limit + "x\r\n\r\n", at_a_time).ok()) << at_a_time;
  }
}

TEST(ResponseReader, RefusesBytesBehindTheAnswer) {
  ResponseReader reader(kLimits);
  const auto whole = Feed(reader, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1", 10'000);
  ASSERT_FALSE(whole.ok());
  EXPECT_THAT(whole.error().message, HasSubstr("8 bytes behind"));
}

TEST(ResponseReader, ReadsOneAfterTheOther) {
  ResponseReader reader(kLimits);
  ASSERT_TRUE(*Feed(reader,
                    "HTTP/1.1 200 OK\r\nInference-Header-Content-Length: 1\r\nContent-Length: "
                    "2\r\n\r\nok",
                    100));
  EXPECT_EQ(reader.json_size(), std::optional<std::size_t>(1));
  reader.Next();
  EXPECT_FALSE(reader.has_begun());
  ASSERT_TRUE(
      *Feed(reader, "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 9));
  EXPECT_EQ(reader.status(), 500);
  EXPECT_EQ(reader.body(), "x");
  EXPECT_EQ(reader.json_size(), std::nullopt);
}

}  // namespace
}  // namespace forkcast::serving
