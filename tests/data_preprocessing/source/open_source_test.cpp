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
    const auto source = OpenSource((folder.path() / place).native(), kVisits, zone);
    ASSERT_TRUE(source.ok()) << source.error().message;
    EXPECT_EQ((*source)->name(), file.native());
  }
}

TEST(OpenSourceTest, SaysWhereItLookedForATable) {
  const auto source = OpenSource("/absent", kVisits, TimeZone());
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(source.error().message,
              HasSubstr("neither /absent/visits.csv nor /absent/visits.csv.gz exists"));
}

}  // namespace
}  // namespace forkcast::preprocessing
