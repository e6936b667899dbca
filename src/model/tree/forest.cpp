#include "model/tree/forest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "data_preprocessing/base/mapped_file.hpp"
#include "model/tree/category_set.hpp"
#include "model/tree/forest_format.hpp"
#include "model/tree/margin_link.hpp"

namespace forkcast::model {
namespace {

using forest_format::Header;
using forest_format::kExits;
using forest_format::kLeavesALine;
using forest_format::kTests;
using forest_format::kToLeaf;
using forest_format::kToTile;
using forest_format::Tile;

/// The exits that a tile with these tests leads to, whatever their outcome.
constexpr auto kExitsOf = [] {
  std::array<std::uint8_t, 1U << kTests> exits{};
  for (std::size_t tests = 0; tests < exits.size(); ++tests) {
    for (std::size_t outcome = 0; outcome < exits.size(); ++outcome) {
      if ((outcome & ~tests) != 0) continue;
      exits[tests] |= static_cast<std::uint8_t>(1U << forest_format::kExitOf[outcome]);
    }
  }
  return exits;
}();

}  // namespace

/// The bytes of a file: mapped, or copied to where tiles may begin.
class Forest::Bytes {
 public:
  explicit Bytes(MappedFile file) : file_(std::move(file)), bytes_(file_->bytes()) {}
  explicit Bytes(std::string_view bytes)
      : copy_(static_cast<std::byte*>(::operator new(bytes.size(), kAlignment))),
        bytes_(copy_.get(), bytes.size()) {
    std::memcpy(copy_.get(), bytes.data(), bytes.size());
  }

  [[nodiscard]] std::span<const std::byte> get() const noexcept { return bytes_; }
  void DropPages() const noexcept {
    if (file_) file_->DropPages();
  }

 private:
  static constexpr std::align_val_t kAlignment{alignof(Tile)};
  struct Delete {
    void operator()(std::byte* bytes) const noexcept { ::operator delete(bytes, kAlignment); }
  };

  std::optional<MappedFile> file_;
  std::unique_ptr<std::byte, Delete> copy_;
  std::span<const std::byte> bytes_;
};

/// Checks a file, and points a forest to its sections.
class Forest::Reader {
 public:
  Reader(std::span<const std::byte> file, Forest& forest) : file_(file), forest_(forest) {}

  Status Read() {
    if (Status good = ReadHeader(); !good) return good;
    if (Status good = CutSections(); !good) return good;
    if (forest_format::ComputeChecksum(file_) != header_.checksum) {
      return Corrupt("checksum mismatch: the file is damaged");
    }
    for (const float base : forest_.base_margins_) {
      if (!std::isfinite(base)) return Corrupt("damaged: a margin that is no number");
    }
    if (Status good = CheckTrees(); !good) return good;
    return ReadNames();
  }

 private:
  Status ReadHeader() {
    if (file_.size() < offsetof(Header, checksum)) return Corrupt("not a forest file");
    std::memcpy(&header_, file_.data(), std::min(sizeof header_, file_.size()));
    if (header_.magic != forest_format::kMagic) return Corrupt("not a forest file");
    if (header_.byte_order != forest_format::kByteOrder) {
      return Corrupt("of a machine that writes numbers in another order");
    }
    if (header_.version != forest_format::kVersion &&
        header_.version != forest_format::kDoublesVersion) {
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("forest file of version {}, expected {} or {}: written by another "
                      "version of this program; train or import the model again",
                      header_.version, forest_format::kVersion, forest_format::kDoublesVersion)};
    }
    if (file_.size() < sizeof header_ || header_.file_size != file_.size()) {
      return Corrupt(fmt::format("{} bytes of {}", file_.size(), header_.file_size));
    }
    if (header_.feature_count == 0 || header_.feature_count > ForestSource::kMostFeatures ||
        header_.margin_count == 0 || header_.margin_count > ForestSource::kMostMargins ||
        header_.link >= kLinkCount) {
      return Corrupt("damaged header");
    }
    return {};
  }

  /// The next `count` elements; none at all when they do not fit.
  template <typename T>
  std::span<const T> Take(std::size_t count) {
    if (count > (file_.size() - at_) / sizeof(T)) {
      fits_ = false;
      return {};
    }
    const auto* const begin = reinterpret_cast<const T*>(file_.data() + at_);
    at_ += count * sizeof(T);
    return {begin, count};
  }

  Status CutSections() {
    at_ = sizeof header_;
    ForestTables& tables = forest_.tables_;
    tables.lines = Take<Tile>(header_.line_count);
    tables.trees = Take<forest_format::Tree>(header_.tree_count);
    if (header_.version == forest_format::kDoublesVersion) {
      const std::span<const forest_format::DoubleSums> sums = Take<forest_format::DoubleSums>(1);
      if (fits_) {
        forest_.doubles_ = sums.front();
        tables.leaf_values = Take<double>(forest_.doubles_->leaf_value_count);
      }
    }
    forest_.base_margins_ = Take<float>(header_.margin_count);
    tables.category_words = Take<std::uint32_t>(header_.category_word_count);
    tables.feature_count = header_.feature_count;
    tables.margin_count = header_.margin_count;
    forest_.link_ = static_cast<Link>(header_.link);
    if (!fits_) return Corrupt("damaged: a section lies out of bounds");
    return CheckDoubles();
  }

