#include "serving/wire/request_decoder.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "data_preprocessing/table/csv_scanner.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/wire/json_rows.hpp"
#include "serving/wire/row_collector.hpp"

namespace forkcast::wire {
namespace {

using preprocessing::CsvField;
using preprocessing::CsvScanner;
using preprocessing::Schema;
using preprocessing::TimeZone;

/// Reads rows from CSV with a header.
class CsvRows {
 public:
  CsvRows(const Schema& schema, const TimeZone& zone) : schema_(schema), zone_(zone) {}

  Status Read(std::string_view body, RowCollector& rows) {
    scanner_.Reset(body);
    Result<bool> more = scanner_.Next();
    if (!more) return std::move(more).error();
    if (!*more) {
      return Error{ErrorCode::kInvalidArgument, "the body is empty: expected a CSV header line"};
    }
    if (Status header = ReadHeader(); !header) return header;
    while (true) {
      more = scanner_.Next();
      if (!more) return std::move(more).error();
      if (!*more) return {};
      if (!rows.Begin()) return rows.TooManyRows();
      ReadRecord(rows);
      rows.End();
    }
  }

 private:
  Status ReadHeader() {
    const std::vector<CsvField>& header = scanner_.fields();
    columns_.assign(header.size(), std::nullopt);
    found_.assign(schema_.columns.size(), false);
    for (std::size_t i = 0; i < header.size(); ++i) {
      columns_[i] = schema_.Find(header[i].text);
      if (!columns_[i]) continue;
      if (found_[*columns_[i]]) {
        return preprocessing::CsvErrorAt(header[i].position, "the header names this column twice",
                                         header[i].text);
      }
      found_[*columns_[i]] = true;
    }
    for (std::size_t i = 0; i < schema_.columns.size(); ++i) {
      if (!found_[i] && !schema_.columns[i].nullable) {
        return Error{ErrorCode::kInvalidArgument, "the CSV header lacks a required column",
                     schema_.columns[i].name};
      }
    }
    return {};
  }

  void ReadRecord(RowCollector& rows) {
    const std::vector<CsvField>& fields = scanner_.fields();
    if (fields.size() != columns_.size()) {
      rows.Fail("expected " + std::to_string(columns_.size()) + " fields as in the header, got " +
                std::to_string(fields.size()));
      return;
    }
    for (std::size_t i = 0; i < fields.size() && !rows.failed(); ++i) {
      if (!columns_[i]) continue;
      const std::size_t column = *columns_[i];
      if (fields[i].IsMissing()) {
        rows.AddMissing(column);
        continue;
      }
      Status parsed = preprocessing::AppendParsed(fields[i].text, zone_, rows.column(column));
      if (!parsed) rows.Fail(std::move(parsed).error().message, schema_.columns[column].name);
    }
  }

  const Schema& schema_;
  const TimeZone& zone_;
  CsvScanner scanner_;
  std::vector<std::optional<std::size_t>> columns_;  // schema's column of each field
  std::vector<bool> found_;                          // by column of the schema
};

}  // namespace

void DecodedRequest::Clear() noexcept {
  rows.Clear();
  row_numbers.clear();
  errors.clear();
  row_count = 0;
  wrapping = Wrapping::kObject;
}

struct RequestDecoder::State {
  State(Schema declared, TimeZone default_zone, DecoderLimits its_limits)
      : schema(std::move(declared)),
        zone(std::move(default_zone)),
        limits(its_limits),
        json(schema, zone, limits.max_depth),
        csv(schema, zone) {}

  Result<Wrapping> Read(Format format, std::string_view body, RowCollector& rows) {
    if (format == Format::kJson) return json.ReadDocument(body, rows);
    Status read = format == Format::kCsv ? csv.Read(body, rows) : json.ReadLines(body, rows);
    if (!read) return std::move(read).error();
    return Wrapping::kLines;
  }

  Schema schema;
  TimeZone zone;
  DecoderLimits limits;
  JsonRows json;
  CsvRows csv;
};

RequestDecoder::RequestDecoder(Schema schema, TimeZone zone, DecoderLimits limits)
    : state_(std::make_unique<State>(std::move(schema), std::move(zone), limits)) {}
RequestDecoder::RequestDecoder(RequestDecoder&&) noexcept = default;
RequestDecoder& RequestDecoder::operator=(RequestDecoder&&) noexcept = default;
RequestDecoder::~RequestDecoder() = default;

const Schema& RequestDecoder::schema() const noexcept { return state_->schema; }

Status RequestDecoder::Decode(Format format, std::string_view body, DecodedRequest& out) {
  out.Clear();
  RowCollector rows(out, state_->limits.max_rows);
  Result<Wrapping> wrapping = state_->Read(format, body, rows);
  if (!wrapping) {
    out.Clear();
    return std::move(wrapping).error();
  }
  out.wrapping = *wrapping;
  return {};
}

}  // namespace forkcast::wire
