#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "support/sales_model.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;

struct Damage {
  std::string name;
  std::function<void(const fs::path& version)> damage;
  std::string file;    ///< That the message names.
  std::string reason;  ///< That it gives.
};
void PrintTo(const Damage& one, std::ostream* out) { *out << one.name; }

void EditManifest(const fs::path& version,
                  const std::function<void(ordered_json& manifest)>& edit) {
  ordered_json manifest = ordered_json::parse(ReadWhole(version / "manifest.json"));
  edit(manifest);
  std::ofstream(version / "manifest.json") << manifest.dump(2) << "\n";
}

/// A model with two versions, of which the first is good and the second is not.
class ADamagedVersion : public testing::TestWithParam<Damage> {
 protected:
  ADamagedVersion() : snapshots_(PublishSales(workspace_, "sales.db", 10)) {
    fs::create_directories(model());
    for (const char* version : {"1", "2"}) {
      fs::copy(kSalesVersion, model() / version, fs::copy_options::recursive);
    }
    GetParam().damage(model() / "2");
    Point("1");
  }
  void Point(const std::string& version) const {
    fs::create_directory_symlink(version, model() / "next");
    fs::rename(model() / "next", model() / "champion");
  }
  [[nodiscard]] ServerOptions Options() const {
    return {.serves = ServerOptions::Serves::kNothing,
            .workers = 2,
            .flags = {"--models", workspace_ / "registry", "--deploy", "sales", "--snapshots",
                      snapshots_, "--control", control()}};
  }
  [[nodiscard]] ordered_json Status() const {
    return ordered_json::parse(
        RunToEnd(workspace_ / "status", {kForkcast, "status", "--control", control(), "--json"}));
  }
  [[nodiscard]] fs::path model() const { return workspace_ / "registry/sales"; }
  [[nodiscard]] fs::path control() const { return workspace_ / "control"; }

  Workspace workspace_;
  fs::path snapshots_;
};

TEST_P(ADamagedVersion, StopsAServerThatStartsWithFileAndReason) {
  Point("2");
  ServerOptions options = Options();
  options.ends = ServerOptions::Ends::kAnyHow;
  Server server(workspace_, options);
  EXPECT_EQ(server.Wait(), 3) << server.log();
  EXPECT_EQ(server.CountInLog(" ready "), 0U);
  EXPECT_THAT(server.log(),
              AllOf(HasSubstr("sales/2/" + GetParam().file), HasSubstr(GetParam().reason)));

  Program check(workspace_ / "check",
                {kForkcast, "serve", "--check", "--models", workspace_ / "registry", "--deploy",
                 "sales", "--snapshots", snapshots_, "--bind", "127.0.0.1:0"});
  EXPECT_EQ(check.Wait(), 3) << check.err();
  EXPECT_THAT(check.err(),
              AllOf(HasSubstr("sales/2/" + GetParam().file), HasSubstr(GetParam().reason)));
}

TEST_P(ADamagedVersion, LeavesTheOldOneServingInAServerThatRunsAndStatusSaysSo) {
  const Server server(workspace_, Options());
  server.WaitUntilAllReady();
  Point("2");
  const auto each_says = [this] {
    const ordered_json status = Status();
    return std::ranges::all_of(status.at("workers"), [](const ordered_json& worker) {
      const auto failure = worker.at("failure").get<std::string>();
      return worker.at("serves") == "sales version 1" &&
             failure.find("sales/2/" + GetParam().file) != std::string::npos &&
             failure.find(GetParam().reason) != std::string::npos;
    });
  };
  EXPECT_TRUE(Eventually(each_says)) << Status() << server.log();
  EXPECT_EQ(AskOnce(server.endpoint(), SalesOfAShop("/invocations")).status, 200);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ADamagedVersion,
    testing::Values(
        Damage{"WithoutAFile", [](const fs::path& v) { fs::remove(v / "model/1/0.ubj"); },
               "model/1/0.ubj", "No such file"},
        Damage{"WithAChangedFile",
               [](const fs::path& v) { std::ofstream(v / "reference.json", std::ios::app) << " "; },
               "reference.json", "not the file that"},
        Damage{"WithAFileOfAnotherModel",
               [](const fs::path& v) {
                 fs::copy_file(kSource / "tests/data/published/delivery/1/pipeline.json",
                               v / "pipeline.json", fs::copy_options::overwrite_existing);
               },
               "pipeline.json", "not the file that"},
        Damage{"WithAManifestThatListsAFileElsewhere",
               [](const fs::path& v) {
                 EditManifest(v, [](ordered_json& m) { m["files"][0]["path"] = "../1/x"; });
               },
               "manifest.json", "expected a path inside the version's folder"},
        Damage{"OfALaterFormat",
               [](const fs::path& v) { EditManifest(v, [](ordered_json& m) { m["format"] = 2; }); },
               "manifest.json", "$.format: expected 1, got 2"},
        Damage{"OfAKindThatIsNone",
               [](const fs::path& v) {
                 EditManifest(v, [](ordered_json& m) { m["kind"] = "oracle"; });
               },
               "manifest.json", "no kind of model is called"},
        Damage{"WithoutAManifest", [](const fs::path& v) { fs::remove(v / "manifest.json"); },
               "manifest.json", "cannot be read"},
        Damage{"WithAManifestCutShort",
               [](const fs::path& v) { fs::resize_file(v / "manifest.json", 100); },
               "manifest.json", "line"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::process_test
