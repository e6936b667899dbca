#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace forkcast::bench {

using Seconds = std::int64_t;  // since 1970-01-01 00:00:00 UTC

struct Order {
  std::uint64_t index;
  Seconds time;
  std::uint64_t customer;
  std::uint64_t sku;  // at or above OrderSet::sku_count(): no inventory row has it
  std::uint64_t zip;  // at or above OrderSet::zip_count(): no zip code row has it
  int quantity;
};

struct StockRow {
  Seconds time;
  int level;
};

struct PaymentRow {
  Seconds time;
  std::string_view method;
  std::string_view status;
};

/// Up to `capacity` rows by value: the sets are too big for a heap allocation a row.
template <typename Row, std::size_t capacity>
class FewRows {
 public:
  void Add(Row row) { rows_[size_++] = row; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const Row& operator[](std::size_t i) const { return rows_[i]; }
  [[nodiscard]] const Row* begin() const noexcept { return rows_.data(); }
  [[nodiscard]] const Row* end() const noexcept { return rows_.data() + size_; }

 private:
  std::array<Row, capacity> rows_{};
  std::size_t size_ = 0;
};

/// An invented month of orders with the tables around them, as large as asked for, held nowhere:
/// every row is computed from the seed and its own number, so any row can be had at any time and
/// memory does not grow with the set. The arithmetic is on unsigned 64-bit integers alone, so a
/// seed gives the same bytes on every platform.
///
/// The order of a row's index is the order of its table's file; where two rows of one key share a
/// second, the later wins.
class OrderSet {
 public:
  static constexpr std::size_t kMostStockRows = 17;
  static constexpr std::size_t kMostPayments = 3;
  static constexpr std::uint64_t kMostOrders = 20'000'000;
  using Stock = FewRows<StockRow, kMostStockRows>;
  using Payments = FewRows<PaymentRow, kMostPayments>;

  /// Precondition: 1 <= order_count <= kMostOrders.
  OrderSet(std::uint64_t seed, std::uint64_t order_count);

  [[nodiscard]] std::uint64_t order_count() const noexcept { return order_count_; }
  [[nodiscard]] std::uint64_t sku_count() const noexcept { return sku_count_; }
  [[nodiscard]] std::uint64_t zip_count() const noexcept { return zip_count_; }

  [[nodiscard]] Order OrderAt(std::uint64_t index) const;
  /// Inventory rows of one SKU; none for an unseen one.
  [[nodiscard]] Stock StockOf(std::uint64_t sku) const;
  [[nodiscard]] Payments PaymentsOf(const Order& order) const;
  [[nodiscard]] Seconds ZipAvailableFrom(std::uint64_t zip) const;

  /// What the decision rules answer, by definition and by looking at every row: written apart from
  /// the code it checks.
  [[nodiscard]] std::string_view Recommendation(const Order& order) const;
  /// Delivered in the end: the stock sufficed and the zip code opened within a week.
  [[nodiscard]] bool IsFulfilled(const Order& order) const;

  [[nodiscard]] std::string OrderId(std::uint64_t order) const;
  [[nodiscard]] std::string CustomerId(std::uint64_t customer) const;
  [[nodiscard]] std::string SkuCode(std::uint64_t sku) const;  // 13 digits
  [[nodiscard]] std::string ZipCode(std::uint64_t zip) const;  // 5 digits

 private:
  /// A bijection of 0..modulus-1, for codes that must not repeat. `modulus` is a power of ten.
  struct Shuffle {
    std::uint64_t factor;
    std::uint64_t offset;
    std::uint64_t modulus;
    [[nodiscard]] std::uint64_t operator()(std::uint64_t i) const {
      return (factor * i + offset) % modulus;
    }
  };

  [[nodiscard]] std::uint64_t Draw(std::string_view what, std::uint64_t row,
                                   std::uint64_t n = 0) const;
  /// Uniform in 0..bound-1; bound <= 2^32.
  [[nodiscard]] std::uint64_t Below(std::uint64_t bound, std::string_view what, std::uint64_t row,
                                    std::uint64_t n = 0) const;
  [[nodiscard]] bool OneIn(std::uint64_t n, std::string_view what, std::uint64_t row,
                           std::uint64_t i = 0) const;
  [[nodiscard]] Shuffle MakeShuffle(std::string_view what, std::uint64_t modulus) const;
  [[nodiscard]] Seconds TimeOf(std::uint64_t order, std::uint64_t sku, std::uint64_t zip) const;
  [[nodiscard]] std::string Uuid(std::string_view what, std::uint64_t row) const;
  [[nodiscard]] int LevelAt(std::uint64_t sku, Seconds time) const;
  [[nodiscard]] bool IsZipAvailable(std::uint64_t zip, Seconds time) const;
  [[nodiscard]] std::string_view PaymentStatus(const Order& order) const;

  std::uint64_t seed_;
  std::uint64_t order_count_;
  std::uint64_t sku_count_;
  std::uint64_t zip_count_;
  std::uint64_t customer_count_;
  Shuffle skus_;
  Shuffle zips_;
};

}  // namespace forkcast::bench
