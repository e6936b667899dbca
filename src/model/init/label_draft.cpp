#include "model/init/label_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/init/draft_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::ColumnType;
using preprocessing::ToString;

constexpr std::size_t kFewestRows = 50;
constexpr std::size_t kMostFeatures = 150;
/// A text of more different values is a name of the row, not a property of it.
constexpr std::size_t kMostWords = 1000;
constexpr std::size_t kMostOneHot = 12;

class LabelDrafter {
 public:
  LabelDrafter(const ProfiledFile& file, const ColumnRoles& roles, const DraftOptions& options)
      : file_(file), roles_(roles), options_(options) {}

  Result<PipelineDraft> Draft() {
    if (file_.table.rows < kFewestRows) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: {}, and {} are needed to learn from and to judge by",
                               file_.path.string(), Counted(file_.table.rows, "row"), kFewestRows)};
    }
    draft_.choices = roles_.choices;
    ChooseFeatures();
    WriteSections();
    WarnOfTable(file_, draft_);
    Describe();
    return std::move(draft_);
  }

 private:
  /// Whether the column says something of rows to come.
  bool IsProperty(const ColumnProfile& column) {
    const std::string& name = column.spec.name;
    if (&column == roles_.label || &column == roles_.time || name.empty()) return false;
    const auto leave_out = [&](const char* why) {
      left_out_.push_back(fmt::format("{} ({})", name, why));
      return false;
    };
    if (column.spec.type == ColumnType::kTimestamp) return leave_out("a time");
    if (column.distinct < 2) return leave_out("one value");
    const bool is_text = column.spec.type == ColumnType::kText;
    if (is_text && (column.has_more || column.distinct > kMostWords ||
                    2 * column.distinct > file_.table.rows)) {
      return leave_out("a name of its own in most rows");
    }
    if (column.spec.type == ColumnType::kInt64 && column.negative == 0 &&
        column.distinct == file_.table.rows) {
      return leave_out("a number of its own in each row");
    }
    return features_.size() < kMostFeatures || leave_out("too many columns");
  }

  void ChooseFeatures() {
    for (const ColumnProfile& one : file_.table.columns) {
      if (IsProperty(one)) features_.push_back(&one);
    }
    if (!left_out_.empty()) {
      const std::size_t shown = std::min<std::size_t>(left_out_.size(), 10);
      draft_.choices.push_back(fmt::format(
          "columns that are no features: {}{}",
          fmt::join(left_out_.begin(), left_out_.begin() + static_cast<long>(shown), ", "),
          shown < left_out_.size() ? " ..." : ""));
    }
  }

  void WriteSections() {
    std::vector<const ColumnProfile*> needed = features_;
    needed.push_back(roles_.label);
    needed.push_back(roles_.time);
    draft_.document = BeginDocument(file_, needed, {}, options_);
    ordered_json& document = draft_.document;
    document["series"] = ordered_json::object();
    ordered_json fields = ordered_json::object();
    for (const ColumnProfile* const one : features_) {
      fields[one->spec.name] = WrittenColumnJson(one->spec);
    }
    fields[roles_.time->spec.name] = "timestamp";
    document["request"] = {{"fields", fields}, {"time", roles_.time->spec.name}};
    ordered_json names = ordered_json::array();
    for (const ColumnProfile* const one : features_) names.push_back(one->spec.name);
    document["features"] = ordered_json::array();
    if (!names.empty()) {
      document["features"].push_back({{"op", "field"}, {"field", names}, {"missing", "keep"}});
    }
    document["features"].push_back(
        {{"name", "at_{part}"}, {"op", "calendar"}, {"part", {"hour", "day_of_week", "month"}}});
    document["training"] = Training();
  }

  [[nodiscard]] ordered_json Training() const {
    ordered_json training{{"table", options_.table},
                          {"label", roles_.label->spec.name},
                          {"model",
                           {{"algorithm", "gradient_boosting"},
                            {"trees", 150},
                            {"max_depth", 4},
                            {"learning_rate", 0.1},
                            {"seed", 1}}}};
    for (const ColumnProfile* const one : features_) {
      if (one->spec.type != ColumnType::kText) continue;
      const bool is_binary = roles_.label->distinct == 2;
      const char* encoding = is_binary ? "target_mean" : "ordinal";
      if (one->distinct <= kMostOneHot) encoding = "one_hot";
      training["transforms"][one->spec.name] = {{"encode", encoding}};
    }
    training["test_share"] = 0.3;
    training["metric"] = "log_loss";
    return training;
  }

  void Describe() {
    draft_.choices.push_back(
        fmt::format("features: {} and parts of {}, all as they stand in the row",
                    Counted(features_.size(), "column"), roles_.time->spec.name));
    draft_.warnings.push_back(fmt::format(
        "a column that is filled in after {} is known gives it away: take such out of \"request\" "
        "and \"features\"",
        roles_.label->spec.name));
    if (roles_.label->missing > 0) {
      draft_.warnings.push_back(fmt::format("{}: missing in {}, which are not learned from",
                                            roles_.label->spec.name,
                                            Counted(roles_.label->missing, "row")));
    }
    ordered_json& description = draft_.document["description"];
    description = {fmt::format("{} of a row of {}, by forkcast init.", roles_.label->spec.name,
                               file_.path.filename().string())};
    for (const std::string& one : draft_.choices) description.push_back("Chosen - " + one + ".");
    for (const std::string& one : draft_.warnings) description.push_back("Look at - " + one + ".");
    description.push_back("All of it may be changed: docs/pipelines.md and docs/classifiers.md.");
  }

  const ProfiledFile& file_;
  const ColumnRoles& roles_;
  const DraftOptions& options_;
  std::vector<const ColumnProfile*> features_;
  std::vector<std::string> left_out_;
  PipelineDraft draft_;
};

}  // namespace

Result<PipelineDraft> DraftLabel(const ProfiledFile& file, const ColumnRoles& roles,
                                 const DraftOptions& options) {
  return LabelDrafter(file, roles, options).Draft();
}

}  // namespace forkcast::model
