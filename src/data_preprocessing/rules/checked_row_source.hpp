#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/rules/column_rule.hpp"
#include "data_preprocessing/source/row_source.hpp"

namespace forkcast::preprocessing {

/// The rows of another source that keep the rules of their table. One that does not is set aside
/// where bad rows are, else it is the end: kInvalidArgument with its place.
class CheckedRowSource final : public RowSource {
 public:
  /// `rules` fit `schema` (FitRules()), and both are the table's.
  CheckedRowSource(std::unique_ptr<RowSource> source, const Schema& schema,
                   std::vector<ColumnRule> rules);

  [[nodiscard]] const std::string& name() const noexcept override { return source_->name(); }
  [[nodiscard]] bool has_lasting_name() const noexcept override {
    return source_->has_lasting_name();
  }
  Result<std::string> ContentHash() override { return source_->ContentHash(); }
  void SetBadRowsAside() override;
  Result<Fetched> Read(std::size_t max_rows, RowBatch& batch) override;
  [[nodiscard]] std::string PlaceOf(std::size_t place) const override {
    return source_->PlaceOf(place);
  }

 private:
  struct Checked {
    ColumnRule rule;
    std::size_t column = 0;
  };

  /// What is wrong with a row; empty: nothing.
  [[nodiscard]] std::string FaultOf(const Table& rows, std::size_t row) const;
  /// Sets the rows of `batch` aside that do not keep the rules.
  [[nodiscard]] Status Check(RowBatch& batch) const;

  std::unique_ptr<RowSource> source_;
  std::vector<Checked> rules_;
  bool sets_aside_ = false;
};

}  // namespace forkcast::preprocessing
