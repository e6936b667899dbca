#include "data_preprocessing/push/push_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/rules/checked_row_source.hpp"
#include "data_preprocessing/rules/column_rule.hpp"
#include "shop_store.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kCsv = "text/csv";
constexpr const char* kLines = "application/x-ndjson";
constexpr const char* kForm = "multipart/form-data; boundary=b";

std::string Part(const std::string& name, const std::string& file, const std::string& content) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"" + file +
         "\"\r\n\r\n" + content + "\r\n";
}

class PushDesks : public ShopStore {
 protected:
  PushReply Ask(const PushRequest& request, const std::string& body = {}) {
    const auto reply = desk_->Answer(*dao_, request, body, now_);
    EXPECT_TRUE(reply.ok()) << reply.error().message;
    return reply ? *reply : PushReply{};
  }
  PushReply Push(const std::string& table, const std::string& type, const std::string& body) {
    return Ask({.table = table, .content_type = type}, body);
  }
  void Use(PushRules rules) { desk_ = std::make_unique<PushDesk>(std::move(rules)); }

  Instant now_{std::chrono::hours(1'000'000)};
  std::unique_ptr<PushDesk> desk_ = std::make_unique<PushDesk>(PushRules{.spec = spec_});
};

TEST_F(PushDesks, TakeRowsOfCsvAndOfJsonLines) {
  const PushReply csv = Push("prices", kCsv, "cents,sku\n100,a\n200,b\n");
  ASSERT_FALSE(csv.error) << csv.error->message;
  EXPECT_EQ(csv.rows, 2U);
  EXPECT_EQ(json::parse(csv.json),
            json::parse(R"({"table": "prices", "rows": 2, "added": 2, "identical": 0,
                            "replaced": 0, "left_out": 0,
                            "files": [{"file": "body", "table": "prices", "rows": 2, "added": 2,
                                       "identical": 0, "replaced": 0, "left_out": 0}]})"));
  const PushReply lines =
      Push("prices", kLines, "{\"sku\":\"b\",\"cents\":200}\n{\"sku\":\"c\",\"cents\":300}\n");
  EXPECT_EQ(json::parse(lines.json).at("identical"), 1) << "a row that is there is not doubled";
  Open();
  EXPECT_THAT(Prices(), ElementsAre("a 100", "b 200", "c 300")) << "it is committed";
}

TEST_F(PushDesks, TakeSeveralFilesOfSeveralTablesAtOnce) {
  const PushReply reply =
      Push("prices", kForm,
           Part("file", "p.csv", "sku,cents\na,1\n") +
               Part("sales", "s.jsonl", R"({"sku":"a","at":"2024-01-01","count":3})") + "--b--");
  ASSERT_FALSE(reply.error) << reply.error->message;
  EXPECT_EQ(json::parse(reply.json).at("files").at(1).at("table"), "sales");
  EXPECT_THAT(Prices(), ElementsAre("a 1"));
  EXPECT_THAT(Sales(), ElementsAre("a 3"));
}

TEST_F(PushDesks, TakeNothingWhenOneOfTheFilesIsWrong) {
  const PushReply reply = Push("prices", kForm,
                               Part("file", "p.csv", "sku,cents\na,1\n") +
                                   Part("file", "q.csv", "sku,cents\nb,x\n") + "--b--");
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code, ErrorCode::kRejected);
  EXPECT_THAT(reply.error->message, AllOf(HasSubstr("q.csv: line 2: "), HasSubstr("cents")));
  EXPECT_EQ(json::parse(reply.json).at("bad_rows"), 1);
  EXPECT_EQ(json::parse(reply.json).at("rows").at(0).at("line"), 2);
  EXPECT_THAT(Prices(), IsEmpty());
}

