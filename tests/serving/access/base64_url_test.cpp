#include "serving/access/base64_url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(Base64Url, IsThatOfTheStandard) {  // RFC 4648, 10, without signs
  EXPECT_EQ(ToBase64Url(Bytes{}), "");
  EXPECT_EQ(ToBase64Url(Bytes{'f'}), "Zg");
  EXPECT_EQ(ToBase64Url(Bytes{'f', 'o'}), "Zm8");
  EXPECT_EQ(ToBase64Url(Bytes{'f', 'o', 'o', 'b', 'a', 'r'}), "Zm9vYmFy");
  EXPECT_EQ(ToBase64Url(Bytes{0xfb, 0xff}), "-_8");
}

TEST(Base64Url, IsReadBack) {
  for (std::size_t size = 0; size < 100; ++size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(37 * i + size);
    EXPECT_EQ(FromBase64Url(ToBase64Url(bytes)), bytes);
  }
}

TEST(Base64Url, HasOneSpelling) {
  for (const char* const other :
       {"Z", "Zh", "Zg==", "Zg=", "Z g", " Zg", "Zg\n", "Zm9=", "+_8", "-/8", "Zg\x80", "*"}) {
    EXPECT_FALSE(FromBase64Url(other)) << other;
  }
}

}  // namespace
}  // namespace forkcast::serving
