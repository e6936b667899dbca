#pragma once

#include <string_view>

namespace forkcast::serving {

/// A page in HTML that shows what openapi.json beside it says, with a form for each operation that
/// sends it. It needs nothing from elsewhere. It is documentation.html, put in when this is built.
[[nodiscard]] std::string_view DocumentationPage() noexcept;

}  // namespace forkcast::serving
