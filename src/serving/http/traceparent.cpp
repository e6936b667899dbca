#include "serving/http/traceparent.hpp"

#include <algorithm>
#include <cstddef>

namespace forkcast::serving {
namespace {

/// Takes so many digits off the front.
bool TakeDigits(std::string_view& text, std::size_t count, std::string_view& digits) noexcept {
  digits = text.substr(0, count);
  text.remove_prefix(digits.size());
  return digits.size() == count && std::ranges::all_of(digits, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool TakeDash(std::string_view& text) noexcept {
  if (!text.starts_with('-')) return false;
  text.remove_prefix(1);
  return true;
}

bool IsZero(std::string_view digits) noexcept {
  return digits.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

bool IsTraceparent(std::string_view text) noexcept {
  std::string_view version;
  std::string_view trace;
  std::string_view parent;
  std::string_view flags;
  if (!TakeDigits(text, 2, version) || !TakeDash(text) || !TakeDigits(text, 32, trace) ||
      !TakeDash(text) || !TakeDigits(text, 16, parent) || !TakeDash(text) ||
      !TakeDigits(text, 2, flags)) {
    return false;
  }
  if (version == "ff" || IsZero(trace) || IsZero(parent)) return false;
  return text.empty() || (version != "00" && text.front() == '-');
}

}  // namespace forkcast::serving
