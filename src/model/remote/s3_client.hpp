#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "model/remote/aws_settings.hpp"
#include "model/remote/http_client.hpp"

namespace forkcast::model {

struct S3Object {
  std::string key;
  std::uint64_t bytes = 0;
  std::string modified;  ///< ISO 8601, UTC.
};

struct S3Text {
  std::string text;
  std::string etag;  ///< Of exactly these bytes.
};

/// On what a Put() depends.
struct S3Condition {
  enum class Kind { kNone, kAbsent, kSame };
  Kind kind = Kind::kNone;
  std::string etag{};  ///< kSame: what must be there still.
};

/// Objects of one bucket, addressed by path (ENDPOINT/BUCKET/KEY). For one thread. Errors name the
/// object and never a key or a signature: kNotFound, kIo (not reached, refused), kCorrupt for an
/// answer that is none of S3.
class S3Client {
 public:
  /// `clock` outlives the client: requests are signed with the time.
  S3Client(AwsSettings settings, std::string bucket, const HttpLimits& limits, const Clock& clock);

  [[nodiscard]] Result<S3Text> Get(const std::string& key);
  /// Streams it into a file, which is then as long as S3 said.
  [[nodiscard]] Status GetToFile(const std::string& key, const std::filesystem::path& file);
  /// False: the condition did not hold, and nothing was written. An object whose writing was
  /// repeated since the first answer was lost counts as written.
  [[nodiscard]] Result<bool> Put(const std::string& key, std::string_view bytes,
                                 const S3Condition& condition = {});
  /// Ok also when it was not there.
  [[nodiscard]] Status Delete(const std::string& key);
  /// All whose keys begin so, in the order of their keys.
  [[nodiscard]] Result<std::vector<S3Object>> List(const std::string& prefix);
  /// What stands between `prefix` and the next '/' in keys: the folders below it.
  [[nodiscard]] Result<std::vector<std::string>> ListFolders(const std::string& prefix);

 private:
  struct Call;
  [[nodiscard]] Result<HttpAnswer> Send(const Call& call);
  [[nodiscard]] Error Refused(const std::string& key, const HttpAnswer& answer) const;
  [[nodiscard]] std::string NameOf(const std::string& key) const;
  /// Calls `take` with each page.
  template <typename Take>
  [[nodiscard]] Status ListPages(const std::string& prefix, std::string_view delimiter, Take take);

  AwsSettings settings_;
  std::string bucket_;
  const Clock& clock_;
  HttpClient http_;
};

/// The texts of all elements `<name>` below the root, in order, with entities resolved. Of the XML
/// that S3 answers with, which has no attributes on what is asked for here.
[[nodiscard]] std::vector<std::string> XmlTexts(std::string_view xml, std::string_view name);

}  // namespace forkcast::model
