#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::preprocessing {

/// A MariaDB store's URL taken apart. What it leaves empty is taken from the client library's
/// option files, or is the library's default.
struct MysqlUrl {
  std::string user;
  std::string host;
  unsigned port = 0;  ///< 0: the default.
  std::string database;
  std::vector<std::pair<std::string, std::string>> options;  ///< Behind the `?`, decoded.

  friend bool operator==(const MysqlUrl&, const MysqlUrl&) = default;
};

/// Reads what follows `mysql:`, which is `//[USER@]HOST[:PORT]/DATABASE[?OPTION=VALUE&...]` with
/// `%40` and the like for characters that stand for something. kInvalidArgument when it is of
/// another form or holds a password, of which the message shows nothing.
[[nodiscard]] Result<MysqlUrl> ParseMysqlUrl(std::string_view place);

}  // namespace forkcast::preprocessing
