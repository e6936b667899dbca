#include "serving/capture/read_captures.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::serving {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::JsonNode;

using Visit = std::function<Status(const CaptureRecord&)>;

CapturedBody BodyIn(const JsonNode& node) {
  const ordered_json& json = node.json();
  return {.content_type = json.value("observedContentType", ""),
          .encoding = json.value("encoding", ""),
          .data = json.value("data", "")};
}

/// Of a line of a file. Throws SpecError, or an exception of the JSON library.
CaptureRecord RecordIn(const ordered_json& json) {
  const JsonNode root(json);
  const JsonNode metadata = root.Get("eventMetadata");
  const JsonNode ours = root.Get("forkcast");
  CaptureRecord record;
  record.event_id = metadata.Get("eventId").String();
  record.request_id = ours.json().value("requestId", "");
  const auto time = preprocessing::ParseTimestamp(metadata.Get("inferenceTime").String(), {});
  if (!time) metadata.Get("inferenceTime").Fail(time.error().message);
  record.received = *time;
  record.deployment = ours.json().value("deployment", "");
  record.pipeline = ours.json().value("pipeline", "");
  record.model_version = ours.json().value("modelVersion", "");
  record.status = ours.json().value("status", 0);
  if (const auto withheld = ours.Find("withheld")) record.withheld = withheld->json().dump();
  record.request = BodyIn(root.Get("captureData").Get("endpointInput"));
  record.answer = BodyIn(root.Get("captureData").Get("endpointOutput"));
  record.features = ours.Get("rows").json().dump();
  return record;
}

/// The lines of a file, packed or not.
class PackedLines {
 public:
  explicit PackedLines(const fs::path& path) : file_(::gzopen(path.c_str(), "rb"), ::gzclose) {}

  [[nodiscard]] bool is_open() const noexcept { return file_ != nullptr; }
  /// The next line that has an end, without it; none behind the last.
  std::optional<std::string> Next() {
    std::string line;
    std::array<char, 65536> part{};
    while (::gzgets(file_.get(), part.data(), static_cast<int>(part.size())) != nullptr) {
      line += part.data();
      if (!line.ends_with('\n')) continue;
      line.pop_back();
      return line;
    }
    return std::nullopt;
  }

 private:
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

Status VisitFile(const fs::path& path, const Visit& visit) {
  PackedLines lines(path);
  if (!lines.is_open()) {
    return Error{ErrorCode::kIo, fmt::format("{}: cannot be read", path.string())};
  }
  std::size_t number = 0;
  while (const std::optional<std::string> line = lines.Next()) {
    ++number;
    std::optional<CaptureRecord> record;
    try {
      record = RecordIn(ordered_json::parse(*line));
    } catch (const std::exception& error) {
      return Error{ErrorCode::kCorrupt,
                   fmt::format("{}:{}: {}", path.string(), number, error.what())};
    }
    Status visited = visit(*record);
    if (!visited) return visited;
  }
  return {};
}

/// The capture files of a folder and those below, by their paths, which begin with the hour. One
/// that is being packed is there twice for a moment, and counts once.
std::vector<fs::path> FilesBelow(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (const auto& entry : fs::recursive_directory_iterator(folder, failed)) {
    const std::string name = entry.path().string();
    const bool is_packed = name.ends_with(".jsonl.gz");
    if (!is_packed && !name.ends_with(".jsonl")) continue;
    std::error_code not_there;
    if (!is_packed && fs::exists(name + ".gz", not_there)) continue;
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

Status VisitFolder(const fs::path& folder, const Visit& visit) {
  const std::vector<fs::path> files = FilesBelow(folder);
  if (files.empty()) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("{}: there are no capture files", folder.string())};
  }
  for (const fs::path& file : files) {
    Status visited = VisitFile(file, visit);
    if (!visited) return visited;
  }
  return {};
}

Status VisitStore(const fs::path& path, const Visit& visit) {
  const auto store = CaptureStore::OpenToRead(path);
  if (!store) return store.error();
  Status visited;
  const Status read = store->Visit({}, [&](const CaptureRecord& record) {
    if (visited) visited = visit(record);
  });
  return visited ? read : visited;
}

bool IsFolder(const fs::path& place) {
  std::error_code not_there;
  return fs::is_directory(place, not_there);
}

}  // namespace

bool AreCaptureFiles(const fs::path& place) {
  return IsFolder(place) || place.extension() == ".jsonl" || place.extension() == ".gz";
}

Status VisitCaptures(const fs::path& place, const Visit& visit) {
  if (IsFolder(place)) return VisitFolder(place, visit);
  return AreCaptureFiles(place) ? VisitFile(place, visit) : VisitStore(place, visit);
}

}  // namespace forkcast::serving
