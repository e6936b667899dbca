#include "data_preprocessing/source/json_lines_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/document/content_hash.hpp"

namespace forkcast::preprocessing {

JsonLinesSource::JsonLinesSource(std::string name, std::string_view text, const TableSpec& table,
                                 const TimeZone& zone)
    : name_(std::move(name)), text_(text), reader_(table, zone, MessageFormat::kJson) {}

Result<std::string> JsonLinesSource::ContentHash() { return preprocessing::ContentHash(text_); }

std::string_view JsonLinesSource::NextLine() noexcept {
  std::string_view line;
  while (line.empty() && next_ < text_.size()) {
    const std::size_t end = std::min(text_.find('\n', next_), text_.size());
    line = text_.substr(next_, end - next_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    next_ = std::min(end + 1, text_.size());
    ++line_;
  }
  return line;
}

Result<Fetched> JsonLinesSource::Read(std::size_t max_rows, RowBatch& batch) {
  batch.rows.Clear();
  batch.places.clear();
  batch.texts.Clear();
  batch.set_aside.clear();
  for (std::size_t seen = 0; seen < max_rows; ++seen) {
    const std::string_view line = NextLine();
    if (line.empty()) break;
    const Status appended = reader_.Append(line, batch.rows);
    if (appended) {
      batch.places.push_back(line_);
      if (sets_aside_) batch.texts.AppendText(line);
    } else if (sets_aside_) {
      batch.set_aside.push_back(
          {.place = line_, .reason = appended.error().message, .text = std::string(line)});
    } else {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: {}", PlaceOf(line_), appended.error().message)};
    }
  }
  batch.position = {.done = next_, .total = text_.size()};
  const bool is_empty = batch.places.empty() && batch.set_aside.empty();
  return is_empty ? Fetched::kEnd : Fetched::kRows;
}

std::string JsonLinesSource::PlaceOf(std::size_t line) const {
  return fmt::format("{}: line {}", name_, line);
}

}  // namespace forkcast::preprocessing
