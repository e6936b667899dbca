#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// What a `+` stands for: in a path for itself, in a query, as forms write it, for a blank.
enum class Plus { kItself, kBlank };

/// Replaces `out` by `text` with its escapes (RFC 3986, 2.1) resolved. False when one is malformed,
/// that is, not `%` and two hexadecimal digits.
[[nodiscard]] bool DecodeEscapes(std::string_view text, Plus plus, std::string& out);

/// What is said of a parameter, or a parameter's name, whose escapes are malformed.
[[nodiscard]] Error MalformedEscape(std::string_view name);

/// The decoded value of the parameter `name` of a query string; an item without `=` has the empty
/// value. Nothing when it is not there; items of other names are not looked at. kInvalidArgument
/// with the name when it is given twice, its escapes are malformed, or those of a name are.
[[nodiscard]] Result<std::optional<std::string>> QueryParameter(std::string_view query,
                                                                std::string_view name);

/// The same of one that is true, false, 1 or 0; absent is false. Anything else is kInvalidArgument.
/// Allocates nothing unless it fails.
[[nodiscard]] Result<bool> QueryFlag(std::string_view query, std::string_view name);

/// kInvalidArgument naming a parameter that is none of `known` but looks like one that was mistyped
/// (Nearest()). Others are let pass: proxies and load balancers add their own.
[[nodiscard]] Status RefuseMistyped(std::string_view query, std::span<const std::string> known);

/// A path whose segments may be parameters: `/endpoints/{name}/invocations`. A parameter is a whole
/// segment and not empty. Everything else is compared byte by byte, before escapes are resolved:
/// a path has one spelling.
class PathPattern {
 public:
  static constexpr std::size_t kMaxParameters = 4;
  using Values = std::array<std::string_view, kMaxParameters>;

  /// Throws std::invalid_argument for what is no such pattern.
  explicit PathPattern(std::string_view pattern);

  /// Whether `path` is one of these; then `values` are its parameters, in the order of names(), as
  /// they were sent.
  [[nodiscard]] bool Match(std::string_view path, Values& values) const noexcept;

  /// What every path that it matches begins with: `/endpoints/`.
  [[nodiscard]] std::string_view beginning() const noexcept { return begin_; }

  [[nodiscard]] std::span<const std::string> names() const noexcept { return names_; }

 private:
  std::string begin_;                // up to the first parameter
  std::vector<std::string> names_;   // of the parameters
  std::vector<std::string> behind_;  // what follows each, up to the next
};

/// Whether some path matches both patterns. Precondition: both are such.
[[nodiscard]] bool Overlap(std::string_view pattern, std::string_view other) noexcept;
/// Whether two patterns that overlap each have a parameter where the other has a word: `/v2/{a}`
/// and `/{b}/train`, both of which only "/v2/train" matches.
[[nodiscard]] bool Crosses(std::string_view pattern, std::string_view other) noexcept;

}  // namespace forkcast::serving
