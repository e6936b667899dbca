#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/model.hpp"
#include "model/model_kind.hpp"

namespace forkcast::model {

/// A decision tree whose leaves are classes, read from a file (FORMAT.md). Its one output, "class",
/// is a position among them.
class DecisionTree final : public Model {
 public:
  static constexpr std::string_view kFormat = "forkcast.decision_tree";

  /// kCorrupt when the checksum does not fit, kInvalidArgument naming the JSON path for anything
  /// else that is wrong.
  static Result<DecisionTree> Parse(std::string_view text);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& version() const noexcept { return version_; }
  [[nodiscard]] std::span<const InputColumn> inputs() const noexcept override { return inputs_; }
  [[nodiscard]] std::span<const OutputColumn> outputs() const noexcept override {
    return {&output_, 1};
  }

  /// A missing value passes no test. O(n_rows * depth).
  void Predict(std::span<const float> rows, std::span<double> out) const noexcept override;

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
  OutputColumn output_{.name = "class", .type = OutputType::kCategory, .categories = {}};
  std::vector<Node> nodes_;
};

/// The kind's ModelKind::load.
[[nodiscard]] Result<LoadedModel> LoadDecisionTree(const ModelFile& file);

}  // namespace forkcast::model
