#include "model/tree/tree_shap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/mapped_file.hpp"
#include "model/tree/category_set.hpp"

namespace forkcast::model {
namespace {

using shap_format::Header;
using shap_format::kLeaf;
using shap_format::kNone;
using shap_format::Test;

Error Corrupt(std::string message) { return {ErrorCode::kCorrupt, std::move(message)}; }

/// A path has hardly ever so many features; with so many points the rest is far below rounding.
constexpr std::uint32_t kMostFeaturesExact = 128;

/// So many points at once: what a tree needs of memory grows no further.
constexpr std::size_t kLanes = 4;

}  // namespace

/// The bytes of a file: mapped, or copied.
class TreeShap::Bytes {
 public:
  explicit Bytes(MappedFile file) : file_(std::move(file)) {}
  explicit Bytes(std::string_view bytes) : copy_((bytes.size() + 7) / sizeof(double)) {
    size_ = bytes.size();
    if (size_ > 0) std::memcpy(copy_.data(), bytes.data(), size_);
  }

  [[nodiscard]] std::span<const std::byte> get() const noexcept {
    return file_ ? file_->bytes() : std::as_bytes(std::span(copy_)).first(size_);
  }
  void DropPages() const noexcept {
    if (file_) file_->DropPages();
  }

 private:
  std::optional<MappedFile> file_;
  std::vector<double> copy_;  // aligned as tests are
  std::size_t size_ = 0;
};

/// Checks a file, and points an explainer to its sections.
class TreeShap::Reader {
 public:
  Reader(std::span<const std::byte> file, TreeShap& shap) : file_(file), shap_(shap) {}

  Status Read() {
    if (Status good = ReadHeader(); !good) return good;
    if (Status good = CutSections(); !good) return good;
    if (shap_format::ComputeChecksum(file_) != header_.checksum) {
      return Corrupt("checksum mismatch: the file is damaged");
    }
    for (const double base : shap_.bases_) {
      if (!std::isfinite(base)) return Corrupt("damaged: a base that is no number");
    }
    for (const shap_format::Tree& tree : shap_.trees_) {
      if (Status good = CheckTree(tree); !good) return good;
    }
    return {};
  }

 private:
  Status ReadHeader() {
    if (file_.size() < offsetof(Header, checksum)) return Corrupt("not a SHAP file");
    std::memcpy(&header_, file_.data(), std::min(sizeof header_, file_.size()));
    if (header_.magic != shap_format::kMagic) return Corrupt("not a SHAP file");
    if (header_.byte_order != shap_format::kByteOrder) {
      return Corrupt("of a machine that writes numbers in another order");
    }
    if (header_.version != shap_format::kVersion) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("SHAP file of version {}, expected {}: written by another version "
                               "of this program; train the model again",
                               header_.version, shap_format::kVersion)};
    }
    if (file_.size() < sizeof header_ || header_.file_size != file_.size()) {
      return Corrupt(fmt::format("{} bytes of {}", file_.size(), header_.file_size));
    }
    if (header_.feature_count == 0 || header_.feature_count > ForestSource::kMostFeatures ||
        header_.margin_count == 0 || header_.margin_count > ForestSource::kMostMargins ||
        header_.scale > static_cast<std::uint32_t>(MarginScale::kRaw)) {
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
    shap_.tests_ = Take<Test>(header_.test_count);
    shap_.bases_ = Take<double>(header_.margin_count);
    shap_.trees_ = Take<shap_format::Tree>(header_.tree_count);
    shap_.leaves_ = Take<float>(header_.leaf_count);
    shap_.words_ = Take<std::uint32_t>(header_.category_word_count);
    shap_.feature_count_ = header_.feature_count;
    shap_.scale_ = static_cast<MarginScale>(header_.scale);
    const bool ends_here = fits_ && at_ == file_.size();
    return ends_here ? Status() : Corrupt("damaged: a section lies out of bounds");
  }