  [[nodiscard]] Status CheckDoubles() const {
    const auto is_scale = [](double number) { return std::isfinite(number) && number != 0; };
    if (!forest_.doubles_ ||
        (forest_.tables_.leaf_values.size() <= ForestSource::kMostLeafValues &&
         is_scale(forest_.doubles_->divisor) && is_scale(forest_.doubles_->factor))) {
      return {};
    }
    return Corrupt("damaged: sums of doubles that are none");
  }

  /// A tile leads on to lines behind it alone, so that one pass sees every tile after all that lead
  /// to it, and no walk goes round in a circle. Lines that none leads to hold leaves.
  Status CheckTrees() {
    const std::span<const Tile> lines = forest_.tables_.lines;
    std::vector<bool> is_tile(lines.size());
    for (const forest_format::Tree& tree : forest_.tables_.trees) {
      if (tree.root >= lines.size() || tree.margin >= header_.margin_count) {
        return Corrupt("damaged: a tree lies out of bounds");
      }
      is_tile[tree.root] = true;
    }
    for (std::size_t line = 0; line < lines.size(); ++line) {
      if (!is_tile[line]) continue;
      const Tile& tile = lines[line];
      if (const char* const wrong = Fault(tile, line)) {
        return Corrupt(fmt::format("damaged: line {}: {}", line, wrong));
      }
      for (std::size_t i = 0; i < forest_format::kBitCount[tile.exits[kToTile]]; ++i) {
        is_tile[tile.first[kToTile] + i] = true;
      }
    }
    forest_.tables_.walk_length = CommonWalkLength(is_tile);
    return {};
  }

  /// ForestTables::walk_length. From the last tile on: each leads to tiles behind it.
  [[nodiscard]] std::size_t CommonWalkLength(const std::vector<bool>& is_tile) const {
    constexpr std::uint8_t kMost = 255;  // longer ones are taken for different
    const std::span<const Tile> lines = forest_.tables_.lines;
    std::vector<std::uint8_t> lengths(lines.size());
    for (std::size_t line = lines.size(); line-- > 0;) {
      if (!is_tile[line]) continue;
      const Tile& tile = lines[line];
      if (tile.exits[kToTile] == 0) {
        lengths[line] = 1;
      } else if (tile.exits[kToLeaf] == 0) {
        const auto below = std::span(lengths).subspan(
            tile.first[kToTile], forest_format::kBitCount[tile.exits[kToTile]]);
        const bool same = std::ranges::count(below, below[0]) == std::ssize(below);
        if (same && below[0] != 0 && below[0] != kMost) {
          lengths[line] = static_cast<std::uint8_t>(below[0] + 1);
        }
      }
    }
    const std::span<const forest_format::Tree> trees = forest_.tables_.trees;
    if (trees.empty()) return 0;
    const std::uint8_t first = lengths[trees[0].root];
    const bool same = std::ranges::all_of(
        trees, [&](const forest_format::Tree& tree) { return lengths[tree.root] == first; });
    return same ? first : 0;
  }

  /// What is wrong with a tile; null: nothing.
  [[nodiscard]] const char* Fault(const Tile& tile, std::size_t line) const {
    const ForestTables& tables = forest_.tables_;
    if (tile.tests >= kExitsOf.size() || (tile.categorical & ~tile.tests) != 0) {
      return "tests that are none";
    }
    const auto [to_leaf, to_tile] = tile.exits;
    if ((to_leaf & to_tile) != 0 || (to_leaf | to_tile) != kExitsOf[tile.tests]) {
      return "exits that fit no tests";
    }
    for (std::size_t i = 0; i < kTests; ++i) {
      if (tile.features[i] >= tables.feature_count) return "a test of no feature";
      if (((tile.categorical >> i) & 1U) != 0 &&
          !HasCategorySet(tables.category_words, std::bit_cast<std::uint32_t>(tile.slots[i]))) {
        return "categories that lie out of bounds";
      }
    }
    const std::size_t tiles = forest_format::kBitCount[to_tile];
    const std::size_t first_tile = tile.first[kToTile];
    if (tiles > 0 && (first_tile <= line || first_tile + tiles > tables.lines.size())) {
      return "the next tile lies out of bounds";
    }
    const std::size_t leaves = forest_format::kBitCount[to_leaf];
    if (tile.first[kToLeaf] + leaves > tables.lines.size() * kLeavesALine) {
      return "a leaf lies out of bounds";
    }
    if (forest_.doubles_ && !HaveValues(tile.first[kToLeaf], leaves)) return "a leaf of no value";
    return nullptr;
  }

