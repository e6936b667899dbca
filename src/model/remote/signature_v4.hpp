#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::model {

/// Whoever has the secret may do what its owner may: it goes into signatures alone.
struct AwsKeys {
  std::string id;
  std::string secret;
  std::string session_token{};  ///< Of keys that are lent; empty: none.
};

/// A request as it is signed. Everything is as it is meant, not encoded.
struct RequestToSign {
  std::string method;
  std::string path;  ///< "/bucket/models/a b"
  std::vector<std::pair<std::string, std::string>> query{};
  /// Names in lower case; `host` among them.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string payload_hash;  ///< HexSha256() of the body.
};

/// Where a signature holds.
struct SigningScope {
  Instant time;
  std::string region;
  std::string service = "s3";
};

/// AWS Signature Version 4 in its canonical form, with the path encoded once, as S3 has it
/// (docs.aws.amazon.com, "Create a signed AWS API request").
[[nodiscard]] std::string CanonicalRequest(const RequestToSign& request);
/// The value of the header Authorization.
[[nodiscard]] std::string Authorization(const RequestToSign& request, const SigningScope& scope,
                                        const AwsKeys& keys);
/// "20130524T000000Z", what x-amz-date says.
[[nodiscard]] std::string AmzDate(Instant time);
[[nodiscard]] std::string HexSha256(std::string_view bytes);

/// Percent-encodes all but A-Z a-z 0-9 - . _ ~ and, where told so, '/'.
enum class Slashes { kKept, kEncoded };
[[nodiscard]] std::string PercentEncoded(std::string_view text, Slashes slashes);
/// "a=1&b=2", sorted and encoded.
[[nodiscard]] std::string CanonicalQuery(std::vector<std::pair<std::string, std::string>> query);

}  // namespace forkcast::model
