#pragma once

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/result.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::wire {

static_assert(kBodyPadding >= simdjson::SIMDJSON_PADDING);

/// What a value of JSON is. kNoNumber: what other languages write for a number that is none.
enum class JsonKind { kText, kNumber, kBool, kNull, kArray, kObject, kNoNumber, kNotJson };
/// "a number"
[[nodiscard]] std::string_view ToString(JsonKind kind) noexcept;

/// What is said of a kNoNumber.
[[nodiscard]] std::string NoNumberText(std::string_view token);

[[nodiscard]] constexpr bool IsBlank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

[[nodiscard]] inline std::string_view Trim(std::string_view text) noexcept {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

[[nodiscard]] inline std::size_t CountDigits(std::string_view text) noexcept {
  const auto end = std::ranges::find_if_not(text, [](char c) { return c >= '0' && c <= '9'; });
  return static_cast<std::size_t>(end - text.begin());
}

/// The number grammar of RFC 8259, section 6, whatever its size.
[[nodiscard]] inline bool IsNumber(std::string_view text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  std::size_t digits = CountDigits(text);
  if (digits == 0 || (digits > 1 && text.front() == '0')) return false;
  text.remove_prefix(digits);
  if (text.starts_with('.')) {
    digits = CountDigits(text.substr(1));
    if (digits == 0) return false;
    text.remove_prefix(1 + digits);
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    digits = CountDigits(text);
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  return text.empty();
}

/// As Python, JavaScript and Java write them into what they call JSON.
[[nodiscard]] inline bool IsNoNumber(std::string_view token) noexcept {
  if (token.starts_with('-')) token.remove_prefix(1);
  return token == "NaN" || token == "Infinity";
}

/// By the first character; a text, array or object may still turn out to be malformed.
[[nodiscard]] inline JsonKind KindOf(std::string_view token) noexcept {
  if (token.empty()) return JsonKind::kNotJson;
  switch (token.front()) {
    case '"':
      return JsonKind::kText;
    case '{':
      return JsonKind::kObject;
    case '[':
      return JsonKind::kArray;
    case 't':
      return token == "true" ? JsonKind::kBool : JsonKind::kNotJson;
    case 'f':
      return token == "false" ? JsonKind::kBool : JsonKind::kNotJson;
    case 'n':
      return token == "null" ? JsonKind::kNull : JsonKind::kNotJson;
    default:
      if (IsNumber(token)) return JsonKind::kNumber;
      return IsNoNumber(token) ? JsonKind::kNoNumber : JsonKind::kNotJson;
  }
}

/// Walks documents token by token. simdjson's on-demand iterators check little of what they skip,
/// and, built as Debian does, do not notice the end of the document when a bracket is missing. So
/// nothing is skipped here: each value is visited and checked, and after each closing bracket but
/// the outermost the document must go on (Leave()). What remains to simdjson is its first pass
/// (UTF-8, quotes, tokens) and the unescaping of texts.
///
/// Reading functions give false when the document is no good; failure_ then says why, and no
/// iterator may be touched again.
class JsonWalker {
 protected:
  using Kind = JsonKind;

  explicit JsonWalker(std::size_t max_depth) : max_depth_(std::min(max_depth, kDeepest)) {}

  /// Runs simdjson's first pass over one document.
  bool Start(std::string_view document) {
    token_ = {};
    // Doubling, so that JSON lines of growing length do not allocate each.
    if (parser_.capacity() < document.size() &&
        Malformed(parser_.allocate(std::bit_ceil(document.size())))) {
      return false;
    }
    return !Malformed(
        parser_.iterate(document.data(), document.size(), document.size() + kBodyPadding)
            .get(document_));
  }

  bool Finish() { return AtEnd() || Fail(simdjson::TRAILING_CONTENT); }

  /// The kind of `value`, and its token: all of a scalar, the first character of others.
  Kind Peek(simdjson::ondemand::value& value, std::string_view& token) noexcept {
    token = Trim(value.raw_json_token());
    token_ = token;
    return KindOf(token);
  }

  /// Visits a value that is of no use, to know that it is JSON. `depth` is that of its parent.
  bool Check(simdjson::ondemand::value& value, std::size_t depth) {
    std::string_view token;
    return Check(value, Peek(value, token), depth);
  }

  bool Check(simdjson::ondemand::value& value, Kind kind, std::size_t depth) {
    switch (kind) {
      case Kind::kText: {
        std::string_view text;
        return !Malformed(value.get_string().get(text));
      }
      case Kind::kArray: {
        simdjson::ondemand::array array;
        return CheckDepth(depth + 1) && !Malformed(value.get_array().get(array)) &&
               CheckElements(array, depth + 1) && Leave();
      }
      case Kind::kObject: {
        simdjson::ondemand::object object;
        return CheckDepth(depth + 1) && !Malformed(value.get_object().get(object)) &&
               CheckMembers(object, depth + 1) && Leave();
      }
      case Kind::kNumber:
      case Kind::kBool:
      case Kind::kNull:
        return true;  // Peek() has seen all of it; the iterator steps over it
      case Kind::kNoNumber:
        if (takes_no_numbers_) return true;
        break;
      case Kind::kNotJson:
        break;
    }
    return Fail(simdjson::NUMBER_ERROR);
  }

  bool CheckElements(simdjson::ondemand::array& array, std::size_t depth) {
    for (auto element : array) {
      simdjson::ondemand::value value;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is there for rvalues alone.
      if (Malformed(std::move(element).get(value)) || !Check(value, depth)) return false;
    }
    return true;
  }

  bool CheckMembers(simdjson::ondemand::object& object, std::size_t depth) {
    for (auto member : object) {
      simdjson::ondemand::field field;
      std::string_view key;
      if (Malformed(std::move(member).get(field)) || Malformed(field.unescaped_key().get(key)) ||
          !Check(field.value(), depth)) {
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] bool AtEnd() noexcept {
    return document_.current_location().error() == simdjson::OUT_OF_BOUNDS;
  }
  /// After the closing bracket of an inner array or object.
  bool Leave() { return !AtEnd() || Fail(simdjson::INCOMPLETE_ARRAY_OR_OBJECT); }
  bool CheckDepth(std::size_t depth) { return depth <= max_depth_ || Fail(Failure::kTooDeep); }

  bool Fail(Error error) {
    other_ = std::move(error);
    return Fail(Failure::kOther);
  }
  bool Fail(simdjson::error_code code) {
    code_ = code;
    return Fail(Failure::kMalformed);
  }
  /// The same of a document that no token of is at fault.
  bool FailAsWhole(simdjson::error_code code) {
    token_ = {};
    return Fail(code);
  }
  /// Whether `code` is an error, which is noted.
  bool Malformed(simdjson::error_code code) { return code != simdjson::SUCCESS && !Fail(code); }

  /// What failed in `document`, the one that was read last; `where` is added to what is no JSON.
  [[nodiscard]] Error FailureOf(std::string_view document, std::string_view where = {}) const;

  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  bool takes_no_numbers_ = false;  ///< A kNoNumber is a value as any other.

 private:
  enum class Failure { kMalformed, kTooDeep, kOther };
  // Depth is walked by recursion; simdjson's own limit, in its debug checks, is 1024.
  static constexpr std::size_t kDeepest = 1000;

  bool Fail(Failure failure) {
    failure_ = failure;
    return false;
  }

  std::size_t max_depth_;
  Failure failure_ = Failure::kMalformed;
  Error other_;
  simdjson::error_code code_ = simdjson::SUCCESS;
  std::string_view token_;  // the value seen last
};

}  // namespace forkcast::wire
