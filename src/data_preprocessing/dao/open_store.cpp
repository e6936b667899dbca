#include <filesystem>
#include <string>

#include "data_preprocessing/dao/sqlite/sqlite_table_dao.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {
namespace {

Result<std::filesystem::path> SqlitePath(std::string_view url) {
  constexpr std::string_view kScheme = "sqlite:";
  if (!url.starts_with(kScheme)) {
    // What follows the scheme is not shown: URLs of other stores hold passwords.
    const std::string scheme(url.substr(0, url.find(':')));
    return Error{ErrorCode::kInvalidArgument,
                 "unknown kind of store \"" + scheme + "\": expected sqlite:PATH"};
  }
  url.remove_prefix(kScheme.size());
  if (url.empty()) {
    return Error{ErrorCode::kInvalidArgument, "the store has no path: expected sqlite:PATH"};
  }
  return std::filesystem::path(url);
}

}  // namespace

Result<std::unique_ptr<TableDao>> OpenStore(std::string_view url, StoreAccess access) {
  const Result<std::filesystem::path> path = SqlitePath(url);
  if (!path) return path.error();
  return SqliteTableDao::Open(*path, access);
}

Result<std::string> DefaultSnapshotFolder(std::string_view url) {
  const Result<std::filesystem::path> path = SqlitePath(url);
  if (!path) return path.error();
  return path->string() + ".snapshots";
}

}  // namespace forkcast::preprocessing
