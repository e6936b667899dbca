#include "serving/capture/capture_store.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "serving/capture/captured_rows.hpp"
#include "support/hook_testing.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::TempFolder;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

CaptureRecord Record(const std::string& request_id) {
  CaptureRecord record;
  record.event_id = "event of " + request_id;
  record.received = kLastSecondOfJanuary;
  record.endpoint = "orders";
  record.variant = "AllTraffic";
  record.deployment = "triage";
  record.pipeline = "order_triage";
  record.model_version = "v1";
  record.request_id = request_id;
  record.inference_id = "i";
  record.custom_attributes = "a";
  record.traceparent = "t";
  record.status = 200;
  record.latency = std::chrono::microseconds(1234);
  record.withheld = "answer";
  record.request = {.content_type = "application/json", .encoding = "JSON", .data = "{}"};
  record.answer = {.content_type = "text/csv", .encoding = "CSV", .data = "x\n1\n"};
  record.features = "[]";
  return record;
}

class CaptureStoreTest : public testing::Test {
 protected:
  CaptureStore Open() {
    Result<CaptureStore> store = CaptureStore::Open(path_);
    EXPECT_TRUE(store.ok()) << store.error().message;
    return *std::move(store);
  }
  [[nodiscard]] std::vector<CaptureRecord> Find(const CaptureQuery& query = {}) const {
    const Result<CaptureStore> store = CaptureStore::OpenToRead(path_);
    EXPECT_TRUE(store.ok()) << store.error().message;
    std::vector<CaptureRecord> records;
    EXPECT_TRUE(
        store->Visit(query, [&](const CaptureRecord& record) { records.push_back(record); }).ok());
    return records;
  }
  [[nodiscard]] std::vector<std::string> Ids(const CaptureQuery& query = {}) const {
    std::vector<std::string> ids;
    for (const CaptureRecord& record : Find(query)) ids.push_back(record.request_id);
    return ids;
  }

  TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "below" / "captures.db";
};

TEST_F(CaptureStoreTest, GivesBackWhatItGotWhileItIsWritten) {
  CaptureStore store = Open();
  CaptureRecord expected = Record("a");
  ASSERT_TRUE(store.Append(std::vector{expected}, {}, kLastSecondOfJanuary).ok());
  expected.id = 1;
  EXPECT_THAT(Find(), ElementsAre(expected));
}

TEST_F(CaptureStoreTest, HasTheMessageAsItsFileHasIt) {
  SampleInvocation sample;
  sample.invocation.deployment = "triage";
  sample.invocation.answer.content_type = "application/octet-stream";
  const auto bytes = Encoded(kTarget, sample.view());
  const Result<CaptureMessage> message = DecodeCapture(bytes);
  ASSERT_TRUE(message.ok());
  const CaptureRecord record = RecordOf(*message, "event");
  EXPECT_EQ(record.deployment, "triage");
  EXPECT_EQ(record.request.data, R"({"order_id":"00123"})");
  EXPECT_EQ(record.answer.encoding, "BASE64");
  EXPECT_EQ(record.features, R"([{"row":0,"features":{"inventory":7,"payment":"OK"}}])");
}

TEST_F(CaptureStoreTest, FindsByTimeDeploymentStatusAndIdTheNewest) {
  CaptureStore store = Open();
  std::vector<CaptureRecord> records{Record("a"), Record("b"), Record("c"), Record("d")};
  for (std::size_t i = 0; i < records.size(); ++i) records[i].received += seconds(i);
  records[1].deployment = "other";
  records[2].status = 404;
  ASSERT_TRUE(store.Append(records, {}, kLastSecondOfJanuary).ok());
  EXPECT_THAT(Ids(), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(Ids({.since = kLastSecondOfJanuary + seconds(1)}), ElementsAre("b", "c", "d"));
  EXPECT_THAT(Ids({.until = kLastSecondOfJanuary + seconds(1)}), ElementsAre("a"));
  EXPECT_THAT(Ids({.deployment = "other"}), ElementsAre("b"));
  EXPECT_THAT(Ids({.least_status = 400, .greatest_status = 499}), ElementsAre("c"));
  EXPECT_THAT(Ids({.id = 4}), ElementsAre("d"));
  EXPECT_THAT(Ids({.request_id = "a"}), ElementsAre("a"));
  EXPECT_THAT(Ids({.newest = 2}), ElementsAre("c", "d"));
  EXPECT_THAT(Ids({.deployment = "none"}), IsEmpty());
}

TEST_F(CaptureStoreTest, LetsGoWhatIsTooOld) {
  CaptureStore store = Open();
  CaptureRecord later = Record("later");
  later.received += seconds(60);
  ASSERT_TRUE(store.Append(std::vector{Record("a"), later}, {}, kLastSecondOfJanuary).ok());
  const CaptureStoreRules rules{.keep_age = seconds(100)};
  ASSERT_TRUE(store.Trim(rules, kLastSecondOfJanuary + seconds(100)).ok());
  EXPECT_THAT(Ids(), ElementsAre("a", "later"));
  ASSERT_TRUE(store.Trim(rules, kLastSecondOfJanuary + seconds(101)).ok());
  EXPECT_THAT(Ids(), ElementsAre("later"));
}

TEST_F(CaptureStoreTest, NeverGrowsBeyondItsBytesAndKeepsTheNewest) {
  CaptureStore store = Open();
  constexpr std::uint64_t kMost = 200'000;
  for (int batch = 0; batch < 50; ++batch) {
    std::vector<CaptureRecord> records;
    for (int i = 0; i < 20; ++i) {
      records.push_back(Record(std::to_string(batch * 20 + i)));
      records.back().request.data = std::string(1000, 'x');
    }
    ASSERT_TRUE(store.Append(records, {.max_bytes = kMost}, kLastSecondOfJanuary).ok());
  }
  const auto ids = Ids();
  EXPECT_GT(ids.size(), 50U);
  EXPECT_LT(ids.size(), 200U);
  EXPECT_EQ(ids.back(), "999");
  ASSERT_TRUE(std::filesystem::exists(path_));
  // A batch is there before the oldest go.
  EXPECT_LT(std::filesystem::file_size(path_), kMost + 20 * 2000);
}

TEST_F(CaptureStoreTest, ThatIsNoneIsRefusedByReaders) {
  const Result<CaptureStore> absent = CaptureStore::OpenToRead(path_);
  ASSERT_FALSE(absent.ok());
  EXPECT_THAT(absent.error().message, HasSubstr("there is no such store"));
  const Result<CaptureStore> text =
      CaptureStore::OpenToRead(folder_.Write("t",
                                             "no database, but long enough to look like a file of "
                                             "one, or so it seems ......................"));
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, ErrorCode::kIo);
}

