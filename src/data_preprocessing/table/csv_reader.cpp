#include "data_preprocessing/table/csv_reader.hpp"

#include <xxhash.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

/// The bytes of a file, decompressed when it is a gzip, whatever its name.
class MaybeGzipFile {
 public:
  static Result<MaybeGzipFile> Open(const std::filesystem::path& path) {
    errno = 0;
    const gzFile file = ::gzopen(path.c_str(), "rbe");
    if (file == nullptr) {
      return Error{ErrorCode::kIo, path.string() + ": cannot be opened: " +
                                       std::strerror(errno == 0 ? ENOMEM : errno)};
    }
    ::gzbuffer(file, 1U << 18);
    return MaybeGzipFile(file, path.string());
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

// The scanner leaves at most one record over, so there is always room for more behind it.
constexpr std::size_t kBufferBytes = kMaxCsvRecordBytes + (std::size_t{1} << 18);

}  // namespace

struct CsvTableReader::State {
  State(MaybeGzipFile file_at_start, TimeZone wall)
      : file(std::move(file_at_start)), zone(std::move(wall)) {}

  /// Next record of the file into scanner.fields(); errors name the file.
  Result<bool> NextRecord();
  Status Refill();
  /// Finds the columns of `declared` in the header; none declared: makes them of the header.
  Status ReadHeader(std::optional<Schema> declared);
  /// Precondition: the header was read.
  Status AppendRecord(Table& batch);
  [[nodiscard]] Error WithFile(Error error) const {
    error.message.insert(0, file.name() + ": ");
    return error;
  }

  MaybeGzipFile file;
  Schema schema;
  TimeZone zone;
  std::size_t bytes_total = 0;

  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  bool at_end = false;  // the buffer holds the last bytes of the file
  CsvScanner scanner;
  std::size_t header_size = 0;
  std::vector<std::size_t> field_of_column;
  std::vector<std::size_t> lines;  // of the last batch's rows
};

Result<bool> CsvTableReader::State::NextRecord() {
  while (true) {
    Result<bool> record = scanner.Next();
    if (!record) return WithFile(std::move(record).error());
    if (*record || at_end) return *record;
    const Status refilled = Refill();
    if (!refilled) return refilled.error();
  }
}

Status CsvTableReader::State::Refill() {
  const std::size_t kept = scanner.rest().size();
  if (kept > 0) std::memmove(buffer.get(), scanner.rest().data(), kept);
  const std::span<char> room(buffer.get() + kept, kBufferBytes - kept);
  const Result<std::size_t> count = file.Read(room);
  if (!count) return count.error();
  at_end = *count < room.size();
  scanner.Resume({buffer.get(), kept + *count},
                 at_end ? CsvTextEnd::kIsTheEnd : CsvTextEnd::kMoreFollows);
  return {};
}

Status CsvTableReader::State::ReadHeader(std::optional<Schema> declared) {
  const Result<std::size_t> count = file.Read({buffer.get(), kBufferBytes});
  if (!count) return count.error();
  at_end = *count < kBufferBytes;
  scanner.Reset({buffer.get(), *count}, at_end ? CsvTextEnd::kIsTheEnd : CsvTextEnd::kMoreFollows);
  const Result<bool> header = NextRecord();
  if (!header) return header.error();
  if (!*header) return WithFile(CsvErrorAt({}, "expected a header line, found an empty file"));

  const std::vector<CsvField>& names = scanner.fields();
  header_size = names.size();
  if (declared) {
    schema = *std::move(declared);
  } else {
    for (const CsvField& name : names) {
      schema.columns.push_back({std::string(name.text), ColumnType::kText, true});
    }
  }
  field_of_column.assign(schema.columns.size(), header_size);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::optional<std::size_t> column = schema.Find(names[i].text);
    if (!column) continue;
    if (field_of_column[*column] != header_size) {
      return WithFile(CsvErrorAt(names[i].position,
                                 "column \"" + std::string(names[i].text) + "\" is there twice",
                                 names[i].text));
    }
    field_of_column[*column] = i;
  }
  for (std::size_t column = 0; column < field_of_column.size(); ++column) {
    const std::string& name = schema.columns[column].name;
    if (field_of_column[column] == header_size) {
      return WithFile(
          CsvErrorAt(scanner.position(), "the header has no column \"" + name + "\"", name));
    }
  }
  return {};
}

Status CsvTableReader::State::AppendRecord(Table& batch) {
  const std::vector<CsvField>& fields = scanner.fields();
  if (fields.size() != header_size) {
    const CsvPosition where =
        fields.size() > header_size ? fields[header_size].position : fields.back().position;
    return WithFile(CsvErrorAt(where, "expected " + std::to_string(header_size) +
                                          " fields as in the header, got " +
                                          std::to_string(fields.size())));
  }
  for (std::size_t i = 0; i < field_of_column.size(); ++i) {
    const CsvField& field = fields[field_of_column[i]];
    const ColumnSpec& spec = schema.columns[i];
    Column& column = batch.column(i);
    if (field.IsMissing() && spec.nullable) {
      column.AppendMissing();
      continue;
    }
    if (field.IsMissing() && spec.type != ColumnType::kText) {
      return WithFile(CsvErrorAt(field.position,
                                 "column \"" + spec.name + "\": the value is missing", spec.name));
    }
    const Status appended = AppendParsed(field.text, zone, column);
    if (!appended) {
      return WithFile(CsvErrorAt(
          field.position, "column \"" + spec.name + "\": " + appended.error().message, spec.name));
    }
  }
  return {};
}

Result<CsvTableReader> CsvTableReader::Open(const std::filesystem::path& path, const Schema& schema,
                                            const TimeZone& zone) {
  return OpenFile(path, schema, zone);
}

Result<CsvTableReader> CsvTableReader::OpenAsText(const std::filesystem::path& path) {
  return OpenFile(path, std::nullopt, TimeZone());
}

Result<CsvTableReader> CsvTableReader::OpenFile(const std::filesystem::path& path,
                                                std::optional<Schema> schema,
                                                const TimeZone& zone) {
  Result<MaybeGzipFile> file = MaybeGzipFile::Open(path);
  if (!file) return std::move(file).error();
  auto state = std::make_unique<State>(*std::move(file), zone);
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
  batch.Clear();
  state_->lines.clear();
  while (state_->lines.size() < max_rows) {
    Result<bool> record = state_->NextRecord();
    if (record && !*record) break;
    const Status appended = record ? state_->AppendRecord(batch) : Status(record.error());
    if (!appended) {
      batch.Clear();
      return appended.error();
    }
    state_->lines.push_back(state_->scanner.position().line);
  }
  return !state_->lines.empty();
}

std::size_t CsvTableReader::line_of(std::size_t row) const noexcept { return state_->lines[row]; }

std::size_t CsvTableReader::bytes_read() const noexcept { return state_->file.offset(); }

std::size_t CsvTableReader::bytes_total() const noexcept { return state_->bytes_total; }

Result<std::string> HashCsvContent(const std::filesystem::path& path) {
  Result<MaybeGzipFile> file = MaybeGzipFile::Open(path);
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
