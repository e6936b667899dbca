#include "data_preprocessing/source/ingest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class TableFile : public testing::Test {
 protected:
  TempFolder folder_;
};

TEST_F(TableFile, IsFoundPlainOrAsGzip) {
  const auto plain = folder_.Write("orders.csv", "");
  const auto gzip = folder_.Write("payments.csv.gz", "");
  EXPECT_EQ(*FindTableFile(folder_.path(), "orders"), plain);
  EXPECT_EQ(*FindTableFile(folder_.path(), "payments"), gzip);
}

TEST_F(TableFile, ThatIsThereTwiceIsRefused) {
  folder_.Write("orders.csv", "");
  folder_.Write("orders.csv.gz", "");
  const auto found = FindTableFile(folder_.path(), "orders");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(found.error().message, AllOf(HasSubstr("orders.csv "), HasSubstr("orders.csv.gz ")));
}

TEST_F(TableFile, ThatIsAbsentIsNamedInBothForms) {
  const auto found = FindTableFile(folder_.path() / "absent", "orders");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(found.error().message,
              AllOf(HasSubstr("absent/orders.csv "), HasSubstr("absent/orders.csv.gz ")));
}

}  // namespace
}  // namespace forkcast::preprocessing
