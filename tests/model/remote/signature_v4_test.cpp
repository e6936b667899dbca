#include "model/remote/signature_v4.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace forkcast::model {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using Pairs = std::vector<std::pair<std::string, std::string>>;

const AwsKeys kKeys{.id = "AKIDEXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
const AwsKeys kS3Keys{.id = "AKIAIOSFODNN7EXAMPLE",
                      .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
// 2015-08-30T12:36:00Z and 2013-05-24T00:00:00Z.
constexpr Instant kSuiteTime{std::chrono::seconds(1'440'938'160)};
constexpr Instant kS3Time{std::chrono::seconds(1'369'353'600)};

/// A vector that AWS published: of its test suite for signature version 4, or of S3's "Signature
/// calculations for the Authorization header: examples".
struct Vector {
  std::string name;
  std::string method;
  std::string path;
  Pairs query{};
  Pairs headers{};
  std::string body{};
  std::string signature;
};

class SuiteVector : public testing::TestWithParam<Vector> {};

TEST_P(SuiteVector, IsSignedAsAwsSignsIt) {
  RequestToSign request{.method = GetParam().method,
                        .path = GetParam().path,
                        .query = GetParam().query,
                        .headers = GetParam().headers,
                        .payload_hash = HexSha256(GetParam().body)};
  request.headers.emplace_back("host", "example.amazonaws.com");
  request.headers.emplace_back("x-amz-date", AmzDate(kSuiteTime));
  const SigningScope scope{.time = kSuiteTime, .region = "us-east-1", .service = "service"};
  const std::string value = Authorization(request, scope, kKeys);
  EXPECT_THAT(value, HasSubstr("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                               "aws4_request, SignedHeaders="));
  EXPECT_THAT(value, EndsWith("Signature=" + GetParam().signature)) << CanonicalRequest(request);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SuiteVector,
    testing::Values(
        Vector{.name = "GetVanilla",
               .method = "GET",
               .path = "/",
               .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Vector{.name = "PostVanilla",
               .method = "POST",
               .path = "/",
               .signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        Vector{.name = "GetVanillaQueryOrderKeyCase",
               .method = "GET",
               .path = "/",
               .query = {{"Param2", "value2"}, {"Param1", "value1"}},
               .signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        Vector{.name = "GetVanillaUtf8Query",
               .method = "GET",
               .path = "/",
               .query = {{"\u1234", "bar"}},
               .signature = "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        Vector{.name = "GetUnreserved",
               .method = "GET",
               .path = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
               .signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"}),
    [](const auto& param) { return param.param.name; });

class S3Vector : public testing::TestWithParam<Vector> {};

TEST_P(S3Vector, IsSignedAsS3SignsIt) {
  RequestToSign request{.method = GetParam().method,
                        .path = GetParam().path,
                        .query = GetParam().query,
                        .headers = GetParam().headers,
                        .payload_hash = HexSha256(GetParam().body)};
  request.headers.emplace_back("host", "examplebucket.s3.amazonaws.com");
  request.headers.emplace_back("x-amz-date", AmzDate(kS3Time));
  request.headers.emplace_back("x-amz-content-sha256", request.payload_hash);
  const SigningScope scope{.time = kS3Time, .region = "us-east-1"};
  EXPECT_THAT(Authorization(request, scope, kS3Keys), EndsWith("Signature=" + GetParam().signature))
      << CanonicalRequest(request);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, S3Vector,
    testing::Values(
        Vector{.name = "GetObject",
               .method = "GET",
               .path = "/test.txt",
               .headers = {{"range", "bytes=0-9"}},
               .signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
        Vector{.name = "PutObjectWhoseNameIsEncoded",
               .method = "PUT",
               .path = "/test$file.text",
               .headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                           {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
               .body = "Welcome to Amazon S3.",
               .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
        Vector{.name = "GetBucketLifecycle",
               .method = "GET",
               .path = "/",
               .query = {{"lifecycle", ""}},
               .signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
        Vector{.name = "ListObjects",
               .method = "GET",
               .path = "/",
               .query = {{"prefix", "J"}, {"max-keys", "2"}},
               .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}),
    [](const auto& param) { return param.param.name; });

TEST(SignatureV4, HasBlanksOfAHeaderOnceAndHeadersInTheirOrder) {
  const RequestToSign request{.method = "GET",
                              .path = "/a b/c+d",
                              .query = {{"z", "1"}, {"a", "/ +"}},
                              .headers = {{"x-b", "  one   two "}, {"host", "h"}},
                              .payload_hash = HexSha256("")};
  EXPECT_EQ(CanonicalRequest(request),
            "GET\n/a%20b/c%2Bd\na=%2F%20%2B&z=1\nhost:h\nx-b:one two\n\nhost;x-b\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace forkcast::model
