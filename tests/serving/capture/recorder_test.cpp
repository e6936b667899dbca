#include "serving/capture/recorder.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/capture/capture_channel.hpp"
#include "serving/capture/capture_store.hpp"
#include "support/hook_testing.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;

// A recorder in a thread of its own, fed as a worker does.
class RecorderTest : public testing::Test {
 protected:
  RecorderTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    control_ = Fd(ends[0]);
    masters_end_ = Fd(ends[1]);
  }
  ~RecorderTest() override {
    masters_end_.Reset();
    if (thread_.joinable()) thread_.join();
  }

  void Start() {
    thread_ = std::thread([this] {
      int events = 0;
      exit_code_ =
          RunRecorder({.clock = clock_,
                       .counters = counters_,
                       .destinations = destinations_,
                       .make_event_id = [&events] { return "event-" + std::to_string(events++); }},
                      sockets_.second.get(), control_.get(), lines_.log());
    });
  }
  int Stop() {
    masters_end_.Reset();
    thread_.join();
    return exit_code_;
  }

  bool Send(std::string_view id) {
    sample_.invocation.request.id = id;
    return sender_.Send({folder_.path().native(), endpoint_, "AllTraffic", rules_}, sample_.view());
  }
  // Bytes as no worker sends them.
  void SendRaw(std::string_view bytes) {
    ASSERT_GT(::send(sockets_.first.get(), bytes.data(), bytes.size(), 0), 0);
  }

  // Waits until `counter` has this value, for at most 20 s.
  static bool Reaches(const std::atomic<std::uint64_t>& counter, std::uint64_t value) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (counter != value && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    return counter == value;
  }

  // Request ids in the files below a folder, in order of path and line. Every line must parse.
  std::vector<std::string> RecordedIn(const std::filesystem::path& below) {
    std::set<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.path() / below)) {
      if (entry.is_regular_file()) files.insert(entry.path());
    }
    std::vector<std::string> ids;
    for (const auto& file : files) {
      std::istringstream lines(ReadWhole(file));
      for (std::string line; std::getline(lines, line);) {
        ids.push_back(json::parse(line).at("forkcast").at("requestId"));
      }
    }
    return ids;
  }

  TempFolder folder_;
  std::string endpoint_ = "orders";
  std::string rules_;
  std::vector<CaptureDestination> destinations_;
  std::pair<Fd, Fd> sockets_ = MakeCaptureSockets();
  Fd control_;
  Fd masters_end_;
  CaptureSender sender_{sockets_.first.get()};
  SampleInvocation sample_;
  ManualClock clock_;
  LogLines lines_;
  RecorderCounters counters_;
  std::thread thread_;
  int exit_code_ = -1;
};

TEST_F(RecorderTest, WritesALineForEachMessageAtOnce) {
  Start();
  ASSERT_TRUE(Send("a"));
  ASSERT_TRUE(Reaches(counters_.written, 1));
  EXPECT_THAT(RecordedIn("orders/AllTraffic/2024/01/31/23"), ElementsAre("a"));
  ASSERT_TRUE(Send("b"));
  ASSERT_TRUE(Reaches(counters_.written, 2));
  EXPECT_THAT(RecordedIn("orders/AllTraffic/2024/01/31/23"), ElementsAre("a", "b"));
  const auto file = folder_.path() / "orders/AllTraffic/2024/01/31/23" /
                    ("20240131T235959.250000Z-" + std::to_string(::getpid()) + ".jsonl");
  EXPECT_THAT(ReadWhole(file), HasSubstr(R"("eventId":"event-1")"));
  EXPECT_EQ(Stop(), 0);
}

TEST_F(RecorderTest, DrainsWhatIsQueuedBeforeItEnds) {
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Send(id));
  masters_end_.Reset();
  Start();
  thread_.join();
  EXPECT_EQ(exit_code_, 0);
  EXPECT_THAT(RecordedIn("orders"), ElementsAre("a", "b", "c"));
}

TEST_F(RecorderTest, OutlivesWorkersThatAreAllGoneUntilTheMasterEndsIt) {
  ASSERT_TRUE(Send("a"));
  sockets_.first.Reset();
  Start();
  ASSERT_TRUE(Reaches(counters_.written, 1));
  EXPECT_EQ(Stop(), 0);
}

