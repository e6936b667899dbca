#include "data_preprocessing/table/csv_reader.hpp"

#include <fmt/format.h>
#include <xxhash.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/table/csv_field_reader.hpp"
#include "data_preprocessing/table/csv_hints.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/text_decoder.hpp"

namespace forkcast::preprocessing {
namespace {

/// The bytes of a file, decompressed when it is a gzip, whatever its name.
class MaybeGzipFile {
 public:
  /// `name`: what messages call it; empty: its path.
  static Result<MaybeGzipFile> Open(const std::filesystem::path& path, const std::string& name) {
    errno = 0;
    const gzFile file = ::gzopen(path.c_str(), "rbe");
    if (file == nullptr) {
      return Error{ErrorCode::kIo, fmt::format("{}: cannot be opened: {}", path.string(),
                                               std::strerror(errno == 0 ? ENOMEM : errno))};
    }
    ::gzbuffer(file, 1U << 18);
    return MaybeGzipFile(file, name.empty() ? path.string() : name);
  }

  MaybeGzipFile(MaybeGzipFile&& other) noexcept
      : file_(std::exchange(other.file_, nullptr)), name_(std::move(other.name_)) {}
  MaybeGzipFile& operator=(MaybeGzipFile&& other) = delete;
  ~MaybeGzipFile() {
    if (file_ != nullptr) ::gzclose_r(file_);
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Fills `into` (shorter than 2 GiB); fewer bytes mean that the file ends behind them.
  Result<std::size_t> Read(std::span<char> into) {
    const int count = ::gzread(file_, into.data(), static_cast<unsigned>(into.size()));
    if (count == static_cast<int>(into.size())) return into.size();
    int code = Z_OK;
    const char* const words = ::gzerror(file_, &code);
    if (code == Z_ERRNO) {
      return Error{ErrorCode::kIo, name_ + ": cannot be read: " + std::strerror(errno)};
    }
    if (code == Z_BUF_ERROR) {
      return Error{ErrorCode::kCorrupt, name_ + ": the gzip is cut short"};
    }
    if (count < 0 || code < 0) {
      return Error{ErrorCode::kCorrupt, name_ + ": the gzip is damaged: " + words};
    }
    return static_cast<std::size_t>(count);
  }

  /// Bytes of the file itself, compressed or not, that were consumed.
  [[nodiscard]] std::size_t offset() const noexcept {
    const z_off_t offset = ::gzoffset(file_);
    return offset < 0 ? 0 : static_cast<std::size_t>(offset);
  }

 private:
  MaybeGzipFile(gzFile file, std::string name) : file_(file), name_(std::move(name)) {}

  gzFile file_;
  std::string name_;
};

/// The characters of a file as UTF-8.
class CsvText {
 public:
  CsvText(MaybeGzipFile file, CsvEncoding encoding)
      : file_(std::move(file)), encoding_(encoding), decoder_(encoding) {}

  [[nodiscard]] const MaybeGzipFile& file() const noexcept { return file_; }

  /// As MaybeGzipFile::Read(); kInvalidArgument for what is no text in the encoding.
  Result<std::size_t> Read(std::span<char> into) {
    if (encoding_ == CsvEncoding::kUtf8) return ReadBytes(into);
    std::size_t filled = 0;
    while (filled < into.size()) {
      if (taken_ == decoded_.size()) {
        if (at_end_) break;
        const Status more = DecodeMore();
        if (!more) return more.error();
        continue;
      }
      const std::size_t count = std::min(into.size() - filled, decoded_.size() - taken_);
      std::memcpy(into.data() + filled, decoded_.data() + taken_, count);
      filled += count;
      taken_ += count;
    }
    return filled;
  }

 private:
  /// The bytes as they are; of the first ones, whether they can be those of a CSV.
  Result<std::size_t> ReadBytes(std::span<char> into) {
    Result<std::size_t> count = file_.Read(into);
    if (!count || std::exchange(has_begun_, true)) return count;
    const auto reason = NoCsvBecause({into.data(), std::min(*count, kFirstBytes)}, encoding_);
    if (!reason) return count;
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}: {}", file_.name(), *reason)};
  }

