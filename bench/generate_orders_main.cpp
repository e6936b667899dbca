// generate-orders --rows N --seed S --out DIR [--gzip]: an invented set of orders with its side
// tables and right answers.

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>

#include "date_text.hpp"
#include "order_set.hpp"
#include "run_tool.hpp"
#include "text_file.hpp"

namespace {

namespace fs = std::filesystem;
namespace options = boost::program_options;
using forkcast::bench::Compression;
using forkcast::bench::Order;
using forkcast::bench::OrderSet;
using forkcast::bench::Seconds;
using forkcast::bench::TextFile;

std::string Timestamp(Seconds time) {
  return forkcast::bench::TimestampText(std::chrono::sys_seconds(std::chrono::seconds(time)));
}

void WriteOrders(const OrderSet& set, TextFile orders, TextFile expected) {
  orders.Line("order_id,customer_id,timestamp,sku_code,quantity,zip_code,order_fulfilled");
  for (std::uint64_t i = 0; i < set.order_count(); ++i) {
    const Order order = set.OrderAt(i);
    const std::string id = set.OrderId(i);
    orders.Line(R"("{}","{}","{}","{}",{},"{}",{})", id, set.CustomerId(order.customer),
                Timestamp(order.time), set.SkuCode(order.sku), order.quantity,
                set.ZipCode(order.zip), set.IsFulfilled(order) ? "True" : "False");
    expected.Line(R"({{"order_id":"{}","recommendation":"{}"}})", id, set.Recommendation(order));
  }
  orders.Close();
  expected.Close();
}

// Round by round instead of SKU by SKU, so that a reader finds a SKU's rows far apart and not in
// the order of time.
void WriteInventory(const OrderSet& set, TextFile file) {
  file.Line("sku_code,timestamp,inventory");
  for (std::size_t round = 0; round < OrderSet::kMostStockRows; ++round) {
    for (std::uint64_t sku = 0; sku < set.sku_count(); ++sku) {
      const OrderSet::Stock stock = set.StockOf(sku);
      if (round < stock.size()) {
        file.Line(R"("{}","{}",{})", set.SkuCode(sku), Timestamp(stock[round].time),
                  stock[round].level);
      }
    }
  }
  file.Close();
}

// First every order's first payment row, then what changed afterwards.
void WritePayments(const OrderSet& set, TextFile file) {
  file.Line("order_id,customer_id,timestamp,payment_method,payment_status");
  for (std::size_t round = 0; round < OrderSet::kMostPayments; ++round) {
    for (std::uint64_t i = 0; i < set.order_count(); ++i) {
      const Order order = set.OrderAt(i);
      const OrderSet::Payments payments = set.PaymentsOf(order);
      if (round < payments.size()) {
        file.Line(R"("{}","{}","{}","{}","{}")", set.OrderId(i), set.CustomerId(order.customer),
                  Timestamp(payments[round].time), payments[round].method, payments[round].status);
      }
    }
  }
  file.Close();
}

void WriteZipCodes(const OrderSet& set, TextFile file) {
  file.Line("zip_code,available_from");
  for (std::uint64_t zip = 0; zip < set.zip_count(); ++zip) {
    file.Line(R"("{}","{}")", set.ZipCode(zip), Timestamp(set.ZipAvailableFrom(zip)));
  }
  file.Close();
}

int Run(int argc, const char* const* argv) {
  options::options_description described("generate-orders --rows N --seed S --out DIR [--gzip]");
  const std::string rows_help = fmt::format(
      "number of orders, 1 to {}; the other tables grow with it", OrderSet::kMostOrders);
  auto add = described.add_options();
  add("help", "this text");
  add("rows", options::value<std::uint64_t>()->required(), rows_help.c_str());
  add("seed", options::value<std::uint64_t>()->required(),
      "the same seed and number give the same bytes, everywhere");
  add("out", options::value<std::string>()->required(),
      "folder for orders, inventory, payments and zip_codes (.csv), and expected.jsonl");
  add("gzip", "write the tables as .csv.gz");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, described), given);
  if (given.contains("help")) {
    std::cout << described;
    return 0;
  }
  options::notify(given);
  const auto rows = given["rows"].as<std::uint64_t>();
  if (rows < 1 || rows > OrderSet::kMostOrders) {
    throw options::error(fmt::format("--rows must be from 1 to {}", OrderSet::kMostOrders));
  }

  const OrderSet set(given["seed"].as<std::uint64_t>(), rows);
  const fs::path folder(given["out"].as<std::string>());
  fs::create_directories(folder);
  const auto compression = given.contains("gzip") ? Compression::kGzip : Compression::kNone;
  WriteOrders(set, {folder / "orders.csv", compression},
              {folder / "expected.jsonl", Compression::kNone});
  WriteInventory(set, {folder / "inventory.csv", compression});
  WritePayments(set, {folder / "payments.csv", compression});
  WriteZipCodes(set, {folder / "zip_codes.csv", compression});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return forkcast::bench::RunTool("generate-orders", Run, argc, argv);
}
