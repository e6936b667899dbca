#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What pages have in common: one HTML file that needs nothing from elsewhere, and that a browser
/// does not let fetch anything. It says all without scripts, too; with them, charts can be looked
/// into.
namespace forkcast::model {

/// Text as HTML shows it. What HTML cannot hold (control characters) becomes U+FFFD.
[[nodiscard]] std::string EscapeHtml(std::string_view text);

/// Everything up to the title, which is shown, too.
[[nodiscard]] std::string BeginPage(std::string_view title);
/// What was found, framed green or red.
[[nodiscard]] std::string Verdict(bool is_good, std::string_view verdict);
/// `is_interactive`: with the scripts that the charts of chart.hpp and the explorer of
/// series_explorer.hpp want.
[[nodiscard]] std::string EndPage(bool is_interactive);

/// Names with a number each; not there for some.
using Bars = std::vector<std::pair<std::string, std::optional<double>>>;

/// A number with its sign and a bar for each name, green from 0 and red below.
[[nodiscard]] std::string BarTable(const Bars& bars);

/// How much better the model is than each baseline by the error `metric`.
[[nodiscard]] std::string SkillSection(std::string_view metric, const Bars& skills);
/// What was not judged or not learned from, a line each; nothing without a line.
[[nodiscard]] std::string LeftOutSection(const std::vector<std::string>& lines);
/// The first of `shares`, the most important first.
[[nodiscard]] std::string ImportanceSection(Bars shares);

}  // namespace forkcast::model
