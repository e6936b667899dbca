#include "serving/web/safe_cell.hpp"

#include <charconv>
#include <system_error>

namespace forkcast::serving {
namespace {

bool IsNumber(std::string_view text) noexcept {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  return failed == std::errc() && stop == end;
}

}  // namespace

std::string SafeCell(std::string_view text) {
  constexpr std::string_view kBeginnings = "=+-@\t\r\n";
  constexpr std::string_view kQuoted = ",;\"\r\n\t";
  const bool is_formula =
      !text.empty() && kBeginnings.find(text.front()) != std::string_view::npos && !IsNumber(text);
  std::string cell = is_formula ? "'" : "";
  cell += text;
  if (cell.find_first_of(kQuoted) == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace forkcast::serving
