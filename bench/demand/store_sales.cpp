#include "demand/store_sales.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <vector>

#include "date_text.hpp"
#include "demand/invention.hpp"
#include "text_file.hpp"

namespace forkcast::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr int kDays = 850;
constexpr sys_days kFirstDay{std::chrono::year(2021) / 1 / 1};

struct Store {
  char type;
  char assortment;
  const char* competition;  ///< Distance, month, year; as in the file.
  const char* promo2;       ///< Promo2, week, year, interval; as in the file.
  int sales;                ///< Of a usual day.
  int basket;               ///< Thousandths of the sales that one customer brings.
  int promo;                ///< Thousandths on a day with promotion.
  int december;
  int growth;  ///< Thousandths a year.
  bool opens_on_sundays;
};
constexpr std::array<Store, 6> kStores{{
    {'c', 'a', "740,6,2016", R"(0,,,"")", 5200, 9100, 1350, 1250, 30, false},
    {'a', 'a', "3350,2,2019", R"(1,9,2018,"Jan,Apr,Jul,Oct")", 6900, 8300, 1250, 1300, 10, false},
    {'a', 'c', ",,", R"(0,,,"")", 8400, 10400, 1400, 1200, 50, false},
    {'d', 'c', "21480,8,2021", R"(1,27,2020,"Mar,Jun,Sept,Dec")", 4300, 9800, 1450, 1150, 0, false},
    {'b', 'b', "160,,", R"(0,,,"")", 9100, 6200, 1050, 1100, 20, true},
    {'a', 'a', "8890,1,2015", R"(1,36,2021,"Feb,May,Aug,Nov")", 5900, 8800, 1300, 1350, -20, false},
}};
// The fourth store was rebuilt, and the file has no rows of these days.
constexpr std::size_t kRebuilt = 3;
constexpr sys_days kRebuiltFrom{std::chrono::year(2022) / 3 / 1};
constexpr sys_days kRebuiltTo{std::chrono::year(2022) / 4 / 24};

/// Thousandths, from Monday.
constexpr std::array<int, 7> kWeekdays{1180, 1010, 950, 940, 1010, 1080, 700};

/// By the rule of Gauss in the form that Butcher printed in 1876.
sys_days EasterSunday(std::chrono::year year) {
  const int y = static_cast<int>(year);
  const int a = y % 19;
  const int b = y / 100;
  const int c = y % 100;
  const int d = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
  const int e = (32 + 2 * (b % 4) + 2 * (c / 4) - d - c % 4) % 7;
  const int f = d + e - 7 * ((a + 11 * d + 22 * e) / 451) + 114;
  return year / (f / 31) / (f % 31 + 1);
}

/// '0' none, 'a' public holiday, 'b' Easter, 'c' Christmas.
char StateHoliday(sys_days day) {
  using namespace std::chrono;
  const year_month_day date(day);
  const sys_days easter = EasterSunday(date.year());
  const month_day in_year = date.month() / date.day();
  if (in_year == December / 25 || in_year == December / 26) return 'c';
  if (day == easter - days(2) || day == easter + days(1)) return 'b';
  const bool is_public = in_year == January / 1 || in_year == May / 1 || in_year == October / 3 ||
                         day == easter + days(39) || day == easter + days(50);
  return is_public ? 'a' : '0';
}

bool IsSchoolHoliday(sys_days day) {
  using namespace std::chrono;
  const year_month_day date(day);
  const sys_days easter = EasterSunday(date.year());
  const sys_days summer = date.year() / July / 18;
  const sys_days autumn = date.year() / October / 10;
  const bool is_christmas = (date.month() == December && date.day() >= std::chrono::day(23)) ||
                            (date.month() == January && date.day() <= std::chrono::day(6));
  return is_christmas || (day >= easter - days(8) && day <= easter + days(7)) ||
         (day >= summer && day < summer + days(42)) || (day >= autumn && day < autumn + days(12));
}

int WeekdayOf(sys_days day) {
  return static_cast<int>(std::chrono::weekday(day).iso_encoding());  // 1..7
}

/// Every other week from Monday to Friday, and for all stores alike.
bool IsPromo(sys_days day) {
  const int week = static_cast<int>((day - kFirstDay + days(4)).count() / 7);  // from Monday
  return week % 2 == 0 && WeekdayOf(day) <= 5;
}

