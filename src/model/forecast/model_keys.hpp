#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::model {

/// A key as people read it: its columns' values, joined by commas. Not every key has a name of its
/// own: "a,b" and "c" are called as "a" and "b,c" are. That of a series without key is "all".
[[nodiscard]] std::string JoinedKey(std::span<const preprocessing::Value> values);

/// A key's values as a JSON array: texts as strings, integers and bools as such, instants as
/// ISO 8601 in UTC.
[[nodiscard]] nlohmann::ordered_json KeyToJson(std::span<const preprocessing::Value> values);

/// The keys that have a model each, known by their values and numbered as their files are: a series
/// numbers its keys anew when its data change, and an artefact does not.
class ModelKeys {
 public:
  ModelKeys() = default;
  /// No key yet; `series` gives the names and types of the columns.
  explicit ModelKeys(const preprocessing::SeriesSpec& series);

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::optional<std::size_t> Find(std::span<const preprocessing::Value> values) const;
  /// The same by the bytes of EncodeKey().
  [[nodiscard]] std::optional<std::size_t> FindBytes(std::string_view bytes) const noexcept;
  /// The number of the key with these values, which is added behind the others where it is not
  /// there. Precondition: values of the columns' types, none missing.
  std::size_t Add(std::span<const preprocessing::Value> values);
  /// Views of the object.
  [[nodiscard]] std::vector<preprocessing::Value> Values(std::size_t key) const;

  /// Steps (1..) for which the key has no model, ascending.
  [[nodiscard]] const std::vector<std::size_t>& missing_steps(std::size_t key) const noexcept {
    return missing_steps_[key];
  }
  void SetMissingSteps(std::size_t key, std::vector<std::size_t> steps) {
    missing_steps_[key] = std::move(steps);
  }

  /// model/keys.json (FORMAT.md).
  [[nodiscard]] nlohmann::ordered_json ToJson() const;
  /// What ToJson() wrote for a series of these key columns and models of `steps` steps. Throws
  /// SpecError: also for a key that is there twice.
  static ModelKeys FromJson(const preprocessing::JsonNode& node,
                            const preprocessing::SeriesSpec& series, std::size_t steps);

 private:
  std::vector<std::string> columns_;
  std::vector<preprocessing::ColumnType> types_;
  std::vector<std::string> bytes_;  // as EncodeKey() made them
  std::vector<std::vector<std::size_t>> missing_steps_;
  std::map<std::string, std::size_t, std::less<>> numbers_;  // by bytes
};

}  // namespace forkcast::model
