#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/grid_cells.hpp"

namespace forkcast::preprocessing {

/// The cells of a series between two publications, in a file that only publishers read (FORMAT.md).
struct WrittenCells {
  std::unique_ptr<AtomicFile> file;  ///< Not yet to be seen.
  std::uint64_t checksum = 0;
};

/// Writes `cells` beside `path`. Throws std::system_error as AtomicFile does.
[[nodiscard]] WrittenCells WriteCells(const std::filesystem::path& path,
                                      std::string_view definition, const GridCells& cells);

/// What WriteCells() has written of a series of this definition. kIo; kCorrupt when the file is
/// damaged, of another version or definition, or not the one with `checksum`.
[[nodiscard]] Result<GridCells> ReadCells(const std::filesystem::path& path,
                                          std::string_view definition, const SeriesSpec& spec,
                                          std::uint64_t checksum);

}  // namespace forkcast::preprocessing
