#include "model/artefact/version_history.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <system_error>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/folder_lock.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

std::filesystem::path FileOf(const VersionInfo& version) {
  return version.folder / "history.jsonl";
}

Result<std::string> TextOf(const std::filesystem::path& file) {
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) {
    if (failed) {
      return Error{ErrorCode::kIo, fmt::format("{}: {}", file.string(), failed.message())};
    }
    return std::string();
  }
  try {
    return preprocessing::ReadTextFile(file);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

Result<VersionHistory> Parse(std::string_view text, const std::filesystem::path& file) {
  VersionHistory history;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    ordered_json entry =
        ordered_json::parse(text.substr(0, end), nullptr, /*allow_exceptions=*/false);
    if (!entry.is_object()) {
      return Error{ErrorCode::kCorrupt,
                   fmt::format("{}: line {} is no JSON object", file.string(), history.size() + 1)};
    }
    history.push_back(std::move(entry));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return history;
}

}  // namespace

Result<VersionHistory> ReadHistory(const VersionInfo& version) {
  const std::filesystem::path file = FileOf(version);
  const Result<std::string> text = TextOf(file);
  return text ? Parse(*text, file) : text.error();
}

Result<std::size_t> AddToHistory(
    const VersionInfo& version,
    const std::function<VersionHistory(const VersionHistory& so_far)>& entries_for) {
  const std::filesystem::path file = FileOf(version);
  const FolderLock lock(version.folder);
  if (!lock.held()) {
    return Error{ErrorCode::kIo, fmt::format("{}: cannot be locked", version.folder.string())};
  }
  Result<std::string> text = TextOf(file);
  if (!text) return std::move(text).error();
  const Result<VersionHistory> so_far = Parse(*text, file);
  if (!so_far) return so_far.error();
  const VersionHistory entries = entries_for(*so_far);
  if (entries.empty()) return std::size_t{0};
  for (const ordered_json& entry : entries) *text += entry.dump() + "\n";
  try {
    AtomicFile to(file);
    to.Write(*text);
    to.Commit();
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
  return entries.size();
}

}  // namespace forkcast::model
