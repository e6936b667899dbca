#include "serving/page/page_assets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "serving/wire/gzip.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ReadWhole;
using testing::HasSubstr;
using testing::Not;

const std::filesystem::path kFolder = FORKCAST_SOURCE_DIR "/src/serving/web/page";

std::string Unpacked(std::string_view packed) {
  wire::GzipReader reader;
  constexpr std::size_t kMost = 10'000'000;
  reader.Start(packed, kMost);
  while (!reader.Continue(kMost).value()) {
  }
  return std::string(reader.text());
}

TEST(PageAssets, AreAllFilesOfTheFolder) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename().string();
    if (name == "index.html") continue;
    const Result<PageAnswer> file = PageFile(name, /*packed=*/false);
    ASSERT_TRUE(file.ok()) << name;
    EXPECT_EQ(file->body, ReadWhole(entry.path())) << name;
  }
}

TEST(PageAssets, ArePackedAsTheyAre) {
  for (const char* const name : {"main.js", "bootstrap.min.css", "dygraph.min.js"}) {
    for (int time = 0; time < 2; ++time) {
      const Result<PageAnswer> packed = PageFile(name, /*packed=*/true);
      EXPECT_TRUE(packed->is_packed);
      EXPECT_EQ(Unpacked(packed->body), PageFile(name, /*packed=*/false)->body) << name;
    }
  }
}

TEST(PageAssets, ThatThePageNamesAreThere) {
  const std::string page = PageDocument(/*packed=*/false)->body;
  EXPECT_THAT(page, Not(HasSubstr("@version@")));
  const std::regex link("page/files/" + PageVersion() + "/([^\"]+)\"");
  std::size_t links = 0;
  for (std::sregex_iterator one(page.begin(), page.end(), link), end; one != end; ++one, ++links) {
    EXPECT_TRUE(HasPageFile((*one)[1].str())) << (*one)[1];
  }
  EXPECT_GE(links, 5U);
}

TEST(PageAssets, AreTogetherSmall) {
  constexpr std::size_t kMost = 400'000;
  std::size_t bytes = PageDocument(/*packed=*/true)->body.size();
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const auto file = PageFile(entry.path().filename().string(), /*packed=*/true);
    if (file) bytes += file->body.size();
  }
  for (const char* const name : {"bootstrap.min.css", "dygraph.min.css", "dygraph.min.js"}) {
    bytes += PageFile(name, /*packed=*/true)->body.size();
  }
  EXPECT_LT(bytes, kMost);
}

TEST(PageAssets, ThatAreNotThereAreRefused) {
  for (const char* const name : {"", "index.html", "../main.js", "main.js/", "MAIN.JS"}) {
    EXPECT_EQ(PageFile(name, /*packed=*/false).error().code, ErrorCode::kNotFound) << name;
    EXPECT_FALSE(HasPageFile(name)) << name;
  }
}

TEST(PageAssets, NeedNothingFromElsewhereAndHoldNoScriptOrStyleWithinThePage) {
  const std::string page = PageDocument(/*packed=*/false)->body;
  EXPECT_THAT(page, Not(HasSubstr("<style")));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr(" style=")));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"( on\w+=")")));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"((src|href)="(https?:)?//)")));
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string text = ReadWhole(entry.path());
    for (const char* const never :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
          "import(\"http", "fetch(\"http"}) {
      EXPECT_THAT(text, Not(HasSubstr(never))) << entry.path();
    }
  }
}

}  // namespace
}  // namespace forkcast::serving