  Status DecodeMore() {
    decoded_.clear();
    taken_ = 0;
    bytes_.resize(std::size_t{1} << 16);
    const Result<std::size_t> count = ReadBytes(bytes_);
    if (!count) return count.error();
    at_end_ = *count < bytes_.size();
    Status good = decoder_.Decode({bytes_.data(), *count}, decoded_);
    if (good && at_end_) good = decoder_.Finish();
    if (good) return {};
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: {}", file_.name(), good.error().message)};
  }

  static constexpr std::size_t kFirstBytes = 512;

  MaybeGzipFile file_;
  CsvEncoding encoding_;
  bool has_begun_ = false;
  TextDecoder decoder_;
  std::vector<char> bytes_;
  std::string decoded_;
  std::size_t taken_ = 0;  // of decoded_
  bool at_end_ = false;    // decoded_ holds the last characters
};

Error BadField(const CsvField& field, const ColumnSpec& column, std::string_view what) {
  return CsvErrorAt(field.position, fmt::format("column \"{}\": {}", column.name, what),
                    column.name);
}

// The scanner leaves at most one record over, so there is always room for more behind it.
constexpr std::size_t kBufferBytes = kMaxCsvRecordBytes + (std::size_t{1} << 18);

}  // namespace

struct CsvTableReader::State {
  State(MaybeGzipFile file, const TimeZone& wall, const CsvReadOptions& options)
      : text(std::move(file), options.dialect.encoding),
        zone(wall),
        dialect(options.dialect),
        reject(options.reject),
        scanner(dialect) {}

  /// What came of the next record.
  enum class Next { kRecord, kEnd, kBadRecord };
  /// Reads it into scanner.fields(), or, of a bad one, what is wrong into `bad`. Errors name the
  /// file, whose end they are.
  Result<Next> NextRecord(Error& bad);
  Status Refill();
  /// Finds the columns of `declared` in the header; none declared: makes them of the header.
  Status ReadHeader(std::optional<Schema> declared);
  Status MatchColumns();
  /// Precondition: the header was read.
  Status AppendRecord(Table& batch);
  /// The value of the column at `index`, or what it is without one.
  Status AppendField(const CsvField& field, std::size_t index, Column& column);
  /// Takes up to `max_rows` rows into `batch`.
  Status ReadRows(std::size_t max_rows, Table& batch);
  void NoteRow();
  /// Hands the bad record on; `of` says whether its fields are known.
  Status Reject(const Error& why, Next of);
  /// Goes on behind what is no record; `skipped` is its text.
  Status SkipBad(std::string_view& skipped);
  [[nodiscard]] Error WithFile(Error error) const {
    error.message = fmt::format("{}: {}", text.file().name(), error.message);
    return error;
  }

