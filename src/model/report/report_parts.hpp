#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the pages of `--report` have in common: one self-contained HTML file, no script, nothing
/// from elsewhere.
namespace forkcast::model {

/// Text as HTML shows it.
[[nodiscard]] std::string EscapeHtml(std::string_view text);

/// Everything up to the verdict, which is framed green or red.
[[nodiscard]] std::string BeginPage(std::string_view title, bool beats_baselines,
                                    std::string_view verdict);
[[nodiscard]] std::string EndPage();

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
