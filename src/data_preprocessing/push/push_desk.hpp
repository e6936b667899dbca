#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/push/push_message.hpp"
#include "data_preprocessing/push/remembered_pushes.hpp"
#include "data_preprocessing/push/row_upload.hpp"
#include "data_preprocessing/push/table_facts.hpp"
#include "data_preprocessing/source/ingest.hpp"

namespace forkcast::preprocessing {

/// By which rules. The pipeline outlives the desk.
struct PushRules {
  const PipelineSpec& spec;
  OnConflict on_conflict = OnConflict::kRefuse;
  /// What stands between a file and the store, such as rules; may be empty.
  std::function<std::unique_ptr<RowSource>(const TableSpec&, std::unique_ptr<RowSource>)> check{};
  /// With the files to which a reset goes back; empty: there is none.
  std::filesystem::path originals{};
};

/// Does what is asked of the store, one request after the other, each in one transaction: all of it
/// is committed when the reply is made, or nothing. Not thread-safe.
class PushDesk {
 public:
  static constexpr std::size_t kShownRows = 10;

  explicit PushDesk(PushRules rules);

  /// What came of it: refusals are replies. An error is one of the store: nothing was done, or
  /// nobody knows whether the commit has gone through.
  Result<PushReply> Answer(TableDao& dao, const PushRequest& request, std::string_view body,
                           Instant now);

 private:
  /// All that is known of the key.
  struct KeyState {
    std::string bucket;
    std::optional<std::string> position;  // in the store
    std::vector<RememberedPush> known;
  };

  Result<PushReply> TakeRows(TableDao& dao, const PushRequest& request, std::string_view body,
                             Instant now);
  Result<PushReply> TakeFiles(TableDao& dao, const PushRequest& request,
                              const std::vector<UploadedFile>& files, RememberedPush& push);
  Result<IngestReport> TakeFile(TableDao& dao, const UploadedFile& file, RejectSink& rejects);
  Result<PushReply> Reset(TableDao& dao);
  Result<nlohmann::ordered_json> ResetTable(TableDao& dao, const TableSpec& table);

  PushRules rules_;
  TableFacts facts_;
};

}  // namespace forkcast::preprocessing
