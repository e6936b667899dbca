#pragma once

#include <memory>
#include <string_view>

#include "serving/access/access.hpp"
#include "serving/http/job.hpp"
#include "serving/http/request.hpp"

namespace forkcast::serving {

class ApiOperation;

/// What a request costs the others.
enum class Load {
  kProbe,  ///< Nothing: it is answered whatever waits, and has no id.
  kWork,   ///< It has an id, which its answer and the log name, and is refused when too much waits.
};

/// How its errors are written.
enum class ErrorForm {
  kPlain,      ///< As error_response.hpp says; for who asks for that, as a problem (RFC 9457).
  kSageMaker,  ///< Wrapped as an AWS SDK expects them (WrapForSageMaker).
  kModels,     ///< With the members of the multi-model server's (WrapForModels).
  kInference,  ///< One text, as the Open Inference Protocol has it (WrapForInference).
  kOwn,        ///< As whoever answered has written them.
};

/// One thing that a server can be asked, as a row of a table.
struct Endpoint {
  Method method = Method::kGet;    ///< Where it is kGet, HEAD is answered alike.
  std::string_view path{};         ///< See PathPattern; several rows may share one.
  std::string_view operation{};    ///< Its name among all of them.
  std::string_view description{};  ///< A sentence for users.
  Access access = Access::kAdminister;
  Hosts hosts = Hosts::kAllowed;
  Load load = Load::kProbe;
  ErrorForm errors = ErrorForm::kPlain;
  std::unique_ptr<Job> (*make)(Service& service) = nullptr;
  /// Says more of it in the description of the API (serving/web).
  void (*describe)(ApiOperation& operation) = nullptr;
};

}  // namespace forkcast::serving