  CsvText text;
  Schema schema;
  TimeZone zone;
  CsvDialect dialect;
  RejectRecord reject;
  std::size_t bytes_total = 0;

  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  bool at_end = false;  // the buffer holds the last bytes of the file
  CsvScanner scanner;
  std::optional<CsvFieldReader> values;  // once the schema is known
  std::size_t header_size = 0;
  /// Where the value of a column stands in a record.
  struct FieldOfColumn {
    std::size_t field = 0;
    std::size_t column = 0;
    bool is_plain = false;  // CsvFieldReader::IsPlain(): millions of fields are not asked for it
  };
  std::vector<FieldOfColumn> field_of_column;
  // Of the last batch's rows. Texts are only kept where rows may have to be set aside.
  std::vector<std::size_t> lines;
  Column texts{ColumnType::kText};
  std::size_t set_aside = 0;
};

Result<CsvTableReader::State::Next> CsvTableReader::State::NextRecord(Error& bad) {
  while (true) {
    Result<bool> record = scanner.Next();
    if (!record) {
      const std::string_view line = scanner.rest().substr(0, scanner.rest().find('\n'));
      bad = std::move(record).error();
      bad.message = fmt::format("{}{}", bad.message, HintOfBytes(line, dialect));
      return Next::kBadRecord;
    }
    if (*record) return Next::kRecord;
    if (at_end) return Next::kEnd;
    const Status refilled = Refill();
    if (!refilled) return refilled.error();
  }
}

Status CsvTableReader::State::Refill() {
  const std::size_t kept = scanner.rest().size();
  if (kept > 0) std::memmove(buffer.get(), scanner.rest().data(), kept);
  const std::span<char> room(buffer.get() + kept, kBufferBytes - kept);
  const Result<std::size_t> count = text.Read(room);
  if (!count) return count.error();
  at_end = *count < room.size();
  scanner.Resume({buffer.get(), kept + *count},
                 at_end ? CsvTextEnd::kIsTheEnd : CsvTextEnd::kMoreFollows);
  return {};
}

Status CsvTableReader::State::ReadHeader(std::optional<Schema> declared) {
  const Result<std::size_t> count = text.Read({buffer.get(), kBufferBytes});
  if (!count) return count.error();
  at_end = *count < kBufferBytes;
  scanner.Reset({buffer.get(), *count}, at_end ? CsvTextEnd::kIsTheEnd : CsvTextEnd::kMoreFollows);
  Error bad;
  const Result<Next> header = NextRecord(bad);
  if (!header) return header.error();
  if (*header == Next::kBadRecord) return WithFile(std::move(bad));
  if (*header == Next::kEnd) {
    return WithFile(CsvErrorAt({}, "expected a header line, found an empty file"));
  }
  header_size = scanner.fields().size();
  if (declared) {
    schema = *std::move(declared);
  } else {
    for (const CsvField& name : scanner.fields()) {
      schema.columns.push_back({std::string(name.text), ColumnType::kText, true});
    }
  }
  Status matched = MatchColumns();
  if (!matched) return WithFile(std::move(matched).error());
  return {};
}

Status CsvTableReader::State::MatchColumns() {
  const std::vector<CsvField>& names = scanner.fields();
  values.emplace(schema, dialect, zone);
  std::vector<std::optional<std::size_t>> columns;
  Status matched = MatchHeader(names, schema, dialect.header, columns);
  if (!matched) return matched;
  field_of_column.clear();
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    const ColumnSpec& column = schema.columns[i];
    const auto found = std::ranges::find(columns, std::optional(i));
    if (found == columns.end()) {
      return CsvErrorAt(scanner.position(),
                        fmt::format("the header has no column \"{}\"{}", column.header(),
                                    HintOfHeader(names, column, dialect)),
                        column.name);
    }
    field_of_column.push_back({.field = static_cast<std::size_t>(found - columns.begin()),
                               .column = i,
                               .is_plain = values->IsPlain(i)});
  }
  return {};
}

Status CsvTableReader::State::AppendRecord(Table& batch) {
  const std::vector<CsvField>& fields = scanner.fields();
  if (fields.size() != header_size) {
    const CsvPosition where =
        fields.size() > header_size ? fields[header_size].position : fields.back().position;
    return CsvErrorAt(where, fmt::format("expected {} fields as in the header, got {}", header_size,
                                         fields.size()));
  }
  for (const FieldOfColumn& from : field_of_column) {
    const CsvField& field = fields[from.field];
    Column& column = batch.column(from.column);
    if (from.is_plain && !field.text.empty() && AppendParsed(field.text, zone, column)) continue;
    Status appended = AppendField(field, from.column, column);
    if (!appended) return appended;
  }
  return {};
}

Status CsvTableReader::State::AppendField(const CsvField& field, std::size_t index,
                                          Column& column) {
  const ColumnSpec& spec = schema.columns[index];
  if (values->IsMissing(field, index)) {
    if (spec.nullable) {
      column.AppendMissing();
    } else if (spec.type == ColumnType::kText) {
      column.AppendText({});
    } else {
      return BadField(field, spec, "the value is missing");
    }
    return {};
  }
  const Status appended = values->Append(field.text, index, column);
  if (appended) return {};
  return BadField(
      field, spec,
      fmt::format("{}{}", appended.error().message, HintOfField(field.text, spec, dialect, zone)));
}

Status CsvTableReader::State::ReadRows(std::size_t max_rows, Table& batch) {
  Error bad;
  while (lines.size() + set_aside < max_rows) {
    const Result<Next> next = NextRecord(bad);
    if (!next) return next.error();
    if (*next == Next::kEnd) return {};
    Status taken = *next == Next::kRecord ? AppendRecord(batch) : Status(std::move(bad));
    if (taken) {
      NoteRow();
      continue;
    }
    if (!reject) return WithFile(std::move(taken).error());
    batch.Truncate(lines.size());
    ++set_aside;
    taken = Reject(taken.error(), *next);
    if (!taken) return taken;
  }
  return {};
}

