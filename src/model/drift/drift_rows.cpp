#include "model/drift/drift_rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::CsvTableReader;

/// The number that a feature was as a float, which the reference was made of.
Result<float> NumberIn(std::string_view text) {
  const Result<double> number = preprocessing::ParseDouble(text);
  if (number) return static_cast<float>(*number);
  const Result<bool> truth = preprocessing::ParseBool(text);
  if (!truth) return Error{ErrorCode::kInvalidArgument, "expected a number"};
  return *truth ? 1.0F : 0.0F;
}

/// Counts rows into windows.
class Windows {
 public:
  Windows(std::vector<ColumnBins> bins, std::uint64_t length) : length_(length) {
    counted_.bins = std::move(bins);
    std::size_t size = 0;
    for (const ColumnBins& column : counted_.bins) size += column.reference.size();
    counts_.resize(size);
    std::span<std::uint32_t> rest(counts_);
    for (const ColumnBins& column : counted_.bins) {
      counters_.emplace_back(column, rest.first(column.reference.size()));
      rest = rest.subspan(column.reference.size());
    }
  }

  [[nodiscard]] const std::vector<ColumnBins>& bins() const noexcept { return counted_.bins; }
  void CountMissing(std::size_t column) { counters_[column].CountMissing(); }
  /// Of a text as it stands in a file. kInvalidArgument where the column has numbers.
  Status Count(std::size_t column, std::string_view text) {
    if (!counted_.bins[column].is_number) {
      counters_[column].CountText(text);
      return {};
    }
    const Result<float> number = NumberIn(text);
    if (!number) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("column {}: {}, got \"{}\"", counted_.bins[column].name,
                               number.error().message, text)};
    }
    counters_[column].CountNumber(*number);
    return {};
  }
  void EndRow() {
    if (++rows_ == length_) EndWindow();
  }
  CountedRows End() {
    if (rows_ > 0) EndWindow();
    return std::move(counted_);
  }

 private:
  void EndWindow() {
    counted_.windows.emplace_back(counts_.begin(), counts_.end());
    std::ranges::fill(counts_, 0U);
    rows_ = 0;
  }

  CountedRows counted_;
  std::uint64_t length_;
  std::vector<std::uint32_t> counts_;
  std::vector<BinCounter> counters_;
  std::uint64_t rows_ = 0;
};

Error HasNoColumn(const std::filesystem::path& file, const std::vector<ColumnBins>& bins) {
  std::vector<std::string> names;
  for (const ColumnBins& column : bins) names.push_back(column.name);
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{}: has none of the columns of the version: {}", file.string(),
                           fmt::join(names, ", "))};
}

Status CountBatch(const preprocessing::Table& batch, const CsvTableReader& reader,
                  const std::vector<std::size_t>& places, const std::filesystem::path& file,
                  Windows& windows) {
  for (std::size_t row = 0; row < batch.row_count(); ++row) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      const preprocessing::Column& column = batch.column(places[i]);
      if (column.IsMissing(row)) {
        windows.CountMissing(i);
      } else if (const Status counted = windows.Count(i, column.Text(row)); !counted) {
        return Error{
            counted.error().code,
            fmt::format("{}:{}: {}", file.string(), reader.line_of(row), counted.error().message)};
      }
    }
    windows.EndRow();
  }
  return {};
}

Result<CountedRows> CountCsv(const std::filesystem::path& file, const std::vector<ColumnBins>& bins,
                             std::uint64_t length) {
  Result<CsvTableReader> reader = CsvTableReader::OpenAsText(file);
  if (!reader) return std::move(reader).error();
  std::vector<ColumnBins> present;
  std::vector<std::size_t> places;
  for (const ColumnBins& column : bins) {
    const auto place = reader->schema().Find(column.name);
    if (!place) continue;
    present.push_back(column);
    places.push_back(*place);
  }
  if (present.empty()) return HasNoColumn(file, bins);
  Windows windows(std::move(present), length);
  preprocessing::Table batch(reader->schema());
  while (true) {
    constexpr std::size_t kBatchRows = 4096;
    const Result<bool> more = reader->ReadBatch(kBatchRows, batch);
    if (!more) return more.error();
    if (!*more) return windows.End();
    if (Status counted = CountBatch(batch, *reader, places, file, windows); !counted) {
      return std::move(counted).error();
    }
  }
}

/// One captured row's features.
Status CountFeatures(const ordered_json& features, Windows& windows) {
  for (std::size_t i = 0; i < windows.bins().size(); ++i) {
    const auto value = features.find(windows.bins()[i].name);
    if (value == features.end() || value->is_null()) {
      windows.CountMissing(i);
      continue;
    }
    const std::string text = value->is_string() ? value->get<std::string>() : value->dump();
    if (Status counted = windows.Count(i, text); !counted) return counted;
  }
  windows.EndRow();
  return {};
}

/// Columns of the first row, which all rows of a pipeline have.
std::vector<ColumnBins> ColumnsIn(const ordered_json& features,
                                  const std::vector<ColumnBins>& bins) {
  std::vector<ColumnBins> present;
  for (const ColumnBins& column : bins) {
    if (features.contains(column.name)) present.push_back(column);
  }
  return present;
}

Result<CountedRows> CountCapture(const std::filesystem::path& file,
                                 const std::vector<ColumnBins>& bins, std::uint64_t length) {
  std::ifstream lines(file);
  if (!lines) return Error{ErrorCode::kIo, fmt::format("{}: cannot be read", file.string())};
  std::optional<Windows> windows;
  const ordered_json::json_pointer rows("/forkcast/rows");
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    try {
      const ordered_json record = preprocessing::ParseJson(line);
      if (!record.contains(rows)) continue;
      for (const ordered_json& row : record.at(rows)) {
        const ordered_json& features = row.at("features");
        if (!windows) windows.emplace(ColumnsIn(features, bins), length);
        if (windows->bins().empty()) return HasNoColumn(file, bins);
        if (const Status counted = CountFeatures(features, *windows); !counted) {
          return Error{counted.error().code,
                       fmt::format("{}:{}: {}", file.string(), number, counted.error().message)};
        }
      }
    } catch (const std::exception& error) {
      return Error{ErrorCode::kCorrupt,
                   fmt::format("{}:{}: {}", file.string(), number, error.what())};
    }
  }
  if (!windows) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: has no captured rows with features", file.string())};
  }
  return windows->End();
}

}  // namespace

Result<CountedRows> CountRowsOf(const std::filesystem::path& file,
                                const std::vector<ColumnBins>& bins, std::uint64_t window) {
  return file.extension() == ".jsonl" ? CountCapture(file, bins, window)
                                      : CountCsv(file, bins, window);
}

}  // namespace forkcast::model
