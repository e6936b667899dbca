#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "data_preprocessing/document/json.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

using nlohmann::json;
using preprocessing::ReadWhole;
using testing::HasSubstr;

const std::string kPipeline = kSource / "conf/pipelines/order_triage.json";

std::vector<std::string> Replay(const DataSet& data, const std::string& url,
                                const std::string& out) {
  return {kClient,         "replay", "--orders", data.orders, "--url", url,
          "--concurrency", "8",      "--out",    out,         "--json"};
}

/// `order_id,recommendation` lines, sorted: what the real data's README takes the sha256 of.
std::string SortedAnswers(const std::string& json_lines) {
  std::vector<std::string> lines;
  std::istringstream stream(json_lines);
  for (std::string line; std::getline(stream, line);) {
    const json answer = json::parse(line);
    lines.push_back(answer.at("order_id").get<std::string>() + "," +
                    answer.at("recommendation").get<std::string>() + "\n");
  }
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

TEST(Commands, TheSampleIsIngestedServedOnTcpAndReplayedAsTheReadmeSays) {
  const Workspace workspace;
  RunToEnd(workspace / "ingest", {kForkcast, "ingest", "--pipeline", kPipeline, "--store",
                                  workspace.store(), "--from", SampleData().folder});
  Server server(workspace);
  std::vector<std::string> replay =
      Replay(SampleData(), server.endpoint().url(), workspace / "r.jsonl");
  replay.insert(replay.end(), {"--expect", SampleData().folder / "expected.jsonl"});
  const json report = json::parse(RunToEnd(workspace / "replay", replay));
  EXPECT_EQ(report["answered"], 500);
  EXPECT_EQ(server.Stop(), 0);
}

TEST(Commands, TheRealOrdersGetTheKnownAnswersOnAUnixSocket) {
  const auto data = RealData();
  if (!data) GTEST_SKIP() << "the real orders are not on this machine";
  const Workspace workspace;
  RunToEnd(workspace / "ingest", {kForkcast, "ingest", "--pipeline", kPipeline, "--store",
                                  workspace.store(), "--from", data->folder});
  Server server(workspace, {.bind = ServerOptions::Bind::kUnix});
  const std::string out = workspace / "r.jsonl";
  const json report =
      json::parse(RunToEnd(workspace / "replay", Replay(*data, server.endpoint().url(), out)));
  const json counts{{"HoldCheckAvailability", 2122},
                    {"HoldCheckDelivery", 3680},
                    {"HoldCheckPayment", 1240},
                    {"Decline", 723},
                    {"Deliver", 2235}};
  json counted;
  for (const json& count : report.at("counts")) counted[count.at("value")] = count.at("count");
  EXPECT_EQ(counted, counts) << report;
  const auto sorted = workspace.Write("sorted", SortedAnswers(ReadWhole(out)));
  EXPECT_THAT(RunToEnd(workspace / "sum", {"/usr/bin/sha256sum", sorted}),
              HasSubstr("d734a462b16feac69f98162b19e74ff645fb6378c060551dd195e4e5ddd03b14"));
}

TEST(Commands, AnOrderThatIsNotInTheStoreIsDecidedByItsOwnFields) {
  const Workspace workspace;
  workspace.Ingest(SampleData());
  Server server(workspace);
  server.WaitUntilAllReady();
  Request order = OneOrder();
  json body = json::parse(order.body);
  body["order_id"] = "never seen";
  order.body = body.dump();
  const Answer answer = AskOnce(server.endpoint(), order);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"order_id":"never seen","recommendation":"HoldCheckPayment"})");
}

struct MisuseCase {
  const char* name;
  std::vector<std::string> flags;
  const char* complaint;
};

TEST(Commands, ServeRefusesWhatItCannotMeanWithTwoAndTheReason) {
  const Workspace workspace;
  const MisuseCase cases[]{
      {"no pipeline", {"--store", "sqlite:o.db"}, "pipeline"},
      {"no store", {"--pipeline", "p.json"}, "store"},
      {"unknown flag", {"--pipeline", "p.json", "--fast"}, "--fast"},
      {"no number", {"--pipeline", "p.json", "--store", "sqlite:o.db", "--workers", "two"}, "two"},
      {"no workers", {"--pipeline", "p.json", "--store", "sqlite:o.db", "--workers", "0"}, "256"},
      {"an address without port",
       {"--pipeline", "p.json", "--store", "sqlite:o.db", "--bind", "localhost"},
       "localhost"},
      {"no such store", {"--pipeline", "p.json", "--store", "oracle:o"}, "oracle"},
      {"no such config file",
       {"--config", workspace / "absent.json", "--pipeline", "p.json", "--store", "sqlite:o.db"},
       "absent.json"},
      {"a hook that is none",
       {"--config", workspace.Write("c.json", R"({"hooks": [{"type": "mail"}]})"), "--pipeline",
        "p.json", "--store", "sqlite:o.db"},
       "$.hooks[0].type"},
      {"a hook without its settings",
       {"--config", workspace.Write("d.json", R"({"hooks": [{"type": "capture"}]})"), "--pipeline",
        "p.json", "--store", "sqlite:o.db"},
       "share"}};
  for (const MisuseCase& one : cases) {
    SCOPED_TRACE(one.name);
    std::vector<std::string> command{kForkcast, "serve"};
    command.insert(command.end(), one.flags.begin(), one.flags.end());
    Program program(workspace / "serve", command);
    EXPECT_EQ(program.Wait(), 2);
    EXPECT_THAT(program.err(), HasSubstr(one.complaint));
  }
}

}  // namespace
}  // namespace forkcast::process_test
