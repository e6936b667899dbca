#pragma once

#include <cstddef>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "data_preprocessing/rules/column_rule.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::preprocessing {

/// Learns what the values of a table's columns are, as rules that all of its rows keep: numbers
/// from the least to the greatest, texts as a set while they are few, else their lengths, and
/// whether a value may be missing. Memory does not grow with the number of rows.
class RuleLearner {
 public:
  /// A column with more different texts than this gets no set.
  static constexpr std::size_t kMostTexts = 100;

  explicit RuleLearner(const Schema& schema);

  /// Precondition: a table of the schema.
  void Add(const Table& rows);
  /// Of the columns of which something was learned, in their order.
  [[nodiscard]] std::vector<ColumnRule> Rules() const;

 private:
  struct Seen {
    std::size_t rows = 0;
    std::size_t missing = 0;
    double least = std::numeric_limits<double>::infinity();
    double greatest = -std::numeric_limits<double>::infinity();
    std::set<std::string, std::less<>> texts{};  // at most kMostTexts + 1
    std::size_t shortest = std::numeric_limits<std::size_t>::max();
    std::size_t longest = 0;

    void Take(const Value& value);
  };

  Schema schema_;
  std::vector<Seen> seen_;
};

}  // namespace forkcast::preprocessing
