#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "serving/routes/answer_template.hpp"
#include "serving/routes/route.hpp"
#include "serving/routes/route_rows.hpp"

namespace forkcast::serving {

/// An error as a template of errors takes it. Views what it is made of.
struct RouteError {
  const Error& error;
  std::string_view request_id{};
  std::optional<std::size_t> row{};  ///< Of the row's error: its number.
  const RouteRows* sent = nullptr;   ///< What was sent as the row; of a row's error alone.
};

/// The error with what callers call its field.
[[nodiscard]] Error AsCallersKnow(const Route& route, Error error);

/// Appends the error in the shape of `shape`, one of the route's templates of errors.
void AppendError(const Route& route, const AnswerTemplate& shape, const RouteError& error,
                 std::string& out);

}  // namespace forkcast::serving
