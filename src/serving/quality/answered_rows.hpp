#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/table/table.hpp"
#include "serving/capture/capture_store.hpp"

namespace forkcast::serving {

/// One line of an answer with the row that asked for it, as they were sent.
class AnsweredRow {
 public:
  AnsweredRow(const preprocessing::PipelineSpec& spec, const nlohmann::ordered_json& line,
              const nlohmann::ordered_json& answer, const nlohmann::ordered_json& request)
      : spec_(spec), line_(line), answer_(answer), request_(request) {}

  /// An output of the model, by whatever name the pipeline answers it; null when it is not there.
  [[nodiscard]] const nlohmann::ordered_json* Output(std::string_view name) const;
  /// A field of the request, whether the answer repeats it or not.
  [[nodiscard]] const nlohmann::ordered_json* Field(std::string_view name) const;

 private:
  [[nodiscard]] const nlohmann::ordered_json* InAnswer(std::string_view member) const;

  const preprocessing::PipelineSpec& spec_;
  const nlohmann::ordered_json& line_;
  const nlohmann::ordered_json& answer_;
  const nlohmann::ordered_json& request_;
};

/// Rows of a table that are read at once.
inline constexpr std::size_t kToldAtOnce = 10'000;

/// Calls `visit` for every line of the record's answer but those of rows that were refused. Rows of
/// request and answer belong together where there are as many; where not, a line is all that there
/// is.
void VisitAnswers(const CaptureRecord& record, const preprocessing::PipelineSpec& spec,
                  const std::function<void(const AnsweredRow&)>& visit);

/// What a value as it was sent is as text that AppendParsed() reads; none for null and for what is
/// no single value.
[[nodiscard]] std::optional<std::string> TextOf(const nlohmann::ordered_json* value);
/// A number, or one as text.
[[nodiscard]] std::optional<double> NumberOf(const nlohmann::ordered_json* value);

/// Which captured answers are asked for.
struct AnswersOf {
  std::string pipeline;
  std::string version;     ///< As answers say it.
  std::string deployment;  ///< Empty: all.

  /// Whether it is one, and was answered.
  [[nodiscard]] bool Has(const CaptureRecord& record) const;
};

/// VisitAnswers() of all captures (as VisitCaptures() has them) that are asked for, with the time
/// at which each was.
[[nodiscard]] Status VisitAnswers(
    const std::filesystem::path& captures, const AnswersOf& answers,
    const preprocessing::PipelineSpec& spec,
    const std::function<void(const AnsweredRow& row, Instant received)>& visit);

}  // namespace forkcast::serving
