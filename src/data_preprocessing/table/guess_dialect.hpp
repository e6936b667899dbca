#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/table/csv_dialect.hpp"

namespace forkcast::preprocessing {

/// What a CSV looks like, by its beginning.
struct GuessedCsv {
  CsvDialect dialect;
  bool has_header = true;           ///< Else its first record is data.
  std::vector<std::string> fields;  ///< Of the first record, in UTF-8.

  friend bool operator==(const GuessedCsv&, const GuessedCsv&) = default;
};

/// The dialect in which `bytes`, the first of a file (a few 100 KiB tell enough, and need not end
/// with a record), are records of one length and as many of their columns as possible numbers; null
/// texts are those that stand between numbers or times. `header` stays kExact: only the pipeline
/// knows its names. What is no text is guessed to be plain. Never fails.
[[nodiscard]] GuessedCsv GuessDialect(std::string_view bytes);

}  // namespace forkcast::preprocessing
