#include "serving/access/login_attempts.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace forkcast::serving {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr MonotonicTime kNow{hours(100)};

class Attempts : public testing::Test {
 protected:
  [[nodiscard]] seconds Take(const std::string& name, const std::string& address,
                             MonotonicTime now = kNow) {
    return attempts_->Take({.name = name, .address = address}, key_, now);
  }
  /// How many of a hundred are let pass, each of another name or from another address.
  std::size_t PassedOfName(const std::string& name, MonotonicTime now = kNow) {
    std::size_t passed = 0;
    for (int i = 0; i < 100; ++i) {
      if (Take(name, "192.0.2." + std::to_string(i), now).count() == 0) ++passed;
    }
    return passed;
  }

  const SessionKey key_{1, 2, 3};
  std::unique_ptr<LoginAttempts> attempts_ = std::make_unique<LoginAttempts>();
};

TEST_F(Attempts, AreLimitedByNameFromWhereverTheyCome) {
  EXPECT_EQ(PassedOfName("ana"), LoginAttempts::kBurstByName);
}

TEST_F(Attempts, AreLimitedByAddressWhoeverIsTried) {
  int passed = 0;
  for (int i = 0; i < 100; ++i) {
    if (Take("user" + std::to_string(i), "192.0.2.1").count() == 0) ++passed;
  }
  EXPECT_EQ(passed, LoginAttempts::kBurstByAddress);
}

TEST_F(Attempts, AreFewerThanAHundredAnHourOfOneName) {  // ASVS 2.2.1
  std::size_t passed = 0;
  for (int second = 0; second < 3600; ++second) {
    if (Take("ana", "198.51.100." + std::to_string(second), kNow + seconds(second)).count() == 0) {
      ++passed;
    }
  }
  EXPECT_GT(passed, 50U);
  EXPECT_LT(passed, 100U);
}

TEST_F(Attempts, AreToldWhenTheNextOneIsTaken) {
  static_cast<void>(PassedOfName("ana"));
  const seconds wait = Take("ana", "203.0.113.1");
  EXPECT_EQ(wait, LoginAttempts::kIntervalByName);
  EXPECT_GT(Take("ana", "203.0.113.1", kNow + wait - seconds(1)).count(), 0);
  EXPECT_EQ(Take("ana", "203.0.113.1", kNow + wait).count(), 0);
}

TEST_F(Attempts, ThatAreRefusedDoNotCount) {
  static_cast<void>(PassedOfName("ana"));
  for (int i = 0; i < 1000; ++i) static_cast<void>(Take("ana", "203.0.113.1"));
  EXPECT_EQ(Take("ana", "203.0.113.1"), LoginAttempts::kIntervalByName);
}

TEST_F(Attempts, OfOneNameDoNotCountForAnother) {
  static_cast<void>(PassedOfName("ana"));
  EXPECT_EQ(PassedOfName("bea"), LoginAttempts::kBurstByName);
}

TEST_F(Attempts, ThatWereGoodDoNotCount) {
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(Take("ana", "192.0.2.1").count(), 0);
    attempts_->GiveBack({.name = "ana", .address = "192.0.2.1"}, key_);
  }
}

TEST_F(Attempts, GiveBackNoMoreThanTheyTook) {
  attempts_->GiveBack({.name = "ana", .address = "192.0.2.1"}, key_);
  EXPECT_EQ(PassedOfName("ana"), LoginAttempts::kBurstByName);
}

TEST_F(Attempts, AreForgottenAfterAWhile) {
  static_cast<void>(PassedOfName("ana"));
  EXPECT_EQ(PassedOfName("ana", kNow + hours(1)), LoginAttempts::kBurstByName);
}

TEST_F(Attempts, FromANetworkOfIPv6CountTogether) {
  int passed = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string address = "2001:db8:1:2::" + std::to_string(i + 1);
    if (Take("user" + std::to_string(i), address).count() == 0) ++passed;
  }
  EXPECT_EQ(passed, LoginAttempts::kBurstByAddress);
  EXPECT_EQ(Take("somebody", "2001:db8:1:3::1").count(), 0);
}

TEST_F(Attempts, OfVeryManyNamesDoNotLockEverybodyOut) {
  for (int i = 0; i < 500; ++i) {
    static_cast<void>(Take("user" + std::to_string(i), "192.0.2." + std::to_string(i)));
  }
  EXPECT_EQ(Take("ana", "203.0.113.1").count(), 0);
}

TEST(Customers, HaveAnAddressOfIPv4OrANetworkOfIPv6) {
  EXPECT_EQ(CustomerOf("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(CustomerOf("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(CustomerOf("2001:db8::1"), CustomerOf("2001:db8::ffff"));
  EXPECT_NE(CustomerOf("2001:db8::1"), CustomerOf("2001:db8:0:1::1"));
  EXPECT_EQ(CustomerOf(""), "");
}

}  // namespace
}  // namespace forkcast::serving
