#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serving/endpoints/scoring_job.hpp"
#include "serving/wire/features_request.hpp"

namespace forkcast::serving {

/// `POST /get-online-features`: the features of rows, without a model, as Feast's feature server is
/// asked for them (wire::FeaturesRequest) and answers:
///     {"metadata": {"feature_names": [...]},
///      "results": [{"values": [...], "statuses": [...], "event_timestamps": [...]}]}
/// with a result for each entity and behind them for each feature. VIEW is a deployment, the
/// default one where a feature has none; without features all of them are meant. A row whose
/// features cannot be computed has NOT_FOUND, one whose data are too old OUTSIDE_MAX_AGE; where old
/// data are flagged alone, the value is there beside it. Timestamps are those as of which features
/// were read. A value of a field that is none is the whole request's error. Steady state allocates
/// nothing where the same features are asked for.
class OnlineFeaturesJob final : public ScoringJob {
 public:
  explicit OnlineFeaturesJob(Service& service) : ScoringJob(service) {}

 private:
  /// A column of the answer.
  struct Column {
    std::size_t feature = 0;
    preprocessing::SeriesMask reads = 0;
  };
  /// Which features were asked for, sorted out: the next request mostly asks for the same.
  struct Columns {
    std::weak_ptr<const ServedPipeline> pipeline{};
    std::string deployment{};
    std::vector<std::string> asked{};  ///< As they were written; empty: all.
    bool full_names = false;
    std::vector<Column> columns{};
    std::string names{};  ///< `,"a","b"`
  };

  Result<Catalogue::Entry*> FindDeployment() override;
  Result<BadRows> Receive() override;
  Result<bool> Decode(std::size_t rows) override;
  void StartAnswer() override;
  bool WriteAnswer(std::size_t lines) override;
  void Refuse(const Error& error) override;
  void RefuseRows(const std::vector<wire::RowError>& errors) override;

  /// Reads the body, and which deployment it names: empty, none.
  Status ReadAsked(std::string_view body);
  /// Which features are asked for, unless they are those of the request before; kNotFound for one
  /// that there is not.
  Status FindColumns();
  [[nodiscard]] bool AsksAsBefore() const;
  /// The rows as RequestDecoder takes them.
  void FormRows();
  void AppendNow();
  /// Sorts out which rows have features, and as of when they were read.
  void PlaceRows();
  void AppendEntity(std::size_t entity);
  void AppendColumn(const Column& column);

  wire::FeaturesRequest asked_;
  std::string_view asked_deployment_;
  std::string served_;  // the deployment that answers
  bool is_read_ = false;
  Columns columns_;
  std::string rows_text_;
  std::size_t next_column_ = 0;
  // By row of the request: its line among the scores, or why there is none.
  struct Row {
    std::optional<std::size_t> line{};
    std::string_view status{};
  };
  std::vector<Row> rows_;
  bool all_present_ = false;  // each row has features, of data that are not old
  // Behind the values of a column: its times, and all that where each value is there.
  std::string times_;
  std::string whole_;
};

void DescribeOnlineFeatures(ApiOperation& operation);

}  // namespace forkcast::serving
