#include "client/replay_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "client/replay_command.hpp"
#include "data_preprocessing/command/command.hpp"
#include "support/test_files.hpp"

namespace forkcast::client {
namespace {

using testing::HasSubstr;

Result<ReplayOptions> Parse(const std::vector<std::string>& words,
                            const char* url_variable = nullptr) {
  const auto arguments = preprocessing::ReadArguments(
      ReplayCommand(), words, [&](const char* name) -> std::optional<std::string> {
        if (std::string_view(name) != "FORKCAST_URL" || url_variable == nullptr) return {};
        return url_variable;
      });
  if (!arguments) return arguments.error();
  return ReadReplayOptions(*arguments);
}

TEST(ReplayOptions, HaveTheDefaultsThatHelpTells) {
  const auto options = Parse({"--orders", "o.csv"});
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->orders, "o.csv");
  EXPECT_EQ(options->url.Address(), "http://127.0.0.1:8080");
  EXPECT_EQ(options->url.target, "/invocations");
  EXPECT_EQ(options->concurrency, 8U);
  EXPECT_EQ(options->batch, 1U);
  EXPECT_EQ(options->rate, std::nullopt);
  EXPECT_EQ(options->count_by, "recommendation");
  EXPECT_EQ(options->wait, std::chrono::seconds(60));
  EXPECT_EQ(options->timeout, std::chrono::seconds(70));
  EXPECT_EQ(options->max_failures, 100U);
  const std::string help = std::regex_replace(
      preprocessing::CommandHelp(ReplayCommand(), "forkcast-client"), std::regex("\\s+"), " ");
  for (const char* told :
       {"Default: http://127.0.0.1:8080", "Default: 8", "Default: 1.", "Default: recommendation",
        "Default: 60", "Default: 70", "Environment: FORKCAST_URL"}) {
    EXPECT_THAT(help, HasSubstr(told));
  }
}

TEST(ReplayOptions, TakeATokenOfAFileWithoutItsLinesEnd) {
  const preprocessing::TempFolder folder;
  const std::string path = folder.Write("token", "forkcast_x\n");
  EXPECT_EQ(Parse({"--orders", "o", "--token-file", path})->token, "forkcast_x");
  EXPECT_EQ(Parse({"--orders", "o"})->token, "");
}

TEST(ReplayOptions, RefuseATokenThatNoHeaderCanHoldWithoutRepeatingIt) {
  const preprocessing::TempFolder folder;
  for (const char* const text : {"", "\n", "sesame sesame", "sesame\nX: y\n"}) {
    const auto options = Parse({"--orders", "o", "--token-file", folder.Write("token", text)});
    ASSERT_FALSE(options.ok()) << text;
    EXPECT_THAT(options.error().message, HasSubstr("--token-file"));
    EXPECT_EQ(options.error().message.find("sesame"), std::string::npos);
  }
  EXPECT_FALSE(Parse({"--orders", "o", "--token-file", folder.path() / "none"}).ok());
}

TEST(ReplayOptions, TakeDialectsAsAPipelineSaysThem) {
  const auto options = Parse({"--orders", "o", "--csv", R"({"delimiter": ";", "null": ["NA"]})",
                              "--send-csv", R"({"delimiter": "\t"})"});
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->csv, (preprocessing::CsvDialect{.delimiter = ';', .null = {"NA"}}));
  EXPECT_EQ(options->send_csv, (preprocessing::CsvDialect{.delimiter = '\t'}));
}

TEST(ReplayOptions, TakeEveryOption) {
  const auto options = Parse({"--orders=o.csv", "--url",     "unix:/s",    "--concurrency=3",
                              "--rate",         "2.5",       "--batch",    "100000",
                              "--format",       "jsonlines", "--out",      "r",
                              "--expect",       "e",         "--count-by", "f",
                              "--wait",         "0",         "--timeout",  "0.25",
                              "--max-failures", "0",         "--json",     "--quiet"});
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->url.socket_path, "/s");
  EXPECT_EQ(options->concurrency, 3U);
  EXPECT_EQ(options->rate, 2.5);
  EXPECT_EQ(options->batch, 100'000U);
  EXPECT_EQ(options->format, wire::Format::kJsonLines);
  EXPECT_EQ(options->out, "r");
  EXPECT_EQ(options->expect, "e");
  EXPECT_EQ(options->count_by, "f");
  EXPECT_EQ(options->wait, std::chrono::seconds(0));
  EXPECT_EQ(options->timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(options->max_failures, 0U);
}

TEST(ReplayOptions, AllowMoreFailuresWhereMoreConnectionsCanBreakAtOnce) {
  EXPECT_EQ(Parse({"--orders", "o.csv", "--concurrency", "64"})->max_failures, 320U);
}

TEST(ReplayOptions, TakeADashForStandardInput) {
  EXPECT_EQ(Parse({"--orders", "-"})->orders, "/dev/stdin");
}

TEST(ReplayOptions, TakeTheUrlFromTheFlagThenTheEnvironmentThenTheDefault) {
  const auto address = [](const auto& options) { return options->url.Address(); };
  EXPECT_EQ(address(Parse({"--orders", "o", "--url", "http://flag"}, "http://env")), "http://flag");
  EXPECT_EQ(address(Parse({"--orders", "o"}, "http://env")), "http://env");
  EXPECT_EQ(address(Parse({"--orders", "o"}, "")), "http://127.0.0.1:8080");
  const auto bad = Parse({"--orders", "o"}, "env");
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().message, testing::StartsWith("FORKCAST_URL: \"env\""));
}

