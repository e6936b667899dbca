#include "model/artefact/version_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/content_hash.hpp"

namespace forkcast::model {

using nlohmann::ordered_json;

bool IsRegistryName(std::string_view name) { return IsPlainName(name, 128); }

std::optional<std::uint64_t> ToVersionNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = failed == std::errc() && end == text.data() + text.size();
  if (!whole || number == 0 || text.front() == '0') return std::nullopt;
  return number;
}

std::optional<std::uint64_t> ReadAliasText(std::string_view text) {
  if (text.size() > kLongestAlias) return std::nullopt;
  if (text.ends_with('\n')) text.remove_suffix(1);
  return ToVersionNumber(text);
}

bool IsInsideVersion(const std::filesystem::path& name) {
  return name.is_relative() && name == name.lexically_normal() && *name.begin() != "..";
}

std::string WholeManifest(const ordered_json& manifest, const std::vector<ArtefactFile>& files) {
  ordered_json whole = manifest;
  whole["files"] = ordered_json::array();
  for (const ArtefactFile& file : files) {
    whole["files"].push_back({{"path", file.path},
                              {"bytes", file.bytes.size()},
                              {"hash", preprocessing::ContentHash(file.bytes)}});
  }
  return whole.dump(2) + "\n";
}

Error NoSuchVersion(const std::string& place, const std::string& model,
                    const std::string& reference, const std::optional<std::uint64_t>& meant,
                    const std::vector<VersionInfo>& versions) {
  std::string known;
  for (const VersionInfo& version : versions) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", version.number);
    for (const std::string& alias : version.aliases) known += fmt::format(" ({})", alias);
  }
  if (known.empty()) known = "none";
  const bool is_alias = !ToVersionNumber(reference) && IsRegistryName(reference);
  if (is_alias && meant) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("alias \"{}\" of model \"{}\" means version {}, which is not there; "
                             "there are: {}",
                             reference, model, *meant, known)};
  }
  // What a newcomer meets whose first model did not beat its baselines.
  const std::string hint =
      is_alias && !versions.empty()
          ? fmt::format(
                ". To call one so: forkcast models promote --models {} {} NUMBER --alias {}", place,
                model, reference)
          : "";
  return Error{ErrorCode::kNotFound, fmt::format("model \"{}\" has no version \"{}\"; there are: "
                                                 "{}{}",
                                                 model, reference, known, hint)};
}

Error NoSuchModel(const std::string& place, const std::string& model) {
  return Error{ErrorCode::kNotFound, fmt::format("no model \"{}\" in {}", model, place)};
}

Error NotExpected(const ExpectedAlias& expected) {
  return Error{ErrorCode::kIo,
               fmt::format("alias \"{}\" does not mean version {} any more, from which this one "
                           "was made: try again",
                           expected.alias, expected.number)};
}

std::vector<VersionInfo> ToPrune(const std::vector<VersionInfo>& versions, std::size_t keep) {
  std::vector<VersionInfo> old(
      versions.begin(),
      versions.end() - static_cast<std::ptrdiff_t>(std::min(keep, versions.size())));
  std::erase_if(old, [](const VersionInfo& version) { return !version.aliases.empty(); });
  return old;
}

}  // namespace forkcast::model
