#include "data_preprocessing/source/table_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct FolderCase {
  std::string name;
  std::vector<std::string> there;  // files, and folders that end with a slash
  std::vector<std::string> taken{};
  std::vector<std::string> skipped{};
};

void PrintTo(const FolderCase& one, std::ostream* out) { *out << one.name; }

class FilesOfOrders : public testing::TestWithParam<FolderCase> {
 protected:
  FilesOfOrders() {
    for (const std::string& name : GetParam().there) {
      std::filesystem::create_directories((folder_.path() / name).parent_path());
      if (!name.ends_with('/')) folder_.Write(name, "");
    }
  }
  [[nodiscard]] Result<TableFiles> Find() const {
    return FindTableFiles(folder_.path(), "orders",
                          std::vector<TableSpec>{{.name = "orders", .schema = {}, .key = {}},
                                                 {.name = "orders-2", .schema = {}, .key = {}}});
  }
  [[nodiscard]] std::string Relative(const std::string& path) const {
    return path.substr(folder_.path().string().size() + 1);
  }

  TempFolder folder_;
};

TEST_P(FilesOfOrders, AreTakenInTheOrderOfTheirNames) {
  const auto found = Find();
  ASSERT_TRUE(found.ok()) << found.error().message;
  std::vector<std::string> taken;
  std::vector<std::string> skipped;
  for (const auto& file : found->files) taken.push_back(Relative(file.string()));
  for (const auto& line : found->skipped) skipped.push_back(Relative(line));
  EXPECT_EQ(taken, GetParam().taken);
  EXPECT_EQ(skipped, GetParam().skipped);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, FilesOfOrders,
    testing::Values(
        FolderCase{"APlainOne", {"orders.csv", "payments.csv"}, {"orders.csv"}},
        FolderCase{"AGzip", {"orders.csv.gz"}, {"orders.csv.gz"}},
        FolderCase{"Months",
                   {"orders-2024-02.csv.gz", "orders-2024-01.csv", "orders-2023-12.csv"},
                   {"orders-2023-12.csv", "orders-2024-01.csv", "orders-2024-02.csv.gz"}},
        FolderCase{"AFolder",
                   {"orders/b.csv", "orders/a.csv.gz", "orders/.a.csv", "orders/notes.txt",
                    "orders/old/c.csv"},
                   {"orders/a.csv.gz", "orders/b.csv"},
                   {"orders/.a.csv: hidden", "orders/notes.txt: neither .csv nor .csv.gz",
                    "orders/old: a folder within the folder"}},
        FolderCase{"ABackupAndAHiddenOneAreNot",
                   {"orders.csv", "orders-old.csv", ".orders.csv"},
                   {"orders.csv"},
                   {".orders.csv: hidden", "orders-old.csv: no digit behind \"orders-\""}},
        FolderCase{"AFolderBesideFilesIsNot",
                   {"orders.csv", "orders/a.csv"},
                   {"orders.csv"},
                   {"orders: a folder beside the files of the table"}},
        FolderCase{"ThoseOfAnotherTableAreNot",
                   {"orders.csv", "orders-2.csv", "orders-2-2024.csv", "orders-3.csv"},
                   {"orders-3.csv", "orders.csv"}}),
    [](const auto& param) { return param.param.name; });

TEST(TableFiles, ThatAreThereTwiceAreRefused) {
  const TempFolder folder;
  folder.Write("orders-1.csv", "");
  folder.Write("orders-1.csv.gz", "");
  const auto found = FindTableFiles(folder.path(), "orders", {});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(found.error().message,
              AllOf(HasSubstr("orders-1.csv "), HasSubstr("orders-1.csv.gz ")));
}

TEST(TableFiles, ThatAreAbsentAreNamedInAllForms) {
  const TempFolder folder;
  for (const auto& place : {folder.path(), folder.path() / "absent"}) {
    const auto found = FindTableFiles(place, "orders", {});
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(found.error().message, place.string() +
                                         " has no orders.csv, orders-2024-01.csv or the like, the "
                                         "same with .gz, or folder orders");
  }
}

TEST(TableFiles, OfAnEmptyFolderAreAnError) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.path() / "orders");
  const auto found = FindTableFiles(folder.path(), "orders", {});
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.error().message, HasSubstr("orders: the folder has no .csv or .csv.gz"));
}

}  // namespace
}  // namespace forkcast::preprocessing
