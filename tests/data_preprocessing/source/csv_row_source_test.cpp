#include "data_preprocessing/source/csv_row_source.hpp"

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

class CsvRows : public testing::Test {
 protected:
  CsvRowSource Source(const std::string& file) {
    return {folder_.path() / file, {{{.name = "page"}}}, zone_};
  }

  TempFolder folder_;
  TimeZone zone_;
};

TEST_F(CsvRows, KnowTheirLinesAndHowFarTheyAre) {
  folder_.Write("visits.csv", "page\nhome\n\nabout\n");
  CsvRowSource source = Source("visits.csv");
  EXPECT_EQ(source.position().done, 0U);
  Table batch({{{.name = "page"}}});
  EXPECT_EQ(*source.Read(10, batch), Fetched::kRows);
  EXPECT_EQ(batch.row_count(), 2U);
  EXPECT_EQ(source.PlaceOf(1), source.name() + ": line 4");
  EXPECT_EQ(*source.Read(10, batch), Fetched::kEnd);
  EXPECT_EQ(batch.row_count(), 0U);
  EXPECT_EQ(source.position().done, source.position().total);
  EXPECT_EQ(source.position().total, 17U);
}

TEST_F(CsvRows, HaveTheSameContentsUnderAnyNameAndAsGzip) {
  folder_.Write("visits.csv", "page\nhome\n");
  folder_.WriteGzip("visits.csv.gz", "page\nhome\n");
  folder_.Write("other.csv", "page\nabout\n");
  const Result<std::string> hash = Source("visits.csv").ContentHash();
  ASSERT_TRUE(hash.ok()) << hash.error().message;
  EXPECT_EQ(*Source("visits.csv.gz").ContentHash(), *hash);
  EXPECT_NE(*Source("other.csv").ContentHash(), *hash);
}

TEST_F(CsvRows, OfAFileThatIsAbsentAreAnErrorThatNamesIt) {
  CsvRowSource source = Source("absent.csv");
  Table batch({{{.name = "page"}}});
  for (const auto& error : {source.ContentHash().error(), source.Read(10, batch).error()}) {
    EXPECT_EQ(error.code, ErrorCode::kIo);
    EXPECT_THAT(error.message, HasSubstr("absent.csv"));
  }
}

}  // namespace
}  // namespace forkcast::preprocessing
