#pragma once

#include <cstdint>
#include <filesystem>

namespace forkcast::bench {

/// Writes precio_leche.csv, precipitaciones.csv and banco_central.csv into `folder`: eight years of
/// months in the form of the files of a public challenge (data/milk_price/README.md). The same seed
/// gives the same bytes everywhere. Throws when a file cannot be written.
void WriteMilkPrice(std::uint64_t seed, const std::filesystem::path& folder);

}  // namespace forkcast::bench
