#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/remote/http_client.hpp"

namespace forkcast::model {

/// Where MLflow's server is, and as whom it is asked.
struct MlflowSettings {
  std::string url;            ///< "http://127.0.0.1:5000", without '/' at its end.
  std::string authorization;  ///< The value of the header; empty: none.
};

/// As MLflow's own client: MLFLOW_TRACKING_TOKEN, else MLFLOW_TRACKING_USERNAME and
/// MLFLOW_TRACKING_PASSWORD; `url` or, when it is empty, MLFLOW_TRACKING_URI. kInvalidArgument.
[[nodiscard]] Result<MlflowSettings> ReadMlflowSettings(std::string url,
                                                        const Environment& environment);

/// A file of a folder of artifacts.
struct MlflowArtifact {
  std::string path;  ///< Below the folder.
  std::uint64_t bytes = 0;
};

/// Asks a tracking server by REST (version 2.0 of its interface). For one thread. Errors say what
/// the server said: kNotFound for what it does not know, kInvalidArgument for what it calls so (an
/// alias that is not there), kIo for everything else, and never a token.
class MlflowClient {
 public:
  using Query = std::vector<std::pair<std::string, std::string>>;

  explicit MlflowClient(MlflowSettings settings, const HttpLimits& limits = {});

  /// `path` below /api/2.0/mlflow/, such as "runs/create".
  [[nodiscard]] Result<nlohmann::ordered_json> Get(std::string_view path, const Query& query);
  [[nodiscard]] Result<nlohmann::ordered_json> Post(std::string_view path,
                                                    const nlohmann::ordered_json& body);

  /// Files at a place of artifacts that the server itself gives and takes, such as
  /// "mlflow-artifacts:/1/RUN/artifacts"; others (s3:, a folder) are kInvalidArgument.
  [[nodiscard]] Status PutArtifact(const std::string& uri, const std::string& path,
                                   std::string_view bytes);
  [[nodiscard]] Status GetArtifact(const std::string& uri, const std::string& path,
                                   const std::filesystem::path& file);
  /// All files below it.
  [[nodiscard]] Result<std::vector<MlflowArtifact>> ListArtifacts(const std::string& uri);

 private:
  [[nodiscard]] Result<HttpAnswer> Send(HttpRequest request);
  [[nodiscard]] Result<nlohmann::ordered_json> Json(const HttpRequest& request);
  [[nodiscard]] Error Refused(const HttpRequest& request, const HttpAnswer& answer) const;
  Status AddFolder(const std::string& root, const std::string& below,
                   std::vector<MlflowArtifact>& found);

  MlflowSettings settings_;
  HttpClient http_;
};

}  // namespace forkcast::model
