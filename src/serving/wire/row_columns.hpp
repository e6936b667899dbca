#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"

namespace forkcast::wire {

/// Which field of the request each value of a row is for, where values have no names of their own:
/// those of a CSV record, or of an array in JSON. A header names the fields, or there is none and
/// they are the declared ones in their order. Keeps its memory.
class RowColumns {
 public:
  /// `schema` must outlive this. `delimiter`: between the names of a header.
  explicit RowColumns(const preprocessing::Schema& schema, char delimiter = ',')
      : schema_(schema), delimiter_(delimiter) {}

  /// Takes the declared fields. The last ones may be left out in a row where they are nullable.
  void UseDeclared();

  /// Begins a header.
  void Clear();
  /// Takes the header's next name; one that is not declared is ignored. False when it was there.
  [[nodiscard]] bool Add(std::string_view name);
  /// The same of one that was matched already, which was not there before.
  void Add(std::string_view name, std::optional<std::size_t> field);
  /// Whether the header names any declared field.
  [[nodiscard]] bool NamesAny() const noexcept;
  /// Whether the header, called `what` in messages, will do. kInvalidArgument when it names no
  /// field, or lacks a required one; the message quotes what was read, and tells what it looks
  /// like. `hint` is added when no field is named.
  [[nodiscard]] Status Check(std::string_view what, std::string_view hint = {}) const;

  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
  /// The field that value `i` is for; nothing when it is for none.
  [[nodiscard]] std::optional<std::size_t> operator[](std::size_t i) const noexcept {
    return fields_[i];
  }
  /// What is wrong with a row of so many values, if anything is. `unit`: what a value is called.
  [[nodiscard]] std::optional<std::string> CountError(std::size_t values,
                                                      std::string_view unit) const;

 private:
  [[nodiscard]] std::string Guess() const;
  [[nodiscard]] Error NoneFound(std::string_view what, std::string_view hint) const;

  const preprocessing::Schema& schema_;
  char delimiter_;
  bool is_declared_ = false;
  std::vector<std::optional<std::size_t>> fields_;  // of each value
  std::vector<bool> found_;                         // by field
  std::string read_;                                // the header, for messages
};

/// "a, b, c"
[[nodiscard]] std::string NamesOf(const preprocessing::Schema& schema);

}  // namespace forkcast::wire
