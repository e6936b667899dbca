#include "serving/capture/capture_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::serving {
namespace {

namespace fs = std::filesystem;

// For what is still in work when an hour ends.
constexpr std::chrono::seconds kHourGrace{60};
constexpr std::size_t kOpenHours = 2;
constexpr std::chrono::seconds kBetweenTrims{60};
constexpr std::chrono::seconds kBetweenDiskSearches{1};
constexpr std::size_t kKnownHours = 8;

fs::path HourFolder(UtcHour hour) {
  const preprocessing::CivilTime time = preprocessing::TimeZone().ToCivil(hour);
  return fmt::format("{:04}/{:02}/{:02}/{:02}", time.year, time.month, time.day, time.hour);
}

/// Lines are long: memchr() looks at a vector of bytes at a time.
std::size_t CountLines(std::string_view text) {
  std::size_t lines = 0;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos;
       end = text.find('\n', end + 1)) {
    ++lines;
  }
  return lines;
}

/// Whole lines from the first that have `room`.
std::string_view LinesWithin(std::string_view lines, std::uint64_t room) {
  if (lines.size() <= room) return lines;
  return lines.substr(0, lines.substr(0, room).rfind('\n') + 1);  // npos + 1 is 0
}

}  // namespace

CaptureFiles::CaptureFiles(fs::path folder, std::string stem, CaptureFileRules rules,
                           const Clock& clock)
    : folder_(std::move(folder)), stem_(std::move(stem)), rules_(rules), clock_(clock) {}

std::vector<TornLine> CaptureFiles::Repair() {
  RepairedFolder repaired = RepairCaptures(folder_);
  if (rules_.compress) {
    for (fs::path& path : repaired.unpacked) packer_.Add(std::move(path));
  }
  Trim(0);
  return std::move(repaired.torn);
}

fs::path CaptureFiles::PathOf(UtcHour hour) const {
  const auto found = parts_.find(hour);
  const std::size_t part = found == parts_.end() ? 1 : found->second;
  const std::string name =
      part == 1 ? fmt::format("{}.jsonl", stem_) : fmt::format("{}-{}.jsonl", stem_, part);
  return folder_ / HourFolder(hour) / name;
}

std::uint64_t CaptureFiles::MaxFileBytes() const noexcept {
  return rules_.max_file_bytes.value_or(std::numeric_limits<std::uint64_t>::max());
}

CaptureFiles::OpenFiles::iterator CaptureFiles::Close(OpenFiles::iterator open) {
  const UtcHour hour = open->first;
  const fs::path path = PathOf(hour);
  const bool is_there = !open->second.file.is_deleted();
  const bool is_empty = open->second.file.size() == 0;
  const bool is_whole = open->second.file.is_usable();
  const auto next = open_.erase(open);
  if (!is_there) return next;  // its name is free
  ++parts_[hour];
  if (is_empty) {
    RemoveCapture(path, folder_);
  } else if (rules_.compress && is_whole) {
    packer_.Add(path);
  }
  return next;
}

CaptureFile* CaptureFiles::FileOf(UtcHour hour, std::error_code& failed) {
  if (const auto found = open_.find(hour); found != open_.end()) {
    if (found->second.file.is_usable()) return &found->second.file;
    Close(found);
  }
  if (open_.size() >= kOpenHours) Close(open_.begin());
  Trim(1);
  fs::create_directories(folder_ / HourFolder(hour), failed);
  if (failed) return nullptr;
  if (parts_.size() >= kKnownHours) parts_.erase(parts_.begin());
  std::size_t& part = parts_.try_emplace(hour, 1).first->second;
  for (;; ++part) {
    const fs::path path = PathOf(hour);
    fs::path packed = path;
    packed += ".gz";
    std::error_code unknown;
    if (fs::exists(packed, unknown)) continue;
    CaptureFile file(path, failed);
    if (failed == std::errc::file_exists) continue;
    if (failed) return nullptr;
    return &open_.emplace(hour, Open{std::move(file), clock_.Monotonic()}).first->second.file;
  }
}

CaptureFiles::Outcome CaptureFiles::Append(UtcHour hour, std::string_view lines) {
  Outcome outcome;
  const auto lose = [&outcome](std::string_view lost, std::error_code why) {
    outcome.lost += CountLines(lost);
    outcome.error = why;
  };
  if (!HasDisk())
    lose(std::exchange(lines, {}), std::make_error_code(std::errc::no_space_on_device));
  while (!lines.empty()) {
    std::error_code failed;
    CaptureFile* const file = FileOf(hour, failed);
    if (file == nullptr) {
      lose(std::exchange(lines, {}), failed);
      break;
    }
    const std::string_view fit =
        LinesWithin(lines, MaxFileBytes() - std::min(MaxFileBytes(), file->size()));
    if (fit.empty() && file->size() > 0) {
      Close(open_.find(hour));
      continue;
    }
    if (fit.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n') + 1);
      lose(line, std::make_error_code(std::errc::file_too_large));
      lines.remove_prefix(line.size());
      continue;
    }
    const CaptureFile::Outcome written = file->Append(fit);
    outcome.kept += CountLines(fit.substr(0, written.kept));
    lines.remove_prefix(written.kept);
    if (written.error) lose(std::exchange(lines, {}), written.error);
  }
  return outcome;
}

void CaptureFiles::Tick() {
  const MonotonicTime now = clock_.Monotonic();
  for (auto open = open_.begin(); open != open_.end();) {
    const bool is_old = rules_.max_file_age && now - open->second.since >= *rules_.max_file_age;
    const bool is_over = clock_.Now() >= open->first + std::chrono::hours(1) + kHourGrace;
    open = is_old || is_over ? Close(open) : std::next(open);
  }
  if (now < next_trim_) return;
  next_trim_ = now + kBetweenTrims;
  Trim(0);
}

void CaptureFiles::Trim(std::size_t more_files) {
  if (!rules_.keep_files && !rules_.keep_age && !rules_.max_total_bytes) return;
  // Files that are open may become as large as files may be, and one that is packed is there twice.
  std::uint64_t more_bytes = 0;
  if (rules_.max_total_bytes) {
    more_bytes = MaxFileBytes() * (more_files + (packer_.is_idle() ? 0U : 1U));
    for (const auto& [hour, open] : open_) more_bytes += MaxFileBytes() - open.file.size();
  }
  const std::vector<StoredCapture> files = CapturesIn(folder_);
  const std::size_t over = CapturesOverLimit(files, rules_, more_files, more_bytes, clock_.Now());
  for (std::size_t i = 0; i < over; ++i) RemoveCapture(files[i].path, folder_);
}

bool CaptureFiles::HasDisk() {
  const auto has = [this] { return UsedDiskShare(folder_) <= *rules_.max_disk_share; };
  if (!rules_.max_disk_share || has()) return true;
  if (clock_.Monotonic() < next_disk_search_) return false;
  next_disk_search_ = clock_.Monotonic() + kBetweenDiskSearches;
  for (const StoredCapture& file : CapturesIn(folder_)) {
    if (RemoveCapture(file.path, folder_) && has()) return true;
  }
  return false;
}

}  // namespace forkcast::serving
