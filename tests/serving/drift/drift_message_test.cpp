#include "serving/drift/drift_message.hpp"

#include <gmock/gmock.h>

namespace forkcast::serving {
namespace {

using testing::ElementsAre;

const DriftMessage kMessage{.settings = R"({"type":"drift"})",
                            .deployment = "weekly",
                            .pipeline = "weekly_demand",
                            .version = "3",
                            .folder = "/models/weekly/3",
                            .sent = FromMicros(1'706'745'599'250'000),
                            .counts = {0, 7, 4'000'000'000}};

std::vector<std::byte> Bytes() {
  std::vector<std::byte> bytes;
  EncodeDrift(kMessage, bytes);
  return bytes;
}

TEST(DriftMessage, IsReadAsItWasWritten) {
  const std::vector<std::byte> bytes = Bytes();
  EXPECT_EQ(bytes.size(), DriftMessageSize(kMessage));
  EXPECT_TRUE(IsDriftMessage(bytes));
  const Result<DriftMessage> read = DecodeDrift(bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->settings, kMessage.settings);
  EXPECT_EQ(read->deployment, "weekly");
  EXPECT_EQ(read->pipeline, "weekly_demand");
  EXPECT_EQ(read->version, "3");
  EXPECT_EQ(read->folder, "/models/weekly/3");
  EXPECT_EQ(read->sent, kMessage.sent);
  EXPECT_THAT(read->counts, ElementsAre(0, 7, 4'000'000'000));
}

TEST(DriftMessage, IsRefusedUnlessEveryByteIsThere) {
  const std::vector<std::byte> bytes = Bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    // A copy, so that a read beyond the end is one beyond an allocation.
    const std::vector<std::byte> cut(bytes.begin(),
                                     bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(DecodeDrift(cut)) << size;
  }
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(DecodeDrift(longer));
}

TEST(DriftMessage, IsNoneOfAnotherVersion) {
  std::vector<std::byte> bytes = Bytes();
  bytes[4] = std::byte{2};
  EXPECT_TRUE(IsDriftMessage(bytes));
  EXPECT_FALSE(DecodeDrift(bytes));
}

}  // namespace
}  // namespace forkcast::serving