TEST_F(PushDesks, LeaveBadRowsOutWhenAskedTo) {
  const PushReply reply =
      Ask({.table = "prices", .content_type = kCsv, .partial = true}, "sku,cents\na,1\nb,x\nc,3\n");
  ASSERT_FALSE(reply.error) << reply.error->message;
  EXPECT_EQ(reply.left_out, 1U);
  const json answer = json::parse(reply.json);
  EXPECT_EQ(answer.at("left_out"), 1);
  EXPECT_EQ(answer.at("rows").at(0).at("line"), 3);
  EXPECT_THAT(Prices(), ElementsAre("a 1", "c 3"));
}

TEST_F(PushDesks, SayWhatWouldComeOfRowsAndStoreNothing) {
  Push("prices", kCsv, "sku,cents\na,1\n");
  const PushRequest check{.table = "prices", .content_type = kCsv, .key = "k", .check = true};
  const PushReply reply = Ask(check, "sku,cents\na,1\nb,2\n");
  ASSERT_FALSE(reply.error) << reply.error->message;
  EXPECT_EQ(reply.rows, 0U);
  const json answer = json::parse(reply.json);
  EXPECT_EQ(answer.at("checked"), true);
  EXPECT_EQ(answer.at("added"), 1);
  EXPECT_EQ(answer.at("identical"), 1);
  EXPECT_EQ(Ask(check, "sku,cents\na,2\n").error->code, ErrorCode::kRejected);
  EXPECT_EQ(Ask(check, "sku,cents\nb,x\n").error->code, ErrorCode::kRejected);
  EXPECT_THAT(Prices(), ElementsAre("a 1"));
  PushRequest store = check;
  store.check = false;
  const PushReply stored = Ask(store, "sku,cents\nb,2\n");
  EXPECT_FALSE(json::parse(stored.json).contains("repeated")) << "a check remembers no key";
  EXPECT_THAT(Prices(), ElementsAre("a 1", "b 2"));
}

TEST_F(PushDesks, NameTheFirstTenBadRowsAndCountAll) {
  std::string body = "sku,cents\n";
  for (int i = 0; i < 25; ++i) body += "a,x\n";
  const PushReply reply = Push("prices", kCsv, body);
  EXPECT_EQ(json::parse(reply.json).at("bad_rows"), 25);
  EXPECT_EQ(json::parse(reply.json).at("rows").size(), PushDesk::kShownRows);
}

TEST_F(PushDesks, RefuseRowsThatContradictStoredOnesUnlessTheyReplaceThem) {
  Push("prices", kCsv, "sku,cents\na,1\n");
  const PushReply refused = Push("prices", kCsv, "sku,cents\na,2\n");
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code, ErrorCode::kRejected);
  Use({.spec = spec_, .on_conflict = OnConflict::kReplace});
  EXPECT_EQ(json::parse(Push("prices", kCsv, "sku,cents\na,2\n").json).at("replaced"), 1);
  EXPECT_THAT(Prices(), ElementsAre("a 2"));
}

TEST_F(PushDesks, JudgeRowsByTheRulesOfTheirTable) {
  Use({.spec = spec_, .check = [](const TableSpec& table, std::unique_ptr<RowSource> source) {
         ColumnRule rule{.column = table.schema.columns.back().name};
         rule.max = 500;
         return std::make_unique<CheckedRowSource>(std::move(source), table.schema,
                                                   std::vector<ColumnRule>{rule});
       }});
  const PushReply reply = Push("prices", kCsv, "sku,cents\na,1\nb,9999\n");
  ASSERT_TRUE(reply.error);
  EXPECT_THAT(reply.error->message,
              AllOf(HasSubstr("line 3"), HasSubstr("cents"), HasSubstr("9999"), HasSubstr("500")));
  EXPECT_THAT(Prices(), IsEmpty());
}

struct RefusedPush {
  std::string name;
  std::string table;
  std::string type;
  std::string body;
  ErrorCode code;
  std::string message;
};
void PrintTo(const RefusedPush& one, std::ostream* out) { *out << one.name; }

class ARefusedPush : public PushDesks, public testing::WithParamInterface<RefusedPush> {};

TEST_P(ARefusedPush, SaysWhyAndStoresNothing) {
  const PushReply reply = Push(GetParam().table, GetParam().type, GetParam().body);
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code, GetParam().code) << reply.error->message;
  EXPECT_THAT(reply.error->message, HasSubstr(GetParam().message));
  EXPECT_THAT(Prices(), IsEmpty());
}

