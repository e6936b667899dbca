#include "serving/http/request_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "serving/http/error_response.hpp"
#include "serving/wire/request_decoder.hpp"
#include "support/allocation_counter.hpp"
#include "support/malformed_requests.hpp"
#include "support/test_clock.hpp"

namespace forkcast {

void PrintTo(const MalformedRequest& param, std::ostream* out) { *out << param.name; }

}  // namespace forkcast

namespace forkcast::serving {
namespace {

using Progress = RequestReader::Progress;
using testing::ElementsAre;
using testing::IsEmpty;

/// A request as a test would write it: what is absent is left out.
std::string Show(RequestReader& reader) {
  const RequestView& request = reader.request();
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "OTHER"};
  std::string shown(kMethods[static_cast<std::size_t>(request.method)]);
  shown.append(" ").append(request.path);
  const auto add = [&shown](std::string_view name, std::string_view value) {
    if (!value.empty()) shown.append(" ").append(name).append("=").append(value);
  };
  add("query", request.query);
  add("type", request.content_type);
  add("encoding", request.content_encoding);
  add("accept", request.accept);
  add("inference", request.inference_id);
  add("id", request.request_id);
  add("attributes", request.custom_attributes);
  add("for", request.forwarded_for);
  add("forwarded", request.forwarded);
  add("origin", request.origin);
  add("preflight", request.preflight_method);
  add("body", request.body);
  if (!reader.keep_alive()) shown += " close";
  if (reader.http_1_0()) shown += " 1.0";
  return shown;
}

/// Reads the padding, so that ASan sees a body without.
unsigned ReadPadding(std::string_view body) {
  const char* const end = body.data() + body.size();
  return std::accumulate(end, end + wire::kBodyPadding, 0U,
                         [](unsigned sum, char c) { return sum + static_cast<unsigned char>(c); });
}

/// Feeds a reader and notes what it says.
class Reading {
 public:
  explicit Reading(const RequestLimits& limits = {}) : reader_(limits, clock_) {}

  /// The bytes in one piece, as far as the reader has room, which it must always have.
  void Feed(std::string_view bytes) {
    while (!bytes.empty() && !faulty_) {
      const std::span<char> room = reader_.Prepare();
      ASSERT_FALSE(room.empty());
      const std::size_t size = std::min(room.size(), bytes.size());
      std::ranges::copy(bytes.substr(0, size), room.begin());
      reader_.Commit(size);
      bytes.remove_prefix(size);
      Parse();
    }
  }
  [[nodiscard]] const std::vector<std::string>& said() const noexcept { return said_; }
  [[nodiscard]] RequestReader& reader() noexcept { return reader_; }

 private:
  void Parse() {
    while (true) {
      switch (reader_.Parse()) {
        case Progress::kNeedMore:
          return;
        case Progress::kContinue:
          said_.emplace_back("100");
          break;
        case Progress::kRequest:
          ReadPadding(reader_.request().body);
          said_.push_back(Show(reader_));
          reader_.Next();
          break;
        case Progress::kFault:
          faulty_ = true;
          EXPECT_FALSE(reader_.fault().message.empty());
          said_.push_back(std::to_string(ToHttp(reader_.fault().code).status) + " " +
                          std::string(ToHttp(reader_.fault().code).code));
          return;
      }
    }
  }

