#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/time_pattern.hpp"
#include "data_preprocessing/table/time_zone.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::serving {

/// A value that a template may name.
struct TemplateName {
  std::string name;
  /// A timestamp may also come as a text that ParseTimestamp() reads; it is written as it comes
  /// unless the template has a format for it.
  preprocessing::ColumnType type = preprocessing::ColumnType::kText;
};

/// What a template may name, and where.
struct TemplateScope {
  std::vector<std::pair<std::string, std::string>> constants{};  ///< Name and JSON; anywhere.
  std::vector<TemplateName> row{};   ///< Of a row; where there are many, within `$rows`.
  std::vector<TemplateName> step{};  ///< Of a row's step; where there are many, within `$steps`.
  bool many_rows = false;
  bool many_steps = false;
  bool has_request = true;  ///< Whether there is a `$request`.
  preprocessing::TimeZone zone{};
};

enum class Rounding : std::uint8_t { kNone, kUp, kDown, kNearest };

/// What a piece of JSON means within a template.
struct TemplatePlace {
  enum class Kind {
    kPlain,    ///< Itself; members and elements are templates.
    kRows,     ///< `{"$rows": T}`: an array, a T for each row.
    kSteps,    ///< `{"$steps": T}`: the same for each step of a row.
    kValue,    ///< `"$name"`, or `{"$value": "name", "round": ..., "format": ...}`.
    kRequest,  ///< `"$request"`: what was sent as the row; `{"$request": "name"}`: a member of it.
  };
  Kind kind = Kind::kPlain;
  std::string name{};  ///< Of the value, or of the request's member; empty for the whole request.
  Rounding rounding = Rounding::kNone;                 ///< Of a number; then it is a whole one.
  std::optional<preprocessing::TimePattern> format{};  ///< Of a timestamp.
};

/// Throws preprocessing::SpecError for what is meant as a place and is none.
[[nodiscard]] TemplatePlace ReadTemplatePlace(const preprocessing::JsonNode& node);

/// The text of a JSON string in a template: `$$` at its begin stands for `$`.
[[nodiscard]] std::string_view PlainText(std::string_view text) noexcept;

/// The values of an answer, as a template takes them. Names are positions in its scope.
class TemplateValues {
 public:
  virtual ~TemplateValues() = default;
  [[nodiscard]] virtual std::size_t rows() const = 0;
  [[nodiscard]] virtual std::size_t steps(std::size_t row) const = 0;
  /// A view that lives until the next call.
  [[nodiscard]] virtual preprocessing::Value RowValue(std::size_t row, std::size_t name) const = 0;
  [[nodiscard]] virtual preprocessing::Value StepValue(std::size_t row, std::size_t step,
                                                       std::size_t name) const = 0;
  /// Appends as JSON what was sent as the row; with `member`, its member of that name, or null.
  virtual void AppendRequest(std::size_t row, std::string_view member, std::string& out) const = 0;
  /// Appends what stands in the place of a row that could not be answered; false, and nothing, for
  /// the others.
  virtual bool AppendBadRow(std::size_t row, std::string& out) const = 0;
};

/// Any JSON with places in it for values: the shape of an answer. A string that begins with `$` is
/// a place, and so is an object whose first member does (TemplatePlace). Numbers are written in the
/// shortest form that reads back the same, missing values as null. Immutable; thread-safe.
class AnswerTemplate {
 public:
  /// Throws preprocessing::SpecError naming the place of what is wrong: a name that the scope has
  /// not, there or at all; a rounding of what is no number.
  AnswerTemplate(const preprocessing::JsonNode& node, const TemplateScope& scope);

  /// The answer itself. Precondition: it names nothing of a row, nor rows.
  [[nodiscard]] std::string_view text() const noexcept { return pieces_.front().text; }

 private:
  friend class TemplateWriter;

  enum class Kind : std::uint8_t { kText, kRows, kSteps, kRowValue, kStepValue, kRequest };
  struct Piece {
    Kind kind = Kind::kText;
    std::string text{};  ///< Of kText; of kRequest the member.
    std::size_t name = 0;
    Rounding rounding = Rounding::kNone;
    std::optional<preprocessing::TimePattern> format{};
    std::vector<Piece> body{};  ///< Of kRows and kSteps: what is written for each.
  };
  class Compiler;

  std::vector<Piece> pieces_;
  preprocessing::TimeZone zone_;
};

/// Writes an answer by its template, a few rows at a time, so that other work is done in between.
/// One a thread.
class TemplateWriter {
 public:
  /// All live until the answer is written; appends to `out`.
  void Start(const AnswerTemplate& shape, const TemplateValues& values, std::string& out);
  /// Goes on for at most `rows` rows. True when the answer is written.
  [[nodiscard]] bool Continue(std::size_t rows);

 private:
  using Piece = AnswerTemplate::Piece;

  void WriteRow(const std::vector<Piece>& pieces, std::size_t row, std::size_t step);
  void WritePiece(const Piece& piece, std::size_t row, std::size_t step);
  void WriteSteps(const Piece& piece, std::size_t row);
  void WriteValue(const Piece& piece, const preprocessing::Value& value);
  [[nodiscard]] std::optional<Instant> TimeOf(const preprocessing::Value& value) const;

  const AnswerTemplate* shape_ = nullptr;
  const TemplateValues* values_ = nullptr;
  std::string* out_ = nullptr;
  std::size_t piece_ = 0;  ///< The next, of the outermost.
  std::size_t row_ = 0;    ///< The next, of a kRows that is under way.
  bool within_rows_ = false;
  std::string time_;  ///< Scratch.
};

}  // namespace forkcast::serving
