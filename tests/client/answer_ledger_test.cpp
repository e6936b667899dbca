#include "client/answer_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/expectation.hpp"

namespace forkcast::client {
namespace {

using testing::ElementsAre;
using Entry = Tally::Entry;

TryResult Answer(unsigned status, std::string body) {
  return {.end = TryEnd::kAnswered, .status = status, .body = std::move(body)};
}

struct LedgerCase {
  const char* name;
  std::size_t rows;
  TryResult result;
  const char* lines;  // of rows from 5 on
  std::size_t failed;
};

class LedgerTest : public testing::TestWithParam<LedgerCase> {};

TEST_P(LedgerTest, GivesOneLineARow) {
  AnswerLedger ledger("recommendation");
  EXPECT_EQ(ledger.Enter(5, GetParam().rows, GetParam().result), GetParam().lines);
  EXPECT_EQ(ledger.failed(), GetParam().failed);
  EXPECT_EQ(ledger.answered(), GetParam().rows - GetParam().failed);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LedgerTest,
    testing::Values(
        LedgerCase{"VerbatimWhenAnswered", 2, Answer(200, "{ \"b\":1.0,\"a\":2}\n[1]\n"),
                   "{ \"b\":1.0,\"a\":2}\n[1]\n", 0},
        LedgerCase{"WithoutALastLineEnd", 1, Answer(200, "{}"), "{}\n", 0},
        LedgerCase{"WithCarriageReturnsAndEmptyLines", 2, Answer(200, "{}\r\n\r\n1\r\n"), "{}\n1\n",
                   0},
        LedgerCase{
            "WithTheErrorOfABadRowInItsPlace", 3,
            Answer(200,
                   "{\"a\":1}\n"
                   "{\"error\":{\"code\":\"c\",\"message\":\"m\",\"field\":\"f\",\"row\":1}}\n"
                   "{\"a\":3}\n"),
            "{\"a\":1}\n"
            "{\"row\":6,\"error\":{\"code\":\"c\",\"message\":\"m\",\"field\":\"f\"}}\n"
            "{\"a\":3}\n",
            1},
        LedgerCase{"AnAnswerWithAFieldCalledErrorIsGood", 2,
                   Answer(200, "{\"error\":0.5}\n{\"a\":1,\"error\":{}}\n"),
                   "{\"error\":0.5}\n{\"a\":1,\"error\":{}}\n", 0},
        LedgerCase{"TooFewLinesFailAllRows", 2, Answer(200, "{}\n"),
                   "{\"row\":5,\"error\":{\"code\":\"bad_answer\",\"message\":\"the answer has 1 "
                   "lines for 2 rows\"}}\n"
                   "{\"row\":6,\"error\":{\"code\":\"bad_answer\",\"message\":\"the answer has 1 "
                   "lines for 2 rows\"}}\n",
                   2},
        LedgerCase{"TooManyLinesFailAllRows", 1, Answer(200, "{}\n{}\n"),
                   "{\"row\":5,\"error\":{\"code\":\"bad_answer\",\"message\":\"the answer has 2 "
                   "lines for 1 rows\"}}\n",
                   1},
        LedgerCase{"ALineThatIsNotJsonFailsItsRow", 2, Answer(200, "{}\n<html>\n"),
                   "{}\n"
                   "{\"row\":6,\"error\":{\"code\":\"bad_answer\",\"message\":\"the answer's line "
                   "is not JSON\"}}\n",
                   1},
        LedgerCase{"AnErrorOfTheWholeRequestFailsAllRows", 2,
                   Answer(400, R"({"error":{"code":"invalid_argument","message":"m","row":0}})"),
                   "{\"row\":5,\"error\":{\"code\":\"invalid_argument\",\"message\":\"m\","
                   "\"status\":400}}\n"
                   "{\"row\":6,\"error\":{\"code\":\"invalid_argument\",\"message\":\"m\","
                   "\"status\":400}}\n",
                   2},
        LedgerCase{"AStatusWithoutOurErrorObjectIsQuoted", 1, Answer(502, "<html>\xFF"),
                   "{\"row\":5,\"error\":{\"code\":\"http_502\",\"message\":\"<html>\xEF\xBF\xBD\","
                   "\"status\":502}}\n",
                   1},
        LedgerCase{"ATimeOutIsNamed", 1,
                   TryResult{.end = TryEnd::kTimedOut, .message = "no whole answer"},
                   "{\"row\":5,\"error\":{\"code\":\"timed_out\",\"message\":\"no whole "
                   "answer\"}}\n",
                   1}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(AnswerLedger, CountsScalarsOfAnyKindOfTheAnsweredRows) {
  AnswerLedger ledger("r");
  ledger.Enter(0, 9,
               Answer(200,
                      "{\"r\":\"Hold\"}\n{\"r\":\"Hold\"}\n{\"r\":7}\n{\"r\":true}\n{\"r\":null}\n"
                      "{\"s\":1}\n{\"r\":[1]}\n3\n{\"error\":{\"code\":\"c\"}}\n"));
  EXPECT_THAT(ledger.counts().Entries(),
              ElementsAre(Entry{"(none)", 3}, Entry{"Hold", 2}, Entry{"7", 1}, Entry{"null", 1},
                          Entry{"true", 1}));
}

TEST(AnswerLedger, KeepsTheFirstFailuresOnly) {
  AnswerLedger ledger("r");
  ledger.Enter(0, 100, TryResult{.end = TryEnd::kNotConnected, .message = "refused"});
  EXPECT_EQ(ledger.failed(), 100U);
  ASSERT_EQ(ledger.first_failures().size(), kMaxKeptMessages);
  EXPECT_EQ(ledger.first_failures()[0],
            R"({"row":0,"error":{"code":"not_connected","message":"refused"}})");
}

}  // namespace
}  // namespace forkcast::client
