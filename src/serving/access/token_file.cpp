#include "serving/access/token_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <exception>
#include <iterator>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/file_lock.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::IsoTimestamp;
using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr std::string_view kNever = "never";
constexpr mode_t kMode = 0600;
constexpr mode_t kWrittenByOthers = S_IWGRP | S_IWOTH;

Error SystemError(const std::filesystem::path& path, std::string_view what) {
  return {ErrorCode::kIo,
          fmt::format("{}: {}: {}", path.string(), what, std::generic_category().message(errno)),
          "tokens"};
}

TokenHash ReadHash(const JsonNode& node) {
  const std::string text = node.String();
  TokenHash hash{};
  const char* at = text.data();
  bool good = text.size() == 2 * hash.size();
  for (std::size_t i = 0; good && i < hash.size(); ++i, at += 2) {
    const auto [stop, failed] = std::from_chars(at, at + 2, hash.at(i), 16);
    good = failed == std::errc() && stop == at + 2;
  }
  if (!good) node.Fail("expected 64 hexadecimal digits");
  return hash;
}

Instant ReadTime(const JsonNode& node) {
  const auto time = preprocessing::ParseTimestamp(node.String(), preprocessing::TimeZone());
  if (!time) node.Fail(time.error().message);
  return *time;
}

Token ReadToken(const JsonNode& node) {
  node.RequireObject({"name", "role", "sha256", "created", "expires", "revoked"});
  Token token{.name = node.Get("name").String(), .hash = ReadHash(node.Get("sha256"))};
  if (!IsPlainName(token.name, kMostTokenName)) {
    node.Get("name").Fail("expected 1 to 64 letters, digits, '-', '_' and '.'");
  }
  const auto role = RoleOf(node.Get("role").String());
  if (!role) node.Get("role").Fail("expected viewer, operator or admin");
  token.role = *role;
  token.created = ReadTime(node.Get("created"));
  const JsonNode expires = node.Get("expires");
  if (expires.String() != kNever) token.expires = ReadTime(expires);
  const auto revoked = node.Find("revoked");
  if (revoked && !revoked->json().is_null()) token.revoked = ReadTime(*revoked);
  return token;
}

std::string Hex(const TokenHash& hash) { return fmt::format("{:02x}", fmt::join(hash, "")); }

/// What the file holds, if nobody but its owner may write it.
Result<std::string> ReadOwn(const std::filesystem::path& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return SystemError(path, "cannot be read");
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}: is no regular file", path.string()),
                 "tokens"};
  }
  if ((status.st_mode & kWrittenByOthers) != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: others than its owner may write it, and so give themselves any "
                             "role: chmod go-w",
                             path.string()),
                 "tokens"};
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, "cannot be read");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

/// What is there, and whose it is.
struct Stored {
  std::vector<Token> tokens{};
  uid_t user = ::geteuid();
  gid_t group = ::getegid();
};

Result<Stored> ReadStored(const std::filesystem::path& path, WhenAbsent when_absent) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT && when_absent == WhenAbsent::kBegin) return Stored{};
    return SystemError(path, "cannot be read");
  }
  Result<std::vector<Token>> tokens = ReadTokens(path);
  if (!tokens) return std::move(tokens).error();
  return Stored{.tokens = *std::move(tokens), .user = status.st_uid, .group = status.st_gid};
}

void Write(const std::filesystem::path& path, const Stored& stored) {
  AtomicFile file(path);
  // Before a byte is in it.
  const char* const temporary = file.temporary_path().c_str();
  const bool is_ours = stored.user == ::geteuid() && stored.group == ::getegid();
  if (::chmod(temporary, kMode) != 0 ||
      (!is_ours && ::chown(temporary, stored.user, stored.group) != 0)) {
    throw std::system_error(errno, std::generic_category(), temporary);
  }
  file.Write(ToText(stored.tokens));
  file.Commit();
}

}  // namespace

Result<std::vector<Token>> ParseTokens(std::string_view text) {
  try {
    const ordered_json document = preprocessing::ParseJson(text);
    const JsonNode root(document);
    root.RequireObject({"tokens"});
    std::vector<Token> tokens;
    for (const JsonNode& node : root.Get("tokens").Elements()) tokens.push_back(ReadToken(node));
    return tokens;
  } catch (const SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what(), "tokens"};
  }
}

std::string ToText(const std::vector<Token>& tokens) {
  ordered_json document{{"tokens", ordered_json::array()}};
  for (const Token& token : tokens) {
    document["tokens"].push_back(
        {{"name", token.name},
         {"role", WordFor(token.role)},
         {"sha256", Hex(token.hash)},
         {"created", IsoTimestamp(token.created)},
         {"expires", token.expires ? IsoTimestamp(*token.expires) : std::string(kNever)},
         {"revoked",
          token.revoked ? ordered_json(IsoTimestamp(*token.revoked)) : ordered_json(nullptr)}});
  }
  return document.dump(2) + "\n";
}

Result<std::vector<Token>> ReadTokens(const std::filesystem::path& path) {
  const Result<std::string> text = ReadOwn(path);
  if (!text) return text.error();
  Result<std::vector<Token>> tokens = ParseTokens(*text);
  if (tokens) return tokens;
  return Error{ErrorCode::kCorrupt, fmt::format("{}: {}", path.string(), tokens.error().message),
               "tokens"};
}

Status ChangeTokens(const std::filesystem::path& path, WhenAbsent when_absent,
                    const std::function<Status(std::vector<Token>&)>& change) {
  std::filesystem::path lock_path = path;
  lock_path += ".lock";
  const FileLock lock(lock_path);
  if (!lock.held()) return SystemError(lock_path, "cannot be locked");
  Result<Stored> stored = ReadStored(path, when_absent);
  if (!stored) return std::move(stored).error();
  if (Status changed = change(stored->tokens); !changed) return changed;
  try {
    Write(path, *stored);
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what(), "tokens"};
  }
  return {};
}

}  // namespace forkcast::serving
