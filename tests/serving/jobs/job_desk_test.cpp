#include "serving/jobs/job_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/dao/record_store.hpp"
#include "data_preprocessing/document/json.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using Kind = JobRequest::Kind;

const Instant kNow = FromMicros(1'700'000'000'000'000);

class Desk : public testing::Test {
 protected:
  Desk() {
    config_.deployments = {{.name = "weekly", .model = "sales@champion"},
                           {.name = "fixed", .model = "sales@3"},
                           {.name = "file", .pipeline = "p.json"}};
  }
  /// The answer, as a worker receives it.
  Result<JobReply> Ask(const JobRequest& request) {
    auto [ours, theirs] = MakeJobSockets();
    ReceivedJobRequest asked{.request = request, .reply = std::move(theirs)};
    EXPECT_TRUE(desk_.Answer(queue_, asked, kNow).ok());
    auto reply = ReceiveJobReply(ours.get());
    if (request.kind == Kind::kFollow) following_ = std::move(ours);
    return reply ? *std::move(reply) : Error{ErrorCode::kInternal, "no answer"};
  }
  JobReply Submit(const std::string& body, const std::string& key = {}) {
    return Ask({.kind = Kind::kSubmit, .body = body, .key = key, .by = "ann"}).value();
  }
  std::optional<std::string> NextEvents() {
    EXPECT_TRUE(desk_.TellFollowers(queue_).ok());
    const auto reply = ReceiveJobReply(following_.get());
    if (!reply || !*reply) return std::nullopt;
    return (*reply)->text;
  }

  preprocessing::TempFolder folder_;
  ServerConfig config_;
  JobQueue queue_{preprocessing::OpenRecords("sqlite:" + (folder_.path() / "o.db").string(),
                                             preprocessing::StoreAccess::kReadWriteCreate)
                      .value()};
  JobDesk desk_{config_};
  Fd following_;
};

constexpr const char* kTrain = R"({"kind": "train", "deployment": "weekly"})";

TEST_F(Desk, TakesAJobAndShowsIt) {
  const JobReply reply = Submit(kTrain);
  EXPECT_TRUE(reply.is_new);
  EXPECT_EQ(reply.id, "1");
  const json job = json::parse(reply.text);
  EXPECT_EQ(job.at("state"), "queued");
  EXPECT_EQ(job.at("submitted_by"), "ann");
  EXPECT_EQ(job.at("log"), json::array());
  EXPECT_EQ(json::parse(Ask({.kind = Kind::kShow, .id = "1"})->text), job);
  EXPECT_FALSE(Submit(kTrain, "k").text.empty());
  EXPECT_FALSE(Submit(kTrain, "k").is_new);
}

TEST_F(Desk, TwoDeploymentsOfOneModelAreOneSubject) {
  Submit(kTrain);
  EXPECT_EQ(queue_.Find(1).value()->subject(), "sales");
}

struct Wrong {
  const char* body;
  ErrorCode code;
  const char* field;
  const char* says;
};

TEST_F(Desk, RefusesWhatCannotBeDoneByItsField) {
  const Wrong wrongs[] = {
      {R"({"kind": "train", "deployment": "weekl"})", ErrorCode::kNotFound, "deployment",
       "did you mean \"weekly\""},
      {R"({"kind": "train", "deployment": "fixed"})", ErrorCode::kInvalidArgument, "deployment",
       "serves version 3"},
      {R"({"kind": "predict", "deployment": "file", "table": "t"})", ErrorCode::kInvalidArgument,
       "deployment", "no model of a registry"},
      {R"({"kind": "ingest", "deployment": "weekly", "from": "x"})", ErrorCode::kInvalidArgument,
       "kind", "jobs_data"},
  };
  for (const Wrong& wrong : wrongs) {
    const JobReply reply = Submit(wrong.body);
    ASSERT_TRUE(reply.error) << wrong.body;
    EXPECT_EQ(reply.error->code, wrong.code) << wrong.body;
    EXPECT_EQ(reply.error->field, wrong.field) << wrong.body;
    EXPECT_THAT(reply.error->message, HasSubstr(wrong.says));
  }
  EXPECT_THAT(queue_.List({}).value(), SizeIs(0));
}

TEST_F(Desk, AJobThatIsNotThereIsNotFound) {
  for (const Kind kind : {Kind::kShow, Kind::kStop, Kind::kFollow}) {
    for (const char* const id : {"7", "x", "", "../1"}) {
      const auto reply = Ask({.kind = kind, .id = id});
      ASSERT_TRUE(reply.ok() && reply->error) << id;
      EXPECT_EQ(reply->error->code, ErrorCode::kNotFound) << id;
    }
  }
}

TEST_F(Desk, ListsWhatIsAskedFor) {
  for (int i = 0; i < 60; ++i) Submit(kTrain);
  const auto count = [&](const JobRequest& request) {
    return json::parse(Ask(request)->text).at("jobs").size();
  };
  EXPECT_EQ(count({.kind = Kind::kList}), 50U);
  EXPECT_EQ(count({.kind = Kind::kList, .limit = 7}), 7U);
  EXPECT_EQ(count({.kind = Kind::kList, .state = "running"}), 0U);
  const auto wrong = Ask({.kind = Kind::kList, .state = "asleep"});
  EXPECT_EQ(wrong->error->field, "state");
}

TEST_F(Desk, AListFitsIntoOneMessageHoweverLongItsJobsAre) {
  for (int i = 0; i < 200; ++i) {
    Submit(kTrain);
    const JobRecord job = *queue_.Claim(queue_.Active().value(), {}, kNow).value();
    queue_
        .Update(job,
                [](JobRecord& changed) {
                  changed.state = JobState::kFailed;
                  changed.error = JobError{.code = "io", .message = std::string(2'000, '"')};
                })
        .value();
  }
  const auto reply = Ask({.kind = Kind::kList, .limit = 200});
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  const json jobs = json::parse(reply->text).at("jobs");
  EXPECT_GT(jobs.size(), 10U);
  EXPECT_LT(jobs.size(), 200U);
}

TEST_F(Desk, WhoFollowsIsToldLinesThenTheJobUntilItHasEnded) {
  Submit(kTrain);
  EXPECT_THAT(Ask({.kind = Kind::kFollow, .id = "1"})->text, HasSubstr("retry: "));
  EXPECT_THAT(NextEvents().value(),
              AllOf(HasSubstr("id: 1.0\nevent: job\ndata: {"), HasSubstr("\"state\":\"queued\"")));
  EXPECT_EQ(NextEvents(), std::nullopt) << "nothing is new";
  const JobRecord job = *queue_.Claim(queue_.Active().value(), {}, kNow).value();
  JobLog log;
  log.Add("hello");
  ASSERT_TRUE(queue_
                  .Update(
                      job, [](JobRecord&) {}, &log)
                  .value());
  EXPECT_THAT(NextEvents().value(),
              AllOf(HasSubstr("event: log\ndata: hello\n\n"), HasSubstr("\"state\":\"running\"")));
  queue_.Update(job, [](JobRecord& changed) { changed.state = JobState::kSucceeded; }).value();
  EXPECT_THAT(NextEvents().value(),
              AllOf(HasSubstr("\"state\":\"succeeded\""), Not(HasSubstr("hello"))));
  EXPECT_FALSE(desk_.has_followers());
  EXPECT_FALSE(ReceiveJobReply(following_.get())->ok()) << "that was all";
}

TEST_F(Desk, WhoComesAgainIsToldWhatWasMissedAlone) {
  Submit(kTrain);
  const JobRecord job = *queue_.Claim(queue_.Active().value(), {}, kNow).value();
  JobLog log;
  for (const char* const line : {"one", "two", "three"}) log.Add(line);
  static_cast<void>(
      Ask({.kind = Kind::kFollow, .id = "1", .last_event = std::to_string(job.revision) + ".2"}));
  queue_
      .Update(
          job, [](JobRecord&) {}, &log)
      .value();
  EXPECT_THAT(NextEvents().value(), AllOf(HasSubstr("three"), Not(HasSubstr("two"))));
}

/// A disk that is full.
class FullRecords final : public preprocessing::RecordStore {
 public:
  Result<std::vector<preprocessing::Record>> Find(
      std::string_view /*shelf*/, std::span<const std::string> /*labels*/) override {
    return std::vector<preprocessing::Record>();
  }
  Result<std::optional<preprocessing::Record>> Get(std::string_view /*shelf*/,
                                                   std::string_view /*id*/) override {
    return std::optional<preprocessing::Record>();
  }
  Result<bool> Change(std::vector<preprocessing::RecordChange> /*changes*/) override {
    return Error{ErrorCode::kIo, "/srv/s.db.jobs: database or disk is full"};
  }
  [[nodiscard]] bool is_local() const noexcept override { return true; }
};

TEST_F(Desk, AStoreThatFailsIsToldToCallersWithoutWhereItIs) {
  JobQueue full(std::make_unique<FullRecords>());
  auto [ours, theirs] = MakeJobSockets();
  ReceivedJobRequest asked{.request = {.kind = Kind::kSubmit, .body = kTrain},
                           .reply = std::move(theirs)};
  const Status done = desk_.Answer(full, asked, kNow);
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("disk is full"));
  const auto reply = ReceiveJobReply(ours.get());
  ASSERT_TRUE(reply && reply->ok() && (*reply)->error);
  EXPECT_EQ((*reply)->error->code, ErrorCode::kNotReady);
  EXPECT_THAT((*reply)->error->message, AllOf(HasSubstr("try again"), Not(HasSubstr("/srv"))));
}

/// Each byte of it is three in the store, each quotation mark four on its way.
constexpr const char* kWorstLines[] = {"\xFF", "\"", "\\"};

TEST_F(Desk, AJobIsShownHoweverLongItsLogIs) {
  for (const std::string_view byte : kWorstLines) {
    const std::string id = Submit(kTrain).id;
    const JobRecord job = *queue_.Claim(queue_.Active().value(), {}, kNow).value();
    JobLog log;
    for (std::size_t i = 0; i < JobLog::kMostLines; ++i) log.Add(std::string(400, byte[0]));
    log.Add("the last one");
    const auto fail = [](JobRecord& changed) { changed.state = JobState::kFailed; };
    ASSERT_TRUE(queue_.Update(job, fail, &log).value());
    const auto reply = Ask({.kind = Kind::kShow, .id = id});
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    const json lines = json::parse(reply->text).at("log");
    EXPECT_GT(lines.size(), 50U);
    EXPECT_EQ(lines.back(), "the last one");
  }
}

TEST_F(Desk, WhoFollowsIsToldALongLogInPieces) {
  for (const std::string_view byte : kWorstLines) {
    const std::string id = Submit(kTrain).id;
    const JobRecord job = *queue_.Claim(queue_.Active().value(), {}, kNow).value();
    JobLog log;
    for (std::size_t i = 0; i < JobLog::kMostLines; ++i) log.Add(std::string(400, byte[0]));
    const auto fail = [](JobRecord& changed) { changed.state = JobState::kFailed; };
    ASSERT_TRUE(queue_.Update(job, fail, &log).value());
    static_cast<void>(Ask({.kind = Kind::kFollow, .id = id}));
    std::string all;
    for (int i = 0; i < 10 && desk_.has_followers(); ++i) all += NextEvents().value_or("");
    EXPECT_FALSE(desk_.has_followers());
    EXPECT_THAT(all, AllOf(HasSubstr(".200\nevent: log"), HasSubstr("\"state\":\"failed\"")));
  }
}

TEST_F(Desk, NothingIsDoneForThoseWhoHaveLeft) {
  auto [ours, theirs] = MakeJobSockets();
  ReceivedJobRequest asked{.request = {.kind = Kind::kSubmit, .body = kTrain},
                           .reply = std::move(theirs)};
  ours.Reset();
  EXPECT_TRUE(desk_.Answer(queue_, asked, kNow).ok());
  EXPECT_THAT(queue_.List({}).value(), SizeIs(0));
}

TEST_F(Desk, ADamagedJobEndsItsStreamAlone) {
  Submit(kTrain);
  static_cast<void>(Ask({.kind = Kind::kFollow, .id = "1"}));
  const auto records = preprocessing::OpenRecords("sqlite:" + (folder_.path() / "o.db").string(),
                                                  preprocessing::StoreAccess::kReadWriteCreate)
                           .value();
  ASSERT_TRUE(records->Change({{.shelf = "jobs", .id = "1", .expected = 1, .text = "{"}}).value());
  EXPECT_TRUE(desk_.TellFollowers(queue_).ok());
  EXPECT_FALSE(desk_.has_followers());
}

TEST_F(Desk, WhoIsGoneIsForgotten) {
  Submit(kTrain);
  static_cast<void>(Ask({.kind = Kind::kFollow, .id = "1"}));
  following_.Reset();
  EXPECT_TRUE(desk_.TellFollowers(queue_).ok());
  EXPECT_FALSE(desk_.has_followers());
}

TEST(EventPlace, OfAnythingElseIsTheBeginning) {
  EXPECT_EQ(ReadEventPlace("12.34"), (EventPlace{.revision = 12, .line = 34}));
  for (const char* const text : {"", "12", "12.", ".3", "a.b", "-1.2", "1.2.3", "1.-2"}) {
    EXPECT_EQ(ReadEventPlace(text), EventPlace{}) << text;
  }
}

TEST(JobMessages, WhatIsNoRequestIsPassedOver) {
  auto [workers, trainer] = MakeJobSockets();
  auto [ours, theirs] = MakeJobSockets();
  ASSERT_EQ(::write(workers.get(), "junk", 4), 4);
  ASSERT_TRUE(SendJobRequest(workers.get(), {.kind = Kind::kShow, .id = "7"}, theirs.get()));
  const auto received = ReceiveJobRequest(trainer.get());
  ASSERT_TRUE(received);
  EXPECT_EQ(received->request.id, "7");
  EXPECT_FALSE(ReceiveJobRequest(trainer.get()));
  EXPECT_FALSE(SendJobRequest(workers.get(), {.body = std::string(100'000, 'x')}, theirs.get()));
}

TEST(JobMessages, TheEndOfTheOtherSideIsAnAnswer) {
  auto [ours, theirs] = MakeJobSockets();
  EXPECT_FALSE(ReceiveJobReply(ours.get()));
  theirs.Reset();
  const auto reply = ReceiveJobReply(ours.get());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error().code, ErrorCode::kNotReady);
}

}  // namespace
}  // namespace forkcast::serving
