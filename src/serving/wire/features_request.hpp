#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::wire {

/// The body of a request for features alone, as Feast's clients write it:
///     {"features": ["VIEW:NAME", ...] or "feature_service": NAME, "full_feature_names": false,
///      "entities": {"FIELD": [a value a row]}}
/// Other members are ignored. What was read last is there, and views of it live, until the next
/// call. Steady state allocates nothing where entities are texts, whole numbers or booleans. Not
/// thread-safe.
class FeaturesRequest {
 public:
  FeaturesRequest();
  ~FeaturesRequest();

  /// kInvalidArgument for a body that is no JSON or not of that form, naming the place
  /// ("$.entities.sku_code: ..."), and where entities have not all as many values.
  /// Precondition: kBodyPadding bytes behind `body` are readable.
  Status Read(std::string_view body);

  /// Empty: none is named.
  [[nodiscard]] std::string_view service() const noexcept;
  /// As they are written; empty: none is named.
  [[nodiscard]] std::span<const std::string_view> features() const noexcept;
  [[nodiscard]] bool full_names() const noexcept;

  /// The fields of the entities, in order.
  [[nodiscard]] std::span<const std::string_view> entities() const noexcept;
  [[nodiscard]] std::size_t row_count() const noexcept;
  /// Of the value that entity `entity` has in `row`.
  [[nodiscard]] bool IsNull(std::size_t entity, std::size_t row) const noexcept;
  void AppendValue(std::size_t entity, std::size_t row, std::string& json) const;

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace forkcast::wire
