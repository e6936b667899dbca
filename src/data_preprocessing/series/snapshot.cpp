// Rows that come later lie in files of their own, so that publishing them costs what they are and
// not what is there (O'Neil et al., "The log-structured merge-tree", 1996). Which row is in force
// is a maximum, over the rows visible at an instant, of time and then the order of ingestion. The
// files are that set in parts, in the order of ingestion, so the maximum of the maxima of the parts
// is the answer, whatever rows they hold: late ones, corrections, several of one time.

#include "data_preprocessing/series/snapshot.hpp"

#include <algorithm>

namespace forkcast::preprocessing {

Result<Snapshot> Snapshot::Open(const std::filesystem::path& path, std::string_view definition,
                                const Schema& values) {
  Result<SnapshotFile> file = SnapshotFile::Open(path, definition, values);
  if (!file) return std::move(file).error();
  return Snapshot(*std::move(file));
}

Status Snapshot::Verify() const {
  Status verified = base_.Verify();
  for (const SnapshotFile& run : runs_) {
    if (verified) verified = run.Verify();
  }
  return verified;
}

std::optional<Snapshot::KeyRows> Snapshot::Find(std::string_view key) const noexcept {
  const std::uint64_t hash = SnapshotFile::HashOf(key);
  const std::optional<std::size_t> in_base = base_.FindNumber(key, hash);
  std::optional<KeyRows> found;
  if (in_base) found.emplace(KeyRows{base_.RowsAt(*in_base), {}});
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const std::optional<std::size_t> number = runs_[i].FindNumber(key, hash);
    if (!number) continue;
    if (!found) found.emplace();
    found->in_run[i] = static_cast<std::uint32_t>(*number + 1);
  }
  return found;
}

template <typename Ask>
std::optional<std::uint64_t> Snapshot::NewestOf(const KeyRows& rows,
                                                std::optional<std::uint64_t> of_base,
                                                const Ask& ask) const noexcept {
  std::optional<std::uint64_t> newest = of_base;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (rows.in_run[i] == 0) continue;
    const SnapshotFile& run = runs_[i];
    const std::optional<std::uint64_t> row = ask(run, run.RowsAt(rows.in_run[i] - 1));
    if (!row || (newest && run.TimeAt(*row) < TimeAt(*newest))) continue;
    newest = (std::uint64_t{i} + 1) << kPlaceBits | *row;
  }
  return newest;
}

std::optional<std::uint64_t> Snapshot::AsOf(const KeyRows& rows, Instant time) const noexcept {
  return NewestOf(rows, base_.AsOf(rows, time),
                  [time](const SnapshotFile& run, const SnapshotFile::KeyRows& of_run) {
                    return run.AsOf(of_run, time);
                  });
}

std::optional<std::uint64_t> Snapshot::AsOfValue(const KeyRows& rows, std::size_t column,
                                                 Instant time) const noexcept {
  return NewestOf(rows, base_.AsOfValue(rows, column, time),
                  [column, time](const SnapshotFile& run, const SnapshotFile::KeyRows& of_run) {
                    return run.AsOfValue(of_run, column, time);
                  });
}

std::optional<std::uint64_t> Snapshot::Planned(const KeyRows& rows, Instant origin,
                                               Instant target) const noexcept {
  return NewestOf(rows, base_.Planned(rows, origin, target),
                  [origin, target](const SnapshotFile& run, const SnapshotFile::KeyRows& of_run) {
                    return run.Planned(of_run, origin, target);
                  });
}

std::uint64_t Snapshot::row_count() const noexcept {
  std::uint64_t rows = base_.row_count();
  for (const SnapshotFile& run : runs_) rows += run.row_count();
  return rows;
}

std::optional<Instant> Snapshot::NewestWatermark() const noexcept {
  std::optional<Instant> newest = base_.watermark();
  for (const SnapshotFile& run : runs_) {
    const std::optional<Instant> of_run = run.watermark();
    if (of_run && (!newest || *newest < *of_run)) newest = of_run;
  }
  return newest;
}

std::optional<Instant> Snapshot::WatermarkBy(Instant time) const noexcept {
  if (!watermark_ || *watermark_ <= time) return watermark_;
  std::optional<Instant> newest = base_.WatermarkBy(time);
  for (const SnapshotFile& run : runs_) newest = std::max(newest, run.WatermarkBy(time));
  return newest;
}

std::optional<Instant> Snapshot::up_to_date() const noexcept {
  if (mark_ == nullptr || !watermark_) return watermark_;
  return std::max(watermark_, mark_->Of(checksum_));
}

std::uint64_t Snapshot::ChecksumOf(std::uint64_t base,
                                   std::span<const std::uint64_t> runs) noexcept {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;
  std::uint64_t sum = base;
  for (const std::uint64_t run : runs) sum = sum * kOdd + run;
  return sum;
}

std::uint64_t Snapshot::ChecksumOfFiles() const {
  std::vector<std::uint64_t> runs;
  for (const SnapshotFile& run : runs_) runs.push_back(run.checksum());
  return ChecksumOf(base_.checksum(), runs);
}

}  // namespace forkcast::preprocessing
