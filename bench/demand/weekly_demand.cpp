#include "demand/weekly_demand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <tuple>
#include <vector>

#include "date_text.hpp"
#include "demand/invention.hpp"
#include "text_file.hpp"

namespace forkcast::bench {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr int kProducts = 25;
// From a Wednesday to a Thursday: the first and the last week are torn.
constexpr sys_days kFirstDay{std::chrono::year(2023) / 1 / 4};
constexpr sys_days kLastDay{std::chrono::year(2024) / 5 / 16};
constexpr sys_days kFirstMonday{std::chrono::year(2023) / 1 / 2};
constexpr int kWeeks = 72;

struct Product {
  std::string code;
  int rate = 0;        ///< Pieces a week.
  int sold_weeks = 0;  ///< Thousandths of the weeks in which it is sold at all.
  int peak = 0;        ///< Week of the year.
  int swing = 0;       ///< Thousandths.
  int reorder = 0;     ///< Pieces that one customer takes every third week; 0: there is none.
  int price = 0;       ///< Hundredths.
  int first_week = 0;
  int last_week = kWeeks - 1;
};

/// What changes from week to week.
struct Mood {
  int level = kOne;      ///< Wanders around 1, as nobody can know.
  int offer_weeks = 0;   ///< Of a lower price, still to come.
  int next_reorder = 0;  ///< Week.
};

struct Line {
  sys_seconds sold_at{};
  int product = 0;
  int quantity = 0;
  int price = 0;
  bool is_cancelled = false;
};

std::vector<Product> MakeProducts(Draws& draws) {
  std::vector<Product> products;
  for (int i = 0; i < kProducts; ++i) {
    Product product;
    // The last one's code is that of another without its zeros.
    product.code = i + 1 < kProducts ? fmt::format("{:05}", 481 * i + 143) : "624";
    const bool is_intermittent = i % 3 == 2;
    product.rate = is_intermittent ? draws.Between(4, 9) : draws.Between(12, 40);
    product.sold_weeks = is_intermittent ? draws.Between(250, 500) : kOne;
    product.peak = i % 2 == 0 ? draws.Between(24, 30) : draws.Between(46, 50);
    product.swing = draws.Between(100, 400);
    if (i % 3 == 1) product.reorder = draws.Between(24, 72);
    product.price = draws.Between(95, 1995);
    products.push_back(std::move(product));
  }
  products[3].first_week = 38;
  products[6].last_week = 47;
  return products;
}

class WeeklyDemand {
 public:
  explicit WeeklyDemand(std::uint64_t seed) : draws_(seed), products_(MakeProducts(draws_)) {
    for (int product = 0; product < kProducts; ++product) {
      Mood mood{.next_reorder = draws_.Between(0, 2)};
      for (int week = 0; week < kWeeks; ++week) AddWeek(product, week, mood);
    }
    std::ranges::sort(lines_, {}, [](const Line& line) {
      return std::tuple(line.sold_at, line.product, line.quantity);
    });
  }

  void Write(TextFile file) {
    file.Line("invoice,product,quantity,sold_at,unit_price");
    int invoice = 500'000;
    for (const Line& line : lines_) {
      const Product& product = products_[static_cast<std::size_t>(line.product)];
      invoice += draws_.Between(0, 2);  // now and then two lines are of one invoice
      file.Line("{}{},{},{},{},{}.{:02}", line.is_cancelled ? "C" : "", invoice, product.code,
                line.quantity, TimestampText(line.sold_at), line.price / 100, line.price % 100);
    }
    file.Close();
  }

 private:
  void AddWeek(int number, int week, Mood& mood) {
    const Product& product = products_[static_cast<std::size_t>(number)];
    if (week < product.first_week || week > product.last_week) return;
    const sys_days monday = kFirstMonday + days(7 * week);
    mood.level += draws_.Between(-60, 60) + (kOne - mood.level) / 50;
    mood.offer_weeks = mood.offer_weeks > 0 ? mood.offer_weeks - 1 : draws_.Chance(40) ? 3 : 0;
    const bool on_offer = mood.offer_weeks > 0;
    const int price = on_offer ? product.price * 8 / 10 : product.price;
    const auto add = [&](int quantity, int at) {
      AddLine({.sold_at = TimeIn(monday), .product = number, .quantity = quantity, .price = at});
    };
    if (draws_.Chance(product.sold_weeks)) {
      const int season = SeasonFactor(monday, product.peak, product.swing);
      int left = draws_.Whole(Times(kOne * product.rate, season, mood.level, on_offer ? 1500 : kOne,
                                    draws_.Noise(700)));
      while (left > 0) {
        const int taken = left < 5 ? left : draws_.Between((left + 2) / 3, left);
        add(taken, price);
        left -= taken;
      }
    }
    if (product.reorder > 0 && week >= mood.next_reorder) {
      add(draws_.Whole(Times(kOne * product.reorder, draws_.Noise(300))), price);
      mood.next_reorder = week + (draws_.Chance(50) ? 4 : 3);
    }
    if (draws_.Chance(15)) add(1, 0);  // a sample, given away
  }

  sys_seconds TimeIn(sys_days monday) {
    const days day(draws_.Between(0, 5));
    const minutes minute(draws_.Between(8 * 60, 18 * 60));
    return monday + day + minute;
  }

  void AddLine(Line line) {
    if (line.sold_at < kFirstDay || line.sold_at >= kLastDay + days(1)) return;
    lines_.push_back(line);
    if (!draws_.Chance(20)) return;
    line.is_cancelled = true;
    line.sold_at =
        std::min(line.sold_at + hours(draws_.Between(1, 72)), sys_seconds(kLastDay) + hours(18));
    line.quantity = -line.quantity;
    lines_.push_back(line);
  }

  Draws draws_;
  std::vector<Product> products_;
  std::vector<Line> lines_;
};

}  // namespace

void WriteWeeklyDemand(std::uint64_t seed, const std::filesystem::path& folder) {
  WeeklyDemand(seed).Write({folder / "order_lines.csv", Compression::kNone});
}

}  // namespace forkcast::bench