bool IsOpen(const Store& store, sys_days day) {
  if (store.opens_on_sundays) return true;
  return StateHoliday(day) == '0' && WeekdayOf(day) != 7;
}

/// Wages come at the end of a month, and who shops shortly before a closed day buys more.
int CalendarFactor(const Store& store, sys_days day) {
  const year_month_day date(day);
  const unsigned in_month = static_cast<unsigned>(date.day());
  int factor = kOne;
  if (in_month <= 4 || in_month >= 28) factor = 1090;
  if (in_month >= 15 && in_month <= 22) factor = 950;
  if (StateHoliday(day + days(1)) != '0') factor = factor * 1200 / kOne;
  if (date.month() == std::chrono::December && in_month <= 24) {
    factor = factor * (kOne + (store.december - kOne) * static_cast<int>(in_month) / 24) / kOne;
  }
  return factor;
}

struct Day {
  sys_days date{};
  std::size_t store = 0;
  int sales = 0;
  int customers = 0;
  bool is_open = false;
};

class StoreSales {
 public:
  explicit StoreSales(std::uint64_t seed) : draws_(seed) {
    for (std::size_t store = 0; store < kStores.size(); ++store) {
      int drift = kOne;  // what nobody can know: it wanders around 1
      for (int i = 0; i < kDays; ++i) {
        drift += draws_.Between(-8, 8) + (kOne - drift) / 50;
        const sys_days date = kFirstDay + days(i);
        if (store == kRebuilt && date >= kRebuiltFrom && date <= kRebuiltTo) continue;
        days_.push_back(MakeDay(store, date, drift));
      }
    }
    std::ranges::stable_sort(days_, [](const Day& a, const Day& b) { return a.date > b.date; });
  }

  void WriteDays(TextFile file) const {
    file.Line(R"("Store","DayOfWeek","Date","Sales","Customers","Open","Promo","StateHoliday",)"
              R"("SchoolHoliday")");
    for (const Day& day : days_) {
      file.Line(R"({},{},{},{},{},{:d},{:d},"{}","{:d}")", day.store + 1, WeekdayOf(day.date),
                DateText(day.date), day.sales, day.customers, day.is_open, IsPromo(day.date),
                StateHoliday(day.date), IsSchoolHoliday(day.date));
    }
    file.Close();
  }

 private:
  Day MakeDay(std::size_t number, sys_days date, int drift) {
    const Store& store = kStores[number];
    Day day{.date = date, .store = number, .is_open = IsOpen(store, date)};
    if (!day.is_open || draws_.Chance(1)) return day;  // open, and the till was out of order
    const int weekday = kWeekdays[static_cast<std::size_t>(WeekdayOf(date) - 1)];
    const int growth = kOne + store.growth * static_cast<int>((date - kFirstDay).count()) / 365;
    day.sales = static_cast<int>(Times(store.sales, weekday, IsPromo(date) ? store.promo : kOne,
                                       CalendarFactor(store, date), SeasonFactor(date, 26, 60),
                                       IsSchoolHoliday(date) ? 1040 : kOne, growth, drift,
                                       draws_.Noise(230)));
    day.customers = static_cast<int>(
        Times(static_cast<std::int64_t>(day.sales) * kOne / store.basket, draws_.Noise(150)));
    return day;
  }

  Draws draws_;
  std::vector<Day> days_;
};

void WriteStores(TextFile file) {
  file.Line(R"("Store","StoreType","Assortment","CompetitionDistance","CompetitionOpenSinceMonth",)"
            R"("CompetitionOpenSinceYear","Promo2","Promo2SinceWeek","Promo2SinceYear",)"
            R"("PromoInterval")");
  for (std::size_t i = 0; i < kStores.size(); ++i) {
    const Store& store = kStores[i];
    file.Line(R"({},"{}","{}",{},{})", i + 1, store.type, store.assortment, store.competition,
              store.promo2);
  }
  file.Close();
}

}  // namespace

void WriteStoreSales(std::uint64_t seed, const std::filesystem::path& folder) {
  StoreSales(seed).WriteDays({folder / "train.csv", Compression::kNone});
  WriteStores({folder / "store.csv", Compression::kNone});
}

}  // namespace forkcast::bench
