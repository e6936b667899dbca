#include "data_preprocessing/source/ingest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "data_preprocessing/source/rejects.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const TableSpec kVisits{.name = "visits", .schema = {{{.name = "page"}}}, .key = {}};
const TableSpec kPages{.name = "pages",
                       .schema = {{{.name = "page"}, {.name = "size", .type = ColumnType::kInt64}}},
                       .key = {"page"}};

/// Pages and their sizes from nowhere but the test, at most two a batch.
class ListedPages final : public RowSource {
 public:
  using Pages = std::vector<std::pair<std::string, std::int64_t>>;
  explicit ListedPages(Pages pages) : pages_(std::move(pages)) {}

  /// From the page of this number on, nothing can be read.
  void BreakAt(std::size_t page) { broken_at_ = page; }

  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] bool has_lasting_name() const noexcept override { return lasts_; }
  void BeAPipe() { lasts_ = false; }
  Result<std::string> ContentHash() override {
    std::string all;
    for (const auto& [page, size] : pages_) all += page + ";";
    return all;
  }
  Result<Fetched> Read(std::size_t max_rows, RowBatch& batch) override {
    batch.rows.Clear();
    batch.places.clear();
    batch.texts.Clear();
    const std::size_t end = std::min(pages_.size(), next_ + std::min<std::size_t>(2, max_rows));
    while (next_ < end) {
      if (next_ == broken_at_) return Error{ErrorCode::kIo, name_ + ": torn"};
      batch.places.push_back(next_);
      const auto& [page, size] = pages_[next_++];
      batch.texts.AppendText(page);
      batch.rows.column(0).AppendText(page);
      if (batch.rows.column_count() > 1) batch.rows.column(1).AppendInt64(size);
    }
    batch.position = {.done = next_, .total = pages_.size()};
    return batch.places.empty() ? Fetched::kEnd : Fetched::kRows;
  }
  [[nodiscard]] std::string PlaceOf(std::size_t page) const override {
    return name_ + ": page " + std::to_string(page);
  }
  void SetBadRowsAside() override {}

 private:
  std::string name_ = "book/pages";
  bool lasts_ = true;
  Pages pages_;
  std::size_t next_ = 0;
  std::size_t broken_at_ = SIZE_MAX;
};

class IngestTest : public testing::Test {
 protected:
  Result<IngestReport> Ingest(const TableSpec& spec, RowSource& source,
                              const IngestRules& rules = {}, Rejects* rejects = nullptr) {
    return preprocessing::Ingest(
        *dao_, spec, source, rules,
        [this](std::size_t done, std::size_t total) { progress_.emplace_back(done, total); },
        rejects);
  }
  std::vector<std::string> Stored(const TableSpec& spec) {
    std::vector<std::string> rows;
    EXPECT_TRUE(dao_->Read(TableSource{spec.name}, spec.schema, {}, 100,
                           [&rows](const Table& batch) {
                             rows = Rows(batch);
                             return Status();
                           })
                    .ok());
    return rows;
  }

  TempFolder folder_;
  std::unique_ptr<TableDao> dao_ =
      OpenStore("sqlite:" + (folder_.path() / "s.db").string(), StoreAccess::kReadWriteCreate)
          .value();
  std::vector<std::pair<std::size_t, std::size_t>> progress_;
};

TEST_F(IngestTest, TakesTheRowsOfAnySourceInTheirOrder) {
  ListedPages source({{"home", 1}, {"about", 2}, {"home", 1}});
  const auto report = Ingest(kPages, source);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->table, "pages");
  EXPECT_EQ(report->source, "book/pages");
  EXPECT_EQ(report->rows, 3U);
  EXPECT_EQ(report->counts.added, 2U);
  EXPECT_EQ(report->counts.identical, 1U);
  EXPECT_THAT(Stored(kPages), ElementsAre("'home' 1", "'about' 2"));
  EXPECT_THAT(progress_, ElementsAre(Pair(2, 3), Pair(3, 3)));
}

TEST_F(IngestTest, NamesThePlaceOfAConflictingRow) {
  ListedPages source({{"home", 1}, {"about", 2}, {"index", 3}, {"home", 4}});
  const auto report = Ingest(kPages, source);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kConflict);
  EXPECT_EQ(report.error().message,
            "book/pages: page 3: table \"pages\" already has a row of the same key (\"page\") with "
            "another \"size\"");
}

TEST_F(IngestTest, TakesTheSameContentsOnceIntoATableWithoutKey) {
  ListedPages first({{"home", 1}, {"home", 1}});
  ASSERT_FALSE(Ingest(kVisits, first)->already_known);
  ListedPages again({{"home", 1}, {"home", 1}});
  const auto report = Ingest(kVisits, again);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->already_known);
  EXPECT_EQ(report->rows, 0U);
  EXPECT_THAT(Stored(kVisits), ElementsAre("'home'", "'home'"));
}

