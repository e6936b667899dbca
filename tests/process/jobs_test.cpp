// Jobs of a server, as callers, operators and the kernel see them.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/eventually.hpp"
#include "support/sales_model.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using Ends = ServerOptions::Ends;

constexpr const char* kJson = "Content-Type: application/json\r\n";

class ServedJobs : public testing::Test {
 protected:
  ServedJobs() {
    PublishSales(workspace_, "s.db", 10);
    fs::create_directories(workspace_ / "models");
    fs::copy(kSource / "tests/data/published/sales", workspace_ / "models/sales",
             fs::copy_options::recursive);
    fs::create_directories(workspace_ / "data/more");
    workspace_.Write("data/more/sales-2.csv", "shop,day,amount\n000,2024-01-30,12\n");
    Configure();
  }

  void Configure(const json& more = json::object()) const {
    json config{{"models", (workspace_ / "models").string()},
                {"store", store()},
                {"jobs", "on"},
                {"jobs_data", (workspace_ / "data").string()},
                {"deployments", json::array({json{{"name", "sales"}, {"model", "sales@1"}}})}};
    config.update(more);
    workspace_.Write("server.json", config.dump());
  }
  Server& Start(Ends ends = Ends::kCleanly) {
    server_.reset();
    server_ = std::make_unique<Server>(
        workspace_,
        ServerOptions{.serves = ServerOptions::Serves::kNothing,
                      .flags = {"--config", workspace_ / "server.json", "--control", control()},
                      .name = "server" + std::to_string(starts_++),
                      .ends = ends});
    server_->WaitUntilReady();
    return *server_;
  }
  [[nodiscard]] Answer Post(const json& job, const std::string& key = {}) const {
    const std::string header = key.empty() ? "" : "Idempotency-Key: " + key + "\r\n";
    return AskOnce(server_->endpoint(),
                   {.target = "/jobs", .headers = kJson + header, .body = job.dump()});
  }
  [[nodiscard]] std::string Submit(const json& job) const {
    const Answer answer = Post(job);
    EXPECT_EQ(answer.status, 202) << answer.body;
    return answer.status == 202 ? json::parse(answer.body).at("id").get<std::string>() : "0";
  }
  [[nodiscard]] Answer Get(const std::string& target, const std::string& method = "GET") const {
    return AskOnce(server_->endpoint(), {.method = method, .target = target});
  }
  [[nodiscard]] json JobOf(const std::string& id) const {
    return json::parse(Get("/jobs/" + id).body);
  }
  [[nodiscard]] json AwaitEnd(const std::string& id) const {
    json job;
    EXPECT_TRUE(Eventually([&] {
      const Answer answer = Get("/jobs/" + id);
      if (answer.status != 200) return false;
      job = json::parse(answer.body);
      return job.at("state") != "queued" && job.at("state") != "running";
    })) << server_->log();
    return job;
  }
  [[nodiscard]] json Status() const {
    return json::parse(
        RunToEnd(workspace_ / "status", {kForkcast, "status", "--control", control(), "--json"}));
  }
  /// 0: there is none now.
  [[nodiscard]] pid_t Trainer() const { return Status().at("trainer").at("pid").get<pid_t>(); }
  [[nodiscard]] json Predict(int number = 0) const {
    return {{"kind", "predict"},
            {"deployment", "sales"},
            {"table", "forecasts" + std::to_string(number)},
            {"origin", "2024-01-20"}};
  }
  [[nodiscard]] std::string store() const { return "sqlite:" + (workspace_ / "s.db").string(); }
  [[nodiscard]] fs::path control() const { return workspace_ / "control"; }

  Workspace workspace_;
  std::unique_ptr<Server> server_;
  int starts_ = 0;
};