struct RowsCase {
  std::string name;
  std::string content_type;
  std::string data;
  std::vector<std::string> rows;

  friend void PrintTo(const RowsCase& one, std::ostream* out) { *out << one.data; }
};

class CapturedRows : public testing::TestWithParam<RowsCase> {};

TEST_P(CapturedRows, AreObjectsOfTheirFields) {
  const RowsCase& one = GetParam();
  std::vector<std::string> rows;
  for (const auto& row : RowsOf({one.content_type, "JSON", one.data})) rows.push_back(row.dump());
  EXPECT_EQ(rows, one.rows);
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, CapturedRows,
    testing::Values(
        RowsCase{"OfAnObject", "application/json", R"({"a":1})", {R"({"a":1})"}},
        RowsCase{
            "OfAnArray", "application/json", R"([{"a":1},{"a":2}])", {R"({"a":1})", R"({"a":2})"}},
        RowsCase{"OfInstances", "application/json", R"({"instances":[{"a":1}]})", {R"({"a":1})"}},
        RowsCase{
            "OfPredictions", "application/json", R"({"predictions":[{"y":1}]})", {R"({"y":1})"}},
        RowsCase{"OfPredictionsWithoutNames",
                 "application/json",
                 R"({"predictions":[0.5,[1,2]]})",
                 {R"({"column_1":0.5})", R"({"column_1":1,"column_2":2})"}},
        RowsCase{"OfInputsByColumns",
                 "application/json",
                 R"({"inputs":{"a":[1,2],"b":["x","y"]}})",
                 {R"({"a":1,"b":"x"})", R"({"a":2,"b":"y"})"}},
        RowsCase{"OfTensors",
                 "application/json",
                 R"({"inputs":[{"name":"a","datatype":"INT8","shape":[2,1],"data":[[1],[2]]},)"
                 R"({"name":"b","datatype":"BYTES","shape":[2],"data":["x",null]},)"
                 R"({"name":"taken out","datatype":"BYTES","shape":[2]},)"
                 R"({"name":"matrix","datatype":"FP64","shape":[1,2],"data":[1,2]}]})",
                 {R"({"a":1,"b":"x"})", R"({"a":2,"b":null})"}},
        RowsCase{"OfTensorsThatWereAnswered",
                 "application/json",
                 R"({"model_name":"m","outputs":)"
                 R"([{"name":"y","datatype":"FP64","shape":[1],"data":[1.5]}]})",
                 {R"({"y":1.5})"}},
        RowsCase{"OfASplit",
                 "application/json",
                 R"({"dataframe_split":{"columns":["a"],"data":[[1],[2]]}})",
                 {R"({"a":1})", R"({"a":2})"}},
        RowsCase{"WithoutNames",
                 "application/json",
                 R"({"instances":[[1,"x"]]})",
                 {R"({"column_1":1,"column_2":"x"})"}},
        RowsCase{"OfLines",
                 "application/jsonlines",
                 "{\"a\":1}\n\n{\"a\":2}\n",
                 {R"({"a":1})", R"({"a":2})"}},
        RowsCase{"OfACsv",
                 "text/csv",
                 "a,b\n1,\n2,\"\"\n",
                 {R"({"a":"1","b":null})", R"({"a":"2","b":""})"}},
        RowsCase{"OfACsvWithoutHeader", "text/csv; header=absent", "1\n", {R"({"column_1":"1"})"}},
        RowsCase{"NoneOfBrokenJson", "application/json", "[{\"a\":1", {}},
        RowsCase{"NoneOfLinesWithABrokenOne", "application/jsonlines", "{\"a\":1}\n{", {}},
        RowsCase{"NoneOfAnotherType", "application/xml", "<a/>", {}}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace forkcast::serving
