#include "data_preprocessing/source/open_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::HasSubstr;

const TableSpec kVisits{.name = "visits", .schema = {{{.name = "page"}}}, .key = {}};

TEST(OpenSourceTest, FindsTheFileOfATableInAFolderWhateverItsName) {
  const TempFolder folder;
  const TimeZone zone;
  std::filesystem::create_directory(folder.path() / "strange:name");
  for (const std::string place : {"", "strange:name/"}) {
    const auto file = folder.Write(place + "visits.csv", "page\nhome\n");
    const auto found = OpenSources((folder.path() / place).native(), kVisits, {}, zone);
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found->sources.size(), 1U);
    EXPECT_EQ(found->sources.front()->name(), file.native());
  }
}

TEST(OpenSourceTest, SaysWhereItLookedForATable) {
  const auto found = OpenSources("/absent", kVisits, {}, TimeZone());
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(found.error().message, HasSubstr("/absent has no visits.csv, visits-2024-01.csv"));
}

}  // namespace
}  // namespace forkcast::preprocessing