void CsvTableReader::State::NoteRow() {
  lines.push_back(scanner.position().line);
  if (reject) texts.AppendText(scanner.record_text());
}

Status CsvTableReader::State::Reject(const Error& why, Next of) {
  RejectedRecord rejected{
      .line = scanner.position().line, .reason = why.message, .text = scanner.record_text()};
  if (of == Next::kBadRecord) {
    Status skipped = SkipBad(rejected.text);
    if (!skipped) return skipped;
  }
  return reject(rejected);
}

Status CsvTableReader::State::SkipBad(std::string_view& skipped) {
  while (!scanner.SkipBad(skipped)) {
    if (scanner.rest().size() == kBufferBytes) {
      return WithFile(CsvErrorAt(scanner.position(), "a line of more than 1 MiB"));
    }
    Status refilled = Refill();
    if (!refilled) return refilled;
  }
  return {};
}

Result<CsvTableReader> CsvTableReader::Open(const std::filesystem::path& path, const Schema& schema,
                                            const TimeZone& zone, const CsvReadOptions& options) {
  return OpenFile(path, schema, zone, options);
}

Result<CsvTableReader> CsvTableReader::OpenAsText(const std::filesystem::path& path,
                                                  const CsvReadOptions& options) {
  return OpenFile(path, std::nullopt, TimeZone(), options);
}

Result<CsvTableReader> CsvTableReader::OpenFile(const std::filesystem::path& path,
                                                std::optional<Schema> schema, const TimeZone& zone,
                                                const CsvReadOptions& options) {
  Result<MaybeGzipFile> file = MaybeGzipFile::Open(path, options.name);
  if (!file) return std::move(file).error();
  auto state = std::make_unique<State>(*std::move(file), zone, options);
  std::error_code no_size;  // of a pipe: there is no progress to show then
  const std::uintmax_t size = std::filesystem::file_size(path, no_size);
  if (!no_size) state->bytes_total = static_cast<std::size_t>(size);
  const Status header = state->ReadHeader(std::move(schema));
  if (!header) return header.error();
  return CsvTableReader(std::move(state));
}

CsvTableReader::CsvTableReader(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
CsvTableReader::CsvTableReader(CsvTableReader&&) noexcept = default;
CsvTableReader& CsvTableReader::operator=(CsvTableReader&&) noexcept = default;
CsvTableReader::~CsvTableReader() = default;

const Schema& CsvTableReader::schema() const noexcept { return state_->schema; }

Result<bool> CsvTableReader::ReadBatch(std::size_t max_rows, Table& batch) {
  State& state = *state_;
  batch.Clear();
  state.lines.clear();
  state.texts.Clear();
  state.set_aside = 0;
  const Status read = state.ReadRows(max_rows, batch);
  if (!read) {
    batch.Clear();
    return read.error();
  }
  return !state.lines.empty() || state.set_aside > 0;
}

std::size_t CsvTableReader::line_of(std::size_t row) const noexcept { return state_->lines[row]; }

std::string_view CsvTableReader::text_of(std::size_t row) const noexcept {
  return state_->texts.Text(row);
}

std::size_t CsvTableReader::bytes_read() const noexcept { return state_->text.file().offset(); }

std::size_t CsvTableReader::bytes_total() const noexcept { return state_->bytes_total; }

Result<std::string> HashCsvContent(const std::filesystem::path& path, const std::string& name) {
  Result<MaybeGzipFile> file = MaybeGzipFile::Open(path, name);
  if (!file) return std::move(file).error();
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash(XXH3_createState(),
                                                                      &XXH3_freeState);
  if (hash == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(hash.get());
  std::vector<char> buffer(std::size_t{1} << 18);
  std::size_t count = 0;
  do {
    const Result<std::size_t> read = file->Read(buffer);
    if (!read) return read.error();
    count = *read;
    XXH3_128bits_update(hash.get(), buffer.data(), count);
  } while (count == buffer.size());

  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(hash.get()));
  std::string text;
  for (const unsigned char byte : digest.digest) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

}  // namespace forkcast::preprocessing
