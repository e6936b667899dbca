#include "serving/page/page_logs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/page/page_text.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;

constexpr const char* kStandardOutput = "/proc/self/fd/1";
constexpr const char* kStandardError = "/proc/self/fd/2";

/// Of a regular file; none for what is none, or cannot be looked at.
std::optional<struct stat> FactsOf(const std::filesystem::path& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
  if (::access(path.c_str(), R_OK) != 0) return std::nullopt;
  return facts;
}

/// The end of a file.
struct Tail {
  std::string text;
  std::size_t bytes = 0;  ///< Of the whole file.
  bool is_cut = false;    ///< It begins within the file, behind the end of a line.
};

Result<Tail> ReadTail(const std::filesystem::path& path, std::size_t most) {
  const Error failed{ErrorCode::kIo, fmt::format("{} cannot be read", path.string())};
  // A pipe would keep us waiting.
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat facts {};
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return failed;
  const auto bytes = static_cast<std::size_t>(facts.st_size);
  const std::size_t begin = bytes - std::min(bytes, most);
  Tail tail{.text = std::string(bytes - begin, '\0'), .bytes = bytes, .is_cut = begin > 0};
  std::size_t got = 0;
  while (got < tail.text.size()) {
    const ssize_t now = ::pread(file.get(), tail.text.data() + got, tail.text.size() - got,
                                static_cast<off_t>(begin + got));
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return failed;
    if (now == 0) break;  // it was cut meanwhile
    got += static_cast<std::size_t>(now);
  }
  tail.text.resize(got);
  if (tail.is_cut) tail.text.erase(0, std::min(tail.text.find('\n'), tail.text.size() - 1) + 1);
  return tail;
}

/// What a question finds.
struct Found {
  std::vector<std::string> lines;
  std::size_t bytes = 0;
  bool is_cut = false;
};

/// At most `most` lines, the newest.
Result<Found> Find(const std::vector<PageLog>& logs, const LogQuestion& question,
                   std::size_t most) {
  const auto log = std::ranges::find(logs, question.name, &PageLog::name);
  if (log == logs.end() || !FactsOf(log->path)) {
    return Error{ErrorCode::kNotFound, fmt::format("there is no log \"{}\"", question.name), "log"};
  }
  const Result<Tail> tail = ReadTail(log->path, LogQuestion::kMostBytes);
  if (!tail) return tail.error();
  Found found{.lines = {}, .bytes = tail->bytes, .is_cut = tail->is_cut};
  for (std::string_view rest = tail->text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (Contains(line, question.search)) found.lines.emplace_back(line);
  }
  if (found.lines.size() > most) {
    found.is_cut = true;
    found.lines.erase(found.lines.begin(), found.lines.end() - static_cast<std::ptrdiff_t>(most));
  }
  return found;
}

}  // namespace

std::vector<PageLog> LogsOf(const ServerConfig& config) {
  const auto place = [](const std::filesystem::path& path) {
    return path == "-" ? std::filesystem::path(kStandardOutput) : path;
  };
  std::vector<PageLog> logs{{.name = "server", .path = kStandardError}};
  if (config.access_log != AccessLogFormat::kOff) {
    logs.push_back({.name = "answers", .path = place(config.access_log_file)});
  }
  if (!config.audit_log.empty()) logs.push_back({.name = "audit", .path = place(config.audit_log)});
  return logs;
}

std::string ListLogs(const std::vector<PageLog>& logs) {
  ordered_json listed = ordered_json::array();
  for (const PageLog& log : logs) {
    const auto facts = FactsOf(log.path);
    if (!facts) continue;
    const Instant changed =
        FromMicros(static_cast<std::int64_t>(facts->st_mtim.tv_sec) * 1'000'000);
    listed.push_back({{"name", log.name},
                      {"bytes", facts->st_size},
                      {"changed_at", preprocessing::IsoTimestamp(changed)}});
  }
  return TextOf({{"logs", std::move(listed)}});
}

Result<std::string> TailLog(const std::vector<PageLog>& logs, const LogQuestion& question) {
  const Result<Found> found =
      Find(logs, question, std::min(question.lines, LogQuestion::kMostLines));
  if (!found) return found.error();
  return TextOf({{"name", question.name},
                 {"bytes", found->bytes},
                 {"lines", found->lines},
                 {"cut", found->is_cut}});
}

Result<PageAnswer> DownloadLog(const std::vector<PageLog>& logs, const LogQuestion& question) {
  constexpr std::size_t kAll = LogQuestion::kMostBytes;  // a line has one byte at least
  const Result<Found> found = Find(logs, question, kAll);
  if (!found) return found.error();
  PageAnswer answer{.content_type = "text/plain; charset=utf-8",
                    .file_name = question.name + ".log"};
  for (const std::string& line : found->lines) answer.body.append(line).append("\n");
  return answer;
}

}  // namespace forkcast::serving