  Status CheckTree(const shap_format::Tree& tree) {
    const bool fits = tree.first_test <= shap_.tests_.size() &&
                      tree.test_count <= shap_.tests_.size() - tree.first_test &&
                      tree.first_leaf <= shap_.leaves_.size() &&
                      tree.leaf_count <= shap_.leaves_.size() - tree.first_leaf &&
                      tree.margin < shap_.bases_.size() && tree.features <= tree.test_count &&
                      (tree.features > 0) == (tree.test_count > 0);
    if (!fits) return Corrupt("damaged: a tree lies out of bounds");
    const auto tests = shap_.tests_.subspan(tree.first_test, tree.test_count);
    for (std::uint32_t at = 0; at < tests.size(); ++at) {
      if (!IsGood(tests[at], at, tree)) {
        return Corrupt(fmt::format("damaged: test {} leads out of bounds", tree.first_test + at));
      }
    }
    shap_.most_tests_ = std::max(shap_.most_tests_, tests.size());
    const std::uint32_t features = std::min(tree.features, kMostFeaturesExact);
    if (shap_.points_.size() <= features) shap_.points_.resize(features + 1);
    if (shap_.points_[features].at.empty()) shap_.points_[features] = PointsFor(features);
    shap_.cost_ += tests.size() * (1 + shap_.points_[features].at.size());
    return {};
  }

  /// A child comes behind its test, an earlier test before it.
  [[nodiscard]] bool IsGood(const Test& test, std::uint32_t at,
                            const shap_format::Tree& tree) const {
    const auto leads_on = [&](std::uint32_t child) {
      if ((child & kLeaf) != 0) return (child & ~kLeaf) < tree.leaf_count;
      return child > at && child < tree.test_count;
    };
    const bool has_set = (test.flags & shap_format::kCategorical) == 0 ||
                         HasCategorySet(shap_.words_, std::bit_cast<std::uint32_t>(test.threshold));
    return leads_on(test.children[0]) && leads_on(test.children[1]) && has_set &&
           test.feature < shap_.feature_count_ && (test.earlier == kNone || test.earlier < at) &&
           test.left_share >= 0 && test.left_share <= 1 && test.reach >= 0 && test.reach <= 1;
  }

  std::span<const std::byte> file_;
  TreeShap& shap_;
  Header header_;
  std::size_t at_ = 0;
  bool fits_ = true;
};

