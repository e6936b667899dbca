#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"

namespace forkcast::preprocessing {
class JsonNode;
}

namespace forkcast::model {

/// What a question supposes of a plan: that a value of it is another one in the periods that are
/// forecast.
struct Assumption {
  std::size_t series = 0;       ///< Of the pipeline.
  std::size_t column = 0;       ///< Of its values.
  std::optional<Instant> at{};  ///< In the period that holds this instant; none: in all.
  /// Of the column's type, a double where the series has periods; none: there is no value.
  std::optional<preprocessing::OwnedValue> value{};
};

/// Which values may be supposed: those of series that are known in advance and that features read
/// at the target, whose periods, if there are some, are those of the forecast.
class AssumablePlans {
 public:
  /// `spec` has a forecast, and outlives the object.
  explicit AssumablePlans(const preprocessing::PipelineSpec& spec);

  /// Their names and types.
  [[nodiscard]] preprocessing::Schema Describe() const;
  /// Reads `{"promotion": 1, "prices.price": {"2024-05-20": 9.9, "2024-05-27": null}}`: names of
  /// values, with their series' in front where several have one of that name. kInvalidArgument with
  /// the field "assume" for another name, and says which there are; for what is no value of it.
  /// A flag may be said as 0 or 1, and a number as true or false.
  [[nodiscard]] Result<std::vector<Assumption>> Read(std::string_view json) const;

 private:
  struct Assumable {
    std::size_t series = 0;
    std::size_t column = 0;
    std::string name;
    preprocessing::ColumnType type = preprocessing::ColumnType::kDouble;
  };
  [[nodiscard]] const Assumable* Find(std::string_view name) const noexcept;
  [[nodiscard]] std::string NamesText() const;
  /// Throws SpecError.
  [[nodiscard]] Assumption ReadValue(const Assumable& what,
                                     const preprocessing::JsonNode& node) const;

  const preprocessing::PipelineSpec& spec_;
  std::vector<Assumable> values_;
};

}  // namespace forkcast::model
