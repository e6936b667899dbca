#include "serving/capture/capture_reader.hpp"

#include <gmock/gmock.h>
#include <zlib.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "support/hook_testing.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

CaptureMessage MessageOf(SampleInvocation& sample, std::vector<std::byte>& bytes) {
  sample.invocation.deployment = "triage";
  bytes = Encoded(kTarget, sample.view());
  return *DecodeCapture(bytes);
}

std::string LineOf(const std::string& request_id) {
  SampleInvocation sample;
  sample.invocation.request.id = request_id;
  std::vector<std::byte> bytes;
  std::string line;
  AppendCaptureLine(MessageOf(sample, bytes), "event", line);
  return line;
}

void WritePacked(const fs::path& path, const std::string& text) {
  const gzFile file = ::gzopen(path.c_str(), "wb");
  ASSERT_EQ(::gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
            static_cast<int>(text.size()));
  ASSERT_EQ(::gzclose(file), Z_OK);
}

std::vector<std::string> IdsIn(const fs::path& place) {
  std::vector<std::string> ids;
  const Status visited =
      VisitCaptures(place, [&](const CaptureRecord& record) { ids.push_back(record.request_id); });
  EXPECT_TRUE(visited) << visited.error().message;
  return ids;
}

TEST(CaptureReader, ReadsWhatALineAndAStoreHaveAlike) {
  SampleInvocation sample;
  std::vector<std::byte> bytes;
  const CaptureMessage message = MessageOf(sample, bytes);
  CaptureRecord expected = RecordOf(message, "event");
  // What a line has not, or is not asked for.
  expected.endpoint.clear();
  expected.variant.clear();
  expected.features.clear();
  expected.latency = {};
  expected.received = std::chrono::floor<std::chrono::seconds>(expected.received);
  const TempFolder folder;
  std::string line;
  AppendCaptureLine(message, "event", line);
  std::vector<CaptureRecord> records;
  ASSERT_TRUE(VisitCaptures(folder.Write("a.jsonl", line),
                            [&](const CaptureRecord& record) { records.push_back(record); }));
  EXPECT_THAT(records, ElementsAre(expected));

  const fs::path store = folder.path() / "captures.db";
  ASSERT_TRUE(CaptureStore::Open(store)->Append(std::vector{RecordOf(message, "event")}, {},
                                                kLastSecondOfJanuary));
  EXPECT_THAT(IdsIn(store), ElementsAre(expected.request_id));
}

TEST(CaptureReader, ReadsAFolderInTheOrderOfTimePackedOrNot) {
  const TempFolder folder;
  const fs::path first = folder.path() / "orders/AllTraffic/2024/01/31/22";
  const fs::path second = folder.path() / "orders/AllTraffic/2024/01/31/23";
  fs::create_directories(first);
  fs::create_directories(second);
  folder.Write("orders/AllTraffic/2024/01/31/23/20240131T230000.000000Z-1.jsonl",
               LineOf("c") + LineOf("d"));
  WritePacked(first / "20240131T220000.000000Z-1.jsonl.gz", LineOf("a") + LineOf("b"));
  // For a moment both are there; what is not whole has another name.
  folder.Write("orders/AllTraffic/2024/01/31/22/20240131T220000.000000Z-1.jsonl",
               LineOf("a") + LineOf("b"));
  folder.Write("orders/AllTraffic/2024/01/31/22/20240131T220000.000000Z-1.jsonl.gz.part", "x");
  EXPECT_THAT(IdsIn(folder.path()), ElementsAre("a", "b", "c", "d"));
}

TEST(CaptureReader, PassesOverTheLineThatIsBeingWritten) {
  const TempFolder folder;
  const std::string line = LineOf("b");
  EXPECT_THAT(IdsIn(folder.Write("a.jsonl", LineOf("a") + line.substr(0, line.size() / 2))),
              ElementsAre("a"));
  EXPECT_THAT(IdsIn(folder.Write("b.jsonl", "")), IsEmpty());
}

TEST(CaptureReader, NamesTheLineThatIsNone) {
  const TempFolder folder;
  const fs::path file = folder.Write("a.jsonl", LineOf("a") + "{\"captureData\": 7}\n");
  const Status visited = VisitCaptures(file, [](const CaptureRecord&) {});
  ASSERT_FALSE(visited);
  EXPECT_EQ(visited.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(visited.error().message, HasSubstr("a.jsonl: line 2 is no captured invocation"));
}

TEST(CaptureReader, SaysThatNothingIsThere) {
  const Status visited = VisitCaptures("/nowhere", [](const CaptureRecord&) {});
  ASSERT_FALSE(visited);
  EXPECT_EQ(visited.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace forkcast::serving