  TestClock clock_;
  RequestReader reader_;
  std::vector<std::string> said_;
  bool faulty_ = false;
};

std::vector<std::string> SaidOf(const std::vector<std::string_view>& pieces,
                                const RequestLimits& limits = {}) {
  Reading reading(limits);
  for (const std::string_view piece : pieces) reading.Feed(piece);
  return reading.said();
}

/// `bytes` cut before each position.
std::vector<std::string_view> CutAt(std::string_view bytes, const std::vector<std::size_t>& at) {
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  for (const std::size_t end : at) {
    pieces.push_back(bytes.substr(begin, end - begin));
    begin = end;
  }
  pieces.push_back(bytes.substr(begin));
  return pieces;
}

std::vector<std::size_t> EveryPosition(std::string_view bytes) {
  std::vector<std::size_t> at(bytes.empty() ? 0 : bytes.size() - 1);
  std::iota(at.begin(), at.end(), 1U);
  return at;
}

/// Behind every CRLF (`offset` 2), or within (1).
std::vector<std::size_t> EveryLineEnd(std::string_view bytes, std::size_t offset) {
  std::vector<std::size_t> at;
  for (std::size_t i = bytes.find("\r\n"); i != std::string_view::npos;
       i = bytes.find("\r\n", i + 2)) {
    at.push_back(i + offset);
  }
  return at;
}

struct BytesCase {
  std::string name;
  std::string bytes;
  std::vector<std::string> said;
};

void PrintTo(const BytesCase& param, std::ostream* out) { *out << param.name; }

class RequestBytes : public testing::TestWithParam<BytesCase> {};

TEST_P(RequestBytes, SayTheSameHoweverTheyArrive) {
  const std::string& bytes = GetParam().bytes;
  const auto& expected = GetParam().said;
  EXPECT_EQ(SaidOf({bytes}), expected) << "in one piece";
  EXPECT_EQ(SaidOf(CutAt(bytes, EveryPosition(bytes))), expected) << "byte by byte";
  EXPECT_EQ(SaidOf(CutAt(bytes, EveryLineEnd(bytes, 2))), expected) << "line by line";
  EXPECT_EQ(SaidOf(CutAt(bytes, EveryLineEnd(bytes, 1))), expected) << "cut within line ends";
  for (const std::size_t at : EveryPosition(bytes)) {
    ASSERT_EQ(SaidOf(CutAt(bytes, {at})), expected) << "cut at " << at;
  }
}

std::string Get(std::string_view target, std::string_view more_headers = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(more_headers) +
         "\r\n";
}

std::string Post(std::string_view headers_and_body) {
  return "POST /invocations HTTP/1.1\r\nHost: a\r\n" + std::string(headers_and_body);
}

constexpr std::string_view kBadRequest = "400 bad_request";

INSTANTIATE_TEST_SUITE_P(
    Requests, RequestBytes,
    testing::Values(
        BytesCase{"WithoutBody", Get("/ping"), {"GET /ping"}},
        BytesCase{"Head", "HEAD /ping HTTP/1.1\r\nHost: a\r\n\r\n", {"HEAD /ping"}},
        BytesCase{"Delete", "DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n", {"DELETE /x"}},
        BytesCase{"OtherMethod", "PATCH /x HTTP/1.1\r\nHost: a\r\n\r\n", {"OTHER /x"}},
        BytesCase{"UnknownMethod", "BREW /x HTTP/1.1\r\nHost: a\r\n\r\n", {"OTHER /x"}},
        BytesCase{
            "MethodInLowerCaseIsAnother", "get /ping HTTP/1.1\r\nHost: a\r\n\r\n", {"OTHER /ping"}},
        BytesCase{"Query", Get("/x?a=1&b=%20?c"), {"GET /x query=a=1&b=%20?c"}},
        BytesCase{"HostOfAnAddress", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", {"GET /"}},
        BytesCase{"HostOfAnAddressWithoutPort", "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", {"GET /"}},
        BytesCase{"HostWithEmptyPort", "GET / HTTP/1.1\r\nHost: a.b-c_d:\r\n\r\n", {"GET /"}},
        BytesCase{
            "HostOfOddCharacters", "GET / HTTP/1.1\r\nHost: ~!$&'()*+,;=%20:80\r\n\r\n", {"GET /"}},
        BytesCase{"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", {"GET /"}},
        BytesCase{"EmptyQuery", Get("/x?"), {"GET /x"}},
        BytesCase{"AbsoluteTarget", Get("http://a:80/ping?x=1"), {"GET /ping query=x=1"}},
        BytesCase{"AbsoluteTargetOfAnAddress", Get("https://[::1]:80/ping"), {"GET /ping"}},
        BytesCase{"AbsoluteTargetInOddCase", Get("HTTP://a/ping"), {"GET /ping"}},
        BytesCase{"AbsoluteTargetWithoutPath", Get("http://a"), {"GET /"}},
        BytesCase{"AbsoluteTargetWithQueryAlone", Get("http://a?x=/1"), {"GET / query=x=/1"}},
        BytesCase{"ConnectionClose", Get("/ping", "Connection: close\r\n"), {"GET /ping close"}},
        BytesCase{"ConnectionCloseInAList",
                  Get("/ping", "Connection: te, Close\r\n"),
                  {"GET /ping close"}},
        BytesCase{
            "OldVersionClosesByDefault", "GET /ping HTTP/1.0\r\n\r\n", {"GET /ping close 1.0"}},
        BytesCase{"OldVersionMayAskToKeep",
                  "GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                  {"GET /ping 1.0"}},
        BytesCase{"BodyOfAnnouncedLength",
                  Post("Content-Length: 5\r\n\r\nhello"),
                  {"POST /invocations body=hello"}},
        BytesCase{"EmptyBody", Post("Content-Length: 0\r\n\r\n"), {"POST /invocations"}},
        BytesCase{"NoLengthIsNoBody", Post("\r\n"), {"POST /invocations"}},
        BytesCase{"BodyOfAGetBelongsToIt",
                  Get("/ping", "Content-Length: 2\r\n") + "xx" + Get("/b"),
                  {"GET /ping body=xx", "GET /b"}},
        BytesCase{"BodyWithLineEnds",
                  Post("Content-Length: 12\r\n\r\n\r\n\r\nGET / \r\n"),
                  {"POST /invocations body=\r\n\r\nGET / \r\n"}},
        BytesCase{"Chunked",
                  Post("Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
                  {"POST /invocations body=hello"}},
        BytesCase{"ChunkedInOddCase",
                  Post("TRANSFER-encoding: CHUNKED\r\n\r\n00005\r\nhello\r\n000\r\n\r\n"),
                  {"POST /invocations body=hello"}},
        BytesCase{"ChunkedAndEmpty",
                  Post("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                  {"POST /invocations"}},
        BytesCase{"ChunkExtensionsAreIgnored",
                  Post("Transfer-Encoding: chunked\r\n\r\n"
                       "5;a=b;c=\"d;e\"\r\nhello\r\n0;last\r\n\r\n"),
                  {"POST /invocations body=hello"}},
        BytesCase{"ChunkExtensionsMayHaveTabsAndAnyText",
                  Post("Transfer-Encoding: chunked\r\n\r\n"
                       "5 ; a =\t\"\t\xC3\xA9\\\"\"\r\nhello\r\n0\r\n\r\n"),
                  {"POST /invocations body=hello"}},
        BytesCase{"TrailersAreIgnored",
                  Post("Transfer-Encoding: chunked\r\nAccept: text/csv\r\n\r\n"
                       "5\r\nhello\r\n0\r\nAccept: a/b\r\nX-Request-Id: forged\r\nETag: x\r\n\r\n"),
                  {"POST /invocations accept=text/csv body=hello"}},
        BytesCase{"Pipelined",
                  Get("/a") + Post("Content-Length: 2\r\n\r\nhi") +
                      Post("Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n") + Get("/b"),
                  {"GET /a", "POST /invocations body=hi", "POST /invocations body=x", "GET /b"}},
        BytesCase{"EmptyLinesBeforeARequest",
                  "\r\n" + Post("Content-Length: 2\r\n\r\nhi") + "\r\n\r\n" + Get("/b"),
                  {"POST /invocations body=hi", "GET /b"}},
        BytesCase{"HeadersInOddCase",
                  "POST /x HTTP/1.1\r\nhOST: a\r\nCONTENT-TYPE: text/csv\r\n"
                  "content-encoding: gzip\r\naCCEPT: */*\r\nx-amzn-sagemaker-inference-id: i\r\n"
                  "X-REQUEST-ID: r\r\nX-amzn-SAGEMAKER-custom-attributes: c\r\n"
                  "content-LENGTH: 0\r\n\r\n",
                  {"POST /x type=text/csv encoding=gzip accept=*/* inference=i id=r attributes=c"}},
        BytesCase{"BlanksAroundValuesAreDropped",
                  "GET /x HTTP/1.1\r\nHost:a\r\nX-Request-Id: \t a b \t \r\n\r\n",
                  {"GET /x id=a b"}},
        BytesCase{"LongBlanksAroundValuesAreDropped",
                  "GET /x HTTP/1.1\r\nHost:\t \t a\r\nX-Request-Id:    r    \r\n\r\n",
                  {"GET /x id=r"}},
        BytesCase{
            "EmptyValues", Get("/x", "X-Request-Id:\r\nAccept: \r\nContent-Type:\r\n"), {"GET /x"}},
        BytesCase{
            "AcceptLinesAreJoined",
            Get("/x", "Accept: a/b\r\nX-Request-Id: r\r\nAccept: c/d;q=0.5\r\nAccept: e/f\r\n"),
            {"GET /x accept=a/b,c/d;q=0.5,e/f id=r"}},
        BytesCase{"ForwardedLinesAreJoined",
                  Get("/x",
                      "X-Forwarded-For: a\r\nForwarded: for=b\r\nx-forwarded-for: c, d\r\n"
                      "Forwarded: for=e\r\n"),
                  {"GET /x for=a,c, d forwarded=for=b,for=e"}},
        BytesCase{"OptionsOfTheServer", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", {"OPTIONS *"}},
        BytesCase{"OptionsOfABrowser",
                  "OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: https://b\r\n"
                  "Access-Control-Request-Method: POST\r\n\r\n",
                  {"OPTIONS /x origin=https://b preflight=POST"}},
        BytesCase{"OfTwoRequestsEachHasItsOwnHeaders",
                  Get("/a", "Accept: a/b\r\nAccept: c/d\r\nX-Request-Id: r\r\n") + Get("/b"),
                  {"GET /a accept=a/b,c/d id=r", "GET /b"}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(Faults, RequestBytes,
                         testing::Values(BytesCase{"BehindAFaultNothingIsRead",
                                                   Get("/a") + "nonsense\r\n\r\n" + Get("/b"),
                                                   {"GET /a", std::string(kBadRequest)}}),
                         [](const auto& param) { return param.param.name; });

class MalformedBytes : public testing::TestWithParam<MalformedRequest> {};

TEST_P(MalformedBytes, AreOneFaultHoweverTheyArriveAndNothingBehindThemIsRead) {
  const MalformedRequest& malformed = GetParam();
  const std::string bytes = malformed.bytes + Post("Content-Length: 4\r\n\r\n\"hi\"");
  const std::vector<std::string> fault{std::to_string(malformed.status) + " " +
                                       std::string(malformed.code)};
  EXPECT_EQ(SaidOf({bytes}), fault) << "in one piece";
  EXPECT_EQ(SaidOf(CutAt(bytes, EveryPosition(bytes))), fault) << "byte by byte";
  EXPECT_EQ(SaidOf(CutAt(bytes, EveryLineEnd(bytes, 2))), fault) << "line by line";
  EXPECT_EQ(SaidOf(CutAt(bytes, EveryLineEnd(bytes, 1))), fault) << "cut within line ends";
  if (bytes.size() > 2000) return;  // the square of it would take too long
  for (const std::size_t at : EveryPosition(bytes)) {
    ASSERT_EQ(SaidOf(CutAt(bytes, {at})), fault) << "cut at " << at;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, MalformedBytes, testing::ValuesIn(MalformedRequests()),
                         [](const auto& param) { return param.param.name; });

struct GlimpseCase {
  const char* name;
  std::string bytes;
  const char* path;
  const char* id;
  const char* message;
};
void PrintTo(const GlimpseCase& one, std::ostream* out) { *out << one.name; }

class Glimpse : public testing::TestWithParam<GlimpseCase> {};

constexpr RequestLimits kSmall{.max_header_bytes = 1024, .max_body_bytes = 100};

TEST_P(Glimpse, TellsPathAndIdOfWhatIsNoRequest) {
  Reading reading(kSmall);
  reading.Feed(GetParam().bytes);
  ASSERT_EQ(reading.said().size(), 1U);
  const RequestView seen = reading.reader().Glimpse();
  EXPECT_EQ(seen.path, GetParam().path);
  EXPECT_EQ(seen.request_id, GetParam().id);
  EXPECT_EQ(reading.reader().fault().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Glimpse,
    testing::Values(
        GlimpseCase{"BodyThatIsTooLarge", Post("X-Request-Id: r-17\r\nContent-Length: 101\r\n\r\n"),
                    "/invocations", "r-17",
                    "the body has 101 bytes, at most 100 are taken (max_body_bytes)"},
        GlimpseCase{"ChunksThatAreTooLarge",
                    Post("x-request-id:r-17\r\nTransfer-Encoding: chunked\r\n\r\n65\r\nx"),
                    "/invocations", "r-17",
                    "the body has more than the 100 bytes that are taken (max_body_bytes)"},
        GlimpseCase{"HeadThatIsTooLarge",
                    Get("/a?b=c", "X-Request-Id:  r-17 \r\nX: " + std::string(1024, 'x') + "\r\n"),
                    "/a", "r-17",
                    "the request's head has more than the 1024 bytes that are taken "
                    "(max_header_bytes)"},
        GlimpseCase{"IdBehindWhatIsTooLarge",
                    Get("/a", "X: " + std::string(1024, 'x') + "\r\nX-Request-Id: r-17\r\n"), "/a",
                    "",
                    "the request's head has more than the 1024 bytes that are taken "
                    "(max_header_bytes)"},
        GlimpseCase{"HeaderGivenTwice", Get("/a", "Content-Type: b\r\nContent-Type: c\r\n"), "/a",
                    "", "the header Content-Type was given 2 times, it may come once"},
        GlimpseCase{"IdGivenTwice", Get("/a", "X-Request-Id: b\r\nX-Request-Id: c\r\n"), "/a", "",
                    "the header X-Request-Id was given 2 times, it may come once"},
        GlimpseCase{"NoIdOutOfABody", Post("Content-Length: 101\r\n\r\nX-Request-Id: r-17\r\n"),
                    "/invocations", "",
                    "the body has 101 bytes, at most 100 are taken (max_body_bytes)"},
        GlimpseCase{"NotHttp", "hello\r\nX-Request-Id: r-17\r\n\r\n", "", "r-17",
                    "not a valid HTTP request"},
        GlimpseCase{"Tunnel", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "a:1", "",
                    "CONNECT asks for a tunnel, and this is no proxy"},
        GlimpseCase{"UserInTheTarget", Get("http://u:p@a/ping"), "/ping", "",
                    "expected a request target without user and password (before the @)"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(RequestReader, SaysHowMuchOfARequestHadCome) {
  const auto after = [](std::string_view bytes) {
    Reading reading;
    reading.Feed(bytes);
    return reading.reader().DescribeArrival();
  };
  EXPECT_EQ(after("POST /x HTTP/1.1\r\n"), "18 bytes of its head had come");
  EXPECT_EQ(after(Post("Content-Length: 10\r\n\r\nhello")), "5 of 10 bytes of its body had come");
  EXPECT_EQ(after(Post("Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n9\r\n")),
            "3 bytes of its chunked body had come");
}

TEST(RequestReader, AFaultyHeaderIsNotCalledTooLargeForWhatFollowsIt) {
  const std::string bytes = "nonsense\r\n\r\n" + std::string(10'000, 'x');
  const RequestLimits limits{.max_header_bytes = 100};
  EXPECT_THAT(SaidOf({bytes}, limits), ElementsAre(kBadRequest));
  EXPECT_THAT(SaidOf(CutAt(bytes, EveryPosition(bytes)), limits), ElementsAre(kBadRequest));
}

class HeaderLimit : public testing::TestWithParam<std::size_t> {};

TEST_P(HeaderLimit, TakesAHeaderOfExactlyItsSizeAndNoByteMore) {
  const RequestLimits limits{.max_header_bytes = GetParam()};
  const auto header_of = [](std::size_t size) {
    const std::string empty = Get("/", "X-Any: \r\n");
    return Get("/", "X-Any: " + std::string(size - empty.size(), 'x') + "\r\n");
  };
  const std::string fits = header_of(GetParam());
  ASSERT_EQ(fits.size(), GetParam());
  const std::string too_large = header_of(GetParam() + 1);
  EXPECT_THAT(SaidOf({fits}, limits), ElementsAre("GET /"));
  EXPECT_THAT(SaidOf(CutAt(fits, EveryPosition(fits)), limits), ElementsAre("GET /"));
  EXPECT_THAT(SaidOf({fits + fits}, limits), ElementsAre("GET /", "GET /"));
  EXPECT_THAT(SaidOf({too_large}, limits), ElementsAre("431 header_too_large"));
  EXPECT_THAT(SaidOf(CutAt(too_large, EveryPosition(too_large)), limits),
              ElementsAre("431 header_too_large"));
  const std::string endless = "GET /" + std::string(2 * GetParam(), 'x');
  EXPECT_THAT(SaidOf({endless}, limits), ElementsAre("431 header_too_large"));
}

INSTANTIATE_TEST_SUITE_P(Bytes, HeaderLimit, testing::Values(200, 16383, 16384, 40000));

TEST(RequestReader, TakesAHundredHeaderFieldsAndNoMore) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X-Any: a\r\n";
  EXPECT_THAT(SaidOf({Get("/", fields) + Get("/", fields)}), ElementsAre("GET /", "GET /"));
  EXPECT_THAT(SaidOf({Get("/", fields + "X-Any: a\r\n")}), ElementsAre("431 header_too_large"));
}

TEST(RequestReader, AHeaderOfManySmallFieldsIsLimitedToo) {
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
  while (bytes.size() < 20'000) bytes += "X-Any: a\r\n";
  EXPECT_THAT(SaidOf({bytes}), ElementsAre("431 header_too_large"));
  EXPECT_THAT(SaidOf(CutAt(bytes, EveryLineEnd(bytes, 2))), ElementsAre("431 header_too_large"));
}

TEST(RequestReader, ABodyMayBeAsLongAsItsLimitInEitherFraming) {
  const RequestLimits limits{.max_body_bytes = 10};
  const auto of_length = [](std::size_t size) {
    return Post("Content-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'));
  };
  const auto chunked = [](std::size_t size) {
    std::string bytes = Post("Transfer-Encoding: chunked\r\n\r\n");
    for (std::size_t i = 0; i < size; ++i) bytes += "1\r\nx\r\n";
    return bytes + "0\r\n\r\n";
  };
  const std::string taken = "POST /invocations body=xxxxxxxxxx";
  for (const std::string& bytes : {of_length(10), chunked(10)}) {
    EXPECT_THAT(SaidOf({bytes}, limits), ElementsAre(taken));
    EXPECT_THAT(SaidOf(CutAt(bytes, EveryPosition(bytes)), limits), ElementsAre(taken));
  }
  for (const std::string& bytes : {of_length(11), chunked(11)}) {
    EXPECT_THAT(SaidOf({bytes}, limits), ElementsAre("413 too_large"));
    EXPECT_THAT(SaidOf(CutAt(bytes, EveryPosition(bytes)), limits), ElementsAre("413 too_large"));
  }
}

TEST(RequestReader, RefusesATooLongBodyBeforeItComes) {
  const RequestLimits limits{.max_body_bytes = 10};
  EXPECT_THAT(SaidOf({Post("Content-Length: 11\r\nExpect: 100-continue\r\n\r\n")}, limits),
              ElementsAre("413 too_large"));
  EXPECT_THAT(SaidOf({Post("Transfer-Encoding: chunked\r\n\r\nb\r\nxx")}, limits),
              ElementsAre("413 too_large"));
}

class Expectation : public testing::TestWithParam<std::string> {};

TEST_P(Expectation, IsMetOnceAndOnlyWhileTheBodyIsAbsent) {
  const bool chunked = GetParam() == "Chunked";
  const std::string header =
      Post(std::string(chunked ? "Transfer-Encoding: chunked" : "Content-Length: 2") +
           "\r\nexpect: 100-Continue\r\n\r\n");
  const std::string body = chunked ? "1\r\nh\r\n1\r\ni\r\n0\r\n\r\n" : "hi";
  const std::string request = "POST /invocations body=hi";
  EXPECT_THAT(SaidOf({header, body}), ElementsAre("100", request));
  EXPECT_THAT(SaidOf({header + body}), ElementsAre(request));
  std::vector<std::string_view> pieces = CutAt(body, EveryPosition(body));
  pieces.insert(pieces.begin(), header);
  EXPECT_THAT(SaidOf(pieces), ElementsAre("100", request));
  const std::string header_and_begin = header + body.substr(0, 1);
  EXPECT_THAT(SaidOf({header_and_begin, std::string_view(body).substr(1)}), ElementsAre(request));
  EXPECT_THAT(SaidOf({header, body, header, body}), ElementsAre("100", request, "100", request));
}

INSTANTIATE_TEST_SUITE_P(Framings, Expectation, testing::Values("Chunked", "Length"),
                         [](const auto& param) { return param.param; });

TEST(RequestReader, NoContinuationIsSentMidBody) {
  Reading reading;
  reading.Feed(Post("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n1\r\nh"));
  EXPECT_EQ(reading.reader().Parse(), Progress::kNeedMore);  // all that came is taken
  EXPECT_THAT(reading.said(), IsEmpty());
}

TEST(RequestReader, MeetsNoExpectationOfTheOldVersionNorOfAnEmptyBody) {
  EXPECT_THAT(SaidOf({"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", "x"}),
              ElementsAre("POST / body=x close 1.0"));
  EXPECT_THAT(SaidOf({Post("Content-Length: 0\r\nExpect: 100-continue\r\n\r\n")}),
              ElementsAre("POST /invocations"));
}

TEST(RequestReader, KnowsWhetherARequestHasBegun) {
  Reading reading;
  EXPECT_FALSE(reading.reader().in_request());
  reading.Feed("G");
  EXPECT_TRUE(reading.reader().in_request());
  reading.Feed(Get("/ping").substr(1));
  EXPECT_FALSE(reading.reader().in_request());
  reading.Feed(Get("/ping") + "G");
  EXPECT_TRUE(reading.reader().in_request());
}

TEST(RequestReader, AnEmptyLineBeginsNoRequest) {
  Reading reading;
  reading.Feed(Get("/ping") + "\r\n");
  EXPECT_FALSE(reading.reader().in_request());
}

class StartOfARequest : public testing::Test {
 protected:
  /// The bytes come at a time.
  Progress Come(std::string_view bytes, MonotonicTime at) {
    clock_.Set(at);
    std::ranges::copy(bytes, reader_.Prepare().begin());
    reader_.Commit(bytes.size());
    return reader_.Parse();
  }

  static constexpr MonotonicTime kNoon{std::chrono::hours(12)};
  TestClock clock_;
  RequestReader reader_{{}, clock_};
};

TEST_F(StartOfARequest, IsWhenItsFirstByteCame) {
  const std::string bytes = Get("/ping");
  EXPECT_EQ(Come(bytes.substr(0, 1), kNoon), Progress::kNeedMore);
  ASSERT_EQ(Come(bytes.substr(1), kNoon + std::chrono::seconds(3)), Progress::kRequest);
  EXPECT_EQ(reader_.request().started, kNoon);
}

TEST_F(StartOfARequest, IsWhenTheOneBeforeHadItsAnswerIfBothCameTogether) {
  ASSERT_EQ(Come(Get("/ping") + Get("/after"), kNoon), Progress::kRequest);
  clock_.Set(kNoon + std::chrono::seconds(3));
  reader_.Next();
  ASSERT_EQ(reader_.Parse(), Progress::kRequest);
  EXPECT_EQ(reader_.request().started, kNoon + std::chrono::seconds(3));
}

constexpr std::size_t kSixMegabytes = 6291456;

TEST(RequestReader, GrowsToTheLongestBodyAndShrinksAgain) {
  std::string body(kSixMegabytes, 'x');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  const std::string bytes =
      Post("Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body) + Get("/after");
  EXPECT_TRUE(SaidOf({bytes}) ==
              (std::vector<std::string>{"POST /invocations body=" + body, "GET /after"}));
  Reading reading;
  const std::size_t room_before = reading.reader().Prepare().size();
  reading.Feed(bytes);
  EXPECT_EQ(reading.reader().Prepare().size(), room_before);
}

TEST(RequestReader, AnAnnouncedLengthAllocatesNothing) {
  const TestClock clock;
  RequestReader reader({}, clock);
  const std::string bytes =
      Post("Content-Length: " + std::to_string(kSixMegabytes) + "\r\n\r\nbegin");
  std::ranges::copy(bytes, reader.Prepare().begin());
  reader.Commit(bytes.size());
  const std::size_t before = AllocationCount();
  EXPECT_EQ(reader.Parse(), Progress::kNeedMore);
  EXPECT_FALSE(reader.Prepare().empty());
  EXPECT_EQ(AllocationCount() - before, 0U);
}

TEST(RequestReader, ABodyOfTinyChunksKeepsTheBufferSmall) {
  constexpr std::size_t kBody = 1'000'000;
  Reading reading;
  const char* const begin = reading.reader().Prepare().data();
  const char* const end = begin + reading.reader().Prepare().size();
  EXPECT_LE(end - begin, 65536);
  reading.Feed(Post("Transfer-Encoding: chunked\r\n\r\n"));
  std::string thousand_chunks;
  for (int i = 0; i < 1000; ++i) thousand_chunks += "1\r\nx\r\n";
  for (std::size_t sent = 0; sent < kBody; sent += 1000) {
    reading.Feed(thousand_chunks);
    const std::span<char> room = reading.reader().Prepare();
    ASSERT_TRUE(room.data() >= begin && room.data() + room.size() <= end) << "the buffer moved";
  }
  reading.Feed("0\r\n\r\n");
  EXPECT_TRUE(reading.said() ==
              std::vector<std::string>{"POST /invocations body=" + std::string(kBody, 'x')});
}

TEST(RequestReader, EndlessTrailersAreRefused) {
  std::string bytes = Post("Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n");
  for (int i = 0; i < 10'000; ++i) bytes += "X-Any: trailer\r\n";
  EXPECT_THAT(SaidOf({bytes}), ElementsAre(kBadRequest));
}

struct SteadyCase {
  std::string name;
  std::string bytes;
};

void PrintTo(const SteadyCase& param, std::ostream* out) { *out << param.name; }

class SteadyReader : public testing::TestWithParam<SteadyCase> {};

TEST_P(SteadyReader, AllocatesNothing) {
  const TestClock clock;
  RequestReader reader({}, clock);
  const auto read_one = [&reader](std::string_view bytes) {
    std::ranges::copy(bytes, reader.Prepare().begin());
    reader.Commit(bytes.size());
    Progress progress = reader.Parse();
    while (progress == Progress::kContinue) progress = reader.Parse();
    if (progress == Progress::kRequest) reader.Next();
    return progress;
  };
  ASSERT_EQ(read_one(GetParam().bytes), Progress::kRequest);
  const std::size_t before = AllocationCount();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(read_one(GetParam().bytes), Progress::kRequest);
  EXPECT_EQ(AllocationCount() - before, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Requests, SteadyReader,
    testing::Values(
        SteadyCase{"WithoutBody", Get("/ping")},
        SteadyCase{"BodyOfAnnouncedLength",
                   Post("Content-Type: application/json\r\nX-Request-Id: "
                        "0123456789abcdef0123456789abcdef\r\nContent-Length: 5\r\n\r\nhello")},
        SteadyCase{
            "TwoAccepts",
            Get("/x", "Accept: application/json;q=0.5\r\nAccept: application/jsonlines\r\n")},
        SteadyCase{"Chunked", Post("Transfer-Encoding: chunked\r\n\r\n28\r\n" +
                                   std::string(40, 'x') + "\r\n0\r\n\r\n")}),
    [](const auto& param) { return param.param.name; });

TEST(RequestReader, NamesTheHeaderThatWasGivenTwice) {
  for (const std::string header : {"Content-Type", "Content-Encoding", "X-Request-Id"}) {
    Reading reading;
    reading.Feed(Get("/ping", header + ": a\r\n" + header + ": b\r\n"));
    EXPECT_EQ(reading.reader().fault().field, header);
    EXPECT_EQ(reading.reader().fault().message,
              "the header " + header + " was given 2 times, it may come once");
  }
}

TEST(RequestReader, HandsOnATraceparentUnlessItIsNone) {
  const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const std::string line = "Traceparent: " + good + "\r\n";
  const auto read = [](const std::string& headers) {
    TestClock clock;
    RequestReader reader({}, clock);
    const std::string bytes = Get("/ping", headers);
    std::ranges::copy(bytes, reader.Prepare().begin());
    reader.Commit(bytes.size());
    EXPECT_EQ(reader.Parse(), Progress::kRequest);
    return std::string(reader.request().traceparent);
  };
  EXPECT_EQ(read(line), good);
  EXPECT_EQ(read(line + line), "");
  EXPECT_EQ(read("traceparent: 00-0-0-0\r\n"), "");
  EXPECT_EQ(read(""), "");
}

}  // namespace
}  // namespace forkcast::serving
