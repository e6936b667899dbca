#include "serving/routes/route_error.hpp"

#include <cstdint>
#include <utility>

#include "serving/http/error_response.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Value;

/// The one row of names that an error is to its template.
class ErrorValues final : public TemplateValues {
 public:
  ErrorValues(const Route& route, const RouteError& error) : route_(route), error_(error) {}

  [[nodiscard]] std::size_t rows() const override { return 1; }
  [[nodiscard]] std::size_t steps(std::size_t /*row*/) const override { return 0; }
  [[nodiscard]] Value RowValue(std::size_t /*row*/, std::size_t name) const override {
    const Error& error = error_.error;
    switch (static_cast<Route::ErrorName>(name)) {
      case Route::ErrorName::kCode:
        return ToHttp(error.code).code;
      case Route::ErrorName::kMessage:
        return ShownMessage(error);
      case Route::ErrorName::kField:
        return error.field.empty() ? Value() : Value(std::string_view(error.field));
      case Route::ErrorName::kRow:
        return error_.row ? Value(static_cast<std::int64_t>(*error_.row)) : Value();
      case Route::ErrorName::kStatus:
        return std::int64_t{route_.StatusOf(error.code)};
      case Route::ErrorName::kRequestId:
        return error_.request_id;
    }
    return {};
  }
  [[nodiscard]] Value StepValue(std::size_t /*row*/, std::size_t /*step*/,
                                std::size_t /*name*/) const override {
    return {};
  }
  void AppendRequest(std::size_t /*row*/, std::string_view member,
                     std::string& out) const override {
    error_.sent->AppendRequest(*error_.row, member, out);
  }
  bool AppendBadRow(std::size_t /*row*/, std::string& /*out*/) const override { return false; }

 private:
  const Route& route_;
  const RouteError& error_;
};

}  // namespace

Error AsCallersKnow(const Route& route, Error error) {
  error.field = route.CallersName(error.field);
  return error;
}

void AppendError(const Route& route, const AnswerTemplate& shape, const RouteError& error,
                 std::string& out) {
  const ErrorValues values(route, error);
  TemplateWriter writer;
  writer.Start(shape, values, out);
  static_cast<void>(writer.Continue(1));  // one row, so it is written whole
}

}  // namespace forkcast::serving
