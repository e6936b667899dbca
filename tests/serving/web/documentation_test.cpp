#include "serving/web/documentation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Documentation, IsTheFileThatWasPutIn) {
  EXPECT_EQ(DocumentationPage(),
            preprocessing::ReadWhole(FORKCAST_SOURCE_DIR "/src/serving/web/documentation.html"));
}

TEST(Documentation, NeedsNothingFromElsewhere) {
  for (const char* elsewhere : {"http://", "https://", "src=", "@import", "url("}) {
    EXPECT_THAT(std::string(DocumentationPage()), Not(HasSubstr(elsewhere)));
  }
}

}  // namespace
}  // namespace forkcast::serving
