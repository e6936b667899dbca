#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "serving/access/gate.hpp"
#include "serving/http/request_reader.hpp"
#include "serving/http/response.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// How an error appears to a client. The one place where codes meet HTTP.
struct HttpError {
  int status = 500;
  std::string_view code;  ///< Public name, in the answer's `error.code`.
};
[[nodiscard]] HttpError ToHttp(ErrorCode code) noexcept;

/// What a client is told: of an internal error not its message.
[[nodiscard]] std::string_view ShownMessage(const Error& error) noexcept;

/// Makes `response` an error: `{"error": {"code", "message", "field", "request_id"}}`; `field` and
/// `request_id` only when there is one. An internal error's message is not shown.
void WriteError(const Error& error, std::string_view request_id, Response& response);

/// The same with the members of `more`, the text of a JSON object, behind these.
void WriteError(const Error& error, std::string_view request_id, std::string_view more,
                Response& response);

/// Makes `response` the error of a request with bad rows: the members of the first, its `row`, the
/// number of `bad_rows`, and the first ten in `rows`. Precondition: `errors` is not empty.
void WriteRowErrors(std::span<const wire::RowError> errors, std::string_view request_id,
                    Response& response);

/// Makes `response` a refusal since too much is waiting, to be tried again after so long.
void WriteOverload(std::chrono::seconds retry_after, std::string_view request_id,
                   Response& response);

/// Makes `response` the refusal of what takes memory, or a place, that there is not (507).
void WriteNoRoom(std::string_view message, std::string_view request_id, Response& response);

/// Makes `response` the refusal of who tries to log in, to be tried again after so long (429).
void WriteTooOften(std::chrono::seconds retry_after, std::string_view request_id,
                   Response& response);

/// Makes `response` what a caller is told that may not do what it asked for. Precondition:
/// `admission` does not allow it.
void WriteRefusal(const Admission& admission, std::string_view request_id, Response& response);

/// Makes `response` the answer to bytes that are no request, behind which the connection ends.
void WriteFault(const RequestFault& fault, std::string_view request_id, Response& response);

/// Makes `response`, an error, what an AWS SDK expects behind InvokeEndpoint: 424 ModelError with
/// the original status and body in it; 503 ServiceUnavailable stays one. No effect below 400.
void WrapForSageMaker(Response& response);

/// Makes `response`, an error, a problem of RFC 9457, whose further members are those of `error`
/// but for the message, which is its detail. `request_id`: its instance; empty: none. No effect
/// on anything but an error as WriteError() and those beside it make them.
void WrapAsProblem(std::string_view request_id, Response& response);

/// Puts before the member `error` of an error what SageMaker's multi-model server says: `code`, the
/// status, `type`, and `message`. No effect below 400. Precondition: `response` is an error as
/// WriteError() and those beside it make them.
void WrapForModels(Response& response);

/// Makes an error what clients of the Open Inference Protocol read: `{"error": TEXT}`, with the
/// field and, of a bad row, its number in the text. No effect below 400. Precondition as of
/// WrapForModels().
void WrapForInference(Response& response);

}  // namespace forkcast::serving
