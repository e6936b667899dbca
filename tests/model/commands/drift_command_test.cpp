#include "model/commands/drift_command.hpp"

#include <gmock/gmock.h>

#include <ostream>
#include <sstream>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::ExitCode;
using testing::HasSubstr;
using testing::Not;

/// 10,000 rows: amounts from 0 to 9 evenly, 9,000 times "cash", 1,000 times "card".
constexpr const char* kReference = R"({"format": "forkcast.reference", "format_version": 1,
  "features": {
    "amount": {"rows": 10000, "missing": 0, "mean": 4.5, "min": 0, "max": 9, "std": 2.87,
      "edges": [5], "counts": [5000, 5000]},
    "payment": {"rows": 10000, "missing": 0, "categories": {"cash": 9000, "card": 1000}}},
  "outputs": {"class": {"rows": 10000, "missing": 0, "categories": {"yes": 10000}}}})";

std::string Repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

class DriftCommandTest : public testing::Test {
 protected:
  DriftCommandTest() { folder_.Write("reference.json", kReference); }

  /// Every card-th row is paid by card.
  std::string Rows(int rows, int card) const {
    std::string text = "payment,id,amount\n";
    for (int i = 0; i < rows; ++i) {
      text += i % card == 0 ? "card," : "cash,";
      text += std::to_string(i) + "," + std::to_string(i % 10) + "\n";
    }
    return text;
  }
  ExitCode Run(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    const SystemClock clock;
    return static_cast<ExitCode>(preprocessing::RunCommand(
        DriftCommand(), words,
        {.environment = [](const char*) -> std::optional<std::string> { return {}; },
         .out = out_,
         .err = err_,
         .clock = clock}));
  }
  ExitCode Check(const std::string& name, std::string_view rows,
                 std::vector<std::string> more = {}) {
    std::vector<std::string> words{"check", "--reference", folder_.path().string(), "--rows",
                                   folder_.Write(name, rows).string()};
    words.insert(words.end(), more.begin(), more.end());
    return Run(words);
  }

