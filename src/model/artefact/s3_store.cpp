#include "model/artefact/s3_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/alias_history.hpp"
#include "model/artefact/fetched_versions.hpp"
#include "model/artefact/models_cache.hpp"
#include "model/artefact/registry.hpp"
#include "model/artefact/version_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// How often a writer begins anew since another was faster.
constexpr int kMostRaces = 8;
/// How long a number may be taken by a version that is being written.
constexpr std::chrono::hours kLongestWriting{24};

/// Where the version is here already, an answer that does not come is not waited for.
HttpLimits Impatient(HttpLimits limits) {
  limits.attempts = std::min<std::size_t>(limits.attempts, 2);
  limits.connect = std::min(limits.connect, std::chrono::milliseconds(2'000));
  limits.stall = std::min(limits.stall, std::chrono::seconds(4));
  return limits;
}

std::string RandomWord() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

bool IsBucket(std::string_view name) {
  constexpr std::size_t kLeast = 3;
  constexpr std::size_t kMost = 63;
  return name.size() >= kLeast && IsRegistryName(name) && name.size() <= kMost;
}

bool IsPrefix(std::string_view prefix) {
  while (!prefix.empty()) {
    const std::size_t end = std::min(prefix.find('/'), prefix.size());
    if (!IsRegistryName(prefix.substr(0, end))) return false;
    prefix.remove_prefix(std::min(end + 1, prefix.size()));
  }
  return true;
}

/// What is known of a number from a list of objects alone.
struct ListedVersion {
  bool is_whole = false;
  std::string published_at{};  ///< Of the manifest or, of one that is not whole, of its number.
  std::vector<std::string> keys{};
};

struct ListedModel {
  std::map<std::uint64_t, ListedVersion> versions{};
  std::vector<std::string> aliases{};  ///< Objects that may be some.
};

}  // namespace

/// One call: what it asks of S3.
class S3Store::Session {
 public:
  Session(const S3StoreSettings& settings, const HttpLimits& limits, const Clock& clock)
      : settings_(settings), clock_(clock), s3_(settings.aws, settings.bucket, limits, clock) {}

  [[nodiscard]] S3Client& s3() noexcept { return s3_; }

  [[nodiscard]] std::string KeyOf(const std::string& model, std::string_view path) const {
    const char* const joint = settings_.prefix.empty() ? "" : "/";
    return fmt::format("{}{}{}/{}", settings_.prefix, joint, model, path);
  }
  [[nodiscard]] std::string KeyOf(const std::string& model, std::uint64_t number,
                                  std::string_view path) const {
    return KeyOf(model, fmt::format("{}/{}", number, path));
  }

  Result<ListedModel> List(const std::string& model) {
    const std::string prefix = KeyOf(model, "");
    Result<std::vector<S3Object>> objects = s3_.List(prefix);
    if (!objects) return std::move(objects).error();
    ListedModel listed;
    for (S3Object& object : *objects) {
      const std::string_view path = std::string_view(object.key).substr(prefix.size());
      const std::size_t slash = path.find('/');
      const auto number = ToVersionNumber(path.substr(0, slash));
      if (slash == path.npos) {
        const bool may_be_alias = IsRegistryName(path) && !number && object.bytes <= kLongestAlias;
        if (may_be_alias) listed.aliases.emplace_back(path);
      } else if (number) {
        ListedVersion& version = listed.versions[*number];
        const std::string_view name = path.substr(slash + 1);
        if (name == kManifestName) version.is_whole = true;
        if (name == kManifestName || version.published_at.empty()) {
          version.published_at = object.modified;
        }
        version.keys.push_back(std::move(object.key));
      }
    }
    return listed;
  }

  /// What an alias means, by a request for it. kNotFound; kCorrupt for what is no alias.
  Result<std::pair<std::uint64_t, std::string>> Alias(const std::string& model,
                                                      const std::string& alias) {
    Result<S3Text> text = s3_.Get(KeyOf(model, alias));
    if (!text) return std::move(text).error();
    const auto number = ReadAliasText(text->text);
    if (number) return std::pair(*number, std::move(text->etag));
    return Error{ErrorCode::kCorrupt,
                 fmt::format("s3://{}/{} is there and is no alias: move it away", settings_.bucket,
                             KeyOf(model, alias))};
  }

  /// Lets the alias mean the version. `expected`: what it has to mean before; 0: anything.
  Status PointAlias(const std::string& model, const std::string& alias, std::uint64_t number,
                    std::uint64_t expected) {
    for (int race = 0; race < kMostRaces; ++race) {
      const auto before = Alias(model, alias);
      if (!before && before.error().code != ErrorCode::kNotFound) return before.error();
      const std::uint64_t meant = before ? before->first : 0;
      if (expected != 0 && meant != expected) {
        return NotExpected({.alias = alias, .number = expected});
      }
      if (meant == number) return {};
      // Noted first: a move that nobody noted could not be told later.
      if (Status noted = NoteMove(model, alias, number); !noted) return noted;
      const S3Condition condition =
          before ? S3Condition{.kind = S3Condition::Kind::kSame, .etag = before->second}
                 : S3Condition{.kind = S3Condition::Kind::kAbsent};
      const Result<bool> put = s3_.Put(KeyOf(model, alias), fmt::format("{}\n", number), condition);
      if (!put) return put.error();
      if (*put) return {};
    }
    return Error{ErrorCode::kIo, fmt::format("alias \"{}\" of model \"{}\" is being changed by "
                                             "others: try again",
                                             alias, model)};
  }

  /// The number of a new version, which is nobody else's.
  Result<std::uint64_t> TakeNumber(const std::string& model, std::uint64_t first, Instant now) {
    // Unlike any other, so that a repeated request knows its own.
    const std::string claim =
        ordered_json{{"published_at", preprocessing::IsoTimestamp(now)}, {"by", RandomWord()}}
            .dump() +
        "\n";
    for (std::uint64_t number = first; number < first + kMostRaces; ++number) {
      const Result<bool> put = s3_.Put(KeyOf(model, number, kPublishedName), claim,
                                       {.kind = S3Condition::Kind::kAbsent});
      if (!put) return put.error();
      if (*put) return number;
    }
    return Error{ErrorCode::kIo,
                 fmt::format("model \"{}\": others publish all the time: try again", model)};
  }

  Status PutFiles(const std::string& model, std::uint64_t number, const NewVersion& version) {
    for (const ArtefactFile& file : version.files) {
      const Result<bool> put = s3_.Put(KeyOf(model, number, file.path), file.bytes);
      if (!put) return put.error();
    }
    const Result<bool> put =
        s3_.Put(KeyOf(model, number, kManifestName), WholeManifest(version.manifest, version.files),
                {.kind = S3Condition::Kind::kAbsent});
    if (!put) return put.error();
    if (*put) return {};
    return Error{ErrorCode::kIo, fmt::format("s3://{}/{} is there already", settings_.bucket,
                                             KeyOf(model, number, kManifestName))};
  }

  /// Whose manifest goes first, so that it is never there in part.
  Status Remove(const std::string& model, std::uint64_t number,
                const std::vector<std::string>& keys) {
    if (Status gone = s3_.Delete(KeyOf(model, number, kManifestName)); !gone) return gone;
    for (const std::string& key : keys) {
      if (Status gone = s3_.Delete(key); !gone) return gone;
    }
    return {};
  }

  Status Fetch(const std::string& model, std::uint64_t number) {
    const auto fetch = [&](const std::string& path, const fs::path& place) {
      return s3_.GetToFile(KeyOf(model, number, path), place);
    };
    const std::string source =
        fmt::format("s3://{}/{}", settings_.bucket, KeyOf(model, std::to_string(number)));
    return FetchedVersions(settings_.folder / model).Fetch(number, source, fetch);
  }

  /// The moves of a model's aliases; empty where nobody noted one.
  Result<S3Text> History(const std::string& model) {
    Result<S3Text> history = s3_.Get(KeyOf(model, kAliasHistoryName));
    if (history || history.error().code != ErrorCode::kNotFound) return history;
    return S3Text{};
  }

 private:
  Status NoteMove(const std::string& model, const std::string& alias, std::uint64_t number) {
    const std::string line = AliasMoveLine(alias, {.at = clock_.Now(), .number = number});
    for (int race = 0; race < kMostRaces; ++race) {
      const Result<S3Text> before = History(model);
      if (!before) return before.error();
      const S3Condition condition =
          before->etag.empty()
              ? S3Condition{.kind = S3Condition::Kind::kAbsent}
              : S3Condition{.kind = S3Condition::Kind::kSame, .etag = before->etag};
      const Result<bool> put =
          s3_.Put(KeyOf(model, kAliasHistoryName), before->text + line, condition);
      if (!put) return put.error();
      if (*put) return {};
    }
    return Error{
        ErrorCode::kIo,
        fmt::format("the history of model \"{}\" is being changed by others: try again", model)};
  }

  const S3StoreSettings& settings_;
  const Clock& clock_;
  S3Client s3_;
};

Result<S3StoreSettings> ReadS3StoreSettings(std::string_view url, const Environment& environment) {
  constexpr std::string_view kScheme = "s3://";
  std::string_view rest = url.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  S3StoreSettings settings{.aws = {}, .bucket = std::string(rest.substr(0, slash)), .prefix = {}};
  rest.remove_prefix(slash);
  while (rest.starts_with('/')) rest.remove_prefix(1);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  settings.prefix = rest;
  if (!IsBucket(settings.bucket) || !IsPrefix(settings.prefix)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: expected s3://BUCKET or s3://BUCKET/PREFIX, with letters, "
                             "digits, '_', '-', '.' and between folders '/'",
                             url)};
  }
  Result<AwsSettings> aws = ReadAwsSettings(environment);
  if (!aws) return Error{aws.error().code, fmt::format("{}: {}", url, aws.error().message)};
  settings.aws = *std::move(aws);
  const Result<fs::path> folder = CachedRegistry(
      fmt::format("{}{}{}", settings.bucket, settings.prefix.empty() ? "" : "-", settings.prefix),
      fmt::format("{}\n{}\n{}", settings.aws.endpoint, settings.bucket, settings.prefix),
      environment);
  if (!folder) return folder.error();
  settings.folder = *folder;
  return settings;
}

