// The first byte picks the route; up to the first NUL the rest is the query, behind it the body.
//
// What is read must not contradict itself, whatever was read before, and what is sent back as the
// request must be JSON.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "fuzz/require.hpp"
#include "serving/routes/route_rows.hpp"
#include "serving/routes/shop.hpp"
#include "serving/wire/decode.hpp"

namespace {

using forkcast::Result;
using forkcast::Status;
using forkcast::fuzz::Require;
using forkcast::serving::Bound;
using forkcast::serving::Route;
using forkcast::serving::RouteRows;
using forkcast::wire::DecodedRequest;

constexpr forkcast::wire::DecoderLimits kLimits{.max_depth = 8, .max_rows = 100};

const std::vector<Route>& Routes() {
  static const std::vector<Route> kRoutes{
      Bound(R"({"method": "GET", "path": "/{store}/{product}", "answer": 1,
                "query": {"n": {"field": "steps", "default": 3}, "price": "price",
                          "t": {"field": "from", "format": "YYYY-MM"}}})"),
      Bound(R"({"method": "POST", "path": "/p", "rows": "input", "answer": 1,
                "all": {"date": "origin"}, "constants": {"steps": 1}})"),
      Bound(R"({"method": "POST", "path": "/p", "rows": "$", "answer": 1,
                "row": {"s": "store", "p": "product", "b": "from", "e": "to"}})"),
      Bound(R"({"method": "POST", "path": "/p", "answer": 1,
                "constants": {"store": 1, "product": "p"},
                "all": {"d": {"fields": ["from", "to"], "format": "YYYY-MM-DD HH:MM"}}})")};
  return kRoutes;
}

/// One request, read in steps of one row.
Status Read(RouteRows& rows, std::string_view query, std::string_view body,
            std::string_view content_type, DecodedRequest& out) {
  const std::string_view segments[] = {query.substr(0, 3), body.substr(0, 3)};
  Status started = rows.Start(
      {.segments = segments, .query = query, .content_type = content_type, .body = body}, out);
  while (started) {
    const Result<bool> read = rows.Continue(1);
    if (!read) return read.error();
    if (*read) break;
  }
  return started;
}

void RequireConsistent(const Status& read, const DecodedRequest& request, const RouteRows& rows) {
  Require(read.ok() || (request.row_count == 0 && !read.error().message.empty()));
  Require(request.row_count == request.row_numbers.size() + request.errors.size());
  for (std::size_t i = 0; i < request.rows.column_count(); ++i) {
    Require(request.rows.column(i).size() == request.row_numbers.size());
  }
  for (std::size_t row = 0; row < request.row_count; ++row) {
    for (const char* member : {"", "store", "d"}) {
      std::string sent;
      rows.AppendRequest(row, member, sent);
      Require(nlohmann::json::accept(sent));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::string_view kForm = "application/x-www-form-urlencoded";
  const Route& route = Routes()[data[0] / 2 % Routes().size()];
  const std::string_view content_type = data[0] % 2 == 0 ? "" : kForm;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view query = rest.substr(0, rest.find('\0'));
  const forkcast::wire::PaddedBody body(rest.substr(std::min(query.size() + 1, rest.size())));

  RouteRows rows(route, kLimits);
  DecodedRequest first(route.question());
  const Status read = Read(rows, query, body.view(), content_type, first);
  RequireConsistent(read, first, rows);
  DecodedRequest again(route.question());
  const Status reread = Read(rows, query, body.view(), content_type, again);
  Require(read.ok() == reread.ok() && first.row_numbers == again.row_numbers);
  Require(forkcast::wire::ToJson(first.rows) == forkcast::wire::ToJson(again.rows));
  return 0;
}
