#include "serving/http/request_head.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

#include "support/allocation_counter.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kMostBody = 1000;

std::string_view TextOf(std::string_view bytes, Stretch stretch) {
  return bytes.substr(stretch.offset, stretch.size);
}

/// What was read of a head, as a test would write it; "left" when it was not.
std::string Show(std::string_view bytes) {
  RequestHead head;
  const std::size_t size = ReadPlainHead(bytes, kMostBody, head);
  if (size == 0) return "left";
  std::string shown =
      fmt::format("{} {} {}", TextOf(bytes, head.line_method), TextOf(bytes, head.target), size);
  if (head.content_length) shown += fmt::format(" length={}", *head.content_length);
  for (std::size_t i = 0; i < kHeaderCount; ++i) {
    if (head.seen[i] == 0) continue;
    shown += fmt::format(" {}={}", NameOf(static_cast<Header>(i)), TextOf(bytes, head.headers[i]));
  }
  return shown;
}

struct HeadCase {
  const char* name;
  std::string bytes;
  std::string shown = "left";
};

void PrintTo(const HeadCase& param, std::ostream* out) { *out << param.name; }

class PlainHead : public testing::TestWithParam<HeadCase> {};

TEST_P(PlainHead, IsReadOrLeftToTheOtherParser) {
  EXPECT_EQ(Show(GetParam().bytes), GetParam().shown);
}

std::string NameOfCase(const testing::TestParamInfo<HeadCase>& info) { return info.param.name; }

const std::string kManyFields = [] {
  std::string text = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 101; ++i) text += "a: b\r\n";
  return text + "\r\n";
}();

INSTANTIATE_TEST_SUITE_P(
    Read, PlainHead,
    testing::Values(
        HeadCase{"AGet", "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n", "GET /ping 31 Host=a"},
        HeadCase{"AHead", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD / 28 Host=a"},
        HeadCase{"APostWithWhatFollowsIt",
                 "POST /x?y=1 HTTP/1.1\r\nhost:a\r\nCONTENT-LENGTH: 12 \r\n\r\n{\"a\": 1}",
                 "POST /x?y=1 53 length=12 Host=a Content-Length=12"},
        HeadCase{"FieldsThatNobodyLooksAt",
                 "GET / HTTP/1.1\r\nHost: a\r\nX-Something-Long: any; \"thing\"\r\n\r\n",
                 "GET / 59 Host=a"},
        HeadCase{"AnEmptyValue", "GET / HTTP/1.1\r\nHost: \r\nAccept:\r\n\r\n",
                 "GET / 35 Accept= Host="},
        HeadCase{"AConnectionThatIsKeptAnyway",
                 "GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", "GET / 51 Host=a"},
        HeadCase{"ABodyOfTheGreatestSize", "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n",
                 "POST / 41 length=1000 Content-Length=1000"}),
    NameOfCase);

INSTANTIATE_TEST_SUITE_P(
    Left, PlainHead,
    testing::Values(
        HeadCase{"OneThatIsNotWhole", "GET / HTTP/1.1\r\nHost: a\r\n"},
        HeadCase{"AnotherMethod", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n"},
        HeadCase{"TheOldVersion", "GET / HTTP/1.0\r\nHost: a\r\n\r\n"},
        HeadCase{"NoTarget", "GET  HTTP/1.1\r\nHost: a\r\n\r\n"},
        HeadCase{"ABlankInTheTarget", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
        HeadCase{"ALineThatEndsByLineFeed", "GET / HTTP/1.1\nHost: a\r\n\r\n"},
        HeadCase{"AFieldThatEndsByLineFeed", "GET / HTTP/1.1\r\nHost: a\n\r\n"},
        HeadCase{"AFieldThatGoesOnInTheNextLine", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"},
        HeadCase{"ABlankBehindAName", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
        HeadCase{"ANameThatIsNoToken", "GET / HTTP/1.1\r\nHo@st: a\r\n\r\n"},
        HeadCase{"ANameThatIsAlmostAKnownOne", "POST / HTTP/1.1\r\nContent\rLength: 1\r\n\r\n"},
        HeadCase{"ANameWithoutColon", "GET / HTTP/1.1\r\nHost\r\n\r\n"},
        HeadCase{"ATab", "GET / HTTP/1.1\r\nHost:\ta\r\n\r\n"},
        HeadCase{"ADelete", "GET / HTTP/1.1\r\nHost: a\x7F\r\n\r\n"},
        HeadCase{"AByteBeyondAscii", "GET / HTTP/1.1\r\nHost: a\r\nX: \xC3\xA9\r\n\r\n"},
        HeadCase{"AListInTwoParts", "GET / HTTP/1.1\r\nAccept: a\r\nAccept: b\r\n\r\n"},
        HeadCase{"ASecondHost", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"},
        HeadCase{"ATransferEncoding", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        HeadCase{"AnExpectation", "POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n"},
        HeadCase{"AConnectionThatEnds", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"},
        HeadCase{"AnUpgrade", "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"},
        HeadCase{"ALengthThatIsNoNumber", "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n"},
        HeadCase{"AnEmptyLength", "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n"},
        HeadCase{"TwoLengths", "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n"},
        HeadCase{"ABodyThatIsTooLarge", "POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n"},
        HeadCase{"ALengthBeyondAllNumbers",
                 "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"},
        HeadCase{"TooManyFields", kManyFields}),
    NameOfCase);

class OddByte : public testing::TestWithParam<std::size_t> {};

TEST_P(OddByte, IsSeenWhereverItStandsInAValue) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string bytes = "GET / HTTP/1.1\r\nX: 0123456789abcdefghij\r\n\r\n";
    bytes[19 + GetParam()] = static_cast<char>(byte);
    const bool is_printable = byte >= 0x20 && byte < 0x7F;
    EXPECT_EQ(Show(bytes), is_printable ? "GET / 43" : "left") << byte;
  }
}

INSTANTIATE_TEST_SUITE_P(Places, OddByte, testing::Range<std::size_t>(0, 20));

TEST(HeaderNames, AreFoundWhateverTheirCaseAndNoOtherIs) {
  for (std::size_t i = 0; i < kHeaderCount; ++i) {
    const auto header = static_cast<Header>(i);
    std::string name(NameOf(header));
    EXPECT_EQ(HeaderOf(name), header);
    for (char& c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    EXPECT_EQ(HeaderOf(name), header) << name;
    EXPECT_EQ(HeaderOf(name + "s"), std::nullopt);
    name.back() = '_';
    EXPECT_EQ(HeaderOf(name), std::nullopt) << name;
    name.pop_back();
    EXPECT_EQ(HeaderOf(name), std::nullopt) << name;
  }
  EXPECT_EQ(HeaderOf(""), std::nullopt);
  EXPECT_EQ(HeaderOf("Connection"), std::nullopt);
}

TEST(PlainHeads, AllocateNothing) {
  constexpr std::string_view kBytes =
      "POST /invocations HTTP/1.1\r\nHost: a\r\nX-Request-Id: 1\r\nContent-Length: 10\r\n\r\n";
  RequestHead head;
  const std::size_t before = AllocationCount();
  EXPECT_EQ(ReadPlainHead(kBytes, kMostBody, head), kBytes.size());
  EXPECT_EQ(AllocationCount(), before);
}

}  // namespace
}  // namespace forkcast::serving
