#include "serving/wire/request_decoder.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "data_preprocessing/table/csv_field_reader.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"
#include "data_preprocessing/table/text_decoder.hpp"
#include "serving/wire/json_rows.hpp"
#include "serving/wire/row_collector.hpp"
#include "serving/wire/row_columns.hpp"

namespace forkcast::wire {
namespace {

using preprocessing::CsvDialect;
using preprocessing::CsvEncoding;
using preprocessing::CsvField;
using preprocessing::CsvFieldReader;
using preprocessing::CsvScanner;
using preprocessing::Schema;
using preprocessing::TimeZone;

constexpr std::size_t kBytesAStep = 1024;  // of looking at a body as a whole

/// Reads rows from CSV.
class CsvRows {
 public:
  CsvRows(const Schema& schema, const TimeZone& zone, const CsvDialect& dialect)
      : schema_(schema),
        dialect_(dialect),
        scanner_(dialect),
        values_(schema, dialect, zone),
        columns_(schema, dialect.delimiter) {}

  void Start(std::string_view body, CsvHeader header, RowCollector& rows) {
    body_ = body;
    header_ = header;
    rows_ = &rows;
    begun_ = false;
  }

  Result<bool> Continue(std::size_t steps) {
    if (!begun_) {
      Status begun = Begin();
      if (!begun) return std::move(begun).error();
    }
    for (; steps > 0; --steps) {
      Result<bool> more = scanner_.Next();
      if (!more && !SkipBad()) return std::move(more).error();
      if (more && !*more) return true;
      if (!rows_->Begin()) return rows_->TooManyRows();
      if (more) {
        ReadRecord(*rows_);
      } else {
        rows_->Fail(std::move(more).error().message);
      }
      rows_->End();
    }
    return false;
  }

 private:
  /// Goes on behind a record that is none. False when nobody knows where it ends.
  bool SkipBad() {
    std::string_view skipped;
    return scanner_.knows_end_of_bad() && scanner_.SkipBad(skipped);
  }

  Status Begin() {
    begun_ = true;
    if (dialect_.encoding != CsvEncoding::kUtf8) {
      Status decoded = DecodeBody();
      if (!decoded) return decoded;
    }
    scanner_.Reset(body_);
    if (header_ == CsvHeader::kAbsent) {
      columns_.UseDeclared();
      return {};
    }
    Result<bool> more = scanner_.Next();
    if (!more) return std::move(more).error();
    if (!*more) {
      return Error{ErrorCode::kInvalidArgument, "the body is empty: expected a CSV header line"};
    }
    return ReadHeader();
  }

  Status ReadHeader() {
    const std::vector<CsvField>& header = scanner_.fields();
    const Status matched = preprocessing::MatchHeader(header, schema_, dialect_.header, fields_);
    if (!matched) return matched.error();
    columns_.Clear();
    for (std::size_t i = 0; i < header.size(); ++i) columns_.Add(header[i].text, fields_[i]);
    return columns_.Check("the CSV header",
                          "; a body without a header says text/csv; header=absent");
  }

  void ReadRecord(RowCollector& rows) {
    const std::vector<CsvField>& fields = scanner_.fields();
    if (auto wrong = columns_.CountError(fields.size(), "fields")) {
      rows.Fail(*std::move(wrong));
      return;
    }
    for (std::size_t i = 0; i < fields.size() && !rows.failed(); ++i) {
      if (!columns_[i]) continue;
      const std::size_t column = *columns_[i];
      if (values_.IsMissing(fields[i], column)) {
        rows.AddMissing(column);
        continue;
      }
      Status parsed = values_.Append(fields[i].text, column, rows.column(column));
      if (!parsed) rows.Fail(std::move(parsed).error().message, schema_.columns[column].name);
    }
  }

  Status DecodeBody() {
    decoded_.clear();
    preprocessing::TextDecoder decoder(dialect_.encoding);
    Status good = decoder.Decode(body_, decoded_);
    if (good) good = decoder.Finish();
    body_ = decoded_;
    return good;
  }

  const Schema& schema_;
  const CsvDialect& dialect_;
  CsvScanner scanner_;
  CsvFieldReader values_;
  RowColumns columns_;
  std::vector<std::optional<std::size_t>> fields_;  // of the header's names
  // Of the body at hand.
  std::string_view body_;
  std::string decoded_;  // the body, where it is not UTF-8
  CsvHeader header_ = CsvHeader::kPresent;
  RowCollector* rows_ = nullptr;
  bool begun_ = false;
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
  State(Schema declared, TimeZone default_zone, DecoderLimits its_limits, CsvDialect its_dialect)
      : schema(std::move(declared)),
        zone(std::move(default_zone)),
        limits(its_limits),
        dialect(std::move(its_dialect)),
        json(schema, zone, limits.max_depth),
        csv(schema, zone, dialect) {}

  Schema schema;
  TimeZone zone;
  DecoderLimits limits;
  CsvDialect dialect;
  JsonRows json;
  CsvRows csv;
  // Of the body at hand.
  DecodedRequest* out = nullptr;
  std::optional<RowCollector> rows;
  Format format = Format::kJson;
  std::size_t bytes_to_look_at = 0;
};

RequestDecoder::RequestDecoder(Schema schema, TimeZone zone, DecoderLimits limits,
                               CsvDialect dialect)
    : state_(std::make_unique<State>(std::move(schema), std::move(zone), limits,
                                     std::move(dialect))) {}
RequestDecoder::RequestDecoder(RequestDecoder&&) noexcept = default;
RequestDecoder& RequestDecoder::operator=(RequestDecoder&&) noexcept = default;
RequestDecoder::~RequestDecoder() = default;

const Schema& RequestDecoder::schema() const noexcept { return state_->schema; }

void RequestDecoder::TakeObjects(std::size_t field) noexcept { state_->json.TakeObjects(field); }

Status RequestDecoder::Decode(Format format, std::string_view body, DecodedRequest& out) {
  Start(format, body, out);
  Result<bool> read = Continue(std::numeric_limits<std::size_t>::max());
  if (!read) return std::move(read).error();
  return {};
}

void RequestDecoder::Start(Format format, std::string_view body, DecodedRequest& out,
                           CsvHeader header) {
  State& state = *state_;
  out.Clear();
  state.out = &out;
  state.format = format;
  state.rows.emplace(out, state.limits.max_rows);
  state.bytes_to_look_at = format == Format::kJsonLines ? 0 : body.size();
  if (format == Format::kCsv) return state.csv.Start(body, header, *state.rows);
  state.json.Start(format == Format::kJson ? JsonRows::Form::kDocument : JsonRows::Form::kLines,
                   body, *state.rows);
}

Result<bool> RequestDecoder::Continue(std::size_t steps) {
  State& state = *state_;
  steps -= std::min(steps, std::exchange(state.bytes_to_look_at, 0) / kBytesAStep);
  const bool csv = state.format == Format::kCsv;
  Result<bool> read = csv ? state.csv.Continue(steps) : state.json.Continue(steps);
  if (!read) {
    state.out->Clear();
  } else if (*read) {
    state.out->wrapping = csv ? Wrapping::kLines : state.json.wrapping();
  }
  return read;
}

}  // namespace forkcast::wire
