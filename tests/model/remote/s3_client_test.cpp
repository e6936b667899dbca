#include "model/remote/s3_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forkcast::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(XmlTexts, AreThoseOfEveryElementWithEntitiesResolved) {
  constexpr const char* kPage =
      "<?xml version=\"1.0\"?><ListBucketResult><Contents><Key>a&amp;b</Key><Size>1</Size>"
      "</Contents><Contents><Key>c &lt;d&gt; &quot;e&#39;</Key></Contents></ListBucketResult>";
  EXPECT_THAT(XmlTexts(kPage, "Key"), ElementsAre("a&b", "c <d> \"e'"));
  EXPECT_THAT(XmlTexts(kPage, "Prefix"), IsEmpty());
}

TEST(XmlTexts, AreNoneOfElementsWithinOthersOrWithoutAnEnd) {
  EXPECT_THAT(XmlTexts("<A><A>x</A></A>", "A"), ElementsAre("x"));
  EXPECT_THAT(XmlTexts("<Key>cut", "Key"), IsEmpty());
  EXPECT_THAT(XmlTexts("", "Key"), IsEmpty());
}

TEST(ServerOf, IsAUrlWithoutPathAndQuery) {
  EXPECT_EQ(ServerOf("http://127.0.0.1:9000/bucket/key?a=b"), "http://127.0.0.1:9000");
  EXPECT_EQ(ServerOf("https://host"), "https://host");
  EXPECT_EQ(ServerOf("host/x"), "host");
}

}  // namespace
}  // namespace forkcast::model