TEST_F(RecorderTest, BeginsAFileForEachHourOfReceiptAndEachTarget) {
  ASSERT_TRUE(Send("last"));
  sample_.invocation.request.received += std::chrono::seconds(1);
  ASSERT_TRUE(Send("first"));
  endpoint_ = "milk";
  ASSERT_TRUE(Send("other"));
  endpoint_ = "orders";
  sample_.invocation.request.received = kLastSecondOfJanuary;
  ASSERT_TRUE(Send("late"));
  Start();
  ASSERT_EQ(Stop(), 0);
  EXPECT_THAT(RecordedIn("orders/AllTraffic/2024/01/31/23"), ElementsAre("last", "late"));
  EXPECT_THAT(RecordedIn("orders/AllTraffic/2024/02/01/00"), ElementsAre("first"));
  EXPECT_THAT(RecordedIn("milk/AllTraffic/2024/02/01/00"), ElementsAre("other"));
}

TEST_F(RecorderTest, WritesABatchOfSixMegabytes) {
  const std::string body(6'291'456, '7');
  sample_.invocation.request.body = body;
  ASSERT_TRUE(Send("great"));
  Start();
  ASSERT_EQ(Stop(), 0);
  EXPECT_THAT(RecordedIn("orders"), ElementsAre("great"));
  EXPECT_EQ(counters_.dropped, 0U);
}

TEST_F(RecorderTest, CountsWhatItCannotWriteWarnsOnceAndGoesOnWhenItCan) {
  const auto obstacle = folder_.Write("orders", "a file where a folder must be");
  Start();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(Send("lost"));
    ASSERT_TRUE(Reaches(counters_.dropped, i));
  }
  std::filesystem::remove(obstacle);
  ASSERT_TRUE(Send("kept"));
  ASSERT_TRUE(Reaches(counters_.written, 1));
  EXPECT_EQ(Stop(), 0);
  EXPECT_THAT(RecordedIn("orders"), ElementsAre("kept"));
  EXPECT_THAT(lines_.lines(),
              ElementsAre("info recorder_ready",
                          testing::AllOf(HasSubstr("warning capture_write_failed path="),
                                         HasSubstr("reason=\"Not a directory\" lost=1")),
                          "info recorder_stopped written=1 dropped=3"));
}

TEST_F(RecorderTest, CountsWhatAKilledOneHadInHandAsDropped) {
  counters_.received = 7;
  counters_.written = 4;
  counters_.dropped = 1;
  Start();
  EXPECT_TRUE(Reaches(counters_.dropped, 3));
  EXPECT_EQ(Stop(), 0);
  EXPECT_THAT(lines_.lines(), testing::Contains("warning capture_lost_with_recorder lost=2"));
}

TEST_F(RecorderTest, CutsOffTheTornLineOfAKilledOneBeforeAnythingComes) {
  const auto hour = folder_.path() / "orders/AllTraffic/2024/01/31/20";
  std::filesystem::create_directories(hour);
  const auto torn = hour / "20240131T200000.000000Z-1.jsonl";
  std::ofstream(torn) << "{}\n{\"captureData\":";
  destinations_ = {{folder_.path().native(), "orders", "AllTraffic"}};
  Start();
  EXPECT_EQ(Stop(), 0);
  EXPECT_EQ(ReadWhole(torn), "{}\n");
  EXPECT_THAT(lines_.lines(), testing::Contains("warning capture_tail_cut path=\"" + torn.string() +
                                                "\" bytes=15"));
}

TEST_F(RecorderTest, KeepsWhatComesByTheRulesThatComeWithIt) {
  rules_ = R"({"max_file_bytes":2000,"compress":true,"keep_files":3})";
  Start();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    ASSERT_TRUE(Send("a"));
    ASSERT_TRUE(Reaches(counters_.written, i));
  }
  const auto count_files = [&](const std::string& extension) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      count += entry.path().extension() == extension ? 1U : 0U;
    }
    return count;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (count_files(".jsonl") > 1 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(count_files(".jsonl"), 1U);
  EXPECT_EQ(count_files(".gz"), 2U);
  EXPECT_EQ(Stop(), 0);
}

