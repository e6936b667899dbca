#include "serving/access/token_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/access/account_list.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::IsoTimestamp;
using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr std::string_view kNever = "never";
constexpr AccountList<Token> kTokenList{
    .setting = "tokens", .parse = ParseTokens, .to_text = ToText};

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

Token ReadToken(const JsonNode& node) {
  node.RequireObject({"name", "role", "sha256", "created", "expires", "revoked"});
  Token token{.name = ReadAccountName(node.Get("name"), kMostTokenName),
              .role = ReadRole(node.Get("role")),
              .hash = ReadHash(node.Get("sha256")),
              .created = ReadTime(node.Get("created"))};
  const JsonNode expires = node.Get("expires");
  if (expires.String() != kNever) token.expires = ReadTime(expires);
  const auto revoked = node.Find("revoked");
  if (revoked && !revoked->json().is_null()) token.revoked = ReadTime(*revoked);
  return token;
}

std::string Hex(const TokenHash& hash) { return fmt::format("{:02x}", fmt::join(hash, "")); }

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
    return Error{ErrorCode::kCorrupt, error.what(), std::string(kTokenList.setting)};
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
  return kTokenList.Read(path);
}

Status ChangeTokens(const std::filesystem::path& path, WhenAbsent when_absent,
                    const std::function<Status(std::vector<Token>&)>& change) {
  return kTokenList.Change(path, when_absent, change);
}

}  // namespace forkcast::serving
