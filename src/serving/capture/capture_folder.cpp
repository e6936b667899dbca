#include "serving/capture/capture_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <tuple>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/base/system_error.hpp"

namespace forkcast::serving {
namespace {

namespace fs = std::filesystem;

bool AreDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// yyyymmddThhmmss.ffffffZ-PID...jsonl, with .gz or .gz.part behind it.
bool IsNameOfRecorder(std::string_view name) {
  constexpr std::size_t kDay = 8;
  constexpr std::size_t kTime = 6;
  constexpr std::string_view kEndOfStart = "Z-";
  const auto is = [&](std::size_t at, std::string_view text) {
    return name.substr(std::min(at, name.size()), text.size()) == text;
  };
  return AreDigits(name.substr(0, kDay)) && is(kDay, "T") &&
         name.find(kEndOfStart) == kDay + 1 + kTime + 1 + kTime &&
         (name.ends_with(".jsonl") || name.ends_with(".jsonl.gz") ||
          name.ends_with(".jsonl.gz.part"));
}

void ListBelow(const fs::path& folder, int levels, std::vector<StoredCapture>& files) {
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    struct stat status {};
    if (::lstat(entry->path().c_str(), &status) != 0) continue;
    if (levels > 0) {
      if (S_ISDIR(status.st_mode) && AreDigits(name)) ListBelow(entry->path(), levels - 1, files);
    } else if (S_ISREG(status.st_mode) && IsNameOfRecorder(name)) {
      const auto written = std::chrono::seconds(status.st_mtim.tv_sec) +
                           std::chrono::nanoseconds(status.st_mtim.tv_nsec);
      files.push_back({.path = entry->path(),
                       .bytes = static_cast<std::uint64_t>(status.st_size),
                       .written = Instant(std::chrono::duration_cast<Instant::duration>(written))});
    }
  }
}

// Where the line begins that has no end; the length of the file when all have one.
std::uint64_t EndOfLines(int file, std::uint64_t length) {
  std::array<char, 65536> part{};
  for (std::uint64_t end = length; end > 0;) {
    const std::uint64_t begin = end - std::min<std::uint64_t>(end, part.size());
    const ssize_t got = ::pread(file, part.data(), end - begin, static_cast<off_t>(begin));
    if (got != static_cast<ssize_t>(end - begin)) return length;
    const auto last = std::string_view(part.data(), end - begin).rfind('\n');
    if (last != std::string_view::npos) return begin + last + 1;
    end = begin;
  }
  return 0;
}

void RepairFile(const StoredCapture& file, RepairedFolder& repaired) {
  const Fd unused = OpenUnusedCapture(file.path);
  if (!unused) return;
  fs::path packed = file.path;
  packed += ".gz";
  struct stat status {};
  if (::fstat(unused.get(), &status) != 0) return;
  const auto length = static_cast<std::uint64_t>(status.st_size);
  const std::uint64_t whole = EndOfLines(unused.get(), length);
  std::error_code ignored;
  if (whole == 0 || fs::exists(packed, ignored)) {
    fs::remove(file.path, ignored);
  } else {
    repaired.unpacked.push_back(file.path);
  }
  if (whole == length) return;
  if (::ftruncate(unused.get(), static_cast<off_t>(whole)) == 0) {
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    ::futimens(unused.get(), times.data());
  }
  repaired.torn.push_back({file.path, length - whole});
}

}  // namespace

std::vector<StoredCapture> CapturesIn(const fs::path& folder) {
  constexpr int kYearMonthDayHour = 4;
  std::vector<StoredCapture> files;
  ListBelow(folder, kYearMonthDayHour, files);
  std::ranges::sort(files, {},
                    [](const StoredCapture& file) { return std::tie(file.written, file.path); });
  return files;
}

std::size_t CapturesOverLimit(std::span<const StoredCapture> oldest_first,
                              const CaptureFileRules& rules, std::size_t more_files,
                              std::uint64_t more_bytes, Instant now) {
  std::uint64_t bytes = more_bytes;
  for (const StoredCapture& file : oldest_first) bytes += file.bytes;
  std::size_t over = 0;
  for (const StoredCapture& file : oldest_first) {
    const std::size_t left = oldest_first.size() - over + more_files;
    const bool fits = (!rules.keep_files || left <= *rules.keep_files) &&
                      (!rules.max_total_bytes || bytes <= *rules.max_total_bytes) &&
                      (!rules.keep_age || file.written + *rules.keep_age >= now);
    if (fits) break;
    bytes -= file.bytes;
    ++over;
  }
  return over;
}

Fd OpenUnusedCapture(const fs::path& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) file.Reset();
  return file;
}

bool RemoveCapture(const fs::path& path, const fs::path& folder) {
  std::error_code failed;
  if (!OpenUnusedCapture(path) || !fs::remove(path, failed)) return false;
  for (fs::path parent = path.parent_path(); parent != folder; parent = parent.parent_path()) {
    if (::rmdir(parent.c_str()) != 0) break;
  }
  return true;
}

RepairedFolder RepairCaptures(const fs::path& folder) {
  RepairedFolder repaired;
  for (const StoredCapture& file : CapturesIn(folder)) {
    const fs::path kind = file.path.extension();
    if (kind == ".jsonl") RepairFile(file, repaired);
    // Whoever packs holds the lock on what it makes, too.
    if (kind == ".part") RemoveCapture(file.path, folder);
  }
  return repaired;
}

double UsedDiskShare(const fs::path& folder) {
  std::error_code failed;
  fs::path nearest = fs::absolute(folder, failed);
  struct statvfs disk {};
  while (::statvfs(nearest.c_str(), &disk) != 0) {
    if (errno != ENOENT || nearest == nearest.root_path()) return 0;
    nearest = nearest.parent_path();
  }
  const auto used = static_cast<double>(disk.f_blocks - disk.f_bfree);
  const double whole = used + static_cast<double>(disk.f_bavail);
  return whole > 0 ? used / whole : 0;
}

std::error_code TryFolder(const fs::path& folder) {
  std::error_code failed;
  fs::path nearest = fs::absolute(folder, failed);
  if (failed) return failed;
  while (::faccessat(AT_FDCWD, nearest.c_str(), F_OK, AT_EACCESS) != 0) {
    if (errno != ENOENT || nearest == nearest.root_path()) return LastError();
    nearest = nearest.parent_path();
  }
  struct stat status {};
  if (::stat(nearest.c_str(), &status) != 0) return LastError();
  if (!S_ISDIR(status.st_mode)) return std::make_error_code(std::errc::not_a_directory);
  const bool usable = ::faccessat(AT_FDCWD, nearest.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
  return usable ? std::error_code() : LastError();
}

}  // namespace forkcast::serving
