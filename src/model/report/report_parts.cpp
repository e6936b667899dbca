#include "model/report/report_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/report/page_files.hpp"

namespace forkcast::model {
namespace {

/// Whether HTML can hold a byte of UTF-8 as it is.
bool IsText(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || c == '\t' || c == '\n';
}

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
        if (IsText(c)) {
          safe += c;
        } else {
          safe += "\xEF\xBF\xBD";
        }
    }
  }
  return safe;
}

std::string BeginPage(std::string_view title) {
  // The policy holds what the page promises: whatever a name smuggled in, nothing is fetched.
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{0}</title>\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<style>{1}{2}</style></head>\n<body><main>\n<h1>{0}</h1>\n",
      EscapeHtml(title), kDygraphStyle, kReportStyle);
}

std::string Verdict(bool is_good, std::string_view verdict) {
  return fmt::format("<p class=\"verdict {}\">{}</p>\n", is_good ? "good" : "bad",
                     EscapeHtml(verdict));
}

std::string EndPage(bool is_interactive) {
  if (!is_interactive) return "</main></body>\n</html>\n";
  return fmt::format(
      "<details class=\"faint\"><summary>Licence of dygraphs, which draws the charts</summary>\n"
      "<pre>{}</pre></details>\n</main>\n<script>{}</script>\n<script>{}</script>\n</body>\n</"
      "html>\n",
      EscapeHtml(kDygraphLicence), kDygraphScript, kReportScript);
}

std::string BarTable(const Bars& bars) {
  double most = 0;
  for (const auto& [name, value] : bars) most = std::max(most, std::abs(value.value_or(0)));
  if (most == 0) most = 1;
  std::string table = "<table class=\"bars\">\n";
  for (const auto& [name, value] : bars) {
    const double width = 100 * std::abs(value.value_or(0)) / most;
    table += fmt::format(
        "<tr><th>{}</th><td>{}</td><td class=\"bar\"><div{} style=\"width:{:.1f}%\"></div></td>"
        "</tr>\n",
        EscapeHtml(name), value ? fmt::format("{:+.4f}", *value) : "-",
        value.value_or(0) < 0 ? " class=\"less\"" : "", width);
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
