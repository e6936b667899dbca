#include "model/tree/tree_shap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/mapped_file.hpp"
#include "model/tree/category_set.hpp"

namespace forkcast::model {
namespace {

using shap_format::Group;
using shap_format::Header;
using shap_format::kLanes;
using shap_format::kLeaf;
using shap_format::Place;

/// A path has hardly ever so many features; with so many points the rest is far below rounding.
constexpr std::uint32_t kMostFeaturesExact = 128;

/// Of a place with its eight tests, for each point and the way down; measured with AVX-512.
constexpr std::size_t kNanosecondsAPoint = 8;

constexpr std::size_t kAlignment = 64;  // of what kernels read and write

/// Where the first aligned number is, of memory that has room for it.
double* Align(double* numbers) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(numbers);
  return numbers + (kAlignment - address % kAlignment) % kAlignment / sizeof(double);
}

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
  std::vector<double> copy_;  // aligned as places are
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
    for (const Group& group : shap_.groups_) {
      if (Status good = CheckGroup(group); !good) return good;
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
    shap_.places_ = Take<Place>(header_.place_count);
    shap_.bases_ = Take<double>(header_.margin_count);
    shap_.groups_ = Take<Group>(header_.group_count);
    shap_.leaves_ = Take<shap_format::Leaves>(header_.leaf_count);
    shap_.words_ = Take<std::uint32_t>(header_.category_word_count);
    shap_.feature_count_ = header_.feature_count;
    shap_.scale_ = static_cast<MarginScale>(header_.scale);
    const bool ends_here = fits_ && at_ == file_.size();
    return ends_here ? Status() : Corrupt("damaged: a section lies out of bounds");
  }

  Status CheckGroup(const Group& group) {
    const bool fits = group.first_place <= shap_.places_.size() &&
                      group.place_count <= shap_.places_.size() - group.first_place &&
                      group.first_leaf <= shap_.leaves_.size() &&
                      group.leaf_count <= shap_.leaves_.size() - group.first_leaf &&
                      group.margin < shap_.bases_.size() && group.place_count > 0 &&
                      group.features > 0 && group.features <= group.place_count;
    if (!fits) return Corrupt("damaged: a group of trees lies out of bounds");
    const auto places = shap_.places_.subspan(group.first_place, group.place_count);
    for (std::uint32_t at = 0; at < places.size(); ++at) {
      if (!IsGood(places[at], at, group)) {
        return Corrupt(
            fmt::format("damaged: the tests at {} lead out of bounds", group.first_place + at));
      }
    }
    shap_.most_places_ = std::max(shap_.most_places_, places.size());
    const std::uint32_t features = std::min(group.features, kMostFeaturesExact);
    if (shap_.points_.size() <= features) shap_.points_.resize(features + 1);
    if (shap_.points_[features].at.empty()) {
      // The integrand's degree is less than the number of features.
      shap_.points_[features] = GaussLegendre((features + 1) / 2);
    }
    shap_.cost_ += places.size() * kNanosecondsAPoint * (1 + shap_.points_[features].at.size());
    return {};
  }

  /// A child comes behind its place, an earlier test before it.
  [[nodiscard]] bool IsGood(const Place& place, std::uint32_t at, const Group& group) const {
    const auto leads_on = [&](std::uint32_t child) {
      if ((child & kLeaf) != 0) return (child & ~kLeaf) < group.leaf_count;
      return child > at && child < group.place_count;
    };
    if (!leads_on(place.children[0]) || !leads_on(place.children[1])) return false;
    if (((place.categorical | place.repeated) >> kLanes) != 0) return false;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const bool has_set =
          (place.categorical >> lane & 1U) == 0 ||
          HasCategorySet(shap_.words_, std::bit_cast<std::uint32_t>(place.thresholds[lane]));
      const bool is_good =
          has_set && (place.tests[lane] & shap_format::kFeatureMask) < shap_.feature_count_ &&
          (place.repeated == 0 || place.earlier[lane] < at) && place.first_shares[lane] >= 0 &&
          place.first_shares[lane] <= 1 && place.reach[lane] >= 0 && place.reach[lane] <= 1;
      if (!is_good) return false;
    }
    return true;
  }

  std::span<const std::byte> file_;
  TreeShap& shap_;
  Header header_;
  std::size_t at_ = 0;
  bool fits_ = true;
};

TreeShap::TreeShap(const ShapKernel& kernel) : kernel_(&kernel) {}
TreeShap::TreeShap(TreeShap&&) noexcept = default;
TreeShap& TreeShap::operator=(TreeShap&&) noexcept = default;
TreeShap::~TreeShap() = default;

Result<TreeShap> TreeShap::Make(std::unique_ptr<const Bytes> bytes, const ShapKernel& kernel) {
  TreeShap shap(kernel);
  shap.bytes_ = std::move(bytes);
  if (Status read = Reader(shap.bytes_->get(), shap).Read(); !read) return std::move(read).error();
  return shap;
}

Result<TreeShap> TreeShap::FromBytes(std::string_view bytes, const ShapKernel& kernel) {
  return Make(std::make_unique<const Bytes>(bytes), kernel);
}

Result<TreeShap> TreeShap::Open(const std::filesystem::path& path) {
  try {
    Result<TreeShap> shap =
        Make(std::make_unique<const Bytes>(MappedFile(path)), ShapKernels().front());
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

void TreeShap::Explain(std::span<const float> row, std::size_t margin, ExplainScratch& scratch,
                       std::span<double> contributions) const {
  const std::size_t sums = feature_count_ * kLanes;
  const std::size_t numbers =
      kAlignment / sizeof(double) + sums + most_places_ * ShapMemory::kNumbersAPlace;
  if (scratch.numbers.size() < numbers) scratch.numbers.resize(numbers);
  const std::size_t marks = most_places_ * ShapMemory::kMarksAPlace;
  if (scratch.marks.size() < marks) scratch.marks.resize(marks);
  double* const begin = Align(scratch.numbers.data());
  const ShapMemory memory{.numbers = begin + sums, .marks = scratch.marks.data(), .sums = begin};
  std::fill_n(memory.sums, sums, 0.0);
  const ShapTables tables{
      .places = places_.data(), .leaves = leaves_.data(), .words = words_.data()};
  for (const Group& group : groups_) {
    if (group.margin != margin) continue;
    const Quadrature& points = points_[std::min(group.features, kMostFeaturesExact)];
    kernel_->add(
        tables, group,
        {.at = points.at.data(), .weights = points.weights.data(), .count = points.at.size()},
        row.data(), memory);
  }
  for (std::size_t i = 0; i < feature_count_; ++i) {
    contributions[i] =
        std::accumulate(memory.sums + i * kLanes, memory.sums + (i + 1) * kLanes, 0.0);
  }
}

}  // namespace forkcast::model
