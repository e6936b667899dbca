#include "data_preprocessing/pipeline/series_files.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <system_error>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::preprocessing {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRunEnding = ".run";
constexpr std::string_view kCellsEnding = ".cells";

Error NeverPublished(const SeriesFiles& files) {
  return {ErrorCode::kNotFound,
          fmt::format("{}: no snapshot of series \"{}\" as this pipeline declares it; run forkcast "
                      "ingest",
                      files.base().string(), files.series().name),
          files.series().name};
}

/// The list in a file that is there.
Result<RunList> ReadList(const fs::path& path) {
  std::string text;
  try {
    text = ReadTextFile(path);
  } catch (const SpecError& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
  Result<RunList> list = ParseRunList(text);
  if (list) return list;
  return Error{list.error().code, fmt::format("{}: {}", path.string(), list.error().message)};
}

/// The list beside a base with this checksum; one without runs where there is none for it.
Result<RunList> ReadListOf(const fs::path& path, const FileIdentity& seen, std::uint64_t base) {
  const RunList none{.base = base};
  if (seen.error != 0) return none;
  Result<RunList> list = ReadList(path);
  return list && list->base != base ? none : list;
}

/// Snapshot::checksum() of what the list names.
std::uint64_t ChecksumOf(const RunList& list) {
  std::vector<std::uint64_t> runs;
  for (const ListedFile& run : list.runs) runs.push_back(run.checksum);
  return Snapshot::ChecksumOf(list.base, runs);
}

}  // namespace

SeriesFiles::SeriesFiles(const fs::path& folder, const SeriesSpec& series, const TimeZone& zone)
    : folder_(folder), series_(series), definition_(DefinitionOf(series, zone.name())) {
  const std::string hash =
      fmt::format("{:016x}", XXH3_64bits(definition_.data(), definition_.size()));
  stem_ = fmt::format("{}.{}", series.name, hash.substr(0, 8));
}

std::string SeriesFiles::NewName(std::string_view ending) const {
  std::random_device device;
  return fmt::format("{}.{:08x}{:08x}{}", stem_, static_cast<std::uint32_t>(device()),
                     static_cast<std::uint32_t>(device()), ending);
}

std::string SeriesFiles::NewRunName() const { return NewName(kRunEnding); }
std::string SeriesFiles::NewCellsName() const { return NewName(kCellsEnding); }

void SeriesFiles::RemoveAllBut(const RunList& list) const {
  std::error_code ignored;
  const std::string begin = stem_ + ".";
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(begin)) continue;
    if (!name.ends_with(kRunEnding) && !name.ends_with(kCellsEnding)) continue;
    const auto is_it = [&name](const ListedFile& file) { return file.file == name; };
    const bool is_listed =
        std::ranges::any_of(list.runs, is_it) || (list.cells && is_it(*list.cells));
    if (!is_listed) fs::remove(entry.path(), ignored);
  }
}

Result<SeriesPublication> OpenPublication(const SeriesFiles& files, const OpenSeriesFile& open,
                                          std::vector<SeenFile>* seen) {
  const FileIdentity base_seen = FileIdentity::At(files.base());
  const FileIdentity list_seen = FileIdentity::At(files.list());
  if (seen != nullptr) {
    seen->push_back({.path = files.base(), .identity = base_seen});
    seen->push_back({.path = files.list(), .identity = list_seen});
  }
  Result<SnapshotFile> base = open(files.base(), base_seen);
  if (!base) {
    return base.error().code == ErrorCode::kNotFound ? NeverPublished(files) : base.error();
  }
  Result<RunList> list = ReadListOf(files.list(), list_seen, base->checksum());
  if (!list) return std::move(list).error();
  std::vector<SnapshotFile> runs;
  for (const ListedFile& listed : list->runs) {
    const fs::path path = files.Path(listed.file);
    Result<SnapshotFile> run = open(path, FileIdentity::At(path));
    if (!run) return std::move(run).error();
    if (run->checksum() != listed.checksum) {
      return Error{ErrorCode::kCorrupt,
                   fmt::format("{}: not the run that {} names: publish it again with ingest --full",
                               path.string(), files.list().string())};
    }
    runs.push_back(*std::move(run));
  }
  return SeriesPublication{.base = *std::move(base),
                           .runs = std::move(runs),
                           .list = *std::move(list),
                           .base_seen = base_seen,
                           .list_seen = list_seen,
                           .mark = UpToDateMark::Open(files.mark())};
}

Status MarkUpToDate(const SeriesFiles& files, Instant instant) {
  std::error_code unknown;
  if (!fs::exists(files.list(), unknown) || !fs::exists(files.mark(), unknown)) return {};
  const Result<RunList> list = ReadList(files.list());
  if (!list) return list.error();
  return UpToDateMark::Write(files.mark(), ChecksumOf(*list), instant);
}

Status CarryMarkOver(const SeriesFiles& files, const RunList& next) {
  const std::shared_ptr<const UpToDateMark> mark = UpToDateMark::Open(files.mark());
  const Result<RunList> list = ReadList(files.list());
  if (!mark || !list) return {};  // nothing was published, or it is damaged and repaired now
  const std::optional<Instant> instant = mark->Of(ChecksumOf(*list));
  const std::uint64_t checksum = ChecksumOf(next);
  if (!instant || mark->Of(checksum)) return {};
  return UpToDateMark::Write(files.mark(), checksum, *instant);
}

OpenSeriesFile OpenAnew(const SeriesFiles& files) {
  return [&files](const fs::path& path, const FileIdentity& /*identity*/) {
    return SnapshotFile::Open(path, files.definition(), files.series().ValueSchema());
  };
}

}  // namespace forkcast::preprocessing
