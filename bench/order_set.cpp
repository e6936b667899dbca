#include "order_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>

namespace forkcast::bench {
namespace {

constexpr Seconds kHour = 3600;
constexpr Seconds kDay = 24 * kHour;

constexpr Seconds Midnight(int year, unsigned month, unsigned day) {
  using namespace std::chrono;
  return sys_seconds{
      sys_days{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}}}
      .time_since_epoch()
      .count();
}

// Orders are in [kFirst, kLast]: thirty days with a 29th of February among them.
constexpr Seconds kFirst = Midnight(2024, 2, 5);
constexpr Seconds kLast = kFirst + 30 * kDay - 1;

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): neighbouring inputs, unrelated outputs.
constexpr std::uint64_t Mix(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

// FNV-1a: a stream of numbers of its own for every column.
constexpr std::uint64_t StreamOf(std::string_view what) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : what) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  return hash;
}

constexpr std::array<std::string_view, 3> kMethods{"CREDIT_CARD", "ON_DELIVERY", "ONLINE_PAYMENT"};
constexpr std::array<std::string_view, 3> kProblems{"VERIFY_ADDRESS", "FAILED",
                                                    "VERIFY_BANK_DETAILS"};

}  // namespace

OrderSet::OrderSet(std::uint64_t seed, std::uint64_t order_count)
    : seed_(seed),
      order_count_(order_count),
      sku_count_(std::clamp<std::uint64_t>(order_count / 10, 20, 1'000'000)),
      zip_count_(std::clamp<std::uint64_t>(order_count / 100, 20, 20'000)),
      customer_count_(std::max<std::uint64_t>(order_count / 10, 5)),
      skus_(MakeShuffle("sku", 10'000'000)),
      zips_(MakeShuffle("zip", 100'000)) {}

std::uint64_t OrderSet::Draw(std::string_view what, std::uint64_t row, std::uint64_t n) const {
  return Mix(Mix(Mix(seed_ + kGolden) + StreamOf(what) + row * kGolden) + n * kGolden);
}

std::uint64_t OrderSet::Below(std::uint64_t bound, std::string_view what, std::uint64_t row,
                              std::uint64_t n) const {
  return ((Draw(what, row, n) >> 32U) * bound) >> 32U;
}

bool OrderSet::OneIn(std::uint64_t n, std::string_view what, std::uint64_t row,
                     std::uint64_t i) const {
  return Below(n, what, row, i) == 0;
}

OrderSet::Shuffle OrderSet::MakeShuffle(std::string_view what, std::uint64_t modulus) const {
  std::uint64_t factor = Below(modulus, what, 0);
  while (std::gcd(factor, modulus) != 1) {
    ++factor;
  }
  return {factor, Below(modulus, what, 1), modulus};
}

Order OrderSet::OrderAt(std::uint64_t index) const {
  const std::uint64_t sku = Below(sku_count_ + sku_count_ / 20, "order sku", index);
  const std::uint64_t zip = Below(zip_count_ + zip_count_ / 20, "order zip", index);
  return {.index = index,
          .time = TimeOf(index, sku, zip),
          .customer = Below(customer_count_, "order customer", index),
          .sku = sku,
          .zip = zip,
          .quantity = 1 + static_cast<int>(Below(10, "order quantity", index))};
}

// A quarter of the orders come in the very second of a stock row, some in the second their zip code
// opens: where `<=` and
// `<` differ, and where two orders of one SKU share a second.
Seconds OrderSet::TimeOf(std::uint64_t order, std::uint64_t sku, std::uint64_t zip) const {
  Seconds time = kFirst + static_cast<Seconds>(Below(30 * kDay, "order time", order));
  const Stock stock = StockOf(sku);
  if (stock.size() > 0 && OneIn(4, "order at stock time", order)) {
    time = stock[Below(stock.size(), "order stock row", order)].time;
  } else if (zip < zip_count_ && OneIn(16, "order at zip time", order)) {
    time = ZipAvailableFrom(zip);
  }
  return std::clamp(time, kFirst, kLast);
}

OrderSet::Stock OrderSet::StockOf(std::uint64_t sku) const {
  Stock stock;
  if (sku >= sku_count_) {
    return stock;
  }
  const std::uint64_t count = 4 + Below(kMostStockRows - 4, "stock rows", sku);
  for (std::uint64_t n = 0; n < count; ++n) {
    StockRow row{
        .time = kFirst - 2 * kDay + static_cast<Seconds>(Below(32 * kDay, "stock time", sku, n)),
        .level = OneIn(8, "stock is out", sku, n)
                     ? 0
                     : 1 + static_cast<int>(Below(99, "stock", sku, n))};
    if (n > 0 && OneIn(6, "stock tie", sku, n)) {
      // A correction within the same second, of the kind that changes the answer.
      const StockRow& before = stock[n - 1];
      row = {.time = before.time,
             .level = before.level == 0 ? 1 + static_cast<int>(Below(99, "stock", sku, n)) : 0};
    }
    stock.Add(row);
  }
  if (sku == 0) {
    stock.Add(
        {.time = kLast, .level = 7});  // so that no order, however late, is later than the table
  }
  return stock;
}

OrderSet::Payments OrderSet::PaymentsOf(const Order& order) const {
  Payments payments;
  const auto status = [&](std::uint64_t n) {
    return OneIn(4, "payment has problem", order.index, n)
               ? kProblems[Below(kProblems.size(), "problem", order.index, n)]
               : std::string_view("OK");
  };
  const std::string_view method = kMethods[Below(kMethods.size(), "method", order.index)];
  if (!OneIn(40, "order without payment", order.index)) {
    const std::uint64_t when = Below(10, "payment is when", order.index);
    const auto distance = 1 + static_cast<Seconds>(Below(static_cast<std::uint64_t>(kDay),
                                                         "payment time", order.index));
    const Seconds first = when == 0  ? order.time + distance
                          : when < 3 ? order.time - distance
                                     : order.time;
    payments.Add({first, method, status(0)});
    if (OneIn(4, "payment changes", order.index)) {
      const bool same_second = OneIn(4, "payment tie", order.index);
      const auto later = 1 + static_cast<Seconds>(Below(2 * kDay, "payment change", order.index));
      payments.Add({same_second ? first : std::max(first, order.time) + later, method,
                    payments[0].status == "OK" ? kProblems[1] : std::string_view("OK")});
    }
  }
  if (order.index == 0) {
    payments.Add({kLast, method, status(1)});  // as for the stock of SKU 0
  }
  return payments;
}

Seconds OrderSet::ZipAvailableFrom(std::uint64_t zip) const {
  if (zip == 0) {
    return kLast;  // as for the stock of SKU 0
  }
  return kFirst - 30 * kDay + static_cast<Seconds>(Below(65 * kDay, "zip time", zip));
}

int OrderSet::LevelAt(std::uint64_t sku, Seconds time) const {
  StockRow newest{.time = std::numeric_limits<Seconds>::min(), .level = 0};
  for (const StockRow& row : StockOf(sku)) {
    if (row.time <= time && row.time >= newest.time) {
      newest = row;
    }
  }
  return newest.level;
}

bool OrderSet::IsZipAvailable(std::uint64_t zip, Seconds time) const {
  return zip < zip_count_ && ZipAvailableFrom(zip) <= time;
}

std::string_view OrderSet::PaymentStatus(const Order& order) const {
  PaymentRow newest{.time = std::numeric_limits<Seconds>::min(), .method = {}, .status = "UNKNOWN"};
  for (const PaymentRow& row : PaymentsOf(order)) {
    if (row.time <= order.time && row.time >= newest.time) {
      newest = row;
    }
  }
  return newest.status;
}

std::string_view OrderSet::Recommendation(const Order& order) const {
  if (LevelAt(order.sku, order.time) <= 0) {
    return "HoldCheckAvailability";
  }
  if (!IsZipAvailable(order.zip, order.time)) {
    return "HoldCheckDelivery";
  }
  if (PaymentStatus(order) != "OK") {
    return "HoldCheckPayment";
  }
  return order.time % kDay < 6 * kHour ? "Decline" : "Deliver";
}

bool OrderSet::IsFulfilled(const Order& order) const {
  return order.quantity <= LevelAt(order.sku, order.time) &&
         IsZipAvailable(order.zip, order.time + 7 * kDay);
}

std::string OrderSet::Uuid(std::string_view what, std::uint64_t row) const {
  const std::uint64_t high = Draw(what, row, 0);
  const std::uint64_t low = Draw(what, row, 1);
  // Version 4, variant 1 (RFC 9562), so that strict readers take it.
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xFFFFU,
                     high & 0xFFFU, 0x8000U | (low >> 50U), low & 0xFFFFFFFFFFFFU);
}

std::string OrderSet::OrderId(std::uint64_t order) const { return Uuid("order id", order); }

std::string OrderSet::CustomerId(std::uint64_t customer) const {
  return Uuid("customer id", customer);
}

std::string OrderSet::SkuCode(std::uint64_t sku) const {
  // The last seven digits never repeat; a tenth of the first six start with 0, as codes do.
  return fmt::format("{:06}{:07}", Below(1'000'000, "sku head", sku), skus_(sku));
}

std::string OrderSet::ZipCode(std::uint64_t zip) const { return fmt::format("{:05}", zips_(zip)); }

}  // namespace forkcast::bench
