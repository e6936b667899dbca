#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::preprocessing {

/// One part of a form; `content` views the body.
struct MultipartPart {
  std::string name;            ///< Of the form's field.
  std::string file_name{};     ///< Empty: none was given.
  std::string content_type{};  ///< Likewise.
  std::string_view content{};
};

inline constexpr std::size_t kMostParts = 100;

/// The boundary that a Content-Type of multipart/form-data names. kInvalidArgument when there is
/// none, or one that RFC 2046 does not allow (1 to 70 characters).
[[nodiscard]] Result<std::string> BoundaryOf(std::string_view content_type);

/// The parts of a body of multipart/form-data (RFC 7578), in their order. Strict: lines end with
/// CRLF, nothing stands before the first boundary or behind the last one, each part has a
/// Content-Disposition of form-data with a name, and no transfer encoding. kInvalidArgument says
/// what is wrong with which part, also of a body that was broken off. O(bytes).
[[nodiscard]] Result<std::vector<MultipartPart>> ParseMultipart(std::string_view body,
                                                                std::string_view boundary);

}  // namespace forkcast::preprocessing
