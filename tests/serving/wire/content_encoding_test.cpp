#include "serving/wire/content_encoding.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace forkcast::wire {
namespace {

struct PackingCase {
  std::string name;
  std::string content_encoding;
  bool gzip;
};

void PrintTo(const PackingCase& param, std::ostream* out) { *out << param.content_encoding; }

class IsGzipTest : public testing::TestWithParam<PackingCase> {};

TEST_P(IsGzipTest, FollowsContentEncoding) {
  const Result<bool> is_gzip = IsGzip(GetParam().content_encoding);
  ASSERT_TRUE(is_gzip) << is_gzip.error().message;
  EXPECT_EQ(*is_gzip, GetParam().gzip);
}

INSTANTIATE_TEST_SUITE_P(Cases, IsGzipTest,
                         testing::Values(PackingCase{"NothingSaid", "", false},
                                         PackingCase{"ByName", "gzip", true},
                                         PackingCase{"ByAnotherName", "x-gzip", true},
                                         PackingCase{"WithoutCase", "GZip", true},
                                         PackingCase{"AsItIs", "identity", false}),
                         [](const auto& param) { return param.param.name; });

TEST(ContentEncoding, ThatIsNotKnownIsRefused) {
  const Result<bool> is_gzip = IsGzip("br");
  ASSERT_FALSE(is_gzip);
  EXPECT_EQ(is_gzip.error().code, ErrorCode::kUnsupportedType);
  EXPECT_EQ(is_gzip.error().field, "Content-Encoding");
}

}  // namespace
}  // namespace forkcast::wire
