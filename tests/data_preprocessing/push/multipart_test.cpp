#include "data_preprocessing/push/multipart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace forkcast::preprocessing {
namespace {

using testing::HasSubstr;

TEST(Multipart, GivesThePartsInTheirOrder) {
  const std::string body =
      "--b\r\n"
      "Content-Disposition: form-data; name=\"file\"; filename=\"a \\\"1\\\".csv\"\r\n"
      "Content-Type: text/csv\r\n\r\n"
      "sku,count\r\na,1\r\n\r\n"
      "--b\r\n"
      "content-disposition: FORM-DATA; name=prices\r\n\r\n"
      "\r\n--b--\r\n";
  const auto parts = ParseMultipart(body, "b");
  ASSERT_TRUE(parts.ok()) << parts.error().message;
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ(parts->at(0).name, "file");
  EXPECT_EQ(parts->at(0).file_name, "a \"1\".csv");
  EXPECT_EQ(parts->at(0).content_type, "text/csv");
  EXPECT_EQ(parts->at(0).content, "sku,count\r\na,1\r\n");
  EXPECT_EQ(parts->at(1).name, "prices");
  EXPECT_EQ(parts->at(1).content, "");
}

TEST(Multipart, KeepsBytesThatLookLikeABoundaryWithinALine) {
  const auto parts = ParseMultipart(
      "--b\r\nContent-Disposition: form-data; name=f\r\n\r\nx --b-- y\r\n--b--", "b");
  ASSERT_TRUE(parts.ok()) << parts.error().message;
  EXPECT_EQ(parts->front().content, "x --b-- y");
}

struct WrongBody {
  std::string name;
  std::string body;
  std::string message;
};
void PrintTo(const WrongBody& one, std::ostream* out) { *out << one.name; }

class AWrongForm : public testing::TestWithParam<WrongBody> {};

TEST_P(AWrongForm, IsRefusedSayingWhy) {
  const auto parts = ParseMultipart(GetParam().body, "b");
  ASSERT_FALSE(parts.ok());
  EXPECT_EQ(parts.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(parts.error().message, HasSubstr(GetParam().message));
}

const std::string kHead = "Content-Disposition: form-data; name=f\r\n";

std::string TooManyParts() {
  std::string body;
  for (std::size_t i = 0; i <= kMostParts; ++i) body += "--b\r\n" + kHead + "\r\nx\r\n";
  return body + "--b--";
}

INSTANTIATE_TEST_SUITE_P(
    Of, AWrongForm,
    testing::Values(
        WrongBody{"Nothing", "", "does not begin with its boundary"},
        WrongBody{"SomethingBeforeTheFirstBoundary", "x\r\n--b--", "does not begin"},
        WrongBody{"NoParts", "--b--\r\n", "has no parts"},
        WrongBody{"BrokenOffInAPart", "--b\r\n" + kHead + "\r\nsku,cou",
                  "part 1: it was broken off"},
        WrongBody{"BrokenOffInAHead", "--b\r\nContent-Dis\r\n--b--",
                  "part 1: its head does not end"},
        WrongBody{"BrokenOffBehindABoundary", "--b\r\n" + kHead + "\r\nx\r\n--b",
                  "end of its line"},
        WrongBody{"AnotherBoundary", "--c\r\n" + kHead + "\r\nx\r\n--c--", "does not begin"},
        WrongBody{"ABoundaryThatGoesOn", "--b\r\n" + kHead + "\r\nx\r\n--bc--", "end of its line"},
        WrongBody{"NoDisposition", "--b\r\nContent-Type: text/csv\r\n\r\nx\r\n--b--",
                  "part 1: it has no Content-Disposition"},
        WrongBody{"NoName", "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
                  "has no name"},
        WrongBody{"AnAttachment",
                  "--b\r\nContent-Disposition: attachment; name=f\r\n\r\nx\r\n--b--", "form-data"},
        WrongBody{"AQuoteThatDoesNotEnd",
                  "--b\r\nContent-Disposition: form-data; name=\"f\r\n\r\nx\r\n--b--", "form-data"},
        WrongBody{"TwoNames",
                  "--b\r\nContent-Disposition: form-data; name=f; name=g\r\n\r\nx\r\n--b--",
                  "form-data"},
        WrongBody{"TwoDispositions", "--b\r\n" + kHead + kHead + "\r\nx\r\n--b--", "there twice"},
        WrongBody{
            "AnEncodedName",
            "--b\r\nContent-Disposition: form-data; name=f; filename*=UTF-8''x\r\n\r\n\r\n--b--",
            "filename*"},
        WrongBody{"Base64",
                  "--b\r\n" + kHead + "Content-Transfer-Encoding: base64\r\n\r\nx\r\n--b--",
                  "Content-Transfer-Encoding"},
        WrongBody{"ALineThatIsNoHeader", "--b\r\n" + kHead + "nonsense\r\n\r\nx\r\n--b--",
                  "is no header"},
        WrongBody{"AHeadWithoutEnd", "--b\r\n" + kHead + std::string(9000, 'x') + "\r\n--b--",
                  "its head does not end"},
        WrongBody{"SomethingBehindTheLastBoundary", "--b\r\n" + kHead + "\r\nx\r\n--b--\r\nmore",
                  "behind its last boundary"},
        WrongBody{"TooManyParts", TooManyParts(), "more than 100 parts"}),
    [](const auto& one) { return one.param.name; });

struct BoundaryCase {
  std::string name;
  std::string content_type;
  std::string boundary;  ///< Empty: it is refused.
};
void PrintTo(const BoundaryCase& one, std::ostream* out) { *out << one.name; }

class ABoundary : public testing::TestWithParam<BoundaryCase> {};

TEST_P(ABoundary, IsWhatTheContentTypeNames) {
  const auto boundary = BoundaryOf(GetParam().content_type);
  if (GetParam().boundary.empty()) {
    EXPECT_FALSE(boundary.ok());
  } else {
    ASSERT_TRUE(boundary.ok()) << boundary.error().message;
    EXPECT_EQ(*boundary, GetParam().boundary);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of, ABoundary,
    testing::Values(
        BoundaryCase{"AToken", "multipart/form-data; boundary=----x1", "----x1"},
        BoundaryCase{"Quotes", "multipart/form-data; charset=utf-8; Boundary=\"a b\"", "a b"},
        BoundaryCase{"NoParameter", "multipart/form-data", ""},
        BoundaryCase{"AnEmptyOne", "multipart/form-data; boundary=\"\"", ""},
        BoundaryCase{"TooLong", "multipart/form-data; boundary=" + std::string(71, 'x'), ""},
        BoundaryCase{"AControlCharacter", "multipart/form-data; boundary=\"a\tb\"", ""}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
