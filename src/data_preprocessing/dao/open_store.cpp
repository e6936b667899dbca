#include <algorithm>
#include <string>

#include "data_preprocessing/dao/mysql/mysql_record_store.hpp"
#include "data_preprocessing/dao/mysql/mysql_table_dao.hpp"
#include "data_preprocessing/dao/postgres/postgres_record_store.hpp"
#include "data_preprocessing/dao/postgres/postgres_table_dao.hpp"
#include "data_preprocessing/dao/sqlite/sqlite_record_store.hpp"
#include "data_preprocessing/dao/sqlite/sqlite_table_dao.hpp"
#include "data_preprocessing/dao/store_kind.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr StoreKind kKinds[] = {
    {"sqlite", "PATH", OpenSqliteStore, OpenSqliteRecords, FolderBesideSqliteStore},
    {"postgresql", "//HOST/DATABASE", OpenPostgresStore, OpenPostgresRecords, nullptr},
    {"mysql", "//HOST/DATABASE", OpenMysqlStore, OpenMysqlRecords, nullptr},
};

/// "sqlite:PATH or postgresql://...", for messages.
std::string FormsOf(std::span<const StoreKind> kinds) {
  std::string forms;
  for (const StoreKind& kind : kinds) {
    forms += forms.empty() ? "" : " or ";
    forms += std::string(kind.scheme) + ":" + std::string(kind.place);
  }
  return forms;
}

}  // namespace

std::span<const StoreKind> StoreKinds() noexcept { return kKinds; }

Result<StoreUrl> ParseStoreUrl(std::string_view url, std::span<const StoreKind> kinds) {
  const std::size_t colon = url.find(':');
  const std::string scheme(url.substr(0, colon));
  const auto kind = std::ranges::find(kinds, scheme, &StoreKind::scheme);
  if (colon == std::string_view::npos || kind == kinds.end()) {
    // What follows the scheme is not shown: URLs of servers hold passwords.
    return Error{ErrorCode::kInvalidArgument,
                 "unknown kind of store \"" + scheme + "\": expected " + FormsOf(kinds)};
  }
  const std::string_view place = url.substr(colon + 1);
  if (place.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "the store has no path: expected " + FormsOf({&*kind, 1})};
  }
  return StoreUrl{*kind, place};
}

Result<std::string> FolderBeside(const StoreUrl& store) {
  if (store.kind.folder_beside != nullptr) return store.kind.folder_beside(store.place);
  return Error{ErrorCode::kInvalidArgument, "there is no folder beside a store of kind \"" +
                                                std::string(store.kind.scheme) +
                                                "\": --snapshots says where its snapshots are"};
}

Status CheckStoreUrl(std::string_view url) {
  const Result<StoreUrl> store = ParseStoreUrl(url);
  return store ? Status() : store.error();
}

Result<std::unique_ptr<TableDao>> OpenStore(std::string_view url, StoreAccess access) {
  const Result<StoreUrl> store = ParseStoreUrl(url);
  if (!store) return store.error();
  return store->kind.open(store->place, access);
}

Result<std::unique_ptr<RecordStore>> OpenRecords(std::string_view url, StoreAccess access) {
  const Result<StoreUrl> store = ParseStoreUrl(url);
  if (!store) return store.error();
  return store->kind.open_records(store->place, access);
}

Result<std::string> DefaultSnapshotFolder(std::string_view url) {
  const Result<StoreUrl> store = ParseStoreUrl(url);
  if (!store) return store.error();
  return FolderBeside(*store);
}

}  // namespace forkcast::preprocessing
