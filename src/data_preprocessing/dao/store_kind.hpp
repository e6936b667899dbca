#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/record_store.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// A kind of store, by what its URLs begin with.
struct StoreKind {
  std::string_view scheme;  ///< "sqlite"; a URL is "sqlite:PLACE".
  std::string_view place;   ///< What stands behind the colon, for messages: "PATH".
  /// Opens the store at a place that is not empty; errors as OpenStore().
  Result<std::unique_ptr<TableDao>> (*open)(std::string_view place, StoreAccess access);
  /// Opens the records beside it; errors as OpenRecords().
  Result<std::unique_ptr<RecordStore>> (*open_records)(std::string_view place, StoreAccess access);
  /// The folder beside a store of that place, for its snapshots; null for a kind that is no file.
  std::string (*folder_beside)(std::string_view place);
};

/// All there are, in the order in which messages list them.
[[nodiscard]] std::span<const StoreKind> StoreKinds() noexcept;

/// A URL taken apart.
struct StoreUrl {
  const StoreKind& kind;
  std::string_view place;  ///< Views the URL.
};

/// kInvalidArgument, without showing more of the URL than its scheme, when it is of none of `kinds`
/// or has no place.
[[nodiscard]] Result<StoreUrl> ParseStoreUrl(std::string_view url,
                                             std::span<const StoreKind> kinds = StoreKinds());

/// DefaultSnapshotFolder() of a URL taken apart.
[[nodiscard]] Result<std::string> FolderBeside(const StoreUrl& store);

}  // namespace forkcast::preprocessing
