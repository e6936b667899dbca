#include "data_preprocessing/table/csv_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const Schema kItems{{{.name = "code", .type = ColumnType::kText},
                     {.name = "at", .type = ColumnType::kTimestamp},
                     {.name = "count", .type = ColumnType::kInt64, .nullable = true},
                     {.name = "note", .type = ColumnType::kText, .nullable = true},
                     {.name = "ok", .type = ColumnType::kBool, .nullable = true},
                     {.name = "price", .type = ColumnType::kDouble, .nullable = true}}};
const std::string kHeader = "code,at,count,note,ok,price\n";

/// All rows of a file, read `batch_rows` at a time, or the first error.
Result<std::vector<std::string>> ReadAll(const std::filesystem::path& path,
                                         std::size_t batch_rows = 100) {
  Result<CsvTableReader> reader = CsvTableReader::Open(path, kItems, TimeZone());
  if (!reader) return reader.error();
  std::vector<std::string> rows;
  Table batch(kItems);
  while (true) {
    const Result<bool> more = reader->ReadBatch(batch_rows, batch);
    EXPECT_TRUE((more.ok() && *more) || batch.row_count() == 0);
    if (!more) return more.error();
    if (!*more) return rows;
    EXPECT_LE(batch.row_count(), batch_rows);
    for (std::string& row : Rows(batch)) rows.push_back(std::move(row));
  }
}

class CsvReader : public testing::Test {
 protected:
  TempFolder folder_;
};

TEST_F(CsvReader, ReadsEachTypeAndKeepsLeadingZeros) {
  const auto rows = ReadAll(folder_.Write(
      "t.csv",
      kHeader + "\"00123\",2021-07-04 20:31:02,-5,\"a, b\",True,2.5\n00124,2021-07-05,,,,\n"));
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_THAT(*rows, ElementsAre("'00123' 2021-07-04T20:31:02Z -5 'a, b' true 2.5",
                                 "'00124' 2021-07-05T00:00:00Z - - - -"));
}

TEST_F(CsvReader, FindsColumnsByNameAndIgnoresOthers) {
  const auto rows = ReadAll(
      folder_.Write("t.csv", "price,x,ok,note,x,count,at,code\r\n1,?,0,n,?,7,2021-07-05,c\r\n"));
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_THAT(*rows, ElementsAre("'c' 2021-07-05T00:00:00Z 7 'n' false 1"));
}

TEST_F(CsvReader, TellsAnEmptyTextFromAMissingOne) {
  const auto rows =
      ReadAll(folder_.Write("t.csv", kHeader + ",2021-07-05,,,,\nc,2021-07-05,,\"\",,\n"));
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_THAT(*rows,
              ElementsAre("'' 2021-07-05T00:00:00Z - - - -", "'c' 2021-07-05T00:00:00Z - '' - -"));
}

TEST_F(CsvReader, ReadsTimesWithoutZoneInTheGivenZone) {
  const Result<TimeZone> berlin = TimeZone::Load("Europe/Berlin");
  ASSERT_TRUE(berlin.ok());
  const Schema schema{{{.name = "at", .type = ColumnType::kTimestamp}}};
  auto reader = CsvTableReader::Open(
      folder_.Write("t.csv", "at\n2021-07-05\n2021-07-05T00:00:00Z\n"), schema, *berlin);
  ASSERT_TRUE(reader.ok());
  Table batch(schema);
  ASSERT_TRUE(*reader->ReadBatch(10, batch));
  EXPECT_THAT(Rows(batch), ElementsAre("2021-07-04T22:00:00Z", "2021-07-05T00:00:00Z"));
}

TEST_F(CsvReader, AFileWithNothingButAHeaderHasNoRows) {
  const auto rows = ReadAll(folder_.Write("t.csv", kHeader));
  ASSERT_TRUE(rows.ok());
  EXPECT_THAT(*rows, ElementsAre());
}

struct BadFileCase {
  std::string name;
  std::string text;
  std::string message;  // behind the file's name
  std::string field{};
};

class CsvReaderOnABadFile : public testing::TestWithParam<BadFileCase> {};

