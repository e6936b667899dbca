#include "model/learn/searched_points.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "model/artefact/manifest_parts.hpp"
#include "model/report/report_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// So many points that could not be judged are shown to people; programs get all.
constexpr std::size_t kShownFailures = 20;

std::string TextOf(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string ErrorOf(const SearchedPoint& point) {
  return point.value ? fmt::format("{:.5g}", *point.value) : "-";
}

/// What there is to say of a point besides its error.
std::string RemarkOn(const SearchedPoint& point, bool is_chosen) {
  if (is_chosen) return point.is_of_enough ? "chosen" : "chosen; too few rows were judged";
  if (!point.value) return point.why_not;
  return point.is_of_enough ? "" : "too few rows were judged";
}

/// The points that are shown, by their positions.
std::vector<std::size_t> Shown(std::span<const SearchedPoint> points) {
  std::vector<std::size_t> shown;
  std::size_t failures = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].value || failures++ < kShownFailures) shown.push_back(i);
  }
  return shown;
}

std::string Conclusion(std::span<const SearchedPoint> points) {
  const auto judged = std::ranges::count_if(
      points, [](const SearchedPoint& point) { return point.value.has_value(); });
  const std::optional<std::size_t> best = BestOf(points);
  return fmt::format("{} of {} points could be judged{}.", judged, points.size(),
                     best ? fmt::format("; chosen: {}", NameOf(points[*best].assignment)) : "");
}

}  // namespace

std::string NameOf(const Assignment& assignment) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : assignment) {
    parts.push_back(fmt::format("{} {}", name, value.dump()));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::optional<std::size_t> BestOf(std::span<const SearchedPoint> points) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const SearchedPoint& point = points[i];
    if (!point.value) continue;
    if (best && points[*best].is_of_enough != point.is_of_enough) {
      if (point.is_of_enough) best = i;
    } else if (!best || *point.value < *points[*best].value) {
      best = i;
    }
  }
  return best;
}

ordered_json ToJson(std::span<const SearchedPoint> points) {
  ordered_json all = ordered_json::array();
  for (const SearchedPoint& point : points) {
    ordered_json one = ordered_json::object();
    for (const auto& [name, setting] : point.assignment) one[name] = setting;
    one["value"] = OrNull(point.value);
    if (!point.value) one["error"] = point.why_not;
    if (!point.is_of_enough) one["judged_enough"] = false;
    all.push_back(std::move(one));
  }
  if (const auto best = BestOf(points)) all[*best]["chosen"] = true;
  return all;
}

std::string Describe(std::span<const SearchedPoint> points) {
  if (points.empty()) return {};
  const std::optional<std::size_t> best = BestOf(points);
  std::string text = "search";
  for (const auto& [name, value] : points.front().assignment) text += fmt::format("\t{}", name);
  text += "\terror\t\n";
  for (const std::size_t i : Shown(points)) {
    const SearchedPoint& point = points[i];
    std::string line = fmt::format("{}", i + 1);
    for (const auto& [name, value] : point.assignment) line += fmt::format("\t{}", TextOf(value));
    text += fmt::format("{}\t{}\t{}\n", line, ErrorOf(point), RemarkOn(point, best == i));
  }
  return fmt::format("{}\n{}\n\n", text, Conclusion(points));
}

std::string SearchSection(std::span<const SearchedPoint> points) {
  if (points.empty()) return {};
  const std::optional<std::size_t> best = BestOf(points);
  std::string page = fmt::format("<h2>Search</h2>\n<p>{}</p>\n<table>\n<tr><th></th>",
                                 EscapeHtml(Conclusion(points)));
  for (const auto& [name, value] : points.front().assignment) {
    page += fmt::format("<th>{}</th>", EscapeHtml(name));
  }
  page += "<th>error</th><th></th></tr>\n";
  for (const std::size_t i : Shown(points)) {
    const SearchedPoint& point = points[i];
    page += fmt::format("<tr><th>{}</th>", i + 1);
    for (const auto& [name, value] : point.assignment) {
      page += fmt::format("<td>{}</td>", EscapeHtml(TextOf(value)));
    }
    page += fmt::format("<td>{}</td><td>{}</td></tr>\n", ErrorOf(point),
                        EscapeHtml(RemarkOn(point, best == i)));
  }
  return page + "</table>\n";
}

}  // namespace forkcast::model
