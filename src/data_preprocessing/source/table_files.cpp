#include "data_preprocessing/source/table_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>

namespace forkcast::preprocessing {
namespace {

namespace fs = std::filesystem;

struct Entry {
  fs::path path;
  std::string name;
  bool is_folder = false;
};

/// What is in a folder, in the order of names.
Result<std::vector<Entry>> ListFolder(const fs::path& folder) {
  std::vector<Entry> entries;
  std::error_code failed;
  fs::directory_iterator at(folder, failed);
  for (; !failed && at != fs::directory_iterator(); at.increment(failed)) {
    std::error_code ignored;  // what cannot be looked at is no folder
    entries.push_back({.path = at->path(),
                       .name = at->path().filename().string(),
                       .is_folder = at->is_directory(ignored)});
  }
  if (failed) {
    return Error{ErrorCode::kIo,
                 fmt::format("{}: cannot be read: {}", folder.string(), failed.message())};
  }
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

/// The name of a CSV file without `.csv` or `.csv.gz`.
std::optional<std::string_view> StemOf(std::string_view name) noexcept {
  for (const std::string_view ending : {".csv", ".csv.gz"}) {
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  }
  return std::nullopt;
}

/// kInvalidArgument when one is there plain and as gzip.
Status CheckPairs(const std::vector<fs::path>& files) {
  for (const fs::path& file : files) {
    const fs::path gzip(fmt::format("{}.gz", file.string()));
    if (std::ranges::find(files, gzip) == files.end()) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("both {} and {} exist: which one holds the table?", file.string(),
                             gzip.string())};
  }
  return {};
}

bool BeginsWithPart(std::string_view stem, std::string_view table) noexcept {
  return stem.starts_with(table) && stem.substr(table.size()).starts_with('-');
}

/// Whether the file called `stem` is one of `table` and of a part of its rows, such as a month.
bool IsOfTable(std::string_view stem, std::string_view table) noexcept {
  if (stem == table) return true;
  const std::string_view part = stem.substr(std::min(stem.size(), table.size() + 1));
  return BeginsWithPart(stem, table) && !part.empty() && part.front() >= '0' && part.front() <= '9';
}

bool IsOfAnother(std::string_view stem, const std::string& table,
                 std::span<const TableSpec> tables) {
  return std::ranges::any_of(tables, [&](const TableSpec& other) {
    return other.name.size() > table.size() && IsOfTable(stem, other.name);
  });
}

}  // namespace

Result<TableFiles> FilesOfFolder(const fs::path& folder) {
  const Result<std::vector<Entry>> entries = ListFolder(folder);
  if (!entries) return entries.error();
  TableFiles found;
  for (const Entry& entry : *entries) {
    const std::string path = entry.path.string();
    if (entry.name.starts_with('.')) {
      found.skipped.push_back(fmt::format("{}: hidden", path));
    } else if (entry.is_folder) {
      found.skipped.push_back(fmt::format("{}: a folder within the folder", path));
    } else if (!StemOf(entry.name)) {
      found.skipped.push_back(fmt::format("{}: neither .csv nor .csv.gz", path));
    } else {
      found.files.push_back(entry.path);
    }
  }
  if (found.files.empty()) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("{}: the folder has no .csv or .csv.gz", folder.string())};
  }
  const Status good = CheckPairs(found.files);
  if (!good) return good.error();
  return found;
}

Result<TableFiles> FindTableFiles(const fs::path& folder, const std::string& table,
                                  std::span<const TableSpec> tables) {
  std::error_code not_there;
  const bool is_there = fs::exists(folder, not_there);
  const Result<std::vector<Entry>> entries =
      is_there ? ListFolder(folder) : Result<std::vector<Entry>>(std::vector<Entry>());
  if (!entries) return entries.error();
  TableFiles found;
  std::optional<fs::path> inner;
  for (const Entry& entry : *entries) {
    if (entry.is_folder && entry.name == table) inner = entry.path;
    const std::string_view bare = std::string_view(entry.name).substr(entry.name.starts_with('.'));
    const auto stem = StemOf(bare);
    if (!stem || entry.is_folder || IsOfAnother(*stem, table, tables)) continue;
    if (entry.name.starts_with('.')) {
      if (IsOfTable(*stem, table)) {
        found.skipped.push_back(fmt::format("{}: hidden", entry.path.string()));
      }
    } else if (IsOfTable(*stem, table)) {
      found.files.push_back(entry.path);
    } else if (BeginsWithPart(*stem, table)) {
      found.skipped.push_back(
          fmt::format("{}: no digit behind \"{}-\"", entry.path.string(), table));
    }
  }
  if (inner && found.files.empty()) return FilesOfFolder(*inner);
  if (inner) {
    found.skipped.push_back(
        fmt::format("{}: a folder beside the files of the table", inner->string()));
  }
  if (found.files.empty()) {
    return Error{
        ErrorCode::kNotFound,
        fmt::format(
            "{0} has no {1}.csv, {1}-2024-01.csv or the like, the same with .gz, or folder {1}{2}",
            folder.string(), table,
            tables.size() > 1 ? "; to take in other tables alone name them: --table" : "")};
  }
  const Status good = CheckPairs(found.files);
  if (!good) return good.error();
  return found;
}

}  // namespace forkcast::preprocessing
