#include "data_preprocessing/push/remembered_pushes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "data_preprocessing/document/content_hash.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

RememberedPush Push(const std::string& key, Instant taken) {
  return {.key = key,
          .content = "c",
          .taken = taken,
          .rows = 5,
          .added = 2,
          .identical = 1,
          .replaced = 2,
          .left_out = 3};
}

const Instant kNoon{std::chrono::hours(12)};

TEST(RememberedPushes, AreReadBackAsTheyWereWritten) {
  const RememberedPush first = Push("a", kNoon);
  const RememberedPush second = Push("b", kNoon + std::chrono::microseconds(7));
  const std::string text = Remember(ParseRemembered(Remember({}, first)), second);
  EXPECT_THAT(ParseRemembered(text), ElementsAre(first, second));
}

TEST(RememberedPushes, AreForgottenAfterADayAndNotBefore) {
  const RememberedPush old = Push("a", kNoon);
  const RememberedPush next = Push("b", kNoon + kRemembered);
  EXPECT_THAT(ParseRemembered(Remember({old}, next)), ElementsAre(next));
  const RememberedPush within = Push("b", kNoon + kRemembered - std::chrono::microseconds(1));
  EXPECT_THAT(ParseRemembered(Remember({old}, within)), ElementsAre(old, within));
}

TEST(RememberedPushes, StayWhenTheClockJumpsBack) {
  const RememberedPush ahead = Push("a", kNoon);
  const RememberedPush now = Push("b", Instant{});
  EXPECT_THAT(ParseRemembered(Remember({ahead}, now)), ElementsAre(ahead, now));
}

TEST(RememberedPushes, PassOverLinesThatAreNone) {
  EXPECT_THAT(ParseRemembered("what is this\n\na b c 1 2 3 4 5\n"), IsEmpty());
}

TEST(RememberedPushes, LieInABucketByTheirHash) {
  EXPECT_EQ(BucketOf("xxh3-128:00000000000000000000000000000abc"), "push:abc");
  EXPECT_EQ(BucketOf(ContentHash("k")), BucketOf(ContentHash("k")));
}

}  // namespace
}  // namespace forkcast::preprocessing
