#include "demand/milk_price.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "date_text.hpp"
#include "demand/invention.hpp"
#include "text_file.hpp"

namespace forkcast::bench {
namespace {

constexpr int kMonths = 96;
constexpr int kFirstYear = 2013;
/// The other tables begin later and end earlier than the prices.
constexpr int kFirstOfBank = 6;
constexpr int kLastOfBank = kMonths - 4;

constexpr std::array kSpanishMonths{"Ene", "Feb", "Mar", "Abr", "May", "Jun",
                                    "Jul", "Ago", "Sep", "Oct", "Nov", "Dic"};

struct Region {
  const char* name;
  int rain;  ///< Thousandths of a millimetre in a usual month.
};
constexpr std::array<Region, 8> kRegions{{{"Coquimbo", 8'000},
                                          {"Valparaiso", 20'000},
                                          {"Metropolitana_de_Santiago", 28'000},
                                          {"Libertador_Gral__Bernardo_O_Higgins", 45'000},
                                          {"Maule", 70'000},
                                          {"Biobio", 100'000},
                                          {"La_Araucania", 120'000},
                                          {"Los_Rios", 160'000}}};

constexpr std::array kProducts{"PIB_Agropecuario_silvicola",
                               "PIB_Pesca",
                               "PIB_Mineria",
                               "PIB_Mineria_del_cobre",
                               "PIB_Otras_actividades_mineras",
                               "PIB_Industria_Manufacturera",
                               "PIB_Alimentos",
                               "PIB_Bebidas_y_tabaco",
                               "PIB_Textil",
                               "PIB_Maderas_y_muebles",
                               "PIB_Celulosa",
                               "PIB_Refinacion_de_petroleo",
                               "PIB_Quimica",
                               "PIB_Minerales_no_metalicos_y_metalica_basica",
                               "PIB_Productos_metalicos",
                               "PIB_Electricidad",
                               "PIB_Construccion",
                               "PIB_Comercio",
                               "PIB_Restaurantes_y_hoteles",
                               "PIB_Transporte",
                               "PIB_Comunicaciones",
                               "PIB_Servicios_financieros",
                               "PIB_Servicios_empresariales",
                               "PIB_Servicios_de_vivienda",
                               "PIB_Servicios_personales",
                               "PIB_Administracion_publica",
                               "PIB_a_costo_de_factores",
                               "PIB"};

constexpr std::array kIndices{
    "Imacec_empalmado",       "Imacec_produccion_de_bienes",
    "Imacec_minero",          "Imacec_industria",
    "Imacec_resto_de_bienes", "Imacec_comercio",
    "Imacec_servicios",       "Imacec_a_costo_de_factores",
    "Imacec_no_minero",       "Indice_de_ventas_comercio_real_no_durables_IVCM"};

std::chrono::sys_days FirstOf(int month) {
  return std::chrono::sys_days(std::chrono::year(kFirstYear + month / 12) /
                               static_cast<unsigned>(month % 12 + 1) / 1);
}

/// Parted by a point in threes from the right, as the bank's export did to numbers of any kind.
std::string WithPoints(std::string digits) {
  for (std::size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, ".");
  return digits;
}

/// 102.79 as "10.279", 97.85 as "9.785", with six digits behind the hundreds: the export knew no
/// fraction and left zeros at the end out.
std::string Mangled(int millionths) {
  std::string digits = fmt::format("{}", millionths);
  while (digits.size() > 4 && digits.back() == '0') digits.pop_back();
  return WithPoints(std::move(digits));
}

class MilkPrice {
 public:
  explicit MilkPrice(std::uint64_t seed) : draws_(seed) {
    std::int64_t level = 210'000;  // thousandths of a peso a litre
    for (int month = 0; month < kMonths; ++month) {
      // What the economy does in a month moves the price in the next.
      activity_.push_back(draws_.Noise(120));
      if (month > 0) {
        level = Times(level, kOne + (activity_[static_cast<std::size_t>(month) - 1] - kOne) / 2,
                      draws_.Noise(50), 1002);
      }
      prices_.push_back(Times(level, SeasonFactor(FirstOf(month), 24, 40)));
    }
  }

  void WritePrices(TextFile file) const {
    file.Line("Anio,Mes,Precio_leche");
    for (int month = 0; month < kMonths; ++month) {
      const auto cents = prices_[static_cast<std::size_t>(month)] / 10;
      file.Line("{},{},{}.{:02}", kFirstYear + month / 12,
                kSpanishMonths[static_cast<std::size_t>(month % 12)], cents / 100, cents % 100);
    }
    file.Close();
  }

  void WriteRain(TextFile file) {
    std::string header = "date";
    for (const Region& region : kRegions) header += fmt::format(",{}", region.name);
    file.Line("{}", header);
    std::vector<std::string> lines;
    for (int month = 0; month < kMonths; ++month) {
      std::string line = DateText(FirstOf(month));
      const int season = SeasonFactor(FirstOf(month), 26, 900);
      for (const Region& region : kRegions) {
        const auto rain = Times(region.rain, season, draws_.Noise(900));
        line += fmt::format(",{}.{:03}", rain / 1000, rain % 1000);
      }
      lines.push_back(std::move(line));
    }
    WriteShuffled(lines, file);
  }

  void WriteBank(TextFile file) {
    std::string header = "Periodo";
    for (const char* const name : kIndices) header += fmt::format(",{}", name);
    for (const char* const name : kProducts) header += fmt::format(",{}", name);
    file.Line("{},Tipo_de_cambio", header);
    std::vector<std::string> lines;
    for (int month = kFirstOfBank; month < kLastOfBank; ++month) lines.push_back(BankLine(month));
    lines.push_back(lines[20]);  // a month that is there twice
    WriteShuffled(lines, file);
  }

 private:
  std::string BankLine(int month) {
    std::string line = fmt::format("{} 00:00:00 UTC", DateText(FirstOf(month)));
    const int activity = activity_[static_cast<std::size_t>(month)];
    for (std::size_t i = 0; i < kIndices.size(); ++i) {
      const auto index = Times(100'000'000 + 300'000 * month, activity, draws_.Noise(60));
      line += fmt::format(",{}", Mangled(static_cast<int>(index)));
    }
    for (std::size_t i = 0; i < kProducts.size(); ++i) {
      // A letter where a number belongs, in a month before all tables have a row.
      if (month == kFirstOfBank && i == 5) {
        line += ",a";
        continue;
      }
      const auto product = Times(100'000'000 + 37'000'001 * static_cast<std::int64_t>(i), activity,
                                 SeasonFactor(FirstOf(month), 50, 80), draws_.Noise(150));
      line += fmt::format(",{}", WithPoints(fmt::format("{}", product)));
    }
    return line + fmt::format(",{}", 600 + month);
  }

  void WriteShuffled(std::vector<std::string> lines, TextFile& file) {
    for (std::size_t i = lines.size(); i > 1; --i) {
      std::swap(lines[i - 1],
                lines[static_cast<std::size_t>(draws_.Between(0, static_cast<int>(i) - 1))]);
    }
    for (const std::string& line : lines) file.Line("{}", line);
    file.Close();
  }

  Draws draws_;
  std::vector<int> activity_;
  std::vector<std::int64_t> prices_;
};

}  // namespace

void WriteMilkPrice(std::uint64_t seed, const std::filesystem::path& folder) {
  MilkPrice invented(seed);
  invented.WritePrices({folder / "precio_leche.csv", Compression::kNone});
  invented.WriteRain({folder / "precipitaciones.csv", Compression::kNone});
  invented.WriteBank({folder / "banco_central.csv", Compression::kNone});
}

}  // namespace forkcast::bench
