#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "serving/wire/decode.hpp"
#include "serving/wire/tensor_request.hpp"
#include "serving/wire/tensor_rows.hpp"

namespace forkcast::wire {

/// Decodes bodies of tensors into rows, a few at a time.
class TensorDecoding {
 public:
  explicit TensorDecoding(const preprocessing::Schema& schema = EveryType(),
                          DecoderLimits limits = {})
      : schema_(schema), limits_(limits), request_(limits.max_depth), decoded_(schema) {}

  /// `behind`: the binary data, where there are any.
  Status Decode(const std::string& json, std::optional<std::string> behind = {}) {
    const std::optional<std::size_t> json_size = behind ? std::optional(json.size()) : std::nullopt;
    return DecodeBody(json + behind.value_or(""), json_size);
  }

  Status DecodeBody(std::string_view body, std::optional<std::size_t> json_size) {
    body_.emplace(body);
    decoded_.Clear();
    const std::size_t most = limits_.max_rows * schema_.columns.size();
    if (Status read = request_.Read(body_->view(), json_size, most); !read) return read;
    Status started = rows_.Start({.schema = schema_,
                                  .zone = zone_,
                                  .inputs = request_.inputs(),
                                  .max_rows = limits_.max_rows},
                                 decoded_);
    if (!started) return started;
    while (!rows_.Continue(2)) {
    }
    return {};
  }

  [[nodiscard]] const TensorRequest& request() const noexcept { return request_; }
  [[nodiscard]] const DecodedRequest& decoded() const noexcept { return decoded_; }
  [[nodiscard]] nlohmann::json rows() const { return ToJson(decoded_.rows); }

 private:
  preprocessing::Schema schema_;
  preprocessing::TimeZone zone_;
  DecoderLimits limits_;
  TensorRequest request_;
  TensorRows rows_;
  DecodedRequest decoded_;
  std::optional<PaddedBody> body_;
};

/// The bytes of a value, as binary data have it.
template <typename T>
requires std::is_arithmetic_v<T> std::string BytesOf(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// The same of a text.
inline std::string BytesOf(std::string_view text) {
  return BytesOf(static_cast<std::uint32_t>(text.size())).append(text);
}
inline std::string BytesOf(const char* text) { return BytesOf(std::string_view(text)); }

}  // namespace forkcast::wire
