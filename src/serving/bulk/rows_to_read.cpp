#include "serving/bulk/rows_to_read.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "data_preprocessing/dao/retry.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/source/csv_row_source.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::CsvRowSource;
using preprocessing::Fetched;
using preprocessing::PipelineSpec;
using preprocessing::QuerySource;
using preprocessing::RowBatch;
using preprocessing::Schema;
using preprocessing::StoredRows;
using preprocessing::Table;
using preprocessing::TableSource;
using preprocessing::TableSpec;

constexpr std::size_t kRowsAtOnce = 4096;
constexpr std::size_t kBytesAtOnce = 1 << 20;

Status ReadCsv(const RowsToRead& rows, const PipelineSpec& spec, const TakeRows& take) {
  const TableSpec table{.name = "rows", .schema = rows.schema, .key = {}, .csv = spec.request.csv};
  const auto source = std::make_shared<CsvRowSource>(rows.place, table, spec.zone);
  if (rows.sets_bad_rows_aside) source->SetBadRowsAside();
  const PlaceText text = [source](std::size_t line) { return source->PlaceOf(line); };
  while (true) {
    RowBatch batch(rows.schema);
    const Result<Fetched> fetched = source->Read(kRowsAtOnce, batch);
    if (!fetched) return fetched.error();
    if (*fetched == Fetched::kEnd) return {};
    Status taken = take(std::move(batch), text);
    if (!taken) return taken;
  }
}

/// Places that are numbers of rows, from 1 on.
PlaceText RowsOf(std::string name) {
  return [name = std::move(name)](std::size_t row) { return fmt::format("{}: row {}", name, row); };
}

/// The lines of a file, in pieces that end where a line does, but for one that is longer.
class Lines {
 public:
  explicit Lines(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {}

  /// Replaces `piece`; empty at the end.
  Status Next(std::string& piece) {
    if (!file_.is_open()) return Failed();
    piece = std::exchange(rest_, {});
    std::size_t end = std::string::npos;
    while (end == std::string::npos && file_) {
      const std::size_t size = piece.size();
      piece.resize(size + kBytesAtOnce);
      file_.read(piece.data() + size, kBytesAtOnce);
      piece.resize(size + static_cast<std::size_t>(file_.gcount()));
      if (file_.bad()) return Failed();
      end = piece.rfind('\n');
    }
    if (end != std::string::npos && file_) {
      rest_ = piece.substr(end + 1);
      piece.resize(end + 1);
    }
    done_ += piece.size();
    return {};
  }
  [[nodiscard]] std::size_t done() const noexcept { return done_; }

 private:
  [[nodiscard]] Error Failed() const {
    return {ErrorCode::kIo, fmt::format("{}: {}", path_.string(),
                                        std::generic_category().message(errno != 0 ? errno : EIO))};
  }

  std::filesystem::path path_;
  std::ifstream file_;
  std::string rest_;
  std::size_t done_ = 0;
};

Status ReadJsonLines(const RowsToRead& rows, const PipelineSpec& spec, const TakeRows& take) {
  std::error_code unknown;
  const std::uintmax_t size = std::filesystem::file_size(rows.place, unknown);
  const std::size_t total = unknown ? 0 : static_cast<std::size_t>(size);
  const PlaceText text = RowsOf(rows.place);
  wire::RequestDecoder decoder(rows.schema, spec.zone, {.max_rows = kBytesAtOnce});
  wire::DecodedRequest decoded(rows.schema);
  Lines lines(rows.place);
  std::size_t before = 1;  // rows are counted from 1
  std::string piece;
  while (true) {
    Status read = lines.Next(piece);
    if (!read || piece.empty()) return read;
    const std::size_t length = piece.size();
    piece.resize(length + wire::kBodyPadding);
    read = decoder.Decode(wire::Format::kJsonLines, std::string_view(piece).substr(0, length),
                          decoded);
    if (!read) return Error{read.error().code, text(before) + ": " + read.error().message};
    RowBatch batch(rows.schema);
    for (const wire::RowError& bad : decoded.errors) {
      batch.set_aside.push_back(
          {.place = before + bad.row,
           .reason = fmt::format("{}{}{}", bad.error.field, bad.error.field.empty() ? "" : ": ",
                                 bad.error.message),
           .text = {}});
    }
    if (!batch.set_aside.empty() && !rows.sets_bad_rows_aside) {
      const preprocessing::SetAsideRow& bad = batch.set_aside.front();
      return Error{ErrorCode::kInvalidArgument, text(bad.place) + ": " + bad.reason};
    }
    batch.rows.Append(decoded.rows);
    for (const std::size_t row : decoded.row_numbers) batch.places.push_back(before + row);
    batch.position = {.done = lines.done(), .total = total};
    before += decoded.row_count;
    Status taken = take(std::move(batch), text);
    if (!taken) return taken;
  }
}

Status ReadStored(const RowsToRead& rows, const StoredRows& source, const std::string& kind,
                  const TakeRows& take) {
  if (rows.store.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: expected --store, which has the rows", rows.place)};
  }
  std::size_t before = 1;
  const PlaceText text = RowsOf(kind);
  const auto reading = preprocessing::ReadingOf(rows.store);
  return ReadEachOnce(reading, source, rows.schema, kRowsAtOnce, [&](const Table& read) -> Status {
    RowBatch batch(rows.schema);
    batch.rows.Append(read);
    for (std::size_t row = 0; row < read.row_count(); ++row) batch.places.push_back(before++);
    return take(std::move(batch), text);
  });
}

Status ReadTable(const RowsToRead& rows, const PipelineSpec&, const TakeRows& take) {
  const std::string name = rows.place.substr(rows.place.find(':') + 1);
  return ReadStored(rows, TableSource{name}, rows.place, take);
}

Status ReadQuery(const RowsToRead& rows, const PipelineSpec&, const TakeRows& take) {
  return ReadStored(rows, QuerySource{rows.place.substr(rows.place.find(':') + 1)}, "the query",
                    take);
}

/// A kind of place: by what it begins and ends with.
struct PlaceKind {
  std::string_view begins;
  std::string_view ends;
  Status (*read)(const RowsToRead& rows, const PipelineSpec& spec, const TakeRows& take);
};

/// The first that fits; the last fits everything.
constexpr std::array kPlaceKinds{
    PlaceKind{.begins = "table:", .ends = "", .read = ReadTable},
    PlaceKind{.begins = "query:", .ends = "", .read = ReadQuery},
    PlaceKind{.begins = "", .ends = ".jsonl", .read = ReadJsonLines},
    PlaceKind{.begins = "", .ends = "", .read = ReadCsv},
};

}  // namespace

Status ReadRows(const RowsToRead& rows, const PipelineSpec& spec, const TakeRows& take) {
  const auto* const kind = std::ranges::find_if(kPlaceKinds, [&rows](const PlaceKind& one) {
    return rows.place.starts_with(one.begins) && rows.place.ends_with(one.ends);
  });
  return kind->read(rows, spec, take);
}

}  // namespace forkcast::serving
