#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;
using testing::HasSubstr;

/// The program over a store that has the sample. What the command does is tested beside it; here is
/// what a user sees of the program: exit code, message, and files.
class IngestProgram : public testing::Test {
 protected:
  IngestProgram() {
    workspace_.Ingest(SampleData());
    fs::create_directory(from());
    for (const auto& entry : fs::directory_iterator(SampleData().folder)) {
      if (entry.path().extension() == ".csv")
        fs::copy_file(entry, from() / entry.path().filename());
    }
  }

  [[nodiscard]] fs::path from() const { return workspace_ / "from"; }
  void Write(const std::string& table, const std::string& text) const {
    std::ofstream(from() / (table + ".csv"), std::ios::binary) << text;
  }
  /// Every file of store and snapshots with its content.
  [[nodiscard]] std::map<fs::path, std::string> Files() const {
    std::map<fs::path, std::string> files{{workspace_ / "o.db", ReadWhole(workspace_ / "o.db")}};
    for (const auto& entry : fs::directory_iterator(workspace_ / "o.db.snapshots")) {
      files[entry.path()] = ReadWhole(entry.path());
    }
    return files;
  }
  Program Ingest(const std::string& store) const {
    return Program(workspace_ / "ingest",
                   {kForkcast, "ingest", "--again", "--pipeline", workspace_.pipeline(), "--store",
                    store, "--from", from(), "--quiet"});
  }

  Workspace workspace_;
};

struct BadFileCase {
  const char* name;
  const char* table;
  const char* text;
  std::vector<const char*> said;
};

const BadFileCase kBadFiles[]{
    {"a column is missing",
     "inventory",
     "sku_code,timestamp\n01,2024-02-10\n",
     {"inventory.csv", "line 1", "inventory"}},
    {"a row is ragged",
     "inventory",
     "sku_code,timestamp,inventory\n01,2024-02-10,1\n02,2024-02-10\n",
     {"inventory.csv", "line 3, column 4:"}},
    {"a number is none",
     "inventory",
     "sku_code,timestamp,inventory\n01,2024-02-10,1\n02,2024-02-10,many\n",
     {"inventory.csv", "line 3, column 15:"}},
    {"a timestamp is none",
     "zip_codes",
     "zip_code,available_from\n01234,soon\n",
     {"zip_codes.csv", "line 2, column 7:", "available_from"}},
    {"a quote is not closed",
     "payments",
     "order_id,customer_id,timestamp,payment_method,payment_status\n1,2,2024-02-10,\"CARD,OK\n",
     {"payments.csv", "line 2, column 16:"}},
    {"text follows a quote",
     "payments",
     "order_id,customer_id,timestamp,payment_method,payment_status\n1,2,2024-02-10,\"CARD\"x,OK\n",
     {"payments.csv", "line 2, column 22:"}},
};

TEST_F(IngestProgram, RefusesABadFileByFileLineAndColumnAndLeavesTheStoreAsItWas) {
  const auto before = Files();
  // The tables before the bad one have rows that are new.
  std::ofstream(from() / "orders.csv", std::ios::app)
      << "new,c,2024-02-10 10:56:36,0530323969435,1,94234,True\n";
  for (const BadFileCase& one : kBadFiles) {
    SCOPED_TRACE(one.name);
    const std::string good = ReadWhole(from() / (std::string(one.table) + ".csv"));
    Write(one.table, one.text);
    Program ingest = Ingest(workspace_.store());
    EXPECT_EQ(ingest.Wait(), 1);
    for (const char* const part : one.said) EXPECT_THAT(ingest.err(), HasSubstr(part));
    EXPECT_TRUE(Files() == before) << "store or snapshots have changed";
    Write(one.table, good);
  }
}

TEST_F(IngestProgram, RefusesAStoreWhoseFolderIsMissing) {
  Program ingest = Ingest("sqlite:" + (workspace_ / "absent/o.db").string());
  EXPECT_EQ(ingest.Wait(), 5);
  EXPECT_THAT(ingest.err(), HasSubstr("absent/o.db"));
  EXPECT_FALSE(fs::exists(workspace_ / "absent"));
}

TEST_F(IngestProgram, RefusesAStoreThatIsNoDatabaseAndLeavesIt) {
  const std::string text(5000, 'x');
  const fs::path file = workspace_.Write("text.db", text);
  Program ingest = Ingest("sqlite:" + file.string());
  EXPECT_EQ(ingest.Wait(), 5);
  EXPECT_THAT(ingest.err(), HasSubstr("text.db"));
  EXPECT_EQ(ReadWhole(file), text);
  EXPECT_FALSE(fs::exists(file.string() + ".snapshots"));
}

TEST_F(IngestProgram, RefusesAStoreThatAnotherProcessHoldsLocked) {
  std::ofstream(from() / "orders.csv", std::ios::app)
      << "new,c,2024-02-10 10:56:36,0530323969435,1,94234,True\n";
  sqlite3* other = nullptr;
  ASSERT_EQ(::sqlite3_open((workspace_ / "o.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(::sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  Program ingest = Ingest(workspace_.store());
  EXPECT_EQ(ingest.Wait(), 5);
  EXPECT_THAT(ingest.err(), HasSubstr("locked"));
  ::sqlite3_close(other);
  Program again = Ingest(workspace_.store());
  EXPECT_EQ(again.Wait(), 0) << again.err();
}

}  // namespace
}  // namespace forkcast::process_test
