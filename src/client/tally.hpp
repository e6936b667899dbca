#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace forkcast::client {

/// How often each value of a field came.
class Tally {
 public:
  /// Counts the value of a row. Beyond kMaxValues different ones, new ones count as kOtherValues,
  /// so that counting by an identifier does not hold all of them.
  void Add(std::string_view value);

  struct Entry {
    std::string value;
    std::size_t count = 0;

    friend bool operator==(const Entry&, const Entry&) = default;
  };
  /// Largest count first, equal counts by value.
  [[nodiscard]] std::vector<Entry> Entries() const;

  static constexpr std::size_t kMaxValues = 1000;
  static constexpr std::string_view kOtherValues = "(other values)";

 private:
  std::map<std::string, std::size_t, std::less<>> counts_;
};

}  // namespace forkcast::client
