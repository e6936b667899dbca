#include "data_preprocessing/dao/retry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

TEST(Retry, PausesGrowAndEnd) {
  const RetryRules rules{.most_tries = 4, .first_pause = milliseconds(10)};
  EXPECT_EQ(PauseAfter(1, rules), milliseconds(10));
  EXPECT_EQ(PauseAfter(2, rules), milliseconds(20));
  EXPECT_EQ(PauseAfter(3, rules), milliseconds(40));
  EXPECT_EQ(PauseAfter(4, rules), std::nullopt);
}

TEST(Retry, TakesSecondsInAll) {
  milliseconds all{0};
  for (int failures = 1; PauseAfter(failures); ++failures) all += *PauseAfter(failures);
  EXPECT_EQ(all, milliseconds(6200));
}

const Error kLost{ErrorCode::kNotReady, "the connection was lost"};

/// A store of five rows that is read two at a time, and the failures of its readers.
class Reading : public testing::Test {
 protected:
  Reading() {
    const auto dao = *OpenStore(url_, StoreAccess::kReadWriteCreate);
    EXPECT_TRUE(dao->EnsureTable(spec_).ok());
    Append(*dao, {1, 2, 3, 4, 5});
  }
  void Append(TableDao& dao, const std::vector<std::int64_t>& numbers) {
    Table rows(spec_.schema);
    for (const std::int64_t number : numbers) rows.column(0).AppendInt64(number);
    std::size_t failed_row = 0;
    EXPECT_TRUE(dao.Append(spec_, rows, OnConflict::kRefuse, failed_row).ok());
  }
  [[nodiscard]] StoreReading Store() {
    return {.open = [this]() -> Result<std::unique_ptr<TableDao>> {
              ++opened_;
              if (opened_ <= cannot_be_opened_) return Error{ErrorCode::kIo, "no such host"};
              return OpenStore(url_, StoreAccess::kReadWriteCreate);
            },
            .wait =
                [this](milliseconds pause) {
                  pauses_.push_back(pause.count());
                  if (meanwhile_) meanwhile_();
                },
            .rules = {.most_tries = 3, .first_pause = milliseconds(10)}};
  }
  /// Takes rows, and loses the connection once behind so many of them.
  Status Read(const StoredRows& source, std::size_t lost_behind) {
    bool is_lost = false;
    return ReadEachOnce(Store(), source, spec_.schema, 2, [&](const Table& batch) -> Status {
      if (!is_lost && taken_.size() == lost_behind) {
        is_lost = true;
        return kLost;
      }
      for (std::size_t row = 0; row < batch.row_count(); ++row) {
        taken_.push_back(batch.column(0).Int64(row));
      }
      return {};
    });
  }

  const TempFolder folder_;
  const std::string url_ = "sqlite:" + (folder_.path() / "s.db").string();
  const TableSpec spec_{
      .name = "numbers", .schema = {{{.name = "number", .type = ColumnType::kInt64}}}, .key = {}};
  std::function<void()> meanwhile_;
  int opened_ = 0;
  int cannot_be_opened_ = 0;
  std::vector<std::int64_t> pauses_;
  std::vector<std::int64_t> taken_;
};

TEST_F(Reading, BeginsAnewWhereTheFailureMayPass) {
  int works = 0;
  EXPECT_TRUE(ReadRetrying(Store(), [&](TableDao&) -> Status {
                return ++works < 3 ? Status(kLost) : Status();
              }).ok());
  EXPECT_EQ(opened_, 3) << "a connection that is lost does not come back";
  EXPECT_THAT(pauses_, ElementsAre(10, 20));
}

TEST_F(Reading, EndsWhenTheFailureStays) {
  const Status read = ReadRetrying(Store(), [](TableDao&) -> Status { return kLost; });
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error(), kLost);
  EXPECT_EQ(opened_, 3);
}

TEST_F(Reading, DoesNotRepeatAnyOtherFailure) {
  const Status read = ReadRetrying(Store(), [](TableDao&) -> Status {
    return Error{ErrorCode::kIo, "the disk is full"};
  });
  EXPECT_FALSE(read.ok());
  EXPECT_EQ(opened_, 1);
}

TEST_F(Reading, DoesNotRepeatAStoreThatWasNeverReached) {
  cannot_be_opened_ = 1;
  const Status read = ReadRetrying(Store(), [](TableDao&) { return Status(); });
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().message, "no such host");
  EXPECT_EQ(opened_, 1);
}

TEST_F(Reading, GivesEachRowOfATableOnce) {
  ASSERT_TRUE(Read(TableSource{"numbers"}, 4).ok());
  EXPECT_THAT(taken_, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(opened_, 2);
}

TEST_F(Reading, GivesAlsoTheRowsThatCameMeanwhile) {
  meanwhile_ = [this] { Append(**OpenStore(url_, StoreAccess::kReadWriteCreate), {6}); };
  ASSERT_TRUE(Read(TableSource{"numbers"}, 2).ok());
  EXPECT_THAT(taken_, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(Reading, OfAQueryBeginsAnewBeforeTheFirstRowAlone) {
  const QuerySource query{"SELECT number FROM numbers"};
  ASSERT_TRUE(Read(query, 0).ok());
  EXPECT_THAT(taken_, ElementsAre(1, 2, 3, 4, 5));
  taken_.clear();
  const Status read = Read(query, 2);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().message, kLost.message);
  EXPECT_EQ(read.error().code, ErrorCode::kIo) << "nobody else tries again, either";
  EXPECT_THAT(taken_, ElementsAre(1, 2));
}

}  // namespace
}  // namespace forkcast::preprocessing