namespace {

/// The leaves and tests of one tree, for one row.
struct RowTree {
  std::span<const Test> tests;
  const float* leaves;
  const std::uint32_t* words;
  const float* row;
};

/// How a row meets a test.
enum Mark : std::uint8_t {
  kRight = 1,  // the way that it goes
  /// It went its own way at all tests above that ask about the same feature: known or not, the
  /// feature decides here. Else it is not known on this path, and a row goes both ways.
  kOwnWay = 2,
};

/// Without branches where it can be: which way a row goes no processor guesses.
unsigned GoesRight(const RowTree& tree, const Test& test) noexcept {
  const float value = tree.row[test.feature];
  if ((test.flags & shap_format::kCategorical) != 0 && !std::isnan(value)) [[unlikely]] {
    return IsInCategorySet(tree.words, std::bit_cast<std::uint32_t>(test.threshold), value) ? 1 : 0;
  }
  const auto is_missing = static_cast<unsigned>(std::isnan(value));
  const unsigned missing_right = (unsigned{test.flags} / shap_format::kMissingRight) & 1U;
  return static_cast<unsigned>(value >= test.threshold) | (is_missing & missing_right);
}

void MarkTests(const RowTree& tree, std::uint8_t* marks) noexcept {
  for (std::size_t i = 0; i < tree.tests.size(); ++i) {
    const Test& test = tree.tests[i];
    unsigned own_way = kOwnWay;
    if (test.earlier != kNone) {
      const unsigned side = (test.flags & shap_format::kBelowRight) != 0 ? kRight : 0;
      own_way = marks[test.earlier] == (kOwnWay | side) ? kOwnWay : 0;
    }
    marks[i] = static_cast<std::uint8_t>(GoesRight(tree, test) | own_way);
  }
}

/// The side of a test that counts as the row's own; of one where it is not known, the left.
unsigned OwnSide(std::uint8_t mark) noexcept { return unsigned{mark} & (unsigned{mark} >> 1U); }

/// Of one test, at each point.
template <std::size_t kPoints>
struct Cell {
  std::array<double, kPoints> share;   // of what comes here, what goes the row's own way
  std::array<double, kPoints> weight;  // what comes here; then, of the derivative
  std::array<double, kPoints> value;   // the mean leaf below
};

/// What goes which way at each test, and what a change of its feature is worth: by its own factor
/// in the product along the path, f = t + (1 - t) reach, the derivative is the difference of both
/// sides times the share of training rows that went the other way, over f squared.
template <std::size_t kPoints>
void GoDown(const RowTree& tree, const std::uint8_t* marks,
            const std::array<double, kPoints>& points, Cell<kPoints>* cells) noexcept {
  for (std::size_t i = 0; i < tree.tests.size(); ++i) {
    const Test& test = tree.tests[i];
    Cell<kPoints>& cell = cells[i];
    const unsigned side = OwnSide(marks[i]);
    const double left = double{test.left_share};
    const double own = left + static_cast<double>(side) * (1 - 2 * left);  // exact: left is a float
    const std::array<double, kPoints> arrived = cell.weight;
    if (marks[i] < kOwnWay) {
      cell.share.fill(own);
      cell.weight.fill(0);
    } else if (test.earlier == kNone) {
      for (std::size_t q = 0; q < kPoints; ++q) {
        cell.share[q] = own + points[q] * (1 - own);
        cell.weight[q] = arrived[q] * (1 - own);
      }
    } else {
      for (std::size_t q = 0; q < kPoints; ++q) {
        const double factor = 1 / (points[q] + (1 - points[q]) * test.reach);
        cell.share[q] = (points[q] + (1 - points[q]) * test.reach * own) * factor;
        cell.weight[q] = arrived[q] * test.reach * (1 - own) * factor * factor;
      }
    }
    const std::uint32_t own_child = test.children[side];
    const std::uint32_t other_child = test.children[1 - side];
    if ((own_child & kLeaf) == 0) {
      for (std::size_t q = 0; q < kPoints; ++q) {
        cells[own_child].weight[q] = arrived[q] * cell.share[q];
      }
    }
    if ((other_child & kLeaf) == 0) {
      for (std::size_t q = 0; q < kPoints; ++q) {
        cells[other_child].weight[q] = arrived[q] * (1 - cell.share[q]);
      }
    }
  }
}

template <std::size_t kPoints>
std::array<double, kPoints> ValueOf(const RowTree& tree, const Cell<kPoints>* cells,
                                    std::uint32_t child) noexcept {
  if ((child & kLeaf) == 0) return cells[child].value;
  std::array<double, kPoints> value;
  value.fill(double{tree.leaves[child & ~kLeaf]});
  return value;
}

/// The mean leaves, and with them the contributions.
template <std::size_t kPoints>
void GoUp(const RowTree& tree, const std::uint8_t* marks, Cell<kPoints>* cells,
          double* contributions) noexcept {
  for (std::size_t i = tree.tests.size(); i-- > 0;) {
    const Test& test = tree.tests[i];
    Cell<kPoints>& cell = cells[i];
    const unsigned side = OwnSide(marks[i]);
    const auto own = ValueOf(tree, cells, test.children[side]);
    const auto other = ValueOf(tree, cells, test.children[1 - side]);
    double sum = 0;
    for (std::size_t q = 0; q < kPoints; ++q) {
      const double difference = own[q] - other[q];
      cell.value[q] = other[q] + cell.share[q] * difference;
      sum += cell.weight[q] * difference;
    }
    contributions[test.feature] += sum;
  }
}

template <std::size_t kPoints>
void AddPoints(const RowTree& tree, const std::uint8_t* marks, const double* at,
               const double* weights, double* scratch, double* contributions) noexcept {
  static_assert(sizeof(Cell<kPoints>) <= 3 * kLanes * sizeof(double));
  auto* const cells = reinterpret_cast<Cell<kPoints>*>(scratch);
  std::array<double, kPoints> points;
  std::copy_n(at, kPoints, points.begin());
  std::copy_n(weights, kPoints, cells[0].weight.begin());
  GoDown(tree, marks, points, cells);
  GoUp(tree, marks, cells, contributions);
}

}  // namespace

