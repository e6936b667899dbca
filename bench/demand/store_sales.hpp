#pragma once

#include <cstdint>
#include <filesystem>

namespace forkcast::bench {

/// Writes train.csv and store.csv into `folder`: 850 days of 6 stores in the form of Kaggle's
/// "Rossmann Store Sales" (data/store_sales/README.md). The same seed gives the same bytes
/// everywhere. Throws when a file cannot be written.
void WriteStoreSales(std::uint64_t seed, const std::filesystem::path& folder);

}  // namespace forkcast::bench
