#pragma once

#include <cstdint>
#include <filesystem>

namespace forkcast::bench {

/// Writes FOLDER/order_lines.csv: order lines of 25 products in 70 whole weeks and the torn ones
/// before and after (data/weekly_demand/README.md). The same seed gives the same bytes everywhere.
/// Throws when the file cannot be written.
void WriteWeeklyDemand(std::uint64_t seed, const std::filesystem::path& folder);

}  // namespace forkcast::bench
