#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace forkcast {

/// One row of a constant table whose rows have a `name`. Code names it, and the compiler refuses a
/// name that no row has; users' names are looked up. So what has a row needs no enumerator:
///
///     inline constexpr std::array kUnitRows{UnitRow{.name = "day", .hours = 24}, ...};
///     using Unit = RowOf<kUnitRows>;
///     Unit("day")->hours        Unit::Named(text)        for (const Unit unit : Unit::All())
template <const auto& kRows>
class RowOf {
 public:
  using Row = typename std::remove_cvref_t<decltype(kRows)>::value_type;

  explicit consteval RowOf(std::string_view name) : row_(Find(name)) {
    if (row_ == kRows.end()) throw "no row has this name";
  }
  [[nodiscard]] static constexpr std::optional<RowOf> Named(std::string_view name) noexcept {
    const auto* const row = Find(name);
    return row == kRows.end() ? std::nullopt : std::optional(RowOf(row));
  }
  /// In the order of the table.
  [[nodiscard]] static constexpr auto All() noexcept {
    return []<std::size_t... i>(std::index_sequence<i...>) {
      return std::array{RowOf(&kRows[i])...};
    }
    (std::make_index_sequence<kRows.size()>());
  }

  constexpr const Row& operator*() const noexcept { return *row_; }
  constexpr const Row* operator->() const noexcept { return row_; }

  friend constexpr bool operator==(RowOf, RowOf) noexcept = default;

 private:
  explicit constexpr RowOf(const Row* row) noexcept : row_(row) {}
  [[nodiscard]] static constexpr const Row* Find(std::string_view name) noexcept {
    return std::ranges::find(kRows, name, &Row::name);
  }

  const Row* row_;
};

}  // namespace forkcast
