#pragma once

#include <gtest/gtest.h>

#include <concepts>
#include <ostream>
#include <string_view>
#include <type_traits>

/// How GoogleTest shows what it would show as bytes ("64-byte object <00-00 ...>"): the parameter
/// of a test by its name, a scoped enumerator by its number. Types that say themselves how they are
/// shown (operator<<, PrintTo) are shown so. Every test program has this, by its precompiled
/// header.
namespace forkcast::testing_support {

template <typename T>
concept SaysHow = requires(const T& value, std::ostream& out) {
  out << value;
}
|| requires(const T& value, std::ostream& out) { PrintTo(value, &out); };

template <typename T>
concept ShownByName = std::is_class_v<T> && !SaysHow<T> && requires(const T& value) {
  { value.name } -> std::convertible_to<std::string_view>;
};

template <typename T>
concept ShownByNumber = std::is_enum_v<T> && !std::is_convertible_v<T, int> && !SaysHow<T>;

}  // namespace forkcast::testing_support

namespace testing::internal {

template <forkcast::testing_support::ShownByName T>
class UniversalPrinter<T> {
 public:
  static void Print(const T& value, std::ostream* out) { *out << std::string_view(value.name); }
};

template <forkcast::testing_support::ShownByNumber T>
class UniversalPrinter<T> {
 public:
  static void Print(const T& value, std::ostream* out) {
    *out << static_cast<long long>(static_cast<std::underlying_type_t<T>>(value));
  }
};

}  // namespace testing::internal
