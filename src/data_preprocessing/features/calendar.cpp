#include "data_preprocessing/features/calendar_part.hpp"
#include "data_preprocessing/features/feature_declaration.hpp"

namespace forkcast::preprocessing {
namespace {

/// A part of the row's time.
class Calendar final : public FeatureOperator {
 public:
  Calendar(CalendarPart part, ReadAt at) noexcept : part_(part), at_(at) {}

  [[nodiscard]] bool NeedsCivilTime(ReadAt at) const noexcept override { return at == at_; }
  [[nodiscard]] bool IsOfMoment() const noexcept override { return true; }
  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return PartOf(part_, row.At(at_).civil);
  }

 private:
  CalendarPart part_;
  ReadAt at_;
};

}  // namespace

DeclaredOperator ReadCalendar(FeatureDeclaration& declaration) {
  const JsonNode& node = declaration.node();
  node.RequireObject({"name", "op", "part", "at"});
  const CalendarPart part = ReadCalendarPart(node.Get("part"));
  return {std::make_unique<Calendar>(part, declaration.Moment()), ColumnType::kInt64};
}

}  // namespace forkcast::preprocessing
