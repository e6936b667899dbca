#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "model/classify/labelled_rows.hpp"
#include "model/quality/quality_decision.hpp"

namespace forkcast::model {

/// A class that somebody was told.
struct MadeClass {
  std::string_view key;  ///< Of the row, as of those that have labels.
  Instant time;          ///< Of the row.
  /// Of the version's classes; empty: the answer does not say them, and `taken_for` is all.
  std::span<const double> probabilities{};
  std::size_t taken_for = 0;
};

/// Classes beside the labels that became known. Each key counts once, by the answer that was added
/// last. Rows that the version had learned from are left out.
class ClassQuality {
 public:
  struct Data {
    std::span<const ClassLabel> classes;  ///< Of the version; outlives the object.
    Instant last_learned;
  };
  explicit ClassQuality(const Data& data) : data_(data) {}

  /// What is known of a row by now.
  void AddLabel(std::string key, const ClassLabel& label);
  /// In the order in which they were told.
  void Add(const MadeClass& answer);

  /// Windows of `length` rows in the order of their times; the last is left out until it is full.
  [[nodiscard]] std::vector<QualityWindow> Windows(std::size_t length);
  /// Answers that are in no window, by reason. To be asked after Windows().
  [[nodiscard]] const std::map<std::string_view, std::uint64_t>& left_out() const noexcept {
    return left_out_;
  }

 private:
  struct Joined {
    Instant time;
    std::size_t label = 0;
    std::vector<double> probabilities;
    bool says_probabilities = false;
  };
  [[nodiscard]] QualityWindow Measure(std::span<const Joined> rows) const;

  Data data_;
  std::unordered_map<std::string, std::optional<std::size_t>> labels_;  // none: no class of ours
  std::unordered_map<std::string, Joined> answers_;
  std::map<std::string_view, std::uint64_t> left_out_;
};

}  // namespace forkcast::model
