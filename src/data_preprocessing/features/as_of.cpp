#include <chrono>

#include "data_preprocessing/document/choice.hpp"
#include "data_preprocessing/features/feature_declaration.hpp"

namespace forkcast::preprocessing {
namespace {

/// The value in the row in force (Snapshot::AsOf). On a static series: the attribute of the key.
class AsOf final : public FeatureOperator {
 public:
  explicit AsOf(SeriesColumn from) noexcept : from_(from) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return row.reads[from_.read].InForce(from_.column);
  }
  void AddNeeds(const RowContext&, FeatureNeeds& needs) const override {
    needs.past.push_back({from_.read, from_.column, 0});
  }

 private:
  SeriesColumn from_;
};

/// Whether the instant in a timestamp column, read as AsOf does, has come: value <= time.
class Reached final : public FeatureOperator {
 public:
  explicit Reached(const SeriesValue& instant) noexcept : instant_(instant.from), at_(instant.at) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const Value instant = instant_.Compute(row);
    const auto* reached = std::get_if<Instant>(&instant);
    if (reached == nullptr) return {};
    return *reached <= row.At(at_).instant;
  }

 private:
  AsOf instant_;
  ReadAt at_;
};

constexpr Choices<std::chrono::microseconds, 2> kUnits{
    {{"h", std::chrono::hours(1)}, {"d", std::chrono::days(1)}}};

enum class Direction { kSince, kUntil };

/// Time passed since the instant in a timestamp column, or left until it, in `unit`s; negative
/// where it is the other way round.
class TimeDistance final : public FeatureOperator {
 public:
  TimeDistance(const SeriesValue& instant, Direction direction,
               std::chrono::microseconds unit) noexcept
      : instant_(instant.from), at_(instant.at), direction_(direction), unit_(unit) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const Value instant = instant_.Compute(row);
    const auto* other = std::get_if<Instant>(&instant);
    if (other == nullptr) return {};
    // As doubles: the difference of two instants of a table may not fit into 64 bits.
    const double since =
        static_cast<double>(ToMicros(row.At(at_).instant)) - static_cast<double>(ToMicros(*other));
    const double units = since / static_cast<double>(unit_.count());
    return direction_ == Direction::kSince ? units : 0 - units;
  }

 private:
  AsOf instant_;
  ReadAt at_;
  Direction direction_;
  std::chrono::microseconds unit_;
};

void RequireRowMembers(const FeatureDeclaration& declaration) {
  declaration.node().RequireObject(
      {"name", "op", "series", "value", "key", "at", "strict", "skip_missing", "missing"});
}

DeclaredOperator ReadTimeDistance(FeatureDeclaration& declaration, Direction direction) {
  const JsonNode& node = declaration.node();
  node.RequireObject(
      {"name", "op", "series", "value", "key", "unit", "at", "strict", "skip_missing", "missing"});
  const SeriesValue instant = declaration.InstantValue();
  return {std::make_unique<TimeDistance>(instant, direction, ReadChoice(node.Get("unit"), kUnits)),
          ColumnType::kDouble};
}

}  // namespace

DeclaredOperator ReadAsOf(FeatureDeclaration& declaration) {
  RequireRowMembers(declaration);
  const SeriesValue value = declaration.Value();
  return {std::make_unique<AsOf>(value.from), value.type};
}

DeclaredOperator ReadReached(FeatureDeclaration& declaration) {
  RequireRowMembers(declaration);
  return {std::make_unique<Reached>(declaration.InstantValue()), ColumnType::kBool};
}

DeclaredOperator ReadTimeSince(FeatureDeclaration& declaration) {
  return ReadTimeDistance(declaration, Direction::kSince);
}

DeclaredOperator ReadTimeUntil(FeatureDeclaration& declaration) {
  return ReadTimeDistance(declaration, Direction::kUntil);
}

}  // namespace forkcast::preprocessing