S3Store::S3Store(std::string url, Result<S3StoreSettings> settings, const Clock& clock)
    : url_(std::move(url)),
      settings_(std::move(settings)),
      clock_(clock),
      folder_(settings_ ? settings_->folder : fs::path(url_)) {}

Result<std::uint64_t> S3Store::Publish(const std::string& model, const NewVersion& version) const {
  if (!settings_) return settings_.error();
  Session session(*settings_, settings_->limits, clock_);
  const std::uint64_t expected = version.expected ? version.expected->number : 0;
  if (expected != 0) {
    const auto meant = session.Alias(model, version.expected->alias);
    if (!meant && meant.error().code != ErrorCode::kNotFound) return meant.error();
    if (!meant || meant->first != expected) return NotExpected(*version.expected);
  }
  const Result<ListedModel> listed = session.List(model);
  if (!listed) return listed.error();
  const std::uint64_t next = listed->versions.empty() ? 1 : listed->versions.rbegin()->first + 1;
  const Result<std::uint64_t> number = session.TakeNumber(model, next, version.now);
  if (!number) return number.error();
  if (Status put = session.PutFiles(model, *number, version); !put) {
    // Nobody sees it, as it has no manifest; what stays since S3 is away, Prune() removes.
    std::vector<std::string> keys{session.KeyOf(model, *number, kPublishedName)};
    for (const ArtefactFile& file : version.files) {
      keys.push_back(session.KeyOf(model, *number, file.path));
    }
    static_cast<void>(session.Remove(model, *number, keys));
    return std::move(put).error();
  }
  if (version.alias.empty()) return *number;
  const bool is_same = version.expected && version.expected->alias == version.alias;
  Status pointed = session.PointAlias(model, version.alias, *number, is_same ? expected : 0);
  if (!pointed) return std::move(pointed).error();
  return *number;
}

