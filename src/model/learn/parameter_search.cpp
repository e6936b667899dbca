#include "model/learn/parameter_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <set>

#include "data_preprocessing/base/random.hpp"
#include "data_preprocessing/pipeline/long_form.hpp"

namespace forkcast::model {

using preprocessing::JsonNode;
using preprocessing::SpecError;

namespace {

constexpr std::size_t kMaxGrid = 1'000'000;
/// A point is judged in all folds: more than that is rather a mistake than meant.
constexpr double kMostWithoutPoints = 100'000;
constexpr std::string_view kFeatures = "features.";
constexpr double kMaxNumber = std::numeric_limits<double>::max();

ParameterRange ReadRange(const JsonNode& node) {
  node.RequireObject({"from", "to", "scale"});
  const JsonNode from = node.Get("from");
  const JsonNode to = node.Get("to");
  ParameterRange range{.from = from.Number(-kMaxNumber, kMaxNumber),
                       .to = to.Number(-kMaxNumber, kMaxNumber)};
  range.integer = from.json().is_number_integer() && to.json().is_number_integer();
  if (const auto scale = node.Find("scale")) {
    const std::string name = scale->String();
    if (name != "linear" && name != "log") scale->Fail("expected linear or log");
    range.logarithmic = name == "log";
  }
  if (range.from >= range.to) to.Fail("expected more than \"from\"");
  if (range.logarithmic && range.from <= 0) from.Fail("expected more than 0 for a log scale");
  return range;
}

SearchedParameter ReadParameter(const std::string& name, const JsonNode& node) {
  if (node.json().is_object()) return {.name = name, .values = ReadRange(node)};
  std::vector<nlohmann::ordered_json> values;
  for (const JsonNode& element : node.Elements()) {
    if (std::ranges::find(values, element.json()) != values.end()) element.Fail("given twice");
    values.push_back(element.json());
  }
  if (values.empty()) node.Fail("expected at least one value");
  return {.name = name, .values = std::move(values)};
}

nlohmann::ordered_json DrawValue(const ParameterRange& range, std::mt19937_64& engine) {
  // Integers are drawn from ranges half a unit wider on both sides, so that the ends are as
  // likely as what lies between.
  const double margin = range.integer ? 0.5 : 0;
  double from = range.from - margin;
  double to = range.to + margin;
  if (range.logarithmic) {
    from = std::log(from);
    to = std::log(to);
  }
  double value = from + DrawShare(engine) * (to - from);
  if (range.logarithmic) value = std::exp(value);
  value = std::clamp(range.integer ? std::round(value) : value, range.from, range.to);
  if (range.integer) return static_cast<std::int64_t>(value);
  return value;
}

/// Points of the grid; none when a parameter is a range or there are more than kMaxGrid.
std::optional<std::size_t> GridSize(const std::vector<SearchedParameter>& parameters) {
  std::size_t size = 1;
  for (const SearchedParameter& parameter : parameters) {
    const auto* values = std::get_if<std::vector<nlohmann::ordered_json>>(&parameter.values);
    if (values == nullptr || size > kMaxGrid / values->size()) return std::nullopt;
    size *= values->size();
  }
  return size;
}

/// Point `index` of the grid, the last parameter changing fastest.
Assignment GridPoint(const std::vector<SearchedParameter>& parameters, std::size_t index) {
  Assignment point(parameters.size());
  for (std::size_t i = parameters.size(); i-- > 0;) {
    const auto& values = std::get<std::vector<nlohmann::ordered_json>>(parameters[i].values);
    point[i] = {parameters[i].name, values[index % values.size()]};
    index /= values.size();
  }
  return point;
}

Assignment RandomPoint(const std::vector<SearchedParameter>& parameters, std::mt19937_64& engine) {
  Assignment point;
  for (const SearchedParameter& parameter : parameters) {
    if (const auto* range = std::get_if<ParameterRange>(&parameter.values)) {
      point.emplace_back(parameter.name, DrawValue(*range, engine));
    } else {
      const auto& values = std::get<std::vector<nlohmann::ordered_json>>(parameter.values);
      point.emplace_back(parameter.name, values[DrawBelow(engine, values.size())]);
    }
  }
  return point;
}

std::string TextOf(const Assignment& point) {
  std::string text;
  for (const auto& [name, value] : point) text += name + "=" + value.dump() + "\n";
  return text;
}

/// Where a searched parameter is in a pipeline document. Throws SpecError for one of a feature that
/// is not there.
nlohmann::ordered_json::json_pointer PointerTo(const nlohmann::ordered_json& root,
                                               const std::string& name) {
  constexpr std::string_view kForecast = "forecast.";
  if (name.starts_with(kForecast)) {
    if (name == "forecast.strategy" && root.contains("forecast")) {
      return nlohmann::ordered_json::json_pointer("/forecast/strategy");
    }
    throw SpecError("\"" + name + "\": of a forecast only its \"strategy\" can be searched");
  }
  if (!name.starts_with(kFeatures)) {
    std::string pointer = "/training/" + name;
    std::ranges::replace(pointer, '.', '/');
    return nlohmann::ordered_json::json_pointer(pointer);
  }
  const std::size_t dot = name.rfind('.');
  const std::string feature = name.substr(kFeatures.size(), dot - kFeatures.size());
  const auto& features = root.at("features");
  const auto found = std::ranges::find_if(features, [&feature](const nlohmann::ordered_json& one) {
    return one.value("name", "") == feature;
  });
  if (dot < kFeatures.size() || found == features.end()) {
    throw SpecError("\"" + name + "\" is no member of a feature");
  }
  if (name.ends_with(".skip_missing")) {
    throw SpecError("\"" + name + "\" decides what the snapshots hold, which all points share");
  }
  return nlohmann::ordered_json::json_pointer("/features") /
         static_cast<std::size_t>(found - features.begin()) / name.substr(dot + 1);
}

}  // namespace

SearchSpec ReadSearchSpec(const JsonNode& node, std::initializer_list<std::string_view> fixed) {
  node.RequireObject({"parameters", "points", "seed"});
  SearchSpec spec;
  node.Get("parameters").EachMember([&spec](const std::string& name, const JsonNode& member) {
    spec.parameters.push_back(ReadParameter(name, member));
  });
  if (spec.parameters.empty()) node.Get("parameters").Fail("expected at least one parameter");
  if (const auto points = node.Find("points")) {
    spec.points = static_cast<std::size_t>(points->Integer(1, kMaxGrid));
  }
  if (const auto seed = node.Find("seed")) {
    spec.seed =
        static_cast<std::uint32_t>(seed->Integer(0, std::numeric_limits<std::uint32_t>::max()));
  }
  double grid = 1;
  for (const SearchedParameter& parameter : spec.parameters) {
    const auto* values = std::get_if<std::vector<nlohmann::ordered_json>>(&parameter.values);
    if (values != nullptr) grid *= static_cast<double>(values->size());
    const std::string_view name = parameter.name;
    if (std::ranges::find(fixed, name.substr(0, name.find('.'))) != fixed.end()) {
      node.Get("parameters")
          .Get(name)
          .Fail("it says what is judged and how, so that points could not be compared");
    }
    if (spec.points == 0 && std::holds_alternative<ParameterRange>(parameter.values)) {
      node.Get("parameters").Get(parameter.name).Fail("a range needs \"points\"");
    }
  }
  if (spec.points == 0 && grid > kMostWithoutPoints) {
    node.Get("parameters")
        .Fail(fmt::format("a grid of {:.0f} points, each of which is trained and judged in all "
                          "folds: say by \"points\" how many of them are tried, or list fewer "
                          "values",
                          grid));
  }
  return spec;
}

nlohmann::ordered_json WithParameters(nlohmann::ordered_json root, const Assignment& assignment) {
  const bool names_features = std::ranges::any_of(
      assignment, [](const auto& parameter) { return parameter.first.starts_with(kFeatures); });
  if (names_features) root = preprocessing::WriteOut(std::move(root)).document;
  for (const auto& [name, value] : assignment) {
    try {
      root[PointerTo(root, name)] = value;
    } catch (const nlohmann::ordered_json::exception&) {
      throw SpecError("\"" + name + "\" is no member of \"training\" or of a feature");
    }
  }
  return root;
}

nlohmann::ordered_json DocumentAt(const nlohmann::ordered_json& root, const Assignment& point) {
  nlohmann::ordered_json document = WithParameters(root, point);
  document["training"].erase("search");
  return document;
}

const nlohmann::ordered_json* FindParameter(const nlohmann::ordered_json& root,
                                            const std::string& name) {
  try {
    const nlohmann::ordered_json::json_pointer pointer = PointerTo(root, name);
    return root.contains(pointer) ? &root.at(pointer) : nullptr;
  } catch (const SpecError&) {
    return nullptr;
  } catch (const nlohmann::ordered_json::exception&) {
    return nullptr;
  }
}

Result<std::vector<Assignment>> EnumerateAssignments(const SearchSpec& spec,
                                                     const CheckAssignment& check) {
  if (spec.parameters.empty()) {
    return Error{ErrorCode::kInvalidArgument, "no parameter to search over"};
  }
  for (const SearchedParameter& parameter : spec.parameters) {
    const auto* values = std::get_if<std::vector<nlohmann::ordered_json>>(&parameter.values);
    if (values != nullptr && values->empty()) {
      return Error{ErrorCode::kInvalidArgument, "no value to try", parameter.name};
    }
  }
  const std::optional<std::size_t> grid = GridSize(spec.parameters);
  if (!grid && spec.points == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "a range, or a grid of more than a million points, needs \"points\""};
  }
  std::vector<Assignment> points;
  std::optional<Error> first_reason;
  const auto add = [&](Assignment point) {
    if (Status ok = check ? check(point) : Status{}; !ok) {
      if (!first_reason) first_reason = std::move(ok).error();
      return;
    }
    points.push_back(std::move(point));
  };

  std::mt19937_64 engine(spec.seed);
  if (grid) {
    std::vector<std::size_t> order(*grid);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (spec.points > 0) {
      for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[DrawBelow(engine, i)]);
    }
    for (const std::size_t index : order) {
      if (spec.points > 0 && points.size() == spec.points) break;
      add(GridPoint(spec.parameters, index));
    }
  } else {
    // There may be fewer points than asked for, as in a range of few integers.
    std::set<std::string> seen;
    constexpr std::size_t kTriesPerPoint = 100;
    for (std::size_t i = 0; i < spec.points * kTriesPerPoint && points.size() < spec.points; ++i) {
      Assignment point = RandomPoint(spec.parameters, engine);
      if (seen.insert(TextOf(point)).second) add(std::move(point));
    }
  }
  if (points.empty()) {
    Error error = first_reason.value_or(Error{});
    return Error{ErrorCode::kInvalidArgument,
                 "no point of the search is valid; the first: " + error.message, error.field};
  }
  return points;
}

}  // namespace forkcast::model