TEST_F(ServedJobs, AJobIsTakenDoneAndRemembered) {
  Start();
  const Answer answer = Post(Predict(), "once");
  ASSERT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(answer.Header("location"), "/jobs/1");
  EXPECT_EQ(json::parse(answer.body).at("state"), "queued");
  const Answer again = Post(Predict(), "once");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json::parse(again.body).at("id"), "1");
  const json job = AwaitEnd("1");
  EXPECT_EQ(job.at("state"), "succeeded") << job.dump(2);
  EXPECT_EQ(job.at("progress"), 100);
  EXPECT_EQ(job.at("attempt"), 1);
  EXPECT_TRUE(job.at("verdict").is_object()) << job.dump(2);
  // History outlives the server.
  Start();
  EXPECT_EQ(JobOf("1").at("state"), "succeeded");
  EXPECT_EQ(json::parse(Get("/jobs?state=succeeded").body).at("jobs").size(), 1U);
  EXPECT_TRUE(Eventually([&] { return Status().at("trainer_up") == 1; }));
}

TEST_F(ServedJobs, AJobThatCannotBeDoneFailsWithItsReason) {
  Start();
  const std::string id =
      Submit({{"kind", "predict"}, {"deployment", "sales"}, {"table", "f"}, {"origin", "no time"}});
  const json job = AwaitEnd(id);
  EXPECT_EQ(job.at("state"), "failed");
  EXPECT_EQ(job.at("error").at("code"), "invalid_argument");
  EXPECT_THAT(job.at("error").at("message"), HasSubstr("origin"));
  EXPECT_FALSE(job.at("log").empty());
  EXPECT_TRUE(Eventually([&] { return Status().at("jobs_failed") == 1; }));
}

TEST_F(ServedJobs, FilesAreTakenInFromBelowOneFolder) {
  Start();
  const json more =
      AwaitEnd(Submit({{"kind", "ingest"}, {"deployment", "sales"}, {"from", "more"}}));
  EXPECT_EQ(more.at("state"), "succeeded") << more.dump(2);
  const json secret =
      AwaitEnd(Submit({{"kind", "ingest"}, {"deployment", "sales"}, {"from", "../models"}}));
  EXPECT_EQ(secret.at("state"), "failed");
  EXPECT_EQ(secret.at("error").at("field"), "from");
}

TEST_F(ServedJobs, WhatIsNoJobIsRefusedByItsField) {
  Start();
  struct Case {
    json body;
    int status;
    const char* field;
  };
  const Case cases[] = {{{{"kind", "train"}}, 400, "deployment"},
                        {{{"kind", "serve"}, {"deployment", "sales"}}, 400, "kind"},
                        {{{"kind", "train"}, {"deployment", "sale"}}, 404, "deployment"},
                        {{{"kind", "train"}, {"deployment", "sales"}}, 400, "deployment"},
                        {{{"kind", "predict"}, {"deployment", "sales"}}, 400, "table"}};
  for (const Case& one : cases) {
    const Answer answer = Post(one.body);
    EXPECT_EQ(answer.status, one.status) << answer.body;
    EXPECT_EQ(json::parse(answer.body).at("error").at("field"), one.field) << answer.body;
  }
  EXPECT_EQ(Get("/jobs/7").status, 404);
  EXPECT_EQ(Get("/jobs/7", "DELETE").status, 404);
  EXPECT_EQ(Get("/jobs/7/events").status, 404);
  EXPECT_EQ(Get("/jobs?state=asleep").status, 400);
  EXPECT_EQ(Get("/jobs?limit=0").status, 400);
  EXPECT_THAT(json::parse(Get("/jobs").body).at("jobs"), IsEmpty());
}

TEST_F(ServedJobs, WithoutTheSettingThereAreNone) {
  Configure({{"jobs", "off"}});
  Start();
  EXPECT_EQ(Get("/jobs").status, 404);
  EXPECT_FALSE(Status().contains("trainer"));
}