Result<std::vector<std::string>> S3Store::Models() const {
  if (!settings_) return settings_.error();
  Session session(*settings_, settings_->limits, clock_);
  const std::string prefix = settings_->prefix.empty() ? "" : settings_->prefix + "/";
  Result<std::vector<std::string>> models = session.s3().ListFolders(prefix);
  if (!models) return models;
  std::erase_if(*models, [](const std::string& name) { return !IsRegistryName(name); });
  std::ranges::sort(*models);
  return models;
}

Result<std::vector<VersionInfo>> S3Store::Versions(const std::string& model) const {
  if (!settings_) return settings_.error();
  Session session(*settings_, settings_->limits, clock_);
  const Result<ListedModel> listed = session.List(model);
  if (!listed) return listed.error();
  if (listed->versions.empty() && listed->aliases.empty()) return NoSuchModel(url_, model);
  std::map<std::uint64_t, std::vector<std::string>> aliases;  // in alphabetical order, as listed
  for (const std::string& alias : listed->aliases) {
    const auto meant = session.Alias(model, alias);
    if (meant) aliases[meant->first].push_back(alias);
    if (!meant && meant.error().code == ErrorCode::kIo) return meant.error();
  }
  std::vector<VersionInfo> versions;
  for (const auto& [number, version] : listed->versions) {
    if (!version.is_whole) continue;
    versions.push_back({.model = model,
                        .number = number,
                        .folder = folder_ / model / std::to_string(number),
                        .aliases = std::move(aliases[number]),
                        .published_at = version.published_at});
  }
  return versions;
}

