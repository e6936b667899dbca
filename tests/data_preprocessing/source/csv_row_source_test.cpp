#include "data_preprocessing/source/csv_row_source.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CsvRows : public testing::Test {
 protected:
  CsvRowSource Source(const std::string& file) {
    return {folder_.path() / file,
            {.name = "visits", .schema = {{{.name = "page"}}}, .key = {}},
            zone_};
  }

  TempFolder folder_;
  TimeZone zone_;
};

TEST_F(CsvRows, KnowTheirLinesAndHowFarTheyAre) {
  folder_.Write("visits.csv", "page\nhome\n\nabout\n");
  CsvRowSource source = Source("visits.csv");
  RowBatch batch({{{.name = "page"}}});
  EXPECT_EQ(*source.Read(10, batch), Fetched::kRows);
  EXPECT_EQ(batch.rows.row_count(), 2U);
  EXPECT_EQ(source.PlaceOf(batch.places[1]), source.name() + ": line 4");
  EXPECT_EQ(*source.Read(10, batch), Fetched::kEnd);
  EXPECT_EQ(batch.rows.row_count(), 0U);
  EXPECT_EQ(batch.position.done, batch.position.total);
  EXPECT_EQ(batch.position.total, 17U);
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

TEST_F(CsvRows, OfAPipeAreReadAsThoseOfAFile) {
  const std::filesystem::path pipe = folder_.path() / "visits.csv";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  folder_.Write("other.csv", "page\nhome\n");
  std::jthread writer([&pipe] { std::ofstream(pipe) << "page\nhome\n"; });
  CsvRowSource source = Source("visits.csv");
  EXPECT_EQ(*source.ContentHash(), *Source("other.csv").ContentHash());
  RowBatch batch({{{.name = "page"}}});
  ASSERT_EQ(*source.Read(10, batch), Fetched::kRows);
  EXPECT_EQ(batch.rows.row_count(), 1U);
  EXPECT_EQ(source.PlaceOf(batch.places[0]), pipe.string() + ": line 2");
}

TEST_F(CsvRows, ThatAreWrongAreSetAsideWithTheirText) {
  folder_.Write("sizes.csv",
                "page,size\nhome,1\nabout,many\n\"a \"\"b\"\"\",\"2\n\"\nindex,3,4\nx\"y,5\nend,6");
  const TableSpec sizes{
      .name = "sizes",
      .schema = {{{.name = "page"}, {.name = "size", .type = ColumnType::kInt64}}},
      .key = {}};
  CsvRowSource source(folder_.path() / "sizes.csv", sizes, zone_);
  source.SetBadRowsAside();
  RowBatch batch(sizes.schema);
  ASSERT_EQ(*source.Read(10, batch), Fetched::kRows);
  EXPECT_THAT(Rows(batch.rows), ElementsAre("'home' 1", "'end' 6"));
  EXPECT_EQ(batch.texts.Text(1), "end,6");
  std::vector<std::string> rejected;
  for (const SetAsideRow& bad : batch.set_aside) {
    rejected.push_back(fmt::format("{}|{}|{}", bad.place, bad.text, bad.reason));
  }
  EXPECT_THAT(
      rejected,
      ElementsAre(
          "3|about,many|line 3, column 7: column \"size\": expected an integer of 64 bits, "
          "got \"many\"",
          "4|\"a \"\"b\"\"\",\"2\n\"|line 4, column 11: column \"size\": expected an "
          "integer of 64 bits, got \"2\n\"",
          "6|index,3,4|line 6, column 9: expected 2 fields as in the header, got 3",
          "7|x\"y,5|line 7, column 2: a quote inside a field that does not start with one"));
}

TEST_F(CsvRows, ThatAreAllWrongComeABatchAtATime) {
  folder_.Write("visits.csv", "page\na,1\nb,2\nc,3\nhome\n");
  CsvRowSource source = Source("visits.csv");
  source.SetBadRowsAside();
  RowBatch batch({{{.name = "page"}}});
  ASSERT_EQ(*source.Read(2, batch), Fetched::kRows);
  EXPECT_EQ(batch.rows.row_count(), 0U);
  EXPECT_EQ(batch.set_aside.size(), 2U);
  ASSERT_EQ(*source.Read(2, batch), Fetched::kRows);
  EXPECT_THAT(Rows(batch.rows), ElementsAre("'home'"));
  EXPECT_EQ(batch.set_aside.size(), 1U);
  EXPECT_EQ(*source.Read(2, batch), Fetched::kEnd);
}

TEST_F(CsvRows, ThatReachOverSeveralLinesAreSetAsideWhole) {
  folder_.Write("visits.csv", "page\n\"a\n\xFF\",1\nhome\n");
  CsvRowSource source = Source("visits.csv");
  source.SetBadRowsAside();
  RowBatch batch({{{.name = "page"}}});
  ASSERT_EQ(*source.Read(10, batch), Fetched::kRows);
  EXPECT_THAT(Rows(batch.rows), ElementsAre("'home'"));
  ASSERT_EQ(batch.set_aside.size(), 1U);
  EXPECT_EQ(batch.set_aside[0].text, "\"a\n\xFF\",1");
}

TEST_F(CsvRows, OfAFileThatIsAbsentAreAnErrorThatNamesIt) {
  CsvRowSource source = Source("absent.csv");
  RowBatch batch({{{.name = "page"}}});
  for (const auto& error : {source.ContentHash().error(), source.Read(10, batch).error()}) {
    EXPECT_EQ(error.code, ErrorCode::kIo);
    EXPECT_THAT(error.message, HasSubstr("absent.csv"));
  }
}

}  // namespace
}  // namespace forkcast::preprocessing