TEST_F(IngestTest, SetsConflictingRowsAsideAndRemembersHowMany) {
  const std::filesystem::path file = folder_.path() / "rejects.csv";
  Rejects rejects = Rejects::Open(file, {.rows = 10}).value();
  ListedPages source({{"home", 1}, {"home", 2}, {"about", 2}, {"home", 1}, {"about", 3}});
  const auto report = Ingest(kPages, source, {}, &rejects);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->rows, 3U);
  EXPECT_EQ(report->counts.added, 2U);
  EXPECT_EQ(report->counts.identical, 1U);
  EXPECT_EQ(report->rejected, 2U);
  EXPECT_THAT(Stored(kPages), ElementsAre("'home' 1", "'about' 2"));
  ASSERT_TRUE(rejects.Commit().ok());
  const std::string why =
      "\"table \"\"pages\"\" already has a row of the same key (\"\"page\"\") with another "
      "\"\"size\"\"\"";
  EXPECT_EQ(ReadWhole(file), "file,line,reason,text\n\"book/pages\",1," + why +
                                 ",\"home\"\n\"book/pages\",4," + why + ",\"about\"\n");
  EXPECT_EQ(dao_->FindFile("pages", "home;home;about;home;about;")->value().rejected, 2U);
}

TEST_F(IngestTest, WithUpsertAConflictingRowReplacesInsteadOfBeingSetAside) {
  Rejects rejects = Rejects::Open(folder_.path() / "rejects.csv", {.rows = 10}).value();
  ListedPages source({{"home", 1}, {"home", 2}});
  const auto report = Ingest(kPages, source, {.on_conflict = OnConflict::kReplace}, &rejects);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->counts.replaced, 1U);
  EXPECT_EQ(report->rejected, 0U);
}

TEST_F(IngestTest, EndsWithOneRejectedRowMoreThanTheLimit) {
  Rejects rejects = Rejects::Open(folder_.path() / "rejects.csv", {.rows = 1}).value();
  ListedPages source({{"home", 1}, {"home", 2}, {"home", 3}});
  const auto report = Ingest(kPages, source, {}, &rejects);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kRefusedData);
  EXPECT_THAT(report.error().message,
              testing::StartsWith("2 rows were rejected, more than 1 (--max-rejects); nothing was "
                                  "taken. The first: book/pages: table"));
}

TEST_F(IngestTest, DoesNotRememberWhatItCouldNotReadToTheEnd) {
  ASSERT_TRUE(dao_->EnsureTable(kVisits).ok());
  ASSERT_TRUE(dao_->Begin().ok());
  ListedPages torn({{"home", 1}, {"about", 2}, {"index", 3}});
  torn.BreakAt(2);
  const auto report = Ingest(kVisits, torn);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().message, "book/pages: torn");
  dao_->Rollback();
  EXPECT_THAT(Stored(kVisits), IsEmpty());
  EXPECT_FALSE(dao_->FindFile("visits", "home;about;index;")->has_value());
}

/// A table without key in which the rows of an older file, and then "home", "about" of the source's
/// name are.
class AFileThatHasGrown : public IngestTest {
 protected:
  AFileThatHasGrown() {
    ListedPages before({{"home", 1}, {"about", 2}});
    EXPECT_TRUE(Ingest(kVisits, before));
  }
  ListedPages grown_{{{"home", 1}, {"about", 2}, {"new", 3}}};
};

TEST_F(AFileThatHasGrown, IsRefusedAndSaysHowItCouldBeTaken) {
  const auto report = Ingest(kVisits, grown_);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kConflict);
  EXPECT_EQ(report.error().message,
            "book/pages was taken in before with other contents; its 2 rows stay. If it has grown "
            "or was mended, say --replace; if it has other rows each time, --again");
  EXPECT_THAT(Stored(kVisits), ElementsAre("'home'", "'about'"));
}

TEST_F(AFileThatHasGrown, TakesThePlaceOfItsOldRows) {
  const auto report = Ingest(kVisits, grown_, {.on_other_contents = OnOtherContents::kReplace});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->removed, 2U);
  EXPECT_EQ(report->counts.added, 3U);
  EXPECT_THAT(Stored(kVisits), ElementsAre("'home'", "'about'", "'new'"));
  ListedPages first({{"home", 1}, {"about", 2}});
  EXPECT_FALSE(Ingest(kVisits, first)) << "what was removed is not known any more";
}

TEST_F(AFileThatHasGrown, IsTakenBesideThemWhereItHasOtherRowsEachTime) {
  ListedPages delivery({{"next", 4}});
  ASSERT_TRUE(Ingest(kVisits, delivery, {.on_other_contents = OnOtherContents::kAppend}));
  EXPECT_THAT(Stored(kVisits), ElementsAre("'home'", "'about'", "'next'"));
  const auto replaced = Ingest(kVisits, grown_, {.on_other_contents = OnOtherContents::kReplace});
  EXPECT_EQ(replaced->removed, 3U) << "all that came under the name";
}

TEST_F(AFileThatHasGrown, IsNoneWhenItIsAPipe) {
  grown_.BeAPipe();
  ASSERT_TRUE(Ingest(kVisits, grown_));
  EXPECT_THAT(Stored(kVisits), ElementsAre("'home'", "'about'", "'home'", "'about'", "'new'"));
}

}  // namespace
}  // namespace forkcast::preprocessing
