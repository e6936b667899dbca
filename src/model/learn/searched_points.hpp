#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "model/learn/parameter_search.hpp"

namespace forkcast::model {

/// A point of a search, and what became of it.
struct SearchedPoint {
  Assignment assignment;
  std::optional<double> value{};  ///< The error that decides; none: it could not be judged,
  std::string why_not{};          ///< for this reason.
  bool is_of_enough = true;       ///< As Validation::is_of_enough().
};

/// The best one: of those of which enough was judged, or, without any, of all, the one with the
/// least error, the first among equals; none where none was judged.
[[nodiscard]] std::optional<std::size_t> BestOf(std::span<const SearchedPoint> points);

/// An object a point: parameters, `value`, and `error`, `judged_enough` (false) or `chosen` (true)
/// where that is so.
[[nodiscard]] nlohmann::ordered_json ToJson(std::span<const SearchedPoint> points);

/// For people: a table of all points that could be tried, the first few of the others with their
/// reasons, and which one was chosen.
[[nodiscard]] std::string Describe(std::span<const SearchedPoint> points);
/// The same as a section of a page.
[[nodiscard]] std::string SearchSection(std::span<const SearchedPoint> points);

/// "model.trees 10, model.max_depth 3".
[[nodiscard]] std::string NameOf(const Assignment& assignment);

}  // namespace forkcast::model
