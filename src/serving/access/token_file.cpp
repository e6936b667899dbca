#include "serving/access/token_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
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
constexpr std::string_view kSetting = "tokens";

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

/// ParseTokens() of a file, which its errors name.
Result<std::vector<Token>> ParseNaming(const std::filesystem::path& path, std::string_view text) {
  Result<std::vector<Token>> tokens = ParseTokens(text);
  if (tokens) return tokens;
  return Error{ErrorCode::kCorrupt, fmt::format("{}: {}", path.string(), tokens.error().message),
               std::string(kSetting)};
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
    return Error{ErrorCode::kCorrupt, error.what(), std::string(kSetting)};
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
  const Result<std::string> text = ReadSecretFile(path, kSetting);
  if (!text) return text.error();
  return ParseNaming(path, *text);
}

Status ChangeTokens(const std::filesystem::path& path, WhenAbsent when_absent,
                    const std::function<Status(std::vector<Token>&)>& change) {
  return ChangeSecretFile(path, kSetting, when_absent,
                          [&](const std::optional<std::string>& text) -> Result<std::string> {
                            Result<std::vector<Token>> tokens =
                                text ? ParseNaming(path, *text) : Result(std::vector<Token>());
                            if (!tokens) return std::move(tokens).error();
                            if (Status changed = change(*tokens); !changed)
                              return std::move(changed).error();
                            return ToText(*tokens);
                          });
}

}  // namespace forkcast::serving
