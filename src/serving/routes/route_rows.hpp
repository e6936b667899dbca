#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "serving/routes/route.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// What callers send to a route, in views.
struct RouteRequest {
  /// The path's parameters, decoded, in the order of the route's inputs of that place.
  std::span<const std::string_view> segments{};
  std::string_view query{};
  std::string_view content_type{};
  std::string_view body{};  ///< wire::kBodyPadding readable bytes follow.
};

/// Makes rows of the question of what a request of a route says in its own words. One a thread;
/// used for one request after the other, so that its memory is kept.
///
/// Types follow the field: what is sent as text is read as the field's type, and an integer that is
/// sent for a text is its digits; anything else that is out of place is an error naming what the
/// caller wrote. A member that is null, or, in a query or a form, an empty value of what is no
/// text, was not sent. What the route does not know is ignored, but must be JSON.
///
/// An error of the call is one of the whole request, and nothing is read then: a body that is no
/// JSON (or form, where it has no rows) or holds no rows, too many of them, or something wrong that
/// would hold for all rows. A row that is wrong goes to `errors` of the decoded request.
///
/// Cost: one pass over the body at Start(), 6 MB in about 10 ms; then by row.
class RouteRows {
 public:
  /// `route` outlives this.
  RouteRows(const Route& route, wire::DecoderLimits limits);
  RouteRows(RouteRows&&) noexcept;
  RouteRows& operator=(RouteRows&&) noexcept;
  ~RouteRows();

  /// Begins a request. It and `out`, made of the route's question, live until the next one.
  Status Start(const RouteRequest& request, wire::DecodedRequest& out);
  /// Reads on for at most `rows` rows. True when all are read.
  Result<bool> Continue(std::size_t rows);

  /// Appends what was sent as the row (of a route without rows, what was sent at all) as JSON; with
  /// `member`, its member of that name, or null. Precondition: all rows are read.
  void AppendRequest(std::size_t row, std::string_view member, std::string& out) const;

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace forkcast::serving
