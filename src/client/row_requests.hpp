#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::client {

/// The body of one request.
struct RowRequest {
  std::size_t first_row = 0;  ///< Counted from 0 in the file, the header apart.
  std::size_t rows = 0;
  std::string body;
};

/// Turns a CSV file (or a gzip of one) into request bodies, a few rows at a time. All fields are
/// text, whatever they look like: only the server knows the declared types, so nothing here can
/// lose a leading zero. So is the decimal point, which stays what it is. An empty unquoted field (a
/// missing value) stays one in CSV and is null in JSON; an empty quoted field stays an empty text.
/// Memory: one request, whatever the size of the file. Errors are those of CsvTableReader.
class RowRequests {
 public:
  struct Form {
    wire::Format format = wire::Format::kCsv;
    std::size_t rows_per_request = 1;  ///< At least 1. One row as JSON is an object, more an array.
    preprocessing::CsvDialect read{};  ///< Of the file.
    /// Of bodies in CSV, which are UTF-8 whatever it says.
    preprocessing::CsvDialect sent{};
  };

  /// kInvalidArgument also for a header that looks like one of another delimiter.
  static Result<RowRequests> Open(const std::filesystem::path& path, const Form& form);
  /// Replaces `request` by the next one, keeping its memory. False at the end of the file.
  Result<bool> Next(RowRequest& request);

 private:
  RowRequests(preprocessing::CsvTableReader reader, const Form& form);
  void AppendCsvField(std::string_view text, std::string& body) const;
  void AppendCsvRow(std::size_t row, std::string& body) const;
  void AppendJsonRow(std::size_t row, std::string& body) const;

  preprocessing::CsvTableReader reader_;
  Form form_;
  preprocessing::Table batch_;
  std::string csv_header_;
  std::vector<std::string> json_names_;  // quoted and escaped, with the colon behind
  std::size_t next_row_ = 0;
};

/// Rows of the file, all of them checked to be readable; none when it can be read only once (a
/// pipe). Cost: one pass over the file.
Result<std::optional<std::size_t>> CountRows(const std::filesystem::path& path,
                                             const preprocessing::CsvDialect& dialect = {});

}  // namespace forkcast::client
