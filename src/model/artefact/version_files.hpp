#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/version_store.hpp"

/// What versions are made of wherever they are kept (FORMAT.md).
namespace forkcast::model {

inline constexpr std::string_view kManifestName = "manifest.json";
inline constexpr std::string_view kPublishedName = "published.json";
/// What a writer that was killed leaves behind begins so; the next writer removes it.
inline constexpr std::string_view kUnfinished = ".unfinished-";
/// No alias is longer, whose file has a number and a line's end.
inline constexpr std::uintmax_t kLongestAlias = 32;

/// Whether a model or an alias can be called so: names become file names.
[[nodiscard]] bool IsRegistryName(std::string_view name);
/// The number of a version as people write it; none for anything else.
[[nodiscard]] std::optional<std::uint64_t> ToVersionNumber(std::string_view text);
/// The version that the text of an alias means; none for what is no alias.
[[nodiscard]] std::optional<std::uint64_t> ReadAliasText(std::string_view text);
/// Whether a file so called lies in the version's folder.
[[nodiscard]] bool IsInsideVersion(const std::filesystem::path& name);

/// The bytes of manifest.json: `manifest` with the list of `files`.
[[nodiscard]] std::string WholeManifest(const nlohmann::ordered_json& manifest,
                                        const std::vector<ArtefactFile>& files);

/// That there is no version of this reference, of those that there are. `meant`: the number that
/// the alias means, which is not there.
[[nodiscard]] Error NoSuchVersion(const std::string& place, const std::string& model,
                                  const std::string& reference,
                                  const std::optional<std::uint64_t>& meant,
                                  const std::vector<VersionInfo>& versions);
[[nodiscard]] Error NoSuchModel(const std::string& place, const std::string& model);
/// That an expected alias means another version by now.
[[nodiscard]] Error NotExpected(const ExpectedAlias& expected);

/// Those that Prune() removes: all but the newest `keep` and those with an alias.
[[nodiscard]] std::vector<VersionInfo> ToPrune(const std::vector<VersionInfo>& versions,
                                               std::size_t keep);

}  // namespace forkcast::model
