#pragma once

#include <string_view>

/// What pages are made of that is no C++; the build puts it into the program.
namespace forkcast::model {

extern const std::string_view kReportStyle;     ///< page/report.css.
extern const std::string_view kReportScript;    ///< page/report.js.
extern const std::string_view kDygraphScript;   ///< Debian's libjs-dygraphs, which draws charts,
extern const std::string_view kDygraphStyle;    ///< its style,
extern const std::string_view kDygraphLicence;  ///< and what its licence wants to be kept with it.

}  // namespace forkcast::model
