// The prices of milk: an application that gets three files at once, shows which months it has, and
// can be put back, as one with the routes /insert_data, /db_info and /reset-db does.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/push/push_desk.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const std::filesystem::path kSource = FORKCAST_SOURCE_DIR;
const std::filesystem::path kFiles = kSource / "data/milk_price";

class MonthlyFiles : public testing::Test {
 protected:
  PushReply Ask(const PushRequest& request, const std::string& body = {}) {
    const auto reply = desk_.Answer(*dao_, request, body, Instant());
    EXPECT_TRUE(reply.ok()) << reply.error().message;
    return reply ? *reply : PushReply{};
  }
  /// The three files, of which `changed` has other contents.
  PushReply Insert(const std::string& changed = {}, const std::string& contents = {}) {
    std::string form;
    for (const std::string table : {"precio_leche", "precipitaciones", "banco_central"}) {
      const std::string file = table + ".csv";
      form += fmt::format(
          "--b\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n\r\n{}\r\n",
          table, file, table == changed ? contents : ReadWhole(kFiles / file));
    }
    return Ask({.table = "precio_leche", .content_type = "multipart/form-data; boundary=b"},
               form + "--b--\r\n");
  }
  json Tables() { return json::parse(Ask({.kind = PushRequest::Kind::kTables}).json).at("tables"); }

  TempFolder folder_;
  PipelineSpec spec_ = LoadPipelineSpec(kSource / "conf/pipelines/milk_price.json").value();
  std::unique_ptr<TableDao> dao_ =
      OpenStore("sqlite:" + (folder_.path() / "s.db").string(), StoreAccess::kReadWriteCreate)
          .value();
  PushDesk desk_{PushRules{.spec = spec_, .originals = kFiles}};
};

TEST_F(MonthlyFiles, AreInsertedTogetherAndRowsThatAreThereAreToldApart) {
  EXPECT_EQ(json::parse(Insert().json).at("added"), 96 + 96 + 86);
  const std::string more = ReadWhole(kFiles / "precio_leche.csv") + "2021,Ene,250.5\n";
  const json again = json::parse(Insert("precio_leche", more).json);
  EXPECT_EQ(again.at("added"), 1);
  EXPECT_EQ(again.at("files").at(0).at("file"), "precio_leche.csv");
  EXPECT_EQ(again.at("files").at(0).at("added"), 1);
  EXPECT_EQ(again.at("files").at(1).at("added"), 0);
}

TEST_F(MonthlyFiles, WithoutAColumnOrWithAHoleAreRefusedWhole) {
  const PushReply column = Insert("precio_leche", "Anio,Mes\n2021,Ene\n");
  ASSERT_TRUE(column.error);
  EXPECT_THAT(column.error->message,
              AllOf(HasSubstr("precio_leche.csv"), HasSubstr("Precio_leche")));
  const PushReply hole = Insert("precio_leche", "Anio,Mes,Precio_leche\n2021,Ene,\n");
  ASSERT_TRUE(hole.error);
  EXPECT_THAT(hole.error->message,
              AllOf(HasSubstr("precio_leche.csv: line 2"), HasSubstr("Precio_leche")));
}

TEST_F(MonthlyFiles, AreShownAndPutBack) {
  Insert();
  Insert("precio_leche", "Anio,Mes,Precio_leche\n2021,Ene,250.5\n");
  EXPECT_EQ(Tables().at(0).at("rows"), 97);
  EXPECT_EQ(Tables().at(1).at("last"), "2020-12-01T00:00:00Z");
  const PushReply reset = Ask({.kind = PushRequest::Kind::kReset});
  ASSERT_FALSE(reset.error) << reset.error->message;
  EXPECT_EQ(Tables().at(0).at("rows"), 96);
}

}  // namespace
}  // namespace forkcast::preprocessing
