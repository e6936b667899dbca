#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/model.hpp"

namespace forkcast::model {

/// A decision tree whose leaves are classes, read from a file (FORMAT.md).
/// Never changes after loading; thread-safe.
class DecisionTree {
 public:
  /// kCorrupt when the checksum does not fit, kInvalidArgument naming the JSON path for anything
  /// else that is wrong.
  static Result<DecisionTree> Parse(std::string_view text);
  /// The same for a file, whose name is put in front of messages. kNotFound or kIo when it cannot
  /// be read.
  static Result<DecisionTree> Load(const std::filesystem::path& file);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& version() const noexcept { return version_; }
  [[nodiscard]] const std::vector<InputColumn>& inputs() const noexcept { return inputs_; }
  [[nodiscard]] const std::vector<std::string>& classes() const noexcept { return classes_; }

  /// The class of each row, as a position in classes().
  /// `rows`: row-major, n_rows x inputs().size(), in the order of inputs(); NaN is "missing" and
  /// passes no test. `out`: n_rows. O(n_rows * depth), no allocation.
  /// Precondition: rows.size() == out.size() * inputs().size().
  void Classify(std::span<const float> rows, std::span<std::uint32_t> out) const noexcept;

 private:
  friend class DecisionTreeReader;

  enum class Test : std::uint8_t { kLeaf, kLess, kIn };
  /// A test `x < threshold`, or "bit x of members is set"; a leaf holds its class in `yes`.
  struct Node {
    Test test = Test::kLeaf;
    std::uint32_t feature = 0;
    float threshold = 0;
    std::uint64_t members = 0;
    std::uint32_t yes = 0;
    std::uint32_t no = 0;
  };

  std::string name_;
  std::string version_;
  std::vector<InputColumn> inputs_;
  std::vector<std::string> classes_;
  std::vector<Node> nodes_;
};

}  // namespace forkcast::model
