#include "data_preprocessing/source/read_ahead.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <utility>

namespace forkcast::preprocessing {
namespace {

const Schema kPages{{{.name = "page"}}};

/// Batches of one row each, and then `ends`.
class Batches final : public RowSource {
 public:
  enum class End { kGoesOn, kOk, kError, kThrow };
  Batches(int count, End ends) : count_(count), ends_(ends) {}

  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] bool has_lasting_name() const noexcept override { return true; }
  Result<std::string> ContentHash() override { return std::string(); }
  void SetBadRowsAside() override {}
  Result<Fetched> Read(std::size_t /*max_rows*/, RowBatch& batch) override {
    batch.rows.Clear();
    const int at = reads_++;
    if (at >= count_) {
      if (ends_ == End::kOk) return Fetched::kEnd;
      if (ends_ == End::kError) return Error{ErrorCode::kIo, "torn"};
      if (ends_ == End::kThrow) throw std::runtime_error("no memory");
    }
    batch.rows.column(0).AppendText(std::to_string(at));
    return Fetched::kRows;
  }
  [[nodiscard]] std::string PlaceOf(std::size_t place) const override {
    return std::to_string(place);
  }
  [[nodiscard]] int reads() const noexcept { return reads_; }

 private:
  std::string name_ = "batches";
  int count_;
  End ends_;
  std::atomic<int> reads_ = 0;
};

/// Takes `count` batches, which must be the first ones.
void Take(ReadAhead& ahead, int count) {
  for (int i = 0; i < count; ++i) {
    const Result<const RowBatch*> batch = ahead.Next();
    ASSERT_TRUE(batch.ok() && *batch != nullptr) << i;
    EXPECT_EQ((*batch)->rows.column(0).Text(0), std::to_string(i));
  }
}

TEST(ReadAhead, GivesAllBatchesInTheirOrderAndThenNone) {
  Batches source(100, Batches::End::kOk);
  ReadAhead ahead(source, kPages);
  Take(ahead, 100);
  EXPECT_EQ(*ahead.Next(), nullptr);
}

TEST(ReadAhead, GivesAnErrorBehindTheBatchesBeforeIt) {
  Batches source(10, Batches::End::kError);
  ReadAhead ahead(source, kPages);
  Take(ahead, 10);
  EXPECT_EQ(ahead.Next().error().message, "torn");
}

TEST(ReadAhead, ThrowsWhatReadingThrew) {
  Batches source(1, Batches::End::kThrow);
  ReadAhead ahead(source, kPages);
  Take(ahead, 1);
  EXPECT_THROW(static_cast<void>(ahead.Next()), std::runtime_error);
}

TEST(ReadAhead, ReadsFewBatchesAheadAndStopsWhenNobodyTakesThem) {
  Batches source(0, Batches::End::kGoesOn);
  {
    ReadAhead ahead(source, kPages);
    Take(ahead, 3);
  }
  EXPECT_GE(source.reads(), 3);
  EXPECT_LE(source.reads(), 8);
}

}  // namespace
}  // namespace forkcast::preprocessing
