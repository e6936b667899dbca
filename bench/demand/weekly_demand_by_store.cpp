#include "demand/weekly_demand_by_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <tuple>
#include <vector>

#include "date_text.hpp"
#include "demand/invention.hpp"
#include "text_file.hpp"

namespace forkcast::bench {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

// From a Wednesday to a Thursday: the first and the last week are torn.
constexpr sys_days kFirstDay{std::chrono::year(2022) / 1 / 5};
constexpr sys_days kLastDay{std::chrono::year(2024) / 3 / 7};
constexpr sys_days kFirstMonday{std::chrono::year(2022) / 1 / 3};
constexpr int kWeeks = 114;

struct Product {
  const char* id;
  const char* brand;
  const char* category;
  int pack_size;
  int rate;   ///< Pieces a week in a store of usual size.
  int peak;   ///< Week of the year.
  int swing;  ///< Thousandths.
  int price_cents;
};
constexpr std::array<Product, 8> kProducts{{
    {"0101", "Aurora", "drinks", 6, 30, 28, 450, 549},
    {"0102", "Aurora", "drinks", 1, 22, 28, 400, 129},
    {"0203", "Borea", "ice", 4, 18, 29, 800, 399},
    {"0204", "Borea", "ice", 1, 9, 29, 850, 179},
    {"0305", "Cumulus", "soup", 1, 16, 3, 600, 249},
    {"0306", "Cumulus", "soup", 3, 5, 3, 650, 599},
    {"0407", "Aurora", "sweets", 1, 25, 49, 500, 199},
    {"0408", "Dorado", "sweets", 12, 2, 49, 700, 899},
}};

struct Store {
  const char* id;
  const char* region;
  const char* kind;
  int square_meters;
  int size;        ///< Thousandths of the usual demand.
  int first_week;  ///< In which it opens.
};
constexpr std::array<Store, 6> kStores{{
    {"001", "north", "city", 420, 1000, 0},
    {"002", "north", "suburb", 900, 1700, 0},
    {"003", "coast", "city", 380, 900, 0},
    {"004", "coast", "kiosk", 60, 250, 0},
    {"005", "south", "suburb", 1100, 2000, 0},
    {"006", "south", "kiosk", 75, 300, 40},
}};

/// On the coast summers are what counts.
int RegionFactor(const Store& store, const Product& product) {
  const bool is_summery = product.peak > 20 && product.peak < 35;
  if (std::string_view(store.region) != "coast") return kOne;
  return is_summery ? 1400 : 800;
}

struct Line {
  sys_seconds sold_at{};
  std::size_t store = 0;
  std::size_t product = 0;
  int quantity = 0;
  int price_cents = 0;
};

class DemandByStore {
 public:
  explicit DemandByStore(std::uint64_t seed) : draws_(seed) {
    for (std::size_t product = 0; product < kProducts.size(); ++product) {
      int offer_weeks = 0;
      for (int week = 0; week < kWeeks; ++week) {
        offer_weeks = offer_weeks > 0 ? offer_weeks - 1 : draws_.Chance(40) ? 3 : 0;
        // The same for all stores: what moves a product moves it everywhere.
        const int mood = draws_.Noise(250);
        for (std::size_t store = 0; store < kStores.size(); ++store) {
          AddWeek(store, product, week, mood, offer_weeks > 0);
        }
      }
    }
    std::ranges::sort(lines_, {}, [](const Line& line) {
      return std::tuple(line.sold_at, line.store, line.product, line.quantity);
    });
  }

  void WriteLines(TextFile file) const {
    file.Line("order_id,store_id,product_id,quantity,price_cents,sold_at");
    int order = 0;
    for (const Line& line : lines_) {
      file.Line("{:07},{},{},{},{},{}", ++order, kStores[line.store].id, kProducts[line.product].id,
                line.quantity, line.price_cents, TimestampText(line.sold_at));
    }
    file.Close();
  }

 private:
  void AddWeek(std::size_t store_number, std::size_t product_number, int week, int mood,
               bool on_offer) {
    const Store& store = kStores[store_number];
    const Product& product = kProducts[product_number];
    if (week < store.first_week) return;
    const sys_days monday = kFirstMonday + days(7 * week);
    int left = draws_.Whole(Times(kOne * product.rate, store.size, RegionFactor(store, product),
                                  SeasonFactor(monday, product.peak, product.swing), mood,
                                  on_offer ? 1400 : kOne, draws_.Noise(800)));
    const int price = on_offer ? product.price_cents * 8 / 10 : product.price_cents;
    while (left > 0) {
      const int taken = draws_.Chance(850) ? left : draws_.Between(1, left);
      const days day(draws_.Between(0, 5));
      const minutes minute(draws_.Between(8 * 60, 20 * 60));
      const sys_seconds sold_at = monday + day + minute;
      if (sold_at >= kFirstDay && sold_at < kLastDay + days(1)) {
        lines_.push_back({sold_at, store_number, product_number, taken, price});
      }
      left -= taken;
    }
  }

  Draws draws_;
  std::vector<Line> lines_;
};

void WriteProducts(TextFile file) {
  file.Line("product_id,brand,category,pack_size");
  for (const Product& product : kProducts) {
    file.Line("{},{},{},{}", product.id, product.brand, product.category, product.pack_size);
  }
  file.Close();
}

void WriteStores(TextFile file) {
  file.Line("store_id,region,kind,square_meters");
  for (const Store& store : kStores) {
    file.Line("{},{},{},{}", store.id, store.region, store.kind, store.square_meters);
  }
  file.Close();
}

}  // namespace

void WriteWeeklyDemandByStore(std::uint64_t seed, const std::filesystem::path& folder) {
  DemandByStore(seed).WriteLines({folder / "order_lines.csv", Compression::kNone});
  WriteProducts({folder / "products.csv", Compression::kNone});
  WriteStores({folder / "stores.csv", Compression::kNone});
}

}  // namespace forkcast::bench
