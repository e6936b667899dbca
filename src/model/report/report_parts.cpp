#include "model/report/report_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace forkcast::model {
namespace {

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:900px;color:#1f2937}"
    "h1,h2,h3{line-height:1.2}table{border-collapse:collapse;margin:.5rem 0 1.5rem}"
    "th,td{padding:.15rem .6rem;text-align:right;border-bottom:1px solid #e5e7eb}"
    "th:first-child{text-align:left}svg text{font-size:11px;fill:#6b7280}"
    ".bars td.bar{width:420px}.bars div{height:12px}.legend{color:#6b7280;margin-top:0}"
    ".verdict{padding:.8rem 1rem;border-left:5px solid}";

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string BeginPage(std::string_view title, bool beats_baselines, std::string_view verdict) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{0}</title>"
      "<style>{1}</style></head>\n<body>\n<h1>{0}</h1>\n"
      "<p class=\"verdict\" style=\"border-color:{2}\">{3}</p>\n",
      EscapeHtml(title), kStyle, beats_baselines ? "#16a34a" : "#dc2626", EscapeHtml(verdict));
}

std::string EndPage() { return "</body>\n</html>\n"; }

std::string BarTable(const Bars& bars) {
  double most = 0;
  for (const auto& [name, value] : bars) most = std::max(most, std::abs(value.value_or(0)));
  if (most == 0) most = 1;
  std::string table = "<table class=\"bars\">\n";
  for (const auto& [name, value] : bars) {
    const double width = 100 * std::abs(value.value_or(0)) / most;
    table += fmt::format(
        "<tr><th>{}</th><td>{}</td><td class=\"bar\"><div "
        "style=\"width:{:.1f}%;background:{}\"></div>"
        "</td></tr>\n",
        EscapeHtml(name), value ? fmt::format("{:+.4f}", *value) : "-", width,
        value.value_or(0) < 0 ? "#dc2626" : "#16a34a");
  }
  return table + "</table>\n";
}

std::string SkillSection(std::string_view metric, const Bars& skills) {
  return fmt::format(
             "<h2>Skill against baselines</h2>\n<p>1 - error of the model / error of the baseline "
             "({}), on the same rows; above 0 the model is better.</p>\n",
             metric) +
         BarTable(skills);
}

std::string LeftOutSection(const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  std::string section = "<h2>Left out</h2>\n<ul>\n";
  for (const std::string& line : lines) section += fmt::format("<li>{}</li>\n", EscapeHtml(line));
  return section + "</ul>\n";
}

std::string ImportanceSection(Bars shares) {
  constexpr std::size_t kShown = 30;
  if (shares.size() > kShown) shares.erase(shares.begin() + kShown, shares.end());
  return "<h2>Importance of features</h2>\n<p>Share of the loss that splits by the feature took "
         "away, last fold.</p>\n" +
         BarTable(shares);
}

}  // namespace forkcast::model
