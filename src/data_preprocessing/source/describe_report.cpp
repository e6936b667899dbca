#include "data_preprocessing/source/describe_report.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace forkcast::preprocessing {

std::string CountOf(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string FileNameOf(const std::string& source) {
  return std::filesystem::path(source).filename().string();
}

std::string DescribeReport(const IngestReport& report) {
  const std::string file = FileNameOf(report.source);
  const AppendCounts& counts = report.counts;
  const auto with_rejected = [](std::string text, std::size_t rejected) {
    return rejected == 0 ? text : fmt::format("{}, {} rejected", text, rejected);
  };
  if (report.already_known) {
    return with_rejected(fmt::format("{}: already ingested (same content), nothing added", file),
                         report.rejected_then);
  }
  if (report.rows == 0) return with_rejected(fmt::format("{}: no rows", file), report.rejected);
  if (counts.identical == report.rows) {
    return with_rejected(
        fmt::format("{}: nothing new, {} identical", file, CountOf(counts.identical, "row")),
        report.rejected);
  }
  std::string text = fmt::format("{}: {} added", file, CountOf(counts.added, "row"));
  if (counts.replaced > 0) text += fmt::format(", {} replaced", counts.replaced);
  if (counts.identical > 0) text += fmt::format(", {} identical", counts.identical);
  if (report.removed > 0) text += fmt::format(", {} of before removed", report.removed);
  return with_rejected(std::move(text), report.rejected);
}

}  // namespace forkcast::preprocessing
