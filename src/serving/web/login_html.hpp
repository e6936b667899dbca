#pragma once

#include <string_view>

namespace forkcast::serving {

/// login.html, with `{{NAME}}` where LoginPage's parts belong, put in when this is built.
[[nodiscard]] std::string_view LoginHtml() noexcept;

}  // namespace forkcast::serving