  /// Whether leaves are positions of values.
  [[nodiscard]] bool HaveValues(std::size_t first, std::size_t count) const {
    const auto* const floats = reinterpret_cast<const float*>(forest_.tables_.lines.data());
    const auto limit = static_cast<float>(forest_.tables_.leaf_values.size());
    return std::ranges::all_of(std::span(floats + first, count),
                               [limit](float leaf) { return leaf >= 0 && leaf < limit; });
  }

  Status ReadNames() {
    auto inputs = std::make_shared<InputColumns>();
    for (std::size_t i = 0; i < header_.feature_count; ++i) {
      std::uint32_t size = 0;
      const std::span<const char> number = Take<char>(sizeof size);
      if (fits_) std::memcpy(&size, number.data(), sizeof size);
      const std::span<const char> name = Take<char>(size);
      if (!fits_) return Corrupt("damaged: a name lies out of bounds");
      inputs->push_back(
          {.name = {name.data(), name.size()}, .type = InputType::kNumber, .categories = {}});
    }
    if (at_ != file_.size()) return Corrupt("damaged: it goes on behind its end");
    forest_.inputs_ = std::move(inputs);
    const std::size_t outputs = forest_.link_ == Link::kGreatest ? 1 : header_.margin_count;
    for (std::size_t i = 0; i < outputs; ++i) {
      forest_.outputs_.push_back({.name = outputs == 1 ? "score" : fmt::format("score.{}", i),
                                  .type = OutputType::kNumber,
                                  .categories = {}});
    }
    return {};
  }

  std::span<const std::byte> file_;
  Forest& forest_;
  Header header_;
  std::size_t at_ = 0;
  bool fits_ = true;
};

Forest::Forest(Forest&&) noexcept = default;
Forest& Forest::operator=(Forest&&) noexcept = default;
Forest::~Forest() = default;

Result<Forest> Forest::Make(std::unique_ptr<const Bytes> bytes, const ForestKernel& kernel) {
  Forest forest;
  forest.bytes_ = std::move(bytes);
  forest.kernel_ = &kernel;
  if (Status read = Reader(forest.bytes_->get(), forest).Read(); !read) {
    return std::move(read).error();
  }
  return forest;
}

Result<Forest> Forest::FromBytes(std::string_view bytes, const ForestKernel& kernel) {
  return Make(std::make_unique<const Bytes>(bytes), kernel);
}

Result<Forest> Forest::Open(const std::filesystem::path& path, const ForestKernel& kernel) {
  try {
    Result<Forest> forest = Make(std::make_unique<const Bytes>(MappedFile(path)), kernel);
    if (forest) {
      forest->bytes_->DropPages();
      return forest;
    }
    return Error{forest.error().code, fmt::format("{}: {}", path.string(), forest.error().message)};
  } catch (const std::system_error& error) {
    const bool absent = error.code() == std::errc::no_such_file_or_directory;
    return Error{absent ? ErrorCode::kNotFound : ErrorCode::kIo, error.what()};
  }
}

std::string_view Forest::bytes() const noexcept {
  const std::span<const std::byte> bytes = bytes_->get();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename Number, typename Add>
void Forest::PredictIn(std::span<const float> rows, std::span<double> out, Add add) const noexcept {
  const std::size_t margins = base_margins_.size();
  const std::size_t outputs = outputs_.size();
  const std::size_t row_count = out.size() / outputs;
  std::array<Number, ForestSource::kMostMargins> scratch;  // written before it is read
  const std::size_t block = scratch.size() / margins;
  for (std::size_t first = 0; first < row_count; first += block) {
    const std::size_t count = std::min(block, row_count - first);
    for (std::size_t i = 0; i < count; ++i) {
      std::ranges::copy(base_margins_, scratch.begin() + static_cast<std::ptrdiff_t>(i * margins));
    }
    add(tables_, rows.data() + first * inputs_->size(), count, scratch.data());
    for (std::size_t i = 0; i < count; ++i) {
      const std::span<Number> row = std::span(scratch).subspan(i * margins, margins);
      if constexpr (std::is_same_v<Number, double>) Scale(row);
      ApplyLink(link_, row);
      std::ranges::copy(row.first(outputs),
                        out.begin() + static_cast<std::ptrdiff_t>((first + i) * outputs));
    }
  }
}

void Forest::Scale(std::span<double> margins) const noexcept {
  for (double& margin : margins) margin = margin / doubles_->divisor * doubles_->factor;
}

void Forest::Predict(std::span<const float> rows, std::span<double> out) const noexcept {
  if (doubles_) {
    PredictIn<double>(rows, out, kernel_->add_doubles);
  } else {
    PredictIn<float>(rows, out, kernel_->add);
  }
}

}  // namespace forkcast::model
