#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/drift/drift_bins.hpp"

namespace forkcast::model {

/// Rows of a file, counted in a version's bins.
struct CountedRows {
  std::vector<ColumnBins> bins;  ///< Of the columns that the file has, in the reference's order.
  std::vector<std::vector<double>> windows;  ///< Of each, counts as DriftJudge takes them.
};

/// Counts a CSV file whose columns are called as features and outputs are, or capture files as the
/// server writes them (`*.jsonl`, whose rows have features). Others than `bins` are passed over.
/// `window`: rows of each, the last one with what is left; 0: all are one. kIo, kCorrupt, or
/// kInvalidArgument naming file, line and column; also when the file has none of the columns.
[[nodiscard]] Result<CountedRows> CountRowsOf(const std::filesystem::path& file,
                                              const std::vector<ColumnBins>& bins,
                                              std::uint64_t window);

}  // namespace forkcast::model
