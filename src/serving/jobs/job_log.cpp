#include "serving/jobs/job_log.hpp"

#include <algorithm>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/json.hpp"
#include "serving/jobs/job.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostPending = 8'192;

}  // namespace

void JobLog::Add(std::string_view line) {
  std::string kept = Clipped(line, kMostLineBytes);
  std::ranges::replace_if(kept, IsControl, ' ');
  lines_.push_back(std::move(kept));
  if (lines_.size() > kMostLines) lines_.pop_front();
  ++end_;
}

std::vector<std::string> JobLog::From(std::uint64_t line) const {
  const std::uint64_t begin = std::clamp(line, first(), end_);
  return {lines_.begin() + static_cast<std::ptrdiff_t>(begin - first()), lines_.end()};
}

std::string JobLog::Record() const {
  return preprocessing::DumpText({{"end", end_}, {"lines", lines_}});
}

Result<JobLog> JobLog::Read(std::string_view record) {
  const Json json = Json::parse(record, nullptr, /*allow_exceptions=*/false);
  try {
    JobLog log;
    log.end_ = json.at("end").get<std::uint64_t>();
    log.lines_ = json.at("lines").get<std::deque<std::string>>();
    if (log.lines_.size() <= log.end_ && log.lines_.size() <= kMostLines) return log;
  } catch (const Json::exception&) {
    // as below
  }
  return Error{ErrorCode::kCorrupt, "the record of a job's log is damaged"};
}

std::vector<std::string> LineSplitter::Add(std::string_view bytes) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (rest_.size() < kMostPending) rest_.append(part.substr(0, kMostPending));
    if (end == std::string_view::npos) break;
    lines.push_back(std::exchange(rest_, {}));
    bytes.remove_prefix(end + 1);
  }
  return lines;
}

std::string LineSplitter::TakeRest() { return std::exchange(rest_, {}); }

}  // namespace forkcast::serving
