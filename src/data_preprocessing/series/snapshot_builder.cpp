#include "data_preprocessing/series/snapshot_builder.hpp"

#include <string>
#include <system_error>
#include <utility>

#include "data_preprocessing/series/grid_content.hpp"
#include "data_preprocessing/series/section_writer.hpp"
#include "data_preprocessing/series/snapshot_file.hpp"
#include "data_preprocessing/series/snapshot_format.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::size_t kMaxRows = 0xFFFFFFFE;  // key numbers and dictionary codes have 32 bits

/// Writes what `content` holds, which has nothing left then, into `file`.
void WriteFile(const SeriesSpec& spec, const std::string& definition, SnapshotContent& content,
               AtomicFile& file) {
  // What somebody asked for was left out on purpose, and nobody has to hear of it later.
  const bool tells = !content.left_out().empty() && spec.aggregate->until == GridEnd::kJudged;
  const bool has_more = tells || !spec.skip_missing.empty();
  const std::size_t columns = spec.ValueSchema().columns.size();
  std::size_t sections =
      snapshot_format::kFixedSections + columns * snapshot_format::kSectionsPerColumn;
  if (has_more) {
    sections +=
        snapshot_format::kLeftOutSections + columns * snapshot_format::kValueStepSectionsPerColumn;
  }
  snapshot_format::Header header = content.header();
  header.version = has_more ? snapshot_format::kVersionWithMore : snapshot_format::kVersion;
  header.column_count = static_cast<std::uint32_t>(columns);

  SectionWriter writer(file, sections);
  writer.Add(definition);
  content.WriteKeys(writer);
  content.WriteTimes(writer);
  for (std::size_t i = 0; i < columns; ++i) content.WriteColumn(i, writer);
  if (has_more) {
    writer.Add(tells ? std::string_view(content.left_out()) : std::string_view());
    for (std::size_t i = 0; i < columns; ++i) content.WriteValueSteps(i, writer);
  }
  writer.Finish(header);
}

}  // namespace

Status WrittenSnapshot::Publish() {
  try {
    file_->Commit();
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
  return {};
}

SnapshotBuilder::SnapshotBuilder(const SeriesSpec& spec, const TimeZone& zone,
                                 std::optional<Instant> now)
    : spec_(spec), zone_(zone) {
  if (spec.aggregate) {
    grid_.emplace(spec, zone, now);
  } else {
    rows_.emplace(spec);
  }
}

Status SnapshotBuilder::Add(const Table& batch) {
  if (grid_) return grid_->Add(batch);
  if (Status room = RequireRoom(batch.row_count()); !room) return room;
  rows_->Add(batch);
  return {};
}

Status SnapshotBuilder::Add(const SnapshotFile& file) {
  if (Status room = RequireRoom(file.row_count()); !room) return room;
  rows_->Add(file);
  return {};
}

Status SnapshotBuilder::RequireRoom(std::uint64_t rows) const {
  if (rows <= kMaxRows - rows_->row_count()) return {};
  return Error{ErrorCode::kRefusedData, "a series holds at most 2^32 - 2 rows", spec_.name};
}

Result<WrittenSnapshot> SnapshotBuilder::Write(const std::filesystem::path& path) {
  const std::string definition = DefinitionOf(spec_, zone_.name());
  std::string left_out;
  try {
    auto file = std::make_unique<AtomicFile>(path);
    if (grid_) {
      Result<Grid> grid = grid_->Finish();
      if (!grid) return std::move(grid).error();
      cells_ = grid_->TakeCells();
      grid_.reset();
      GridContent content(spec_, *std::move(grid));
      WriteFile(spec_, definition, content, *file);
      left_out = content.left_out();
    } else {
      rows_->Arrange();
      WriteFile(spec_, definition, *rows_, *file);
      rows_.reset();
    }
    const Result<SnapshotFile> written =
        SnapshotFile::Open(file->temporary_path(), definition, spec_.ValueSchema());
    if (!written) return written.error();
    if (const Status verified = written->Verify(); !verified) return verified.error();
    return WrittenSnapshot(std::move(file), {.keys = written->key_count(),
                                             .rows = written->row_count(),
                                             .bytes = written->bytes().size(),
                                             .watermark = written->watermark(),
                                             .checksum = written->checksum(),
                                             .left_out = std::move(left_out)});
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

Result<SnapshotReport> SnapshotBuilder::Publish(const std::filesystem::path& path) {
  Result<WrittenSnapshot> written = Write(path);
  if (!written) return std::move(written).error();
  if (Status published = written->Publish(); !published) return std::move(published).error();
  return written->report();
}

}  // namespace forkcast::preprocessing
