#include "data_preprocessing/table/plain_number.hpp"

#include <algorithm>

namespace forkcast::preprocessing {
namespace {

constexpr std::size_t kAnyNumber = std::string_view::npos;

bool TakeThousands(std::string_view& text, char thousands) noexcept {
  constexpr std::array<std::string_view, 3> kBlanks{" ", "\u00A0", "\u202F"};
  constexpr std::array<std::string_view, 2> kApostrophes{"'", "\u2019"};
  const auto take = [&text](const auto& forms) {
    const auto* const found = std::ranges::find_if(
        forms, [&text](std::string_view form) { return text.starts_with(form); });
    if (found == forms.end()) return false;
    text.remove_prefix(found->size());
    return true;
  };
  if (thousands == ' ') return take(kBlanks);
  if (thousands == '\'') return take(kApostrophes);
  return thousands != '\0' && take(std::array{std::string_view(&thousands, 1)});
}

}  // namespace

bool PlainNumber::Push(char c) noexcept {
  if (size_ == bytes_.size()) return false;
  bytes_[size_++] = c;
  return true;
}

bool PlainNumber::TakeDigits(std::string_view& text, std::size_t least, std::size_t most) noexcept {
  std::size_t digits = 0;
  while (digits < most && digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    if (!Push(text[digits])) return false;
    ++digits;
  }
  text.remove_prefix(digits);
  return digits >= least;
}

bool PlainNumber::TakeWhole(std::string_view& text, char thousands) noexcept {
  const std::size_t begin = size_;
  if (!TakeDigits(text, 0, kAnyNumber)) return false;
  const std::size_t first_group = size_ - begin;
  while (TakeThousands(text, thousands)) {
    if (first_group < 1 || first_group > 3 || !TakeDigits(text, 3, 3)) return false;
  }
  return text.empty() || text.front() < '0' || text.front() > '9';
}

bool PlainNumber::Assign(std::string_view text, const CsvDialect& dialect) noexcept {
  size_ = 0;
  if (text.starts_with('-')) {
    text.remove_prefix(1);
    (void)Push('-');
  }
  if (!TakeWhole(text, dialect.thousands)) return false;
  if (dialect.decimal != '\0' && text.starts_with(dialect.decimal)) {
    text.remove_prefix(1);
    if (!Push('.')) return false;
  }
  // Digits and an exponent, or what is no number.
  return text.find('.') == std::string_view::npos &&
         std::ranges::all_of(text, [this](char c) { return Push(c); });
}

}  // namespace forkcast::preprocessing
