#include "serving/page/page_assets.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "data_preprocessing/document/content_hash.hpp"
#include "serving/web/page_files.hpp"
#include "serving/wire/gzip.hpp"

namespace forkcast::serving {
namespace {

constexpr std::string_view kScript = "text/javascript; charset=utf-8";
constexpr std::string_view kStyle = "text/css; charset=utf-8";
constexpr std::string_view kText = "text/plain; charset=utf-8";

struct Asset {
  std::string_view name;
  std::string_view content_type;
  const std::string_view* text;
};

constexpr std::array kAssets{
    Asset{"bootstrap.min.css", kStyle, &kBootstrapStyle},
    Asset{"dygraph.min.css", kStyle, &kPageDygraphStyle},
    Asset{"page.css", kStyle, &kPageStyle},
    Asset{"icon.svg", "image/svg+xml", &kPageIcon},
    Asset{"main.js", kScript, &kPageMain},
    Asset{"ask.js", kScript, &kPageAsk},
    Asset{"chart.js", kScript, &kPageChart},
    Asset{"csv.js", kScript, &kPageCsv},
    Asset{"elements.js", kScript, &kPageElements},
    Asset{"periods.js", kScript, &kPagePeriods},
    Asset{"words.js", kScript, &kPageWords},
    Asset{"words_en.js", kScript, &kPageWordsEn},
    Asset{"words_es.js", kScript, &kPageWordsEs},
    Asset{"view_forecast.js", kScript, &kPageViewForecast},
    Asset{"view_decide.js", kScript, &kPageViewDecide},
    Asset{"view_data.js", kScript, &kPageViewData},
    Asset{"view_models.js", kScript, &kPageViewModels},
    Asset{"view_jobs.js", kScript, &kPageViewJobs},
    Asset{"view_watch.js", kScript, &kPageViewWatch},
    Asset{"view_logs.js", kScript, &kPageViewLogs},
    Asset{"dygraph.min.js", kScript, &kPageDygraphScript},
    Asset{"bootstrap-licence.txt", kText, &kBootstrapLicence},
    Asset{"dygraphs-licence.txt", kText, &kPageDygraphLicence},
};

std::string Packed(std::string_view text) {
  constexpr std::size_t kAtOnce = 65536;
  wire::GzipWriter writer;
  writer.Start(text);
  while (!writer.Continue(kAtOnce)) {
  }
  return std::move(writer.packed());
}

using PackedAssets = std::array<std::string, kAssets.size()>;

PackedAssets PackAll() {
  PackedAssets packed;
  for (std::size_t i = 0; i < packed.size(); ++i) packed[i] = Packed(*kAssets[i].text);
  return packed;
}

std::string Document() {
  constexpr std::string_view kVersionMark = "@version@";
  std::string text(kPageDocument);
  for (std::size_t at = text.find(kVersionMark); at != std::string::npos;
       at = text.find(kVersionMark, at)) {
    text.replace(at, kVersionMark.size(), PageVersion());
  }
  return text;
}

}  // namespace

const std::string& PageVersion() {
  static const std::string version = [] {
    constexpr std::size_t kDigits = 16;
    std::string all(kPageDocument);
    for (const Asset& asset : kAssets) all.append(asset.name).append(*asset.text);
    const std::string hash = preprocessing::ContentHash(all);
    return hash.substr(hash.size() - std::min(hash.size(), kDigits));
  }();
  return version;
}

bool HasPageFile(std::string_view name) noexcept {
  return std::ranges::find(kAssets, name, &Asset::name) != kAssets.end();
}

Result<PageAnswer> PageDocument(bool packed) {
  PageAnswer answer{.body = Document(), .content_type = "text/html; charset=utf-8"};
  if (packed) answer.body = Packed(answer.body);
  answer.is_packed = packed;
  return answer;
}

Result<PageAnswer> PageFile(std::string_view name, bool packed) {
  const auto* const asset = std::ranges::find(kAssets, name, &Asset::name);
  if (asset == kAssets.end()) {
    return Error{ErrorCode::kNotFound, "the page has no such file", "name"};
  }
  PageAnswer answer{.body = {}, .content_type = asset->content_type, .is_packed = packed};
  if (packed) {
    static const PackedAssets kPacked = PackAll();  // some 20 ms, once, on the desk's thread
    answer.body = kPacked[static_cast<std::size_t>(asset - kAssets.begin())];
  } else {
    answer.body = *asset->text;
  }
  return answer;
}

}  // namespace forkcast::serving
