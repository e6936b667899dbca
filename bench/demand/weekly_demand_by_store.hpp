#pragma once

#include <cstdint>
#include <filesystem>

namespace forkcast::bench {

/// Writes order_lines.csv, products.csv and stores.csv into `folder`: two years of 8 products in 6
/// stores (data/weekly_demand_by_store/README.md). The same seed gives the same bytes everywhere.
/// Throws when a file cannot be written.
void WriteWeeklyDemandByStore(std::uint64_t seed, const std::filesystem::path& folder);

}  // namespace forkcast::bench