  preprocessing::TempFolder folder_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(DriftCommandTest, EndsWithDoneWhereRowsAreAsTheReferenceWas) {
  EXPECT_EQ(Check("rows.csv", Rows(2'000, 10)), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("no drift"));
  EXPECT_THAT(out_.str(), HasSubstr("payment"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("class"))) << "the file has no such column";
}

TEST_F(DriftCommandTest, EndsWithNoWhereAColumnHasDrifted) {
  EXPECT_EQ(Check("rows.csv", Rows(2'000, 5), {"--json"}), ExitCode::kNo);
  const ordered_json reports = preprocessing::ParseJson(out_.str());
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0]["alarm"], true);
  EXPECT_EQ(reports[0]["columns"][0]["status"], "too_small");
  EXPECT_EQ(reports[0]["columns"][1]["name"], "payment");
  EXPECT_EQ(reports[0]["columns"][1]["status"], "alarm");
}

TEST_F(DriftCommandTest, AsksForTwoWindowsOfThreeWhereThereAreSome) {
  EXPECT_EQ(Check("rows.csv", Rows(1'000, 5), {"--window", "1000"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("not_yet"));
  EXPECT_EQ(Check("rows.csv", Rows(2'000, 5), {"--window", "1000", "--json"}), ExitCode::kNo);
  EXPECT_EQ(preprocessing::ParseJson(out_.str()).size(), 2U);
}

TEST_F(DriftCommandTest, SaysThatFewRowsAreTooFew) {
  EXPECT_EQ(Check("rows.csv", Rows(100, 1)), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("too_few_rows"));
}

TEST_F(DriftCommandTest, ReadsCaptureFiles) {
  std::string lines;
  for (int i = 0; i < 600; ++i) {
    lines += R"({"captureData":{},"forkcast":{"rows":[{"row":0,"features":{"amount":)" +
             std::to_string(i % 10) + R"(,"payment":"card"}}]}})" + "\n";
  }
  EXPECT_EQ(Check("captured.jsonl", lines, {"--json"}), ExitCode::kNo);
  const ordered_json report = preprocessing::ParseJson(out_.str())[0];
  EXPECT_EQ(report["columns"][1]["rows"], 600);
  EXPECT_EQ(report["columns"][1]["status"], "alarm");
}

TEST_F(DriftCommandTest, WritesTheFilesOfModelMonitor) {
  const preprocessing::TempFolder to;
  EXPECT_EQ(Check("rows.csv", "payment,id\n" + Repeated("crypto,1\n", 600) + Repeated(",1\n", 400),
                  {"--model-monitor", to.path().string()}),
            ExitCode::kNo);
  const auto read = [&to](const char* name) {
    return preprocessing::ReadJsonFile(to.path() / name);
  };
  const ordered_json statistics = read("statistics.json");
  EXPECT_EQ(statistics["dataset"]["item_count"], 10'000);
  const ordered_json& amount = statistics["features"][0]["numerical_statistics"];
  EXPECT_EQ(amount["distribution"]["kll"]["buckets"],
            preprocessing::ParseJson(R"([{"lower_bound": 0, "upper_bound": 5, "count": 5000},
                                         {"lower_bound": 5, "upper_bound": 9, "count": 5000}])"));
  const ordered_json constraints = read("constraints.json");
  EXPECT_EQ(constraints["features"][0]["num_constraints"]["is_non_negative"], true);
  EXPECT_EQ(constraints["features"][1]["string_constraints"]["domains"],
            ordered_json({"cash", "card"}));
  const ordered_json violations = read("constraint_violations.json");
  std::vector<std::string> found;
  for (const ordered_json& one : violations["violations"]) {
    found.push_back(one["feature_name"].get<std::string>() + " " +
                    one["constraint_check_type"].get<std::string>());
  }
  EXPECT_THAT(found,
              testing::ElementsAre("amount missing_column_check", "class missing_column_check",
                                   "payment completeness_check", "payment categorical_values_check",
                                   "payment baseline_drift_check"));
}

TEST_F(DriftCommandTest, FindsAVersionInTheRegistry) {
  const preprocessing::TempFolder models;
  ASSERT_TRUE(Registry(models.path())
                  .Publish("orders", ordered_json::object(), {{"reference.json", kReference}}, {}));
  EXPECT_EQ(Run({"check", "--reference", "orders@1", "--models", models.path().string(), "--rows",
                 folder_.Write("rows.csv", Rows(2'000, 10)).string()}),
            ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("version 1"));
}

TEST_F(DriftCommandTest, ShowsTheReportsOfAServerAsAPage) {
  ASSERT_EQ(Check("rows.csv", Rows(2'000, 5), {"--json"}), ExitCode::kNo);
  ordered_json report = preprocessing::ParseJson(out_.str())[0];
  report["deployment"] = "<shop>";
  const preprocessing::TempFolder reports;
  reports.Write("shop.json", report.dump());
  EXPECT_EQ(Run({"report", reports.path().string(), "--html"}), ExitCode::kNo);
  const std::string page = out_.str();
  EXPECT_THAT(page, HasSubstr("<h2>&lt;shop&gt;: drifted</h2>"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_LT(page.find("<td>payment</td>"), page.find("<td>amount</td>")) << "drifted ones first";
}

TEST_F(DriftCommandTest, SaysWhereThereIsNoReportYet) {
  const preprocessing::TempFolder reports;
  EXPECT_EQ(Run({"report", reports.path().string()}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("no reports in"));
}

struct WrongCase {
  const char* name;
  const char* file;
  const char* rows;
  const char* message;
};
void PrintTo(const WrongCase& value, std::ostream* out) { *out << value.name; }

class WrongRows : public DriftCommandTest, public testing::WithParamInterface<WrongCase> {};

TEST_P(WrongRows, AreRefusedNamingTheirPlace) {
  EXPECT_NE(Check(GetParam().file, GetParam().rows), ExitCode::kDone);
  EXPECT_THAT(err_.str(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Files, WrongRows,
    testing::Values(
        WrongCase{"OfNoColumn", "rows.csv", "a,b\n1,2\n",
                  "has none of the columns of the version: amount, payment, class"},
        WrongCase{"OfATextForANumber", "rows.csv", "amount\n1\nmuch\n",
                  R"(rows.csv:3: column amount: expected a number, got "much")"},
        WrongCase{"OfABrokenCapture", "rows.jsonl", "{\"forkcast\": \n", "rows.jsonl:1: "},
        WrongCase{"OfAnEmptyCapture", "rows.jsonl", "", "has no captured rows with features"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(DriftCommandTest, SaysWhatAReferenceMayBe) {
  EXPECT_EQ(Run({"check", "--reference", "nothing", "--rows", "x.csv"}), ExitCode::kUnfit);
  EXPECT_THAT(err_.str(), HasSubstr("neither a version's folder nor MODEL@VERSION"));
}

}  // namespace
}  // namespace forkcast::model
