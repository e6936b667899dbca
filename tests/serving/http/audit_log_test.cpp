#include "serving/http/audit_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using preprocessing::ReadWhole;

AuditEntry Loaded() {
  return {.who = "ci",
          .role = Role::kOperator,
          .proof = Proof::kToken,
          .from = "10.0.0.7",
          .action = "loadModel",
          .method = "POST",
          .path = "/models",
          .status = 200,
          .outcome = AuditEntry::Outcome::kDone,
          .request_id = "r1",
          .worker = 3,
          .time = Instant(std::chrono::hours(500'000))};
}

std::string Line(const AuditEntry& entry) {
  std::string line;
  AppendAuditLine(entry, line);
  return line;
}

TEST(AuditLine, SaysWhoDidWhatWhenFromWhereAndWithWhichOutcome) {
  EXPECT_EQ(Line(Loaded()),
            R"({"time":"2027-01-15T08:00:00Z","who":"ci","role":"operator",)"
            R"("proof":"token","from":"10.0.0.7","action":"loadModel","method":"POST",)"
            R"("path":"/models","outcome":"done","request_id":"r1","status":200,"worker":3})"
            "\n");
}

TEST(AuditLine, IsOneLineOfJsonWhateverCameFromOutside) {
  AuditEntry entry = Loaded();
  entry.path = "/a\"},{\n\\\xFF";
  entry.request_id = "\r\n{\"who\":\"admin\"}";
  const std::string line = Line(entry);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(json::parse(line).at("who"), "ci");
}

TEST(AuditLine, IsWrittenInOnePieceHoweverLongItsPartsAre) {
  AuditEntry entry = Loaded();
  for (std::string* const text : {&entry.who, &entry.from, &entry.path, &entry.request_id}) {
    text->assign(10'000, '\x01');
  }
  const std::string line = Line(entry);
  EXPECT_LE(line.size(), LogOutput::kMostBytes);
  EXPECT_NO_THROW(static_cast<void>(json::parse(line)));
}

class AuditFile : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "audit.log"; }

  preprocessing::TempFolder folder_;
  LogLosses losses_;
};

TEST_F(AuditFile, IsForItsOwnerAlone) {
  AuditLog log = AuditLog::Open(path(), losses_).value();
  log.Write(Loaded());
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(ReadWhole(path()), Line(Loaded()));
}

TEST_F(AuditFile, GoesOnAtItsBeginningWhenItIsCopiedAndCutOff) {
  AuditLog log = AuditLog::Open(path(), losses_).value();
  log.Write(Loaded());
  std::filesystem::resize_file(path(), 0);
  log.Write(Loaded());
  EXPECT_EQ(ReadWhole(path()), Line(Loaded()));
}

TEST_F(AuditFile, IsOpenedAnewWhenItWasMovedAway) {
  AuditLog log = AuditLog::Open(path(), losses_).value();
  log.Write(Loaded());
  std::filesystem::rename(path(), folder_.path() / "audit.log.1");
  ASSERT_TRUE(log.Reopen());
  log.Write(Loaded());
  EXPECT_EQ(ReadWhole(path()), Line(Loaded()));
  EXPECT_EQ(ReadWhole(folder_.path() / "audit.log.1"), Line(Loaded()));
}

TEST_F(AuditFile, ThatCannotBeWrittenIsNamed) {
  const auto log = AuditLog::Open(folder_.path() / "no" / "audit.log", losses_);
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message, testing::HasSubstr("no/audit.log: cannot be written to"));
  EXPECT_EQ(log.error().field, "audit_log");
}

}  // namespace
}  // namespace forkcast::serving
