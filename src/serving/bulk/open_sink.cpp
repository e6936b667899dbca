#include "serving/bulk/open_sink.hpp"

#include <array>
#include <string_view>

#include "serving/bulk/file_sink.hpp"
#include "serving/bulk/store_sink.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::TableSpec;
using Opened = Result<std::unique_ptr<RowSink>>;

/// A kind of place.
struct SinkKind {
  std::string_view prefix;  ///< What its places begin with; empty: the path of a file.
  /// `place`: without the prefix.
  Opened (*open)(const std::string& place, const TableSpec& table, const SinkContext& context);
};

Opened OpenTable(const std::string& place, const TableSpec& table, const SinkContext& context) {
  if (place.empty() || context.store.empty()) {
    return Error{ErrorCode::kInvalidArgument, "expected table:NAME, and a store that has it"};
  }
  TableSpec named = table;
  named.name = place;
  return OpenStoreSink(context.store, std::move(named));
}

Opened OpenFile(const std::string& place, const TableSpec& table, const SinkContext& context) {
  return OpenFileSink(place, table.schema, context.out);
}

/// The first that a place begins with.
constexpr std::array kSinkKinds{SinkKind{.prefix = "table:", .open = OpenTable},
                                SinkKind{.prefix = "", .open = OpenFile}};

}  // namespace

Opened OpenSink(const std::string& place, const TableSpec& table, const SinkContext& context) {
  for (const SinkKind& kind : kSinkKinds) {
    if (place.starts_with(kind.prefix)) {
      return kind.open(place.substr(kind.prefix.size()), table, context);
    }
  }
  return Error{ErrorCode::kInternal, place};  // the last kind begins with nothing
}

}  // namespace forkcast::serving
