#include "serving/capture/capture_reader.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
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
using Visit = std::function<void(const CaptureRecord&)>;

constexpr std::string_view kPlain = ".jsonl";
constexpr std::string_view kPacked = ".jsonl.gz";

struct CloseFile {
  void operator()(gzFile file) const noexcept { ::gzclose(file); }
};
using OpenFile = std::unique_ptr<gzFile_s, CloseFile>;

CapturedBody BodyIn(const JsonNode& node) {
  return {.content_type = node.Get("observedContentType").json().get<std::string>(),
          .encoding = node.Get("encoding").json().get<std::string>(),
          .data = node.Get("data").json().get<std::string>()};
}

std::string TextIn(const JsonNode& node, std::string_view name) {
  const auto member = node.Find(name);
  return member ? member->String() : std::string();
}

/// Throws SpecError, and what nlohmann throws of a member of another type.
CaptureRecord RecordOf(const ordered_json& line) {
  const JsonNode root(line);
  const JsonNode data = root.Get("captureData");
  const JsonNode metadata = root.Get("eventMetadata");
  const JsonNode own = root.Get("forkcast");
  const Result<Instant> received =
      preprocessing::ParseTimestamp(metadata.Get("inferenceTime").String(), {});
  if (!received) metadata.Get("inferenceTime").Fail(received.error().message);
  return {.event_id = metadata.Get("eventId").String(),
          .received = *received,
          .endpoint = {},
          .variant = {},
          .deployment = TextIn(own, "deployment"),
          .pipeline = TextIn(own, "pipeline"),
          .model_version = own.Get("modelVersion").json().get<std::string>(),
          .request_id = TextIn(own, "requestId"),
          .inference_id = TextIn(metadata, "inferenceId"),
          .custom_attributes = {},
          .traceparent = TextIn(own, "traceparent"),
          .status = own.Get("status").json().get<int>(),
          .withheld = {},
          .request = BodyIn(data.Get("endpointInput")),
          .answer = BodyIn(data.Get("endpointOutput")),
          .features = {}};
}

Status VisitLine(std::string_view line, const fs::path& file, std::size_t number,
                 const Visit& visit) {
  const auto corrupt = [&](std::string_view why) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: line {} is no captured invocation: {}",
                                                  file.string(), number, why)};
  };
  try {
    const ordered_json json = ordered_json::parse(line);
    visit(RecordOf(json));
    return {};
  } catch (const ordered_json::exception& error) {
    return corrupt(error.what());
  } catch (const preprocessing::SpecError& error) {
    return corrupt(error.what());
  }
}

/// zlib reads what is no gzip as it is.
Status VisitFile(const fs::path& path, const Visit& visit) {
  errno = 0;
  const OpenFile file(::gzopen(path.c_str(), "rb"));
  if (file == nullptr) {
    return Error{ErrorCode::kIo,
                 fmt::format("{}: {}", path.string(), std::generic_category().message(errno))};
  }
  constexpr std::size_t kPart = 262'144;
  std::vector<char> part(kPart);
  std::string line;
  std::size_t number = 0;
  while (true) {
    const int got = ::gzread(file.get(), part.data(), static_cast<unsigned>(part.size()));
    if (got < 0) {
      int code = 0;
      return Error{ErrorCode::kCorrupt,
                   fmt::format("{}: {}", path.string(), ::gzerror(file.get(), &code))};
    }
    if (got == 0) return {};
    std::string_view rest(part.data(), static_cast<std::size_t>(got));
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      line.append(rest.substr(0, end));
      Status visited = VisitLine(line, path, ++number, visit);
      if (!visited) return visited;
      line.clear();
      rest.remove_prefix(end + 1);
    }
    line.append(rest);
  }
}

/// Those of recorders below `folder`. Their paths sort as the times do. Of one that is there packed
/// and not, for a moment, one.
Result<std::vector<fs::path>> FilesBelow(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (name.ends_with(kPlain) || name.ends_with(kPacked)) files.push_back(entry->path());
  }
  if (failed) {
    return Error{ErrorCode::kIo, fmt::format("{}: {}", folder.string(), failed.message())};
  }
  std::ranges::sort(files);
  const auto stem = [](const fs::path& path) {
    const std::string& text = path.native();
    return text.substr(0, text.rfind(kPlain));
  };
  const auto same = std::unique(files.begin(), files.end(), [&](const auto& one, const auto& two) {
    return stem(one) == stem(two);
  });
  files.erase(same, files.end());
  return files;
}

}  // namespace

Status VisitCaptures(const fs::path& place, const Visit& visit) {
  std::error_code failed;
  if (!fs::exists(place, failed)) {
    return Error{ErrorCode::kNotFound, fmt::format("{}: nothing is there", place.string())};
  }
  if (fs::is_directory(place, failed)) {
    const auto files = FilesBelow(place);
    if (!files) return files.error();
    for (const fs::path& file : *files) {
      Status visited = VisitFile(file, visit);
      if (!visited) return visited;
    }
    return {};
  }
  const std::string name = place.filename().string();
  if (name.ends_with(kPlain) || name.ends_with(kPacked)) return VisitFile(place, visit);
  const auto store = CaptureStore::OpenToRead(place);
  return store ? store->Visit({}, visit) : store.error();
}

}  // namespace forkcast::serving
