#include "model/remote/aws_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using testing::HasSubstr;
using testing::Not;

class AwsSettingsTest : public testing::Test {
 protected:
  AwsSettingsTest() { variables_["HOME"] = folder_.path().string(); }

  [[nodiscard]] Result<AwsSettings> Read() const {
    return ReadAwsSettings([this](const char* name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    });
  }
  void WriteAws(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(folder_.path() / ".aws");
    folder_.Write(".aws/" + name, text);
  }

  preprocessing::TempFolder folder_;
  std::map<std::string, std::string> variables_;
};

TEST_F(AwsSettingsTest, AreThoseOfTheVariables) {
  variables_["AWS_ACCESS_KEY_ID"] = "id";
  variables_["AWS_SECRET_ACCESS_KEY"] = "secret";
  variables_["AWS_SESSION_TOKEN"] = "token";
  variables_["AWS_DEFAULT_REGION"] = "eu-central-1";
  const auto settings = Read();
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->keys.id, "id");
  EXPECT_EQ(settings->keys.secret, "secret");
  EXPECT_EQ(settings->keys.session_token, "token");
  EXPECT_EQ(settings->endpoint, "https://s3.eu-central-1.amazonaws.com");
}

TEST_F(AwsSettingsTest, AreThoseOfTheProfileInTheFiles) {
  WriteAws("credentials",
           "[default]\naws_access_key_id = no\naws_secret_access_key = no\n\n# ours\n[team]\n"
           "aws_access_key_id=id\naws_secret_access_key = a/b+c=\n");
  WriteAws("config",
           "[profile team]\nregion = eu-west-1\ns3 =\n  region = not-this\n"
           "endpoint_url = http://127.0.0.1:9000/\n");
  variables_["AWS_PROFILE"] = "team";
  const auto settings = Read();
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->keys.id, "id");
  EXPECT_EQ(settings->keys.secret, "a/b+c=");
  EXPECT_EQ(settings->region, "eu-west-1");
  EXPECT_EQ(settings->endpoint, "http://127.0.0.1:9000");
}

TEST_F(AwsSettingsTest, NeverJoinAKeyOfAVariableWithASecretOfAFile) {
  WriteAws("credentials", "[default]\naws_access_key_id = id\naws_secret_access_key = secret\n");
  variables_["AWS_ACCESS_KEY_ID"] = "another";
  const auto settings = Read();
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().message, HasSubstr("AWS_SECRET_ACCESS_KEY"));
}

struct RefusedCase {
  std::string name;
  std::string variable;
  std::string value;
  std::string message;
};

class RefusedAwsSettings : public AwsSettingsTest,
                           public testing::WithParamInterface<RefusedCase> {};

TEST_P(RefusedAwsSettings, AreToldWithoutTheirValue) {
  variables_["AWS_ACCESS_KEY_ID"] = "id";
  variables_["AWS_SECRET_ACCESS_KEY"] = "hidden";
  variables_[GetParam().variable] = GetParam().value;
  const auto settings = Read();
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(settings.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(settings.error().message, Not(HasSubstr("hidden")));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedAwsSettings,
    testing::Values(RefusedCase{"NoKey", "AWS_ACCESS_KEY_ID", "", "set AWS_ACCESS_KEY_ID"},
                    RefusedCase{"ALineEndInASecret", "AWS_SECRET_ACCESS_KEY", "hidden\r\nHost: x",
                                "printable characters"},
                    RefusedCase{"AnEndpointOfNoHttp", "AWS_ENDPOINT_URL", "ftp://hidden",
                                "expected http://"},
                    RefusedCase{"AnEndpointWithAPassword", "AWS_ENDPOINT_URL_S3",
                                "http://u:hidden@h", "AWS_ENDPOINT_URL_S3"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
