#include "data_preprocessing/dao/mysql/mysql_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

namespace forkcast::preprocessing {

void PrintTo(const MysqlUrl& url, std::ostream* out) {
  *out << "user " << url.user << " host " << url.host << " port " << url.port << " database "
       << url.database << " options " << testing::PrintToString(url.options);
}

namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(MysqlUrl, IsTakenApart) {
  EXPECT_EQ(*ParseMysqlUrl("//me@db.shop:3307/orders?ssl-ca=/etc/ca.pem&connect-timeout=3"),
            (MysqlUrl{.user = "me",
                      .host = "db.shop",
                      .port = 3307,
                      .database = "orders",
                      .options = {{"ssl-ca", "/etc/ca.pem"}, {"connect-timeout", "3"}}}));
  EXPECT_EQ(*ParseMysqlUrl("//a%40b@[::1]:1/o%2Fr"),
            (MysqlUrl{.user = "a@b", .host = "::1", .port = 1, .database = "o/r", .options = {}}));
  EXPECT_EQ(*ParseMysqlUrl("///orders"),
            (MysqlUrl{.user = "", .host = "", .database = "orders", .options = {}}));
}

TEST(MysqlUrl, OfAnotherFormIsRefused) {
  for (const std::string place :
       {"", "orders", "//host", "//host/", "//host:port/db", "//host:0/db", "//host:65536/db",
        "//host/db%4", "//[::1/db", "//[::1]1/db", "//host/db?ssl-ca=%zz"}) {
    const auto url = ParseMysqlUrl(place);
    ASSERT_FALSE(url.ok()) << place;
    EXPECT_EQ(url.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(url.error().message, HasSubstr("mysql://[USER@]HOST[:PORT]/DATABASE"));
  }
}

TEST(MysqlUrl, WithAPasswordIsRefusedWithoutShowingIt) {
  for (const std::string place :
       {"//me:secret@host/db", "//me:sec/ret@host:1/db", "//host/db?password=secret",
        "//host/db?ssl=true&password=secret"}) {
    const auto url = ParseMysqlUrl(place);
    ASSERT_FALSE(url.ok()) << place;
    EXPECT_EQ(url.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(url.error().message,
                AllOf(HasSubstr("MYSQL_PWD"), Not(HasSubstr("sec")), Not(HasSubstr("ret"))));
  }
}

}  // namespace
}  // namespace forkcast::preprocessing