Result<VersionInfo> S3Store::Find(const std::string& model, const std::string& reference) const {
  Result<std::vector<VersionInfo>> versions = Versions(model);
  if (!versions) return std::move(versions).error();
  Session session(*settings_, settings_->limits, clock_);
  auto number = ToVersionNumber(reference);
  if (!number && IsRegistryName(reference)) {
    const auto meant = session.Alias(model, reference);
    if (!meant && meant.error().code == ErrorCode::kIo) return meant.error();
    if (meant) number = meant->first;
  }
  const auto found = std::ranges::find(*versions, number.value_or(0), &VersionInfo::number);
  if (found == versions->end()) return NoSuchVersion(url_, model, reference, number, *versions);
  if (Status fetched = session.Fetch(model, found->number); !fetched) {
    return std::move(fetched).error();
  }
  return std::move(*found);
}

Result<ordered_json> S3Store::ManifestOf(const VersionInfo& version) const {
  if (!settings_) return settings_.error();
  if (FetchedVersions(folder_ / version.model).Has(version.number)) {
    return Registry::ReadManifest(version);
  }
  Session session(*settings_, settings_->limits, clock_);
  const std::string key = session.KeyOf(version.model, version.number, kManifestName);
  const Result<S3Text> text = session.s3().Get(key);
  if (!text) return text.error();
  try {
    return preprocessing::ParseJson(text->text);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt,
                 fmt::format("s3://{}/{}: {}", settings_->bucket, key, error.what())};
  }
}

Status S3Store::CheckPlace(const std::string& model, const std::string& alias) const {
  if (!settings_) return settings_.error();
  Session session(*settings_, settings_->limits, clock_);
  const std::string key = session.KeyOf(model, fmt::format("{}try-{}", kUnfinished, RandomWord()));
  const Result<bool> put = session.s3().Put(key, "1\n");
  if (!put) return put.error();
  if (Status gone = session.s3().Delete(key); !gone) return gone;
  const auto meant = session.Alias(model, alias);
  return meant || meant.error().code == ErrorCode::kNotFound ? Status() : Status(meant.error());
}

Status S3Store::SetAlias(const std::string& model, const std::string& alias,
                         std::uint64_t number) const {
  const Result<std::vector<VersionInfo>> versions = Versions(model);
  if (!versions) return versions.error();
  if (std::ranges::find(*versions, number, &VersionInfo::number) == versions->end()) {
    return NoSuchVersion(url_, model, std::to_string(number), number, *versions);
  }
  return Session(*settings_, settings_->limits, clock_).PointAlias(model, alias, number, 0);
}

Result<std::vector<std::uint64_t>> S3Store::Prune(const std::string& model, std::size_t keep,
                                                  bool dry_run) const {
  const Result<std::vector<VersionInfo>> versions = Versions(model);
  if (!versions) return versions.error();
  Session session(*settings_, settings_->limits, clock_);
  const Result<ListedModel> listed = session.List(model);
  if (!listed) return listed.error();
  std::vector<std::uint64_t> removed;
  for (const VersionInfo& version : ToPrune(*versions, keep)) removed.push_back(version.number);
  if (dry_run) return removed;
  std::vector<std::uint64_t> gone = removed;
  // What writers that were killed left, who have had their day.
  const Instant before = clock_.Now() - kLongestWriting;
  for (const auto& [number, version] : listed->versions) {
    const auto begun = preprocessing::ParseTimestamp(version.published_at, {});
    if (!version.is_whole && begun && *begun < before) gone.push_back(number);
  }
  for (const std::uint64_t number : gone) {
    const auto found = listed->versions.find(number);
    if (found == listed->versions.end()) continue;
    if (Status done = session.Remove(model, number, found->second.keys); !done) {
      return std::move(done).error();
    }
  }
  return removed;
}

Status S3Store::Refresh(const std::string& model, const std::string& reference,
                        Effort effort) const {
  if (!settings_) return settings_.error();
  const FetchedVersions here(folder_ / model);
  const auto named = ToVersionNumber(reference);
  const std::uint64_t known = named ? *named : here.AliasOf(reference);
  const bool is_here = known != 0 && here.Has(known);
  Session session(*settings_, is_here ? Impatient(settings_->limits) : settings_->limits, clock_);
  std::uint64_t number = named.value_or(0);
  if (!named) {
    const auto meant = session.Alias(model, reference);
    if (!meant) {
      if (meant.error().code == ErrorCode::kNotFound) here.RemoveAlias(reference);
      return meant.error();
    }
    number = meant->first;
  }
  if (effort == Effort::kWhatChanged && is_here && number == known) return {};
  if (Status fetched = session.Fetch(model, number); !fetched) return fetched;
  if (named || number == known) return {};
  const Result<S3Text> history = session.History(model);
  if (!history) return history.error();
  return here.SetAlias(reference, number, history->text);
}

std::shared_ptr<const VersionStore> OpenS3Store(const std::string& place,
                                                const Environment& environment) {
  static const SystemClock kClock;
  return std::make_shared<S3Store>(place, ReadS3StoreSettings(place, environment), kClock);
}

}  // namespace forkcast::model
