#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::preprocessing {

/// A declaration that is not as it should be. what() is "$.path.to[3].it: what was expected".
class SpecError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A value of a JSON document together with its path ("$.features[2].op"), so that everything that
/// reads a declaration names the place of what is wrong. Throws SpecError. Views the document,
/// which must outlive it.
class JsonNode {
 public:
  explicit JsonNode(const nlohmann::ordered_json& value, std::string path = "$")
      : value_(&value), path_(std::move(path)) {}

  [[noreturn]] void Fail(const std::string& message) const {
    throw SpecError(path_ + ": " + message);
  }

  /// Checks that this is an object with no member but `allowed`.
  const JsonNode& RequireObject(std::initializer_list<std::string_view> allowed) const;
  /// Checks the member "format", which says what document this is.
  void RequireFormat(std::string_view format) const;
  /// And "format_version", of which one is understood.
  void RequireFormat(std::string_view format, std::int64_t version) const;
  /// The member `name`, which must exist.
  [[nodiscard]] JsonNode Get(std::string_view name) const;
  [[nodiscard]] std::optional<JsonNode> Find(std::string_view name) const;
  /// Calls `visit(name, member)` for each member of an object whose names are the user's.
  void EachMember(const std::function<void(const std::string&, const JsonNode&)>& visit) const;
  /// The elements of an array.
  [[nodiscard]] std::vector<JsonNode> Elements() const;

  [[nodiscard]] std::string String() const;                ///< Not empty.
  [[nodiscard]] std::vector<std::string> Strings() const;  ///< An array of strings, none twice.
  [[nodiscard]] bool Bool() const;
  [[nodiscard]] std::int64_t Integer(std::int64_t least, std::int64_t greatest) const;
  [[nodiscard]] double Number(double least, double greatest) const;
  [[nodiscard]] const nlohmann::ordered_json& json() const noexcept { return *value_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  [[noreturn]] void FailType(std::string_view expected) const;

  const nlohmann::ordered_json* value_;
  std::string path_;
};

/// Of a document. Files and requests here need ten; nlohmann's dump() calls itself per level.
inline constexpr std::size_t kMostJsonDepth = 256;

/// Parses JSON, refusing what nlohmann::ordered_json would let through: a member that is given
/// twice, and more levels than kMostJsonDepth. O(bytes * log(members of an object)). Throws
/// SpecError naming line and column, or what is refused.
[[nodiscard]] nlohmann::ordered_json ParseJson(std::string_view text);

/// ParseJson() of a file; errors name it.
[[nodiscard]] nlohmann::ordered_json ReadJsonFile(const std::filesystem::path& path);

/// The whole of a file. Throws SpecError naming it when it cannot be read.
[[nodiscard]] std::string ReadTextFile(const std::filesystem::path& path);

}  // namespace forkcast::preprocessing
