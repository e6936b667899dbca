#include "data_preprocessing/push/row_upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/push/multipart.hpp"
#include "data_preprocessing/source/csv_row_source.hpp"
#include "data_preprocessing/source/json_lines_source.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::string_view kForm = "multipart/form-data";
constexpr std::string_view kFilePart = "file";

struct RowForm {
  std::string_view name;  // a media type, or the end of a file's name
  bool is_csv;
};
constexpr std::array kMediaTypes{
    RowForm{"text/csv", true},
    RowForm{"application/csv", true},
    RowForm{"application/jsonlines", false},
    RowForm{"application/x-jsonlines", false},
    RowForm{"application/jsonl", false},
    RowForm{"application/x-ndjson", false},
    RowForm{"application/ndjson", false},
};
constexpr std::array kFileEnds{
    RowForm{".csv", true},
    RowForm{".jsonl", false},
    RowForm{".ndjson", false},
};

/// Without parameters.
std::string_view MediaTypeIn(std::string_view content_type) noexcept {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type;
}

/// Whether it is CSV; none: nobody knows what it is.
std::optional<bool> IsCsv(std::string_view content_type, std::string_view file_name) {
  const auto type = std::ranges::find_if(kMediaTypes, [&](const RowForm& form) {
    return EqualsIgnoringCase(form.name, MediaTypeIn(content_type));
  });
  if (type != kMediaTypes.end()) return type->is_csv;
  const auto end = std::ranges::find_if(
      kFileEnds, [&](const RowForm& form) { return file_name.ends_with(form.name); });
  if (end != kFileEnds.end()) return end->is_csv;
  return std::nullopt;
}

Error NotUnderstood(std::string_view where, std::string_view content_type) {
  return {ErrorCode::kUnsupportedType,
          fmt::format("{}: expected rows as text/csv, application/jsonlines (or x-ndjson), got {}",
                      where, content_type.empty() ? "no Content-Type" : content_type),
          "Content-Type"};
}

/// A gzip of a few bytes can be rows without end.
Status CheckUnpacked(std::string_view name, std::string_view text) {
  if (!text.starts_with("\x1f\x8b")) return {};
  return Error{ErrorCode::kUnsupportedType, fmt::format("{}: is packed; send it as it is", name)};
}

Result<std::vector<UploadedFile>> FilesOfForm(const PushRequest& request, std::string_view body,
                                              const TableSpec& table,
                                              std::span<const TableSpec> tables) {
  const Result<std::string> boundary = BoundaryOf(request.content_type);
  if (!boundary) return boundary.error();
  const Result<std::vector<MultipartPart>> parts = ParseMultipart(body, *boundary);
  if (!parts) return parts.error();
  std::vector<UploadedFile> files;
  for (const MultipartPart& part : *parts) {
    UploadedFile file{.table = &table,
                      .name = part.file_name.empty() ? part.name : part.file_name,
                      .text = part.content};
    if (part.name != kFilePart) {
      const Result<const TableSpec*> named = TableCalled(part.name, tables);
      if (!named) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("multipart/form-data: a part is called \"file\", or after the "
                                 "table of its rows: {}",
                                 named.error().message),
                     part.name};
      }
      file.table = *named;
    }
    const std::optional<bool> is_csv = IsCsv(part.content_type, part.file_name);
    if (!is_csv) return NotUnderstood(file.name, part.content_type);
    file.is_csv = *is_csv;
    if (Status good = CheckUnpacked(file.name, file.text); !good) return std::move(good).error();
    files.push_back(std::move(file));
  }
  return files;
}

/// CSV that is read as a file, whose memory it holds.
class UploadedCsv final : public RowSource {
 public:
  UploadedCsv(Fd memory, const UploadedFile& file, const TimeZone& zone)
      : memory_(std::move(memory)),
        rows_(fmt::format("/proc/self/fd/{}", memory_.get()), file.name, *file.table, zone) {}

  [[nodiscard]] const std::string& name() const noexcept override { return rows_.name(); }
  [[nodiscard]] bool has_lasting_name() const noexcept override { return false; }
  Result<std::string> ContentHash() override { return rows_.ContentHash(); }
  void SetBadRowsAside() override { rows_.SetBadRowsAside(); }
  Result<Fetched> Read(std::size_t max_rows, RowBatch& batch) override {
    return rows_.Read(max_rows, batch);
  }
  [[nodiscard]] std::string PlaceOf(std::size_t line) const override { return rows_.PlaceOf(line); }

 private:
  Fd memory_;
  CsvRowSource rows_;
};

}  // namespace

Result<const TableSpec*> TableCalled(std::string_view name, std::span<const TableSpec> tables) {
  const auto found = std::ranges::find(tables, name, &TableSpec::name);
  if (found != tables.end()) return &*found;
  std::vector<std::string_view> names;
  for (const TableSpec& table : tables) names.push_back(table.name);
  return Error{ErrorCode::kNotFound,
               fmt::format("there is no table \"{}\"; there are {}", name, fmt::join(names, ", "))};
}

Result<std::vector<UploadedFile>> FilesOf(const PushRequest& request, std::string_view body,
                                          std::span<const TableSpec> tables) {
  const Result<const TableSpec*> table = TableCalled(request.table, tables);
  if (!table) return table.error();
  if (EqualsIgnoringCase(MediaTypeIn(request.content_type), kForm)) {
    return FilesOfForm(request, body, **table, tables);
  }
  constexpr std::string_view kBody = "body";
  const std::optional<bool> is_csv = IsCsv(request.content_type, {});
  if (!is_csv) return NotUnderstood(kBody, request.content_type);
  if (Status good = CheckUnpacked(kBody, body); !good) return std::move(good).error();
  return std::vector<UploadedFile>{
      {.table = *table, .name = std::string(kBody), .is_csv = *is_csv, .text = body}};
}

Result<std::unique_ptr<RowSource>> OpenUpload(const UploadedFile& file, const TimeZone& zone) {
  if (!file.is_csv) {
    return std::unique_ptr<RowSource>(
        std::make_unique<JsonLinesSource>(file.name, file.text, *file.table, zone));
  }
  Result<Fd> memory = MakeBody(file.text);
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<RowSource>(std::make_unique<UploadedCsv>(*std::move(memory), file, zone));
}

}  // namespace forkcast::preprocessing
