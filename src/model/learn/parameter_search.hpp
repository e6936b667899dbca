#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {

/// Numbers to draw from: from..to, integers when both are, evenly or evenly in the logarithm.
struct ParameterRange {
  double from = 0;
  double to = 0;
  bool logarithmic = false;
  bool integer = false;

  friend bool operator==(const ParameterRange&, const ParameterRange&) = default;
};

/// One parameter and what it may be.
struct SearchedParameter {
  std::string name;
  std::variant<std::vector<nlohmann::ordered_json>, ParameterRange> values{};

  friend bool operator==(const SearchedParameter&, const SearchedParameter&) = default;
};

/// What is tried, and how much of it.
struct SearchSpec {
  std::vector<SearchedParameter> parameters{};
  std::size_t points = 0;  ///< 0: the whole grid; else so many points drawn at random.
  std::uint32_t seed = 0;

  friend bool operator==(const SearchSpec&, const SearchSpec&) = default;
};

/// Reads {"parameters": {"max_depth": [4, 6, 8], "learning_rate": {"from": 0.01, "to": 0.3,
/// "scale": "log"}}, "points": 20, "seed": 7}. Names are the user's ("features.lag" as well as
/// "max_depth"). Throws SpecError: for no parameter, one without values, a range without "points",
/// a range upside down, and for one of the members `fixed` or within it: those that say what is
/// judged and how, since values that were judged differently cannot be compared.
[[nodiscard]] SearchSpec ReadSearchSpec(const preprocessing::JsonNode& node,
                                        std::initializer_list<std::string_view> fixed = {});

/// A value for each parameter, in the order of the spec.
using Assignment = std::vector<std::pair<std::string, nlohmann::ordered_json>>;

/// The pipeline document `root` with the members that an assignment names replaced: those of
/// `training` ("model.max_depth", "scope"), of a feature ("features.mean_4.window"), or
/// "forecast.strategy". Throws SpecError for a name that can be none. Features are called as in the
/// document's long form (WriteOut), which is what comes back where a feature's member is replaced.
[[nodiscard]] nlohmann::ordered_json WithParameters(nlohmann::ordered_json root,
                                                    const Assignment& assignment);
/// The document of one point of its search: the same, without the search. Throws SpecError.
[[nodiscard]] nlohmann::ordered_json DocumentAt(const nlohmann::ordered_json& root,
                                                const Assignment& point);

/// The value that a parameter has in a pipeline document in long form, or null where it has none:
/// what WithParameters() would replace.
[[nodiscard]] const nlohmann::ordered_json* FindParameter(const nlohmann::ordered_json& root,
                                                          const std::string& name);

/// Says why a point cannot be tried, so that it is left out before hours are spent.
using CheckAssignment = std::function<Status(const Assignment&)>;

/// The points to try, none twice: the grid with the last parameter changing fastest, or points
/// drawn by the seed (all of the grid, shuffled, when it has no more). `check` may be empty.
/// kInvalidArgument when no point passes it, with its first reason; when there is no parameter; for
/// a grid of more than a million.
[[nodiscard]] Result<std::vector<Assignment>> EnumerateAssignments(const SearchSpec& spec,
                                                                   const CheckAssignment& check);

}  // namespace forkcast::model
