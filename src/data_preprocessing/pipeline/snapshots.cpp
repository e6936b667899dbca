#include "data_preprocessing/pipeline/snapshots.hpp"

#include <xxhash.h>

#include <array>
#include <cstdio>
#include <system_error>
#include <utility>

namespace forkcast::preprocessing {

std::filesystem::path SnapshotPath(const std::filesystem::path& folder, const SeriesSpec& series,
                                   const TimeZone& zone) {
  const std::string definition = DefinitionOf(series, zone.name());
  std::array<char, 17> hash{};
  std::snprintf(hash.data(), hash.size(), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(definition.data(), definition.size())));
  return folder / (series.name + "." + std::string(hash.data(), 8) + ".snapshot");
}

Result<std::vector<PublishedSeries>> PublishSnapshots(TableDao& dao, const PipelineSpec& spec,
                                                      const std::filesystem::path& folder) {
  constexpr std::size_t kBatchRows = 10'000;
  std::error_code created;
  std::filesystem::create_directories(folder, created);
  if (created) return Error{ErrorCode::kIo, folder.string() + ": " + created.message()};

  std::vector<PublishedSeries> published;
  for (const SeriesSpec& series : spec.series) {
    const auto named = [&series](Error error) {
      error.message = "series \"" + series.name + "\": " + error.message;
      return error;
    };
    SnapshotBuilder builder(series, spec.zone);
    Status read = dao.Read(series.source, series.ReadSchema(), spec.ForbiddenColumns(), kBatchRows,
                           [&builder](const Table& batch) { return builder.Add(batch); });
    if (!read) return named(std::move(read).error());
    auto report = builder.Publish(SnapshotPath(folder, series, spec.zone));
    if (!report) return named(std::move(report).error());
    published.push_back({.series = series.name, .report = *report});
  }
  return published;
}

namespace {

Result<Snapshot> OpenSnapshot(const std::filesystem::path& path, const SeriesSpec& series,
                              const TimeZone& zone) {
  auto snapshot = Snapshot::Open(path, DefinitionOf(series, zone.name()), series.ValueSchema());
  if (!snapshot && snapshot.error().code == ErrorCode::kNotFound) {
    return Error{ErrorCode::kNotFound,
                 path.string() + ": no snapshot of series \"" + series.name +
                     "\" as this pipeline declares it; run forkcast ingest",
                 series.name};
  }
  if (!snapshot) return snapshot;
  if (const Status verified = snapshot->Verify(); !verified) {
    return Error{verified.error().code, path.string() + ": " + verified.error().message,
                 series.name};
  }
  return snapshot;
}

}  // namespace

Result<std::vector<Snapshot>> SnapshotPool::Open(const PipelineSpec& spec,
                                                 const std::filesystem::path& folder) {
  std::vector<Snapshot> snapshots;
  for (const SeriesSpec& series : spec.series) {
    const std::filesystem::path path = SnapshotPath(folder, series, spec.zone);
    auto known = open_.find(path);
    if (known == open_.end()) {
      Result<Snapshot> opened = OpenSnapshot(path, series, spec.zone);
      if (!opened) return std::move(opened).error();
      known = open_.emplace(path, *std::move(opened)).first;
    }
    snapshots.push_back(known->second);
  }
  return snapshots;
}

Result<std::vector<Snapshot>> OpenSnapshots(const PipelineSpec& spec,
                                            const std::filesystem::path& folder) {
  return SnapshotPool().Open(spec, folder);
}

}  // namespace forkcast::preprocessing
