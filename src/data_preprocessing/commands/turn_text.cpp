#include "data_preprocessing/commands/turn_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/source/describe_report.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {

void TurnText::Tell(const TurnReport& turn, const FollowStatus& status) {
  rows_ += turn.rows;
  rejected_ += turn.rejected;
  for (const std::string& problem : turn.problems) {
    context_.err << fmt::format("{} ingest: {}; it is tried again\n", context_.program, problem);
  }
  const bool is_told = turn.is_published || !turn.problems.empty() || turn.is_well_again;
  if (!is_told) return;
  if (format_ == TurnFormat::kJson) {
    context_.out << Json(turn, status) << std::flush;
  } else if (!context_.quiet && (turn.is_published || turn.is_well_again)) {
    context_.out << Text(turn) << std::flush;
  }
  rows_ = 0;
  rejected_ = 0;
}

std::string TurnText::Text(const TurnReport& turn) const {
  std::string text = IsoTimestamp(context_.clock.Now());
  // What came from one source alone is told as ingest tells it.
  if (turn.sources.size() == 1 && rows_ == turn.rows) {
    text += fmt::format(" {}", turn.sources.front());
  } else {
    text += fmt::format(" {} taken in", CountOf(rows_, "row"));
    if (rejected_ > 0) text += fmt::format(", {} rejected", rejected_);
  }
  if (turn.is_published) text += ", snapshots published";
  if (turn.is_well_again) text += ", all is well again";
  return text + "\n";
}

std::string TurnText::Json(const TurnReport& turn, const FollowStatus& status) const {
  using nlohmann::ordered_json;
  ordered_json line = ordered_json::parse(ToJsonLine(status));
  line["turn"] = {{"time", IsoTimestamp(context_.clock.Now())},
                  {"rows", rows_},
                  {"rejected", rejected_},
                  {"published", turn.is_published},
                  {"sources", turn.sources},
                  {"problems", turn.problems}};
  return DumpText(line) + "\n";
}

void TurnText::TellLeftOut(std::span<const PublishedSeries> published) {
  std::vector<std::string> left_out;
  for (const PublishedSeries& one : published) {
    if (one.report.left_out.empty()) continue;
    std::string text = LeftOutText(one.series, one.report.left_out);
    if (std::ranges::find(left_out_, text) == left_out_.end()) {
      context_.err << fmt::format("warning: {}\n", text);
    }
    left_out.push_back(std::move(text));
  }
  left_out_ = std::move(left_out);
}

}  // namespace forkcast::preprocessing