TEST_P(CsvReaderOnABadFile, NamesFileLineAndColumn) {
  const TempFolder folder;
  const std::filesystem::path path = folder.Write("bad.csv", GetParam().text);
  const auto rows = ReadAll(path);
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(rows.error().message, path.string() + ": " + GetParam().message);
  EXPECT_EQ(rows.error().field, GetParam().field);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CsvReaderOnABadFile,
    testing::Values(
        BadFileCase{"Empty", "", "line 1, column 1: expected a header line, found an empty file"},
        BadFileCase{"NoSuchColumn", "\ncode,at,count,ok,price\n",
                    "line 2, column 1: the header has no column \"note\": it has code, at, count, "
                    "ok, price",
                    "note"},
        BadFileCase{"ColumnTwice", "code,at,count,note,ok,price,at\n",
                    "line 1, column 29: column \"at\" is there twice", "at"},
        BadFileCase{"TooFewFields", kHeader + "c,2021-07-05,1,n,True,1\nc,2021-07-05,1\n",
                    "line 3, column 14: expected 6 fields as in the header, got 3"},
        BadFileCase{"TooManyFields", kHeader + "c,2021-07-05,1,n,True,1,!\n",
                    "line 2, column 25: expected 6 fields as in the header, got 7"},
        BadFileCase{"BadInteger", kHeader + "c,2021-07-05,1.5,n,True,1\n",
                    "line 2, column 14: column \"count\": expected an integer of 64 bits, got "
                    "\"1.5\": the column has fractions; declare it as \"double\"",
                    "count"},
        BadFileCase{
            "BadNumberBehindALineBreakInQuotes", kHeader + "c,2021-07-05,1,\"n\nn\",True,x\n",
            "line 3, column 9: column \"price\": expected a finite number, got \"x\"", "price"},
        BadFileCase{"BadBool", kHeader + "c,2021-07-05,1,n,yes,1\n",
                    "line 2, column 18: column \"ok\": expected true or false, got \"yes\": the "
                    "column can declare its words ({\"type\": \"bool\", \"true\": [\"yes\"], "
                    "\"false\": [\"no\"]})",
                    "ok"},
        BadFileCase{"BadTimestamp", kHeader + "c,2021-02-29,1,n,,1\n",
                    "line 2, column 3: column \"at\": expected a timestamp (" +
                        std::string(kTimestampForms) + "), got \"2021-02-29\"",
                    "at"},
        BadFileCase{"MissingValue", kHeader + "c,,1,n,,1\n",
                    "line 2, column 3: column \"at\": the value is missing", "at"},
        BadFileCase{"QuotedNothingWhereATimeBelongs", kHeader + "c,\"\",1,n,,1\n",
                    "line 2, column 3: column \"at\": the value is missing", "at"},
        BadFileCase{"BadQuote", kHeader + "c\",2021-07-05,1,n,,1\n",
                    "line 2, column 2: a quote inside a field that does not start with one"}),
    [](const auto& param) { return param.param.name; });

TEST_F(CsvReader, ReadsFilesLargerThanItsBufferInBatches) {
  std::string text = kHeader;
  std::vector<std::string> expected;
  std::vector<std::size_t> lines;
  std::size_t line = 2;
  while (text.size() < 3 * kMaxCsvRecordBytes) {
    const std::string number = std::to_string(expected.size());
    // Records of very different lengths, so that pieces are cut everywhere.
    const std::string note((expected.size() * 7919) % 3000, 'n');
    text += number + ",2021-07-05," + number + ",\"" + note + "\n\"\"\",,\r\n";
    expected.push_back("'" + number + "' 2021-07-05T00:00:00Z " + number + " '" + note +
                       "\n\"' - -");
    lines.push_back(line);
    line += 2;
  }
  for (const auto& path : {folder_.Write("t.csv", text), folder_.WriteGzip("t.csv.gz", text)}) {
    auto reader = CsvTableReader::Open(path, kItems, TimeZone());
    ASSERT_TRUE(reader.ok()) << reader.error().message;
    EXPECT_EQ(reader->bytes_total(), std::filesystem::file_size(path));
    Table batch(kItems);
    std::size_t row = 0;
    std::size_t bytes = 0;
    while (true) {
      const Result<bool> more = reader->ReadBatch(97, batch);
      ASSERT_TRUE(more.ok()) << more.error().message;
      if (!*more) break;
      const std::vector<std::string> rows = Rows(batch);
      for (std::size_t i = 0; i < rows.size(); ++i, ++row) {
        ASSERT_EQ(rows[i], expected[row]);
        ASSERT_EQ(reader->line_of(i), lines[row]);
      }
      EXPECT_GE(reader->bytes_read(), bytes);
      bytes = reader->bytes_read();
    }
    EXPECT_EQ(row, expected.size());
    EXPECT_EQ(reader->bytes_read(), reader->bytes_total());
  }
}

TEST_F(CsvReader, KnowsAGzipByItsBytesNotByItsName) {
  const std::string text = kHeader + "c,2021-07-05,,,,\n";
  const auto rows = ReadAll(folder_.WriteGzip("t.csv", text));
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_EQ(*rows, *ReadAll(folder_.Write("t.csv.gz", text)));
}

