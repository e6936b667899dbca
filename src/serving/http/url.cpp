#include "serving/http/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "data_preprocessing/base/suggestion.hpp"
#include "serving/wire/quote.hpp"

namespace forkcast::serving {
namespace {

/// The digit's value; 16 for what is none.
unsigned HexValue(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return 16;
}

/// Takes the first item off a query string.
std::string_view TakeItem(std::string_view& query) noexcept {
  const std::size_t end = std::min(query.find('&'), query.size());
  const std::string_view item = query.substr(0, end);
  query.remove_prefix(std::min(end + 1, query.size()));
  return item;
}

/// The value, as it was sent, of the one item called `name`.
Result<std::optional<std::string_view>> FindRaw(std::string_view query, std::string_view name) {
  std::optional<std::string_view> found;
  while (!query.empty()) {
    const std::string_view item = TakeItem(query);
    const std::string_view sent = item.substr(0, item.find('='));
    if (sent != name) {
      if (sent.find_first_of("%+") == std::string_view::npos) continue;
      std::string decoded;
      if (!DecodeEscapes(sent, Plus::kBlank, decoded)) return MalformedEscape(sent);
      if (decoded != name) continue;
    }
    if (found) return Error{ErrorCode::kInvalidArgument, "given twice", std::string(name)};
    found = item.substr(std::min(sent.size() + 1, item.size()));
  }
  return found;
}

}  // namespace

bool DecodeEscapes(std::string_view text, Plus plus, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return false;
      const unsigned high = HexValue(text[i + 1]);
      const unsigned low = HexValue(text[i + 2]);
      if (high > 15 || low > 15) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' && plus == Plus::kBlank ? ' ' : text[i];
    }
  }
  return true;
}

Error MalformedEscape(std::string_view name) {
  return {ErrorCode::kInvalidArgument, "expected % and two hexadecimal digits", std::string(name)};
}

Result<std::optional<std::string>> QueryParameter(std::string_view query, std::string_view name) {
  const auto raw = FindRaw(query, name);
  if (!raw) return raw.error();
  if (!*raw) return std::optional<std::string>();
  std::string value;
  if (!DecodeEscapes(**raw, Plus::kBlank, value)) return MalformedEscape(name);
  return std::optional(std::move(value));
}

Result<bool> QueryFlag(std::string_view query, std::string_view name) {
  if (query.empty()) return false;
  const auto value = QueryParameter(query, name);
  if (!value) return value.error();
  if (!*value || **value == "false" || **value == "0") return false;
  if (**value == "true" || **value == "1") return true;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("expected true or false, got {}", wire::Quote(**value)),
               std::string(name)};
}

Status RefuseMistyped(std::string_view query, std::span<const std::string> known) {
  while (!query.empty()) {
    const std::string_view item = TakeItem(query);
    const std::string_view name = item.substr(0, item.find('='));
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string hint = DidYouMean(name, known);
    if (hint.empty()) continue;
    return Error{ErrorCode::kInvalidArgument, fmt::format("there is no such parameter{}", hint),
                 std::string(name)};
  }
  return {};
}

PathPattern::PathPattern(std::string_view pattern) {
  const auto require = [pattern](bool holds) {
    if (!holds) throw std::invalid_argument("no path pattern: " + std::string(pattern));
  };
  require(pattern.starts_with('/'));
  std::string_view rest = pattern;
  begin_ = rest.substr(0, rest.find('{'));
  rest.remove_prefix(begin_.size());
  while (!rest.empty()) {
    const std::size_t end = rest.find('}');
    require(end != std::string_view::npos && end > 1);
    names_.emplace_back(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
    require(rest.empty() || rest.front() == '/');
    behind_.emplace_back(rest.substr(0, rest.find('{')));
    rest.remove_prefix(behind_.back().size());
  }
  require(names_.size() <= kMaxParameters && (names_.empty() || begin_.ends_with('/')));
}

bool PathPattern::Match(std::string_view path, Values& values) const noexcept {
  if (!path.starts_with(begin_)) return false;
  path.remove_prefix(begin_.size());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    values[i] = path.substr(0, path.find('/'));
    path.remove_prefix(values[i].size());
    if (values[i].empty() || !path.starts_with(behind_[i])) return false;
    path.remove_prefix(behind_[i].size());
  }
  return path.empty();
}

namespace {

/// Cuts the first segment, with its slash, off `rest`.
std::string_view TakeSegment(std::string_view& rest) noexcept {
  rest.remove_prefix(1);
  const std::string_view segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  return segment;
}

}  // namespace

bool Crosses(std::string_view pattern, std::string_view other) noexcept {
  bool is_wider_here = false;
  bool is_narrower_here = false;
  while (!pattern.empty() && !other.empty()) {
    const bool is_any = TakeSegment(pattern).starts_with('{');
    const bool is_other_any = TakeSegment(other).starts_with('{');
    is_wider_here = is_wider_here || (is_any && !is_other_any);
    is_narrower_here = is_narrower_here || (!is_any && is_other_any);
  }
  return is_wider_here && is_narrower_here;
}

bool Overlap(std::string_view pattern, std::string_view other) noexcept {
  while (!pattern.empty() && !other.empty()) {
    const std::string_view one = TakeSegment(pattern);
    const std::string_view two = TakeSegment(other);
    const bool is_any = one.starts_with('{') || two.starts_with('{');
    // A parameter is not empty.
    if (is_any ? one.empty() || two.empty() : one != two) return false;
  }
  return pattern.empty() && other.empty();
}

}  // namespace forkcast::serving