std::string TenThousandColumns() {
  std::string head = "sku";
  for (int i = 0; i < 10'000; ++i) head += ",c" + std::to_string(i);
  return head + "\n";
}

INSTANTIATE_TEST_SUITE_P(
    Of, ARefusedPush,
    testing::Values(
        RefusedPush{"AnUnknownTable", "orders", kCsv, "sku,cents\na,1\n", ErrorCode::kNotFound,
                    "there is no table \"orders\"; there are sales, prices"},
        RefusedPush{"AnUnknownForm", "prices", "text/html", "sku,cents\na,1\n",
                    ErrorCode::kUnsupportedType, "text/html"},
        RefusedPush{"NoForm", "prices", "", "sku,cents\na,1\n", ErrorCode::kUnsupportedType,
                    "no Content-Type"},
        RefusedPush{"AGzip", "prices", kCsv, "\x1f\x8b\x08", ErrorCode::kUnsupportedType, "packed"},
        RefusedPush{"AnEmptyCsv", "prices", kCsv, "", ErrorCode::kInvalidArgument, "body"},
        RefusedPush{"AMissingColumn", "prices", kCsv, "sku\na\n", ErrorCode::kInvalidArgument,
                    "cents"},
        RefusedPush{"TenThousandOtherColumns", "prices", kCsv, TenThousandColumns(),
                    ErrorCode::kInvalidArgument, "cents"},
        RefusedPush{"ANulInAText", "prices", kCsv, std::string("sku,cents\na\0b,1\n", 16),
                    ErrorCode::kRejected, "line 2"},
        RefusedPush{"NoJson", "prices", kLines, "hello\n", ErrorCode::kRejected, "line 1"},
        RefusedPush{"AFormThatIsNone", "prices", kForm, "sku,cents\na,1\n",
                    ErrorCode::kInvalidArgument, "does not begin with its boundary"},
        RefusedPush{"APartOfAnUnknownTable", "prices", kForm,
                    Part("orders", "a.csv", "sku,cents\na,1\n") + "--b--",
                    ErrorCode::kInvalidArgument, "there is no table \"orders\""},
        RefusedPush{"APartOfAnUnknownForm", "prices", kForm,
                    Part("file", "a.xlsx", "sku,cents\na,1\n") + "--b--",
                    ErrorCode::kUnsupportedType, "a.xlsx"}),
    [](const auto& one) { return one.param.name; });

TEST_F(PushDesks, DoARequestWithAKeyOnceForADay) {
  const PushRequest request{
      .table = "sales", .content_type = kLines, .key = "order-17 of monday", .partial = false};
  const std::string body = R"({"sku":"a","at":"2024-01-01","count":3})";
  EXPECT_FALSE(json::parse(Ask(request, body).json).contains("repeated"));
  Open();
  Use({.spec = spec_});
  const PushReply again = Ask(request, body);
  EXPECT_EQ(json::parse(again.json).at("repeated"), true);
  EXPECT_EQ(json::parse(again.json).at("added"), 1);
  EXPECT_EQ(again.rows, 0U) << "nothing is to be published";
  EXPECT_THAT(Sales(), ElementsAre("a 3"));
  now_ += kRemembered;
  Ask(request, body);
  EXPECT_THAT(Sales(), ElementsAre("a 3", "a 3"));
}

TEST_F(PushDesks, RefuseAKeyThatWasUsedForSomethingElse) {
  const PushRequest request{.table = "sales", .content_type = kLines, .key = "k"};
  Ask(request, R"({"sku":"a","at":"2024-01-01","count":3})");
  const PushReply other = Ask(request, R"({"sku":"a","at":"2024-01-01","count":4})");
  ASSERT_TRUE(other.error);
  EXPECT_EQ(other.error->code, ErrorCode::kConflict);
  EXPECT_EQ(other.error->field, "Idempotency-Key");
  EXPECT_THAT(Sales(), ElementsAre("a 3"));
}

TEST_F(PushDesks, KnowAFormAgainWhateverItsBoundary) {
  const auto send = [&](const std::string& boundary) {
    const PushRequest request{
        .table = "sales", .content_type = "multipart/form-data; boundary=" + boundary, .key = "k"};
    return Ask(request, "--" + boundary +
                            "\r\nContent-Disposition: form-data; name=\"file\"; "
                            "filename=\"a.csv\"\r\n\r\nsku,at,count\na,2024-01-01,3\n\r\n--" +
                            boundary + "--\r\n");
  };
  EXPECT_FALSE(json::parse(send("one").json).contains("repeated"));
  EXPECT_EQ(json::parse(send("two").json).at("repeated"), true);
  EXPECT_THAT(Sales(), ElementsAre("a 3"));
}

TEST_F(PushDesks, RememberNoKeyOfARequestThatWasRefused) {
  const PushRequest request{.table = "prices", .content_type = kCsv, .key = "k"};
  EXPECT_TRUE(Ask(request, "sku,cents\na,x\n").error);
  EXPECT_FALSE(Ask(request, "sku,cents\na,1\n").error);
}

TEST_F(PushDesks, PutTablesBackToTheirOriginalFiles) {
  const std::filesystem::path originals = folder_.path() / "originals";
  std::filesystem::create_directory(originals);
  folder_.Write("originals/sales.csv", "sku,at,count\no,2024-01-01,1\n");
  Use({.spec = spec_, .originals = originals});
  Push("sales", kCsv, "sku,at,count\np,2024-01-02,2\n");
  Push("prices", kCsv, "sku,cents\na,1\n");
  for (int i = 0; i < 2; ++i) {  // also what was put back before
    const PushReply reply = Ask({.kind = PushRequest::Kind::kReset});
    ASSERT_FALSE(reply.error) << reply.error->message;
    EXPECT_EQ(json::parse(reply.json),
              json::parse(R"({"tables": [{"table": "sales", "rows": 1}]})"));
    EXPECT_THAT(Sales(), ElementsAre("o 1"));
  }
  folder_.Write("originals/sales.csv", "sku,at,count\nm,2024-01-01,7\n");
  EXPECT_FALSE(Ask({.kind = PushRequest::Kind::kReset}).error) << "a file that was mended";
  EXPECT_THAT(Sales(), ElementsAre("m 7"));
  EXPECT_THAT(Prices(), ElementsAre("a 1")) << "there is no file of it";
}

TEST_F(PushDesks, KeepAllTablesWhenAnOriginalFileIsWrong) {
  std::filesystem::create_directory(folder_.path() / "originals");
  folder_.Write("originals/sales.csv", "sku,at,count\no,2024-01-01,1\n");
  folder_.Write("originals/prices.csv", "sku,cents\na,x\n");
  Use({.spec = spec_, .originals = folder_.path() / "originals"});
  Push("sales", kCsv, "sku,at,count\np,2024-01-02,2\n");
  const PushReply reply = Ask({.kind = PushRequest::Kind::kReset});
  ASSERT_TRUE(reply.error);
  EXPECT_THAT(reply.error->message, HasSubstr("prices.csv"));
  EXPECT_THAT(Sales(), ElementsAre("p 2"));
}

TEST_F(PushDesks, SayWhatToSetWhereThereIsNoWayBack) {
  const PushReply reply = Ask({.kind = PushRequest::Kind::kReset});
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code, ErrorCode::kConflict);
  EXPECT_THAT(reply.error->message, HasSubstr("\"originals\""));
}

TEST_F(PushDesks, TellWhatThereIs) {
  Push("prices", kCsv, "sku,cents\na,1\n");
  const json tables = json::parse(Ask({.kind = PushRequest::Kind::kTables}).json).at("tables");
  EXPECT_EQ(tables.at(0).at("rows"), 0);
  EXPECT_EQ(tables.at(1).at("rows"), 1);
}

}  // namespace
}  // namespace forkcast::preprocessing
