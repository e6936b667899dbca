#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"

// By the key of a request a table knows that it has taken it, for a day. The store keeps texts by
// name (TableDao::MoveBookmark); so the keys lie in kBuckets such texts, and each that is added
// takes those that are too old from its bucket. A key costs what it shares a bucket with, and none
// is forgotten before its time.
namespace forkcast::preprocessing {

/// What was done with a request.
struct RememberedPush {
  std::string key{};      ///< Hash of it.
  std::string content{};  ///< Hash of what was asked.
  Instant taken{};
  std::size_t rows = 0;
  std::size_t added = 0;
  std::size_t identical = 0;
  std::size_t replaced = 0;
  std::size_t left_out = 0;

  friend bool operator==(const RememberedPush&, const RememberedPush&) = default;
};

inline constexpr std::chrono::hours kRemembered{24};

/// The name of the text in which the request with this hash of its key is, as a source of
/// bookmarks.
[[nodiscard]] std::string BucketOf(std::string_view key_hash);

/// What is in the text; lines that are none are left out.
[[nodiscard]] std::vector<RememberedPush> ParseRemembered(std::string_view text);
/// The text of these and one more, without those that are older than kRemembered at its time.
[[nodiscard]] std::string Remember(const std::vector<RememberedPush>& known,
                                   const RememberedPush& more);

}  // namespace forkcast::preprocessing
