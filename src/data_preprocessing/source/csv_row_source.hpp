#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// The rows of a CSV file, or of a gzip of one; its contents are those after decompression.
/// Otherwise as CsvTableReader, whose errors they are.
class CsvRowSource final : public RowSource {
 public:
  /// `schema`: the table's. `zone` is that of timestamps without one, and must outlive the object.
  CsvRowSource(std::filesystem::path file, Schema schema, const TimeZone& zone);

  [[nodiscard]] const std::string& name() const noexcept override { return file_.native(); }
  Result<std::string> ContentHash() override;
  Result<Fetched> Read(std::size_t max_rows, Table& batch) override;
  /// Precondition: Read() gave rows.
  [[nodiscard]] std::string PlaceOf(std::size_t row) const override;
  [[nodiscard]] SourcePosition position() const noexcept override;

 private:
  std::filesystem::path file_;
  Schema schema_;
  const TimeZone& zone_;
  std::optional<CsvTableReader> reader_;  // from the first Read() on
};

/// `DIR/<table>.csv` or `DIR/<table>.csv.gz`. kNotFound naming both when neither exists,
/// kInvalidArgument when both do.
Result<std::filesystem::path> FindTableFile(const std::filesystem::path& folder,
                                            const std::string& table);

/// The row of the table of sources (open_source.hpp): FindTableFile() in the folder `place`.
Result<std::unique_ptr<RowSource>> OpenCsvFile(std::string_view place, const TableSpec& table,
                                               const TimeZone& zone);

}  // namespace forkcast::preprocessing
