#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/wire/media_type.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::wire {

/// A part of a row within `{"predictions": [...]}` that is not called as the answer's fields are.
struct PredictedPart {
  enum class Form {
    kValue,  ///< One field.
    kList,
    kMap,  ///< Fields by keys.
  };
  std::string name{};  ///< Among others; empty: it is the row.
  Form form = Form::kValue;
  std::vector<std::size_t> fields{};  ///< Of AnswerSchema::fields.
  std::vector<std::string> keys{};    ///< Of a map: one a field.
  bool is_integer = false;            ///< The field is a text, and is written as the number it is.
};

/// Names of what an answer row holds, fixed when the server starts.
struct AnswerSchema {
  std::vector<std::string> fields{};    ///< In the order in which they are written.
  std::vector<std::string> features{};  ///< Written with `?features=true` alone.
  /// Where a row has several lines: the member of its JSON object that holds them as objects;
  /// empty: a row is one line. In CSV and JSON lines each line stands alone, behind the fields.
  std::string list{};
  std::vector<std::string> line_fields{};  ///< What each line holds.
  std::vector<std::string> actuals{};      ///< And behind them with `?actuals=true` alone.
  std::vector<std::string> optional{};     ///< Members that JSON leaves out when they are missing.
  /// How a row reads within `{"predictions": [...]}`: one part without a name, or an object of
  /// several; empty: as it reads elsewhere. Not where a row has lines.
  std::vector<PredictedPart> predictions{};
};

/// Writes answer rows, in request order, into one body.
/// JSON: `{"order_id":"...","recommendation":"Deliver"}`, with features a member
/// `"features":{...}`, with stale series a member `"stale":["name",...]`, and likewise `"flags"`; a
/// failed row (partial answers) is
/// `{"error":{"code":...,"message":...,"field":...,"row":N}}` in its place (`field` only when there
/// is one). CSV: a header, then a line a row; features are columns `features.<name>`; in partial
/// answers a last column `error` holds `CODE: FIELD: MESSAGE` (FIELD only when there is one), and
/// is empty for good rows.
/// Numbers are written in the shortest form that reads back as the same double (3.0 is `3`); NaN,
/// infinities and missing values are JSON null and empty CSV fields; timestamps are ISO 8601 with
/// Z; CSV lines end in LF. CSV has no notes. With a list, JSON is
/// `{"product":"...","forecast":[{"step":1,"value":3},...]}`, features in the elements of the list.
/// Appends to the string given to Start(); steady state allocates nothing beyond its growth.
class AnswerWriter {
 public:
  explicit AnswerWriter(AnswerSchema schema);

  struct Options {
    Format format = Format::kJson;
    Wrapping wrapping = Wrapping::kObject;
    bool with_features = false;
    bool partial = false;
    bool with_actuals = false;
    bool with_notes = false;  ///< Rows are objects of all fields, which have room for notes.
  };

  /// What is said of a row beside its values.
  struct Notes {
    /// The series that were older than the pipeline likes.
    std::span<const std::string_view> stale{};
    std::span<const std::string_view> flags{};  ///< What hooks flagged.
    std::string_view freshness{};               ///< A JSON value; empty: it was not asked for.
    /// Of each line members that JSON says behind its own, as they are; empty: there are none.
    std::span<const std::string> members{};
  };

  /// Begins a body. `out` must live until Finish(). With kObject and JSON exactly one row or error
  /// follows; in other forms any number. JSON lines requests answered in JSON are an
  /// array, and JSON requests answered in JSON lines or CSV are plain lines.
  void Start(const Options& options, std::string& out);
  /// Values of a line, as many as the schema has for it: fields, line_fields and, when they are
  /// asked for, actuals.
  [[nodiscard]] std::size_t line_width() const noexcept { return line_width_; }
  /// `values`: lines x line_width(), one line unless the schema has a list, in which all lines have
  /// the fields of the first. `features`: one row a line, or an empty span when they are not asked
  /// for.
  void AddRow(std::span<const preprocessing::Value> values,
              std::span<const preprocessing::Value> features, const Notes& notes);
  /// The error of row `row` (from 0) in its place. `code` is the error's public name, such as
  /// "invalid_argument". Precondition: `partial` was chosen.
  void AddError(std::size_t row, std::string_view code, const Error& error);
  void Finish();

 private:
  void Separate();
  void AddLine(std::span<const preprocessing::Value> values,
               std::span<const preprocessing::Value> features, const Notes& notes);
  void AddLines(std::span<const preprocessing::Value> values,
                std::span<const preprocessing::Value> features, const Notes& notes);
  void AddJsonList(std::span<const preprocessing::Value> values,
                   std::span<const preprocessing::Value> features, const Notes& notes);
  void AddJsonLine(std::span<const preprocessing::Value> values,
                   std::span<const preprocessing::Value> features, const Notes& notes);
  /// Appends a key as members keep it, without its comma where it is the first of its object.
  void AppendKey(std::string_view key, bool& is_first);
  /// The values of members `first` on, without braces. `is_first`: whether nothing is before them
  /// in their object; and then, whether nothing is before what follows.
  void AppendMembers(std::size_t first, std::span<const preprocessing::Value> values,
                     bool& is_first);
  void AppendFeatures(std::span<const preprocessing::Value> features, bool& is_first);
  /// Members of a line.
  void AppendExtra(std::string_view members, bool& is_first);
  void AppendNotes(const Notes& notes, bool& is_first);
  /// Nothing where there are no names.
  void AppendNames(std::string_view key, std::span<const std::string_view> names, bool& is_first);
  /// A row as schema_.predictions tell it.
  void AddPrediction(std::span<const preprocessing::Value> values);
  void AppendPart(const PredictedPart& part, std::span<const preprocessing::Value> values);
  void EndJsonRow();
  void AddCsvHeader();
  void AddCsvLine(std::span<const preprocessing::Value> values,
                  std::span<const preprocessing::Value> features);

  /// A member of a line.
  struct Member {
    std::string key;  // `,"name":`, escaped once
    bool is_optional = false;
  };

  AnswerSchema schema_;
  std::vector<Member> members_;  // fields, line_fields, actuals
  std::vector<std::string> feature_keys_;
  std::string list_key_;
  std::string csv_members_;             // the header's columns
  std::string csv_actuals_;             // those behind them, each with its comma in front
  std::string csv_features_;            // likewise
  std::vector<std::string> part_keys_;  // of schema_.predictions
  Options options_;
  bool tells_predictions_ = false;  // rows are as schema_.predictions say
  std::size_t line_width_ = 0;
  std::string* out_ = nullptr;
  bool first_ = true;
};

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string_view text, std::string& out);
/// Appends `value` as JSON.
void AppendJsonValue(const preprocessing::Value& value, std::string& out);
/// Appends `text` as a CSV field, quoted when RFC 4180 asks for it, and when it is empty: an empty
/// text is not a missing value.
void AppendCsvField(std::string_view text, std::string& out);
/// Appends `value` as a CSV field, empty where it is missing or no number.
void AppendCsvValue(const preprocessing::Value& value, std::string& out);

}  // namespace forkcast::wire