TEST(ReplayOptions, RefuseToOverwriteWhatIsToBeRead) {
  const preprocessing::TempFolder folder;
  const std::string file = folder.Write("o.csv", "id\n");
  const std::string same = folder.path() / "." / "o.csv";
  const auto orders = Parse({"--orders", file, "--out", same});
  ASSERT_FALSE(orders.ok());
  EXPECT_THAT(orders.error().message, HasSubstr("overwrite the file of --orders"));
  const auto expect = Parse({"--orders", "x", "--expect", file, "--out", same});
  ASSERT_FALSE(expect.ok());
  EXPECT_THAT(expect.error().message, HasSubstr("overwrite the file of --expect"));
}

struct BadCase {
  const char* name;
  std::vector<std::string> words;
  const char* complaint;
};

class BadReplayOptions : public testing::TestWithParam<BadCase> {};

TEST_P(BadReplayOptions, AreRefusedWithOptionValueAndWhatIsAllowed) {
  const auto options = Parse(GetParam().words);
  ASSERT_FALSE(options.ok());
  EXPECT_THAT(options.error().message, HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadReplayOptions,
    testing::Values(
        BadCase{"WithoutOrders", {}, "--orders is missing"},
        BadCase{"WithAnUnknownOption", {"--orders", "o", "--bach", "3"}, "unknown flag --bach"},
        BadCase{"WithAnAbbreviation", {"--orders", "o", "--conc", "3"}, "unknown flag --conc"},
        BadCase{"WithALooseArgument",
                {"--orders", "o", "--batch", "3", "p.csv"},
                "unexpected argument \"p.csv\""},
        BadCase{"WithAnOptionTwice", {"--orders", "o", "--orders", "p"}, "--orders is given twice"},
        BadCase{"WithoutAValue", {"--orders"}, "'--orders' is missing"},
        BadCase{"WithAValueForASwitch", {"--orders", "o", "--json=yes"}, "'--json'"},
        BadCase{"WithConcurrencyZero",
                {"--orders", "o", "--concurrency", "0"},
                "--concurrency: \"0\" is not allowed; expected a whole number from 1 to 4096"},
        BadCase{"WithBatchOfLetters",
                {"--orders", "o", "--batch", "ten"},
                "--batch: \"ten\" is not allowed; expected a whole number from 1 to 100000"},
        BadCase{"WithBatchAndUnit", {"--orders", "o", "--batch", "10k"}, "--batch: \"10k\""},
        BadCase{"WithBatchTooLarge", {"--orders", "o", "--batch", "100001"}, "--batch"},
        BadCase{"WithBatchOverAnyNumber",
                {"--orders", "o", "--batch", "99999999999999999999999"},
                "--batch"},
        BadCase{"WithRateZero",
                {"--orders", "o", "--rate", "0"},
                "--rate: \"0\" is not allowed; expected a number over 0"},
        BadCase{"WithRateNegative", {"--orders", "o", "--rate", "-1"}, "--rate: \"-1\""},
        BadCase{"WithRateNaN", {"--orders", "o", "--rate", "nan"}, "--rate: \"nan\""},
        BadCase{"WithRateInfinite", {"--orders", "o", "--rate", "inf"}, "--rate: \"inf\""},
        BadCase{"WithTimeoutZero", {"--orders", "o", "--timeout", "0"}, "--timeout: \"0\""},
        BadCase{"WithWaitNegative",
                {"--orders", "o", "--wait", "-5"},
                "--wait: \"-5\" is not allowed; expected seconds from 0 to 86400"},
        BadCase{"WithAnUnknownFormat",
                {"--orders", "o", "--format", "xml"},
                "--format: \"xml\" is not allowed; expected csv, json or jsonlines"},
        BadCase{
            "WithABadUrl", {"--orders", "o", "--url", "ftp://h"}, "--url: \"ftp://h\": not a URL"},
        BadCase{"WithACsvThatIsNoJson", {"--orders", "o", "--csv", ";"}, "--csv"},
        BadCase{"WithACsvOfAnUnknownKey",
                {"--orders", "o", "--csv", R"({"separator": ";"})"},
                "separator"},
        BadCase{"WithDecimalCommasThatNobodyTurns",
                {"--orders", "o", "--csv", R"({"delimiter": ";", "decimal": ","})"},
                "must be the same: say in both what \"csv\" in the pipeline's \"request\" says"},
        BadCase{"WithAnEmptyPath", {"--orders", ""}, "--orders: \"\" is not allowed"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::client