TEST_F(CsvReader, AGzipCutShortAnywhereIsCorrupt) {
  const std::string gzip =
      ReadWhole(folder_.WriteGzip("whole.gz", kHeader + "c,2021-07-05,,,,\nd,2021-07-06,,,,\n"));
  for (std::size_t size = 2; size < gzip.size(); ++size) {
    const auto rows = ReadAll(folder_.Write("cut.csv.gz", gzip.substr(0, size)));
    ASSERT_FALSE(rows.ok()) << "cut to " << size;
    EXPECT_EQ(rows.error().code, ErrorCode::kCorrupt) << "cut to " << size;
    EXPECT_THAT(rows.error().message, HasSubstr("cut.csv.gz: the gzip is cut short"));
  }
}

TEST_F(CsvReader, AFlippedBitOfAGzipNeverChangesARow) {
  const std::string text = kHeader + "c,2021-07-05,,,,\nd,2021-07-06,,,,\n";
  const std::string gzip = ReadWhole(folder_.WriteGzip("whole.gz", text));
  const auto expected = ReadAll(folder_.path() / "whole.gz");
  ASSERT_TRUE(expected.ok());
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < gzip.size() * 8; ++bit) {
    std::string flipped = gzip;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto rows = ReadAll(folder_.Write("flipped.gz", flipped));
    refused += rows.ok() ? 0 : 1;
    EXPECT_TRUE(!rows.ok() || *rows == *expected) << "bit " << bit;
  }
  // Only the header's time, system and hint bytes do not matter.
  EXPECT_GT(refused, (gzip.size() - 10) * 8);
}

TEST_F(CsvReader, AMissingFileAndAFolderAreIoErrors) {
  for (const auto& path : {folder_.path() / "absent.csv", folder_.path()}) {
    const auto rows = ReadAll(path);
    ASSERT_FALSE(rows.ok());
    EXPECT_EQ(rows.error().code, ErrorCode::kIo);
    EXPECT_THAT(rows.error().message, StartsWith(path.string() + ": cannot be "));
  }
}

TEST_F(CsvReader, ContentHashIsOfTheDecompressedBytes) {
  const auto plain = HashCsvContent(folder_.Write("a.csv", "x\n1\n"));
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(*plain, *HashCsvContent(folder_.WriteGzip("b.csv.gz", "x\n1\n")));
  EXPECT_NE(*plain, *HashCsvContent(folder_.Write("c.csv", "x\n2\n")));
  // The reference value of XXH3-128 for no bytes.
  EXPECT_EQ(*HashCsvContent(folder_.Write("empty.csv", "")), "99aa06d3014798d86001c324468d497f");
}

TEST_F(CsvReader, ContentHashOfADamagedOrMissingFileIsAnError) {
  const std::string gzip = ReadWhole(folder_.WriteGzip("a.csv.gz", "x\n1\n"));
  const auto cut = HashCsvContent(folder_.Write("cut.gz", gzip.substr(0, gzip.size() - 1)));
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt);
  const auto missing = HashCsvContent(folder_.path() / "absent.csv");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kIo);
}

TEST(CsvReaderOnRealOrders, ReadsAllOfThemWithTheirLeadingZeros) {
  const std::filesystem::path file =
      FORKCAST_SOURCE_DIR "/../shared/data/order_triage/orders.csv.gz";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "the real orders are not on this machine";
  const Schema schema{{{.name = "timestamp", .type = ColumnType::kTimestamp},
                       {.name = "sku_code", .type = ColumnType::kText},
                       {.name = "zip_code", .type = ColumnType::kText},
                       {.name = "order_fulfilled", .type = ColumnType::kBool}}};
  auto reader = CsvTableReader::Open(file, schema, TimeZone());
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  Table orders(schema);
  ASSERT_TRUE(*reader->ReadBatch(20'000, orders));
  ASSERT_EQ(orders.row_count(), 10'000U);
  std::set<std::string, std::less<>> skus;
  std::set<std::string, std::less<>> zips;
  std::size_t fulfilled = 0;
  for (std::size_t row = 0; row < orders.row_count(); ++row) {
    if (orders.column(1).Text(row).starts_with('0')) skus.emplace(orders.column(1).Text(row));
    if (orders.column(2).Text(row).starts_with('0')) zips.emplace(orders.column(2).Text(row));
    fulfilled += orders.column(3).Bool(row) ? 1 : 0;
  }
  EXPECT_EQ(skus.size(), 101U);
  EXPECT_EQ(zips.size(), 9U);
  EXPECT_EQ(fulfilled, 5'476U);
}

}  // namespace
}  // namespace forkcast::preprocessing
