#pragma once

#include <string>
#include <string_view>

#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/result.hpp"
#include "model/remote/signature_v4.hpp"

namespace forkcast::model {

/// Where S3 is, and as whom it is asked.
struct AwsSettings {
  std::string endpoint;  ///< "https://s3.eu-central-1.amazonaws.com", without '/' at its end.
  std::string region;
  AwsKeys keys;
};

/// As AWS' own programs find them: the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
/// AWS_SESSION_TOKEN, else the profile AWS_PROFILE ("default") of the files
/// AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and AWS_CONFIG_FILE (~/.aws/config); region by
/// AWS_REGION, AWS_DEFAULT_REGION or the profile's `region`, else us-east-1; endpoint by
/// AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the profile's `endpoint_url`, else AWS' own of the
/// region. kInvalidArgument, naming the variables and never a value of a key.
[[nodiscard]] Result<AwsSettings> ReadAwsSettings(const Environment& environment);

}  // namespace forkcast::model
