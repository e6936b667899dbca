#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/model.hpp"
#include "model/tree/forest_kernel.hpp"
#include "model/tree/forest_source.hpp"
#include "model/tree/input_pool.hpp"

namespace forkcast::model {

/// A random forest or boosted trees, as a file that is walked where it lies (FORMAT.md), so that
/// processes that map it share its pages. Made by CompileForest().
///
/// Inputs are numbers, named as the features. Outputs are "score", or "score.0" and so on, one a
/// class or target: the numbers that the trainer's library answers, run in one thread, bit for bit;
/// floats are widened. Of a number that is a category the whole part counts.
class Forest final : public Model {
 public:
  /// A copy, aligned. `kernel`: for tests and comparisons. kCorrupt when the bytes are not as they
  /// were written, or lead anywhere outside; kInvalidArgument for a file of a later version.
  /// O(bytes), 0.1 s for 100 MB.
  static Result<Forest> FromBytes(std::string_view bytes,
                                  const ForestKernel& kernel = ForestKernels().front());
  /// Maps a file read-only. Besides kNotFound and kIo; messages name the path. Blocks on the disk:
  /// every byte is read once, to check it.
  static Result<Forest> Open(const std::filesystem::path& path,
                             const ForestKernel& kernel = ForestKernels().front());

  Forest(Forest&&) noexcept;
  Forest& operator=(Forest&&) noexcept;
  ~Forest() override;

  [[nodiscard]] std::span<const InputColumn> inputs() const noexcept override { return *inputs_; }
  [[nodiscard]] std::span<const OutputColumn> outputs() const noexcept override { return outputs_; }
  /// O(n_rows * trees * depth). The fastest for many rows at once.
  void Predict(std::span<const float> rows, std::span<double> out) const noexcept override;

  /// What becomes of the sums of its leaves.
  [[nodiscard]] Link link() const noexcept { return link_; }
  [[nodiscard]] std::size_t tree_count() const noexcept { return tables_.trees.size(); }
  /// Of the file.
  [[nodiscard]] std::string_view bytes() const noexcept;

  /// Takes equal inputs out of the pool in place of its own.
  void ShareInputs(InputPool& pool) { inputs_ = pool.Share(std::move(inputs_)); }

 private:
  class Bytes;
  class Reader;

  Forest() = default;
  static Result<Forest> Make(std::unique_ptr<const Bytes> bytes, const ForestKernel& kernel);
  template <typename Number, typename Add>
  void PredictIn(std::span<const float> rows, std::span<double> out, Add add) const noexcept;
  void Scale(std::span<double> margins) const noexcept;

  std::unique_ptr<const Bytes> bytes_;  ///< Views below point into it.
  ForestTables tables_;
  std::span<const float> base_margins_;
  std::optional<forest_format::DoubleSums> doubles_;  ///< None: margins are floats.
  Link link_ = Link::kIdentity;
  const ForestKernel* kernel_ = nullptr;
  std::shared_ptr<const InputColumns> inputs_;
  std::vector<OutputColumn> outputs_;
};

}  // namespace forkcast::model
