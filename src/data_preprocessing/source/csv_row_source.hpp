#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/source/open_source.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/source/spooled_file.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// The rows of a CSV file, or of a gzip of one; its contents are those after decompression. What
/// can be read only once (a pipe, standard input) is copied into a temporary file that has no name.
/// Otherwise as CsvTableReader, whose errors they are.
class CsvRowSource final : public RowSource {
 public:
  /// `file`: `-` is standard input. `zone` is that of timestamps without one, and must outlive the
  /// object.
  CsvRowSource(const std::filesystem::path& file, const TableSpec& table, const TimeZone& zone);
  /// The same under another name than the file's.
  CsvRowSource(const std::filesystem::path& file, std::string name, const TableSpec& table,
               const TimeZone& zone);

  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] bool has_lasting_name() const noexcept override { return !spooled_; }
  Result<std::string> ContentHash() override;
  void SetBadRowsAside() override { sets_aside_ = true; }
  Result<Fetched> Read(std::size_t max_rows, RowBatch& batch) override;
  [[nodiscard]] std::string PlaceOf(std::size_t line) const override;

 private:
  /// Makes `file_` one that can be read again and again.
  Status Open();
  Status OpenReader();

  std::string name_;
  std::filesystem::path file_;
  std::optional<SpooledFile> spooled_;
  Schema schema_;
  CsvDialect dialect_;
  const TimeZone& zone_;
  bool sets_aside_ = false;
  std::vector<SetAsideRow> set_aside_;    // since the last Read()
  std::optional<CsvTableReader> reader_;  // from the first Read() on
};

/// The rows of `table` in the folder `place`, as FindTableFiles() says.
Result<FoundRows> FindCsvFiles(std::string_view place, const TableSpec& table,
                               std::span<const TableSpec> tables, const TimeZone& zone);

/// The rows of `table` in one file, in standard input (`-`), or in all files of a folder.
Result<FoundRows> OpenCsvPath(const std::filesystem::path& path, const TableSpec& table,
                              const TimeZone& zone);

}  // namespace forkcast::preprocessing
