#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

struct TableFiles {
  std::vector<std::filesystem::path> files;  ///< In the order of their names, at least one.
  std::vector<std::string> skipped;          ///< What lies beside them and is not taken, and why.
};

/// The files of a table in a folder: `TABLE.csv` and `TABLE-*.csv` with a digit behind the `-`
/// (months, parts), each also as `.csv.gz`; where there is none, those of the folder `TABLE`. What
/// is called as another one of `tables` is that one's. kNotFound, naming what was looked for, when
/// there is none; kInvalidArgument when one is there plain and as gzip; kIo when the folder cannot
/// be read.
Result<TableFiles> FindTableFiles(const std::filesystem::path& folder, const std::string& table,
                                  std::span<const TableSpec> tables);

/// All `.csv` and `.csv.gz` of a folder. Errors as above.
Result<TableFiles> FilesOfFolder(const std::filesystem::path& folder);

}  // namespace forkcast::preprocessing
