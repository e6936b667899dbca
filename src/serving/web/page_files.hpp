#pragma once

#include <string_view>

/// The files of the page at `/`, which the build puts into the program: those in page/, and what it
/// takes from Debian. serving/page says under which names they are asked for.
namespace forkcast::serving {

extern const std::string_view kPageDocument;  ///< page/index.html.
extern const std::string_view kPageStyle;
extern const std::string_view kPageIcon;
extern const std::string_view kPageMain;
extern const std::string_view kPageAsk;
extern const std::string_view kPageChart;
extern const std::string_view kPageCsv;
extern const std::string_view kPageElements;
extern const std::string_view kPagePeriods;
extern const std::string_view kPageWords;
extern const std::string_view kPageWordsEn;
extern const std::string_view kPageWordsEs;
extern const std::string_view kPageViewForecast;
extern const std::string_view kPageViewDecide;
extern const std::string_view kPageViewData;
extern const std::string_view kPageViewModels;
extern const std::string_view kPageViewJobs;
extern const std::string_view kPageViewWatch;
extern const std::string_view kPageViewLogs;
extern const std::string_view kBootstrapStyle;      ///< Debian's libjs-bootstrap5,
extern const std::string_view kBootstrapLicence;    ///< and what its licence wants kept with it.
extern const std::string_view kPageDygraphScript;   ///< Debian's libjs-dygraphs,
extern const std::string_view kPageDygraphStyle;    ///< its style,
extern const std::string_view kPageDygraphLicence;  ///< and its licence.

}  // namespace forkcast::serving