TreeShap::TreeShap(TreeShap&&) noexcept = default;
TreeShap& TreeShap::operator=(TreeShap&&) noexcept = default;
TreeShap::~TreeShap() = default;

Result<TreeShap> TreeShap::Make(std::unique_ptr<const Bytes> bytes) {
  TreeShap shap;
  shap.bytes_ = std::move(bytes);
  if (Status read = Reader(shap.bytes_->get(), shap).Read(); !read) return std::move(read).error();
  return shap;
}

Result<TreeShap> TreeShap::FromBytes(std::string_view bytes) {
  return Make(std::make_unique<const Bytes>(bytes));
}

Result<TreeShap> TreeShap::Open(const std::filesystem::path& path) {
  try {
    Result<TreeShap> shap = Make(std::make_unique<const Bytes>(MappedFile(path)));
    if (shap) {
      shap->bytes_->DropPages();
      return shap;
    }
    return Error{shap.error().code, fmt::format("{}: {}", path.string(), shap.error().message)};
  } catch (const std::system_error& error) {
    const bool absent = error.code() == std::errc::no_such_file_or_directory;
    return Error{absent ? ErrorCode::kNotFound : ErrorCode::kIo, error.what()};
  }
}

/// Gauss-Legendre points on 0..1: n of them integrate polynomials of a degree up to 2n - 1, and the
/// integrand's is less than the number of features. Newton's method from the usual first guess
/// (Abramowitz & Stegun 25.4.29, 22.16.6).
TreeShap::Quadrature TreeShap::PointsFor(std::size_t features) {
  const std::size_t count = (features + 1) / 2;
  Quadrature points;
  for (std::size_t i = 0; i < count; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) /
                        (static_cast<double>(count) + 0.5));
    double slope = 0;
    for (int step = 0; step < 16; ++step) {  // converges in five
      double before = 1;
      double here = x;
      for (std::size_t n = 2; n <= count; ++n) {
        const auto k = static_cast<double>(n);
        before = std::exchange(here, ((2 * k - 1) * x * here - (k - 1) * before) / k);
      }
      slope = static_cast<double>(count) * (x * here - before) / (x * x - 1);
      x -= here / slope;
    }
    points.at.push_back((1 + x) / 2);
    points.weights.push_back(1 / ((1 - x * x) * slope * slope));
  }
  return points;
}

void TreeShap::Explain(std::span<const float> row, std::size_t margin, ExplainScratch& scratch,
                       std::span<double> contributions) const {
  std::ranges::fill(contributions, 0.0);
  if (scratch.marks.size() < most_tests_) scratch.marks.resize(most_tests_);
  if (scratch.numbers.size() < most_tests_ * 3 * kLanes) {
    scratch.numbers.resize(most_tests_ * 3 * kLanes);
  }
  for (const shap_format::Tree& tree : trees_) {
    if (tree.margin != margin || tree.test_count == 0) continue;
    const RowTree of_row{.tests = tests_.subspan(tree.first_test, tree.test_count),
                         .leaves = leaves_.data() + tree.first_leaf,
                         .words = words_.data(),
                         .row = row.data()};
    MarkTests(of_row, scratch.marks.data());
    const Quadrature& points = points_[std::min(tree.features, kMostFeaturesExact)];
    for (std::size_t first = 0; first < points.at.size(); first += kLanes) {
      const auto add = [&](auto add_points) {
        add_points(of_row, scratch.marks.data(), points.at.data() + first,
                   points.weights.data() + first, scratch.numbers.data(), contributions.data());
      };
      switch (points.at.size() - first) {
        case 1:
          add(AddPoints<1>);
          break;
        case 2:
          add(AddPoints<2>);
          break;
        case 3:
          add(AddPoints<3>);
          break;
        default:
          add(AddPoints<kLanes>);
      }
    }
  }
}

}  // namespace forkcast::model