TEST_F(ServedJobs, WhoFollowsAJobIsToldUntilItsEnd) {
  Start();
  const std::string id = Submit(Predict());
  HttpConnection connection(server_->endpoint());
  connection.Send("GET /jobs/" + id + "/events HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string stream;
  EXPECT_TRUE(Eventually([&] {
    const Exchange part = connection.Receive(HttpBody::kNone);
    stream += part.answer.head;
    return part.outcome == Outcome::kAnswered;
  }));
  EXPECT_THAT(stream,
              AllOf(HasSubstr("Content-Type: text/event-stream"), HasSubstr("Connection: close")));
  EXPECT_EQ(AwaitEnd(id).at("state"), "succeeded");
  // The whole of it again: the job has ended, and so does the stream.
  Program curl(workspace_ / "events",
               {"/usr/bin/curl", "-sN", "--max-time", "30",
                fmt::format("http://127.0.0.1:{}/jobs/{}/events", server_->endpoint().port, id)});
  EXPECT_EQ(curl.Wait(), 0);
  EXPECT_THAT(curl.out(),
              AllOf(HasSubstr("event: job\ndata: {"), HasSubstr("\"state\":\"succeeded\"")));
}

TEST_F(ServedJobs, AJobThatWaitsOrRunsIsStopped) {
  Start();
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(Submit(Predict(i)));
  const Answer answer = Get("/jobs/" + ids.back(), "DELETE");
  EXPECT_EQ(answer.status, 202);
  const json job = AwaitEnd(ids.back());
  EXPECT_THAT(job.at("state").get<std::string>(), testing::AnyOf("stopped", "succeeded"));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(AwaitEnd(ids[i]).at("state"), "succeeded");
}

TEST_F(ServedJobs, ATrainerThatDiesIsReplacedAndItsJobsEndOnce) {
  Start(Ends::kAnyHow);
  std::vector<std::string> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(Submit(Predict(i)));
  for (int i = 0; i < 4; ++i) {
    pid_t trainer = 0;
    EXPECT_TRUE(Eventually([&] { return (trainer = Trainer()) != 0; }));
    ::kill(trainer, SIGKILL);
    EXPECT_TRUE(Eventually([&] {
      const pid_t now = Trainer();
      return now != 0 && now != trainer;
    })) << server_->log();
  }
  for (const std::string& id : ids) {
    EXPECT_EQ(AwaitEnd(id).at("state"), "succeeded") << JobOf(id).dump(2);
  }
  EXPECT_GE(Status().at("trainer_restarts"), 4);
}

/// Each job ends once, whoever is killed when. 200 jobs and 20 deaths by TEST_JOBS=200.
TEST_F(ServedJobs, TrainersAndMastersAreKilledAtRandomAndEachJobEndsOnce) {
  const char* const asked = std::getenv("TEST_JOBS");
  const int jobs = asked == nullptr ? 24 : std::stoi(asked);
  const int deaths = std::max(jobs / 10, 4);
  std::mt19937 random(20'261'130);  // NOLINT(*-msc51-cpp): the same each time
  Start(Ends::kAnyHow);
  std::vector<std::string> ids;
  std::set<std::string> known;
  for (int i = 0; i < jobs; ++i) {
    ids.push_back(Submit(Predict(i % 8)));
    known.insert(ids.back());
    if (i % (jobs / deaths) != 0) continue;
    const bool is_master = random() % 3 == 0;
    if (is_master) {
      server_->Signal(SIGKILL);
      static_cast<void>(server_->Wait());
      Start(Ends::kAnyHow);
    } else if (const pid_t trainer = Trainer(); trainer != 0) {
      ::kill(trainer, SIGKILL);
    }
  }
  EXPECT_EQ(known.size(), ids.size()) << "two jobs have one number";
  for (const std::string& id : ids) {
    const json job = AwaitEnd(id);
    EXPECT_EQ(job.at("state"), "succeeded") << job.dump(2);
    EXPECT_FALSE(job.at("ended_at").is_null());
  }
  // Nothing is left over, nothing runs a second time.
  EXPECT_TRUE(Eventually([&] {
    const json status = Status();
    return status.at("jobs_queued") == 0 && status.at("jobs_running") == 0;
  }));
  const json all = json::parse(Get("/jobs?limit=200").body).at("jobs");
  EXPECT_EQ(all.size(), std::min<std::size_t>(ids.size(), 200));
}

TEST_F(ServedJobs, AServerThatStopsPutsItsJobsBack) {
  Start();
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(Submit(Predict(i)));
  EXPECT_EQ(server_->Stop(), 0);
  Start();
  for (const std::string& id : ids) EXPECT_EQ(AwaitEnd(id).at("state"), "succeeded");
}

TEST_F(ServedJobs, TheSameQueueIsWorkedOffByAProgramOfItsOwn) {
  const std::vector<std::string> jobs{kForkcast, "jobs", "--store", store()};
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> words = jobs;
    words.insert(words.begin() + 2, more.front());
    words.insert(words.end(), more.begin() + 1, more.end());
    return RunToEnd(workspace_ / "jobs", words);
  };
  run({"submit", "--config", workspace_ / "server.json", Predict().dump()});
  const json listed = json::parse(run({"list", "--json"}));
  EXPECT_EQ(listed.at(0).at("state"), "queued");
  RunToEnd(workspace_ / "work",
           {kForkcast, "work", "--config", workspace_ / "server.json", "--until-empty"});
  EXPECT_EQ(json::parse(run({"show", "--json", "1"})).at("state"), "succeeded");
  EXPECT_THAT(run({"list"}), AllOf(HasSubstr("predict"), HasSubstr("succeeded")));
}

