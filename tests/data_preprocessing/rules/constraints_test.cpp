#include "data_preprocessing/rules/constraints.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <string>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

class ConstraintsTest : public testing::Test {
 protected:
  Constraints Read(const std::string& text) {
    std::ofstream(file_) << text;
    return Constraints::Read(file_, RuleAction::kFlag);
  }
  std::string FaultOf(const std::string& text) {
    try {
      static_cast<void>(Read(text));
    } catch (const SpecError& error) {
      return error.what();
    }
    return {};
  }

  TempFolder folder_;
  std::filesystem::path file_ = folder_.path() / "constraints.json";
};

TEST_F(ConstraintsTest, AreWrittenAsTheyAreRead) {
  const std::string text =
      R"({"format":"forkcast.constraints","format_version":1,)"
      R"("tables":{"orders":{"price":{"min":0.0}}},)"
      R"("fields":{"quantity":{"nullable":false,"min":1.0,"max":500.0}},)"
      R"("features":{"payment":{"allowed":["FAILED","OK"]},"name":{"min_length":1,"max_length":9}},)"
      R"("outputs":{"value":{"allowed":[1.0,2.5]}}})";
  EXPECT_EQ(Read(text).ToJson().dump(), text);
}

TEST_F(ConstraintsTest, RulesHaveTheUsualActionUnlessTheySayAnother) {
  const Constraints constraints = Read(
      R"({"format":"forkcast.constraints","format_version":1,
          "fields":{"a":{"min":0},"b":{"min":0,"action":"reject"}}})");
  EXPECT_EQ(constraints.fields.at(0).action, RuleAction::kFlag);
  EXPECT_EQ(constraints.fields.at(1).action, RuleAction::kReject);
}

TEST_F(ConstraintsTest, OfAnotherFormatAreRefusedNamingTheFile) {
  EXPECT_EQ(FaultOf(R"({"format":"x","format_version":1})"),
            file_.string() + ": $.format: expected forkcast.constraints");
  EXPECT_EQ(FaultOf(R"({"format":"forkcast.constraints","format_version":2})"),
            file_.string() + ": $.format_version: expected an integer from 1 to 1, got 2");
  EXPECT_EQ(FaultOf(R"({"format":"forkcast.constraints","format_version":1,"rows":{}})"),
            file_.string() +
                ": $.rows: unknown key; known here: format, format_version, tables, "
                "fields, features, outputs");
}

TEST_F(ConstraintsTest, ThatAreNotThereAreToldByTheirPath) {
  EXPECT_THROW(static_cast<void>(Constraints::Read(folder_.path() / "none", RuleAction::kCount)),
               SpecError);
}

}  // namespace
}  // namespace forkcast::preprocessing
