// How fast CSV files become tables, in the plain dialect and in others: generates orders in each,
// reads each file three times, and prints the fastest.
//
//   csv-speed [ROWS]        a million by default

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "data_preprocessing/table/csv_reader.hpp"

namespace {

namespace fs = std::filesystem;
using namespace forkcast::preprocessing;

struct Case {
  const char* name;
  CsvDialect dialect;
};

Schema Orders() {
  using enum ColumnType;
  return {{{.name = "order_id", .type = kText},
           {.name = "at", .type = kTimestamp},
           {.name = "sku", .type = kText},
           {.name = "pieces", .type = kInt64, .nullable = true},
           {.name = "price", .type = kDouble, .nullable = true},
           {.name = "paid", .type = kBool}}};
}

void Write(const fs::path& path, const CsvDialect& dialect, std::size_t rows) {
  const char d = dialect.delimiter;
  std::ofstream out(path, std::ios::binary);
  out << fmt::format("order_id{0}at{0}sku{0}pieces{0}price{0}paid\n", d);
  for (std::size_t i = 0; i < rows; ++i) {
    out << fmt::format(
        "{1:08x}-7f{0}2024-{2:02}-{3:02} {4:02}:30:00{0}{5:013}{0}{6}{0}{7}{8}{9:02}{0}{10}\n", d,
        i * 2654435761U % 4294967296U, 1 + i % 12, 1 + i % 28, i % 24, i * 7919 % 100000, i % 9,
        i % 500, dialect.decimal, i % 100, i % 2 == 0 ? "True" : "False");
  }
}

/// Of this process, so that what runs beside it does not count.
double CpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Seconds of the processor that it takes to read the file.
double Read(const fs::path& path, const CsvDialect& dialect, std::size_t rows) {
  const double begin = CpuSeconds();
  auto reader = CsvTableReader::Open(path, Orders(), TimeZone(), {.dialect = dialect});
  Table batch(Orders());
  std::size_t count = 0;
  while (reader && *reader->ReadBatch(4096, batch)) count += batch.row_count();
  if (count != rows) {
    fmt::print(stderr, "csv-speed: {} of {} rows\n", count, rows);
    std::exit(1);
  }
  return CpuSeconds() - begin;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t rows = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  const Case cases[]{
      {"plain", {}},
      {"semicolons, decimal comma", {.delimiter = ';', .decimal = ','}},
      {"trimmed, null texts", {.blanks = CsvBlanks::kTrimmed, .null = {"NA", "NULL"}}},
      {"windows-1252", {.encoding = CsvEncoding::kWindows1252}}};
  const fs::path path = fs::temp_directory_path() / fmt::format("csv-speed-{}.csv", ::getpid());
  for (const Case& one : cases) {
    Write(path, one.dialect, rows);
    double fastest = 1e9;
    for (int i = 0; i < 3; ++i) fastest = std::min(fastest, Read(path, one.dialect, rows));
    fmt::print("{:28} {:6.2f} million rows/s  {:5.0f} MB/s\n", one.name,
               static_cast<double>(rows) / fastest / 1e6,
               static_cast<double>(fs::file_size(path)) / fastest / 1e6);
  }
  fs::remove(path);
}