TEST_F(ServedJobs, AQueueThatIsDamagedIsToldAndAnswersGoOn) {
  Start(Ends::kAnyHow);
  ASSERT_EQ(Post(Predict()).status, 202);
  EXPECT_EQ(AwaitEnd("1").at("state"), "succeeded");
  ASSERT_EQ(server_->Stop(), 0);
  std::ofstream(workspace_ / "s.db.jobs") << std::string(4096, 'x');
  Start(Ends::kAnyHow);
  EXPECT_EQ(Post(Predict()).status, 503);
  EXPECT_TRUE(Eventually([&] { return Status().at("trainer").at("error") != ""; }));
  EXPECT_EQ(AskOnce(server_->endpoint(), SalesOfAShop("/invocations")).status, 200);
}

TEST_F(ServedJobs, RoutesOfADeploymentTakeJobsInTheWordsOfCallers) {
  const json routes = json::parse(R"([
    {"method": "POST", "path": "/tables/{shop}/go", "answer": {"job": "$job_id", "status": "SUBMITTED"},
     "job": {"submit": {"kind": "predict", "table": "{shop}", "origin": "2024-01-20"}}},
    {"method": "GET", "path": "/how/{job}", "answer": {"job": "$job_id", "status": "$state"},
     "job": {"state_of": "job", "states": {"succeeded": "SUCCEEDED", "queued": "PENDING", "running": "RUNNING"}},
     "errors": {"status": {"not_found": 400}, "body": {"status": "ERROR", "error": "Task not found"}}}
  ])");
  json deployment{{"name", "sales"}, {"model", "sales@1"}};
  deployment["routes"] = routes;
  json more;
  more["deployments"] = json::array({deployment});
  Configure(more);
  Start();
  const Answer taken = AskOnce(server_->endpoint(), {.target = "/tables/a_table/go"});
  EXPECT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(json::parse(taken.body), json({{"job", "1"}, {"status", "SUBMITTED"}}));
  EXPECT_EQ(AwaitEnd("1").at("state"), "succeeded");
  EXPECT_EQ(json::parse(Get("/how/1").body), json({{"job", "1"}, {"status", "SUCCEEDED"}}));
  const Answer unknown = Get("/how/99");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(json::parse(unknown.body), json({{"status", "ERROR"}, {"error", "Task not found"}}));
}

}  // namespace
}  // namespace forkcast::process_test
