#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/endpoints/scoring_job.hpp"

namespace forkcast::serving {

/// `POST /get-online-features`: the features of rows, without a model, as Feast's feature server is
/// asked for them and answers:
///     {"features": ["VIEW:NAME", ...] or "feature_service": DEPLOYMENT,
///      "entities": {"FIELD": [a value a row]}, "full_feature_names": false}
///     {"metadata": {"feature_names": [...]},
///      "results": [{"values": [...], "statuses": [...], "event_timestamps": [...]}]}
/// with a result for each entity and behind them for each feature. VIEW is a deployment, the
/// default one where a feature has none; without features all of them are meant. A row whose
/// features cannot be computed has NOT_FOUND, one whose data are too old OUTSIDE_MAX_AGE; where old
/// data are flagged alone, the value is there beside it. Timestamps are those as of which features
/// were read. A value of a field that is none is the whole request's error.
class OnlineFeaturesJob final : public ScoringJob {
 public:
  explicit OnlineFeaturesJob(Service& service) : ScoringJob(service) {}

 private:
  /// What is asked.
  struct Asked {
    std::vector<std::string> features{};  ///< As they were written; empty: all.
    std::string deployment{};             ///< Empty: the default.
    nlohmann::ordered_json entities{};    ///< Fields, each with a value a row.
    std::size_t rows = 0;
    bool full_names = false;
  };
  /// A column of the answer.
  struct Column {
    std::string name;
    std::size_t feature = 0;
    preprocessing::SeriesMask reads = 0;
  };

  Result<Catalogue::Entry*> FindDeployment() override;
  Result<BadRows> Receive() override;
  Result<bool> Decode(std::size_t rows) override;
  void StartAnswer() override;
  bool WriteAnswer(std::size_t lines) override;
  void Refuse(const Error& error) override;
  void RefuseRows(const std::vector<wire::RowError>& errors) override;

  static Result<Asked> ReadAsked(std::string_view body);
  /// Which features are asked for; kNotFound for one that there is not.
  Status FindColumns();
  /// The rows as RequestDecoder takes them.
  void FormRows();
  /// Sorts out which rows have features, and as of when they were read.
  void PlaceRows();
  void AppendEntity(const nlohmann::ordered_json& values);
  void AppendColumn(const Column& column);

  Asked asked_;
  std::string served_;  // the deployment that answers
  bool is_read_ = false;
  std::vector<Column> columns_;
  std::string rows_text_;
  std::size_t next_column_ = 0;
  // By row of the request: its line among the scores, or why there is none.
  struct Row {
    std::optional<std::size_t> line{};
    std::string_view status{};
  };
  std::vector<Row> rows_;
  bool all_present_ = false;  // each row has features, of data that are not old
  std::string present_;       // the statuses of a column then
  std::string times_;         // of every column
};

void DescribeOnlineFeatures(ApiOperation& operation);

}  // namespace forkcast::serving