TEST_F(RecorderTest, KeepsNoDroppedFieldInFilesOrStore) {
  const auto store = folder_.path() / "captures.db";
  rules_ = R"({"drop_fields":["order_id","inventory"],"store":")" + store.string() + "\"}";
  ASSERT_TRUE(Send("a"));
  Start();
  ASSERT_EQ(Stop(), 0);
  EXPECT_THAT(RecordedIn("orders"), ElementsAre("a"));
  std::size_t found = 0;
  ASSERT_TRUE(CaptureStore::OpenToRead(store)->Visit({}, [&](const CaptureRecord& record) {
    EXPECT_EQ(record.request_id, "a");
    EXPECT_EQ(record.request.data, "{}");
    EXPECT_EQ(record.answer.data, R"({"recommendation":"Deliver"})");
    EXPECT_EQ(record.features, R"([{"row":0,"features":{"payment":"OK"}}])");
    ++found;
  }));
  EXPECT_EQ(found, 1U);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
    if (entry.is_regular_file()) {
      EXPECT_THAT(ReadWhole(entry.path()), testing::Not(HasSubstr("00123")));
    }
  }
}

TEST_F(RecorderTest, KeepsNothingWithoutTheKeyOfItsHashes) {
  rules_ = R"({"hash_fields":{"names":["order_id"],"key_file":"/nonexistent/key"}})";
  ASSERT_TRUE(Send("a"));
  ASSERT_TRUE(Send("b"));
  Start();
  ASSERT_EQ(Stop(), 0);
  EXPECT_EQ(counters_.dropped, 2U);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "orders"));
}

TEST_F(RecorderTest, CountsAsDroppedWhatItsStoreDoesNotTake) {
  rules_ = R"({"store":")" + folder_.Write("blocked", "").string() + R"(/captures.db"})";
  ASSERT_TRUE(Send("a"));
  Start();
  ASSERT_EQ(Stop(), 0);
  EXPECT_EQ(counters_.written, 0U);
  EXPECT_EQ(counters_.dropped, 1U);
  EXPECT_THAT(RecordedIn("orders"), ElementsAre("a")) << "the file has it all the same";
  EXPECT_THAT(lines_.lines(), testing::Contains(HasSubstr("warning capture_store_failed")));
}

TEST_F(RecorderTest, RefusesWhatHasRulesThatAreNone) {
  rules_ = R"({"keep_files":0})";
  ASSERT_TRUE(Send("a"));
  Start();
  ASSERT_EQ(Stop(), 0);
  EXPECT_EQ(counters_.dropped, 1U);
  EXPECT_THAT(lines_.lines(), testing::Contains(HasSubstr("expected an integer from 1")));
}

TEST_F(RecorderTest, RefusesWhatIsNoMessageAndGoesOn) {
  SendRaw("neither fish nor fowl");
  endpoint_ = "../outside";
  ASSERT_TRUE(Send("escaping"));
  endpoint_ = "orders";
  ASSERT_TRUE(Send("good"));
  Start();
  ASSERT_EQ(Stop(), 0);
  EXPECT_EQ(counters_.dropped, 2U);
  EXPECT_THAT(RecordedIn(""), ElementsAre("good"));
  EXPECT_THAT(lines_.lines(),
              testing::Contains("warning capture_message_refused reason=\"does not begin as one\" "
                                "suppressed=0"));
}

TEST_F(RecorderTest, WithADescriptorThatIsNoneSaysSoAndFails) {
  control_.Reset();
  Start();
  thread_.join();
  EXPECT_EQ(exit_code_, 1);
  EXPECT_THAT(lines_.lines(), testing::Contains(HasSubstr("critical recorder_failed reason=")));
}

TEST(RandomUuid, IsOfVersionFourAndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) {
    const std::string uuid = RandomUuid();
    ASSERT_THAT(uuid,
                testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                      "[0-9a-f]{12}"));
    ASSERT_TRUE(seen.insert(uuid).second);
  }
}

}  // namespace
}  // namespace forkcast::serving
