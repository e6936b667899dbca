#pragma once

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "serving/bulk/row_sink.hpp"

namespace forkcast::serving {

/// A form of rows as text, by the ending of the files that have it. Values read as in answers over
/// HTTP.
struct RowFormat {
  std::string_view ending;
  /// Appends what stands before the rows.
  void (*append_head)(const preprocessing::Schema& schema, std::string& text);
  void (*append_row)(const preprocessing::Table& rows, std::size_t row, std::string& text);
};

/// By the file's ending. kInvalidArgument lists those that there are.
[[nodiscard]] Result<const RowFormat*> RowFormatOf(const std::filesystem::path& file);
/// That of a stream: CSV.
[[nodiscard]] const RowFormat& StreamFormat() noexcept;

/// A file, which is there whole or as it was before. Throws std::system_error when it cannot be
/// written.
[[nodiscard]] std::unique_ptr<RowSink> MakeFileSink(std::filesystem::path file,
                                                    const RowFormat& format,
                                                    const preprocessing::Schema& schema);
/// `out` outlives the sink.
[[nodiscard]] std::unique_ptr<RowSink> MakeStreamSink(std::ostream& out, const RowFormat& format,
                                                      const preprocessing::Schema& schema);

}  // namespace forkcast::serving
