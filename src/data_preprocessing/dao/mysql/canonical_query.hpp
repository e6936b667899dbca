#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/result.hpp"

/// What a query reads, found in the text in which the server keeps it as a view
/// (information_schema.VIEWS). There the server has written out what a user may leave unsaid: `*`,
/// NATURAL and USING are columns, each column stands behind the name or alias of its table, each
/// table behind its database, and each name in backticks:
///
///     select `s`.`code` AS `code` from `shop`.`stock` `s` where `s`.`sold` <> 0
///
/// Names are searched for wherever they stand, also in what may be a string: a query may be refused
/// that is none the worse for it, but none is let through for how its strings are written.
namespace forkcast::preprocessing {

/// The name of a table or view, behind that of its database.
using FullName = std::pair<std::string, std::string>;

/// All that may be names of tables and views in the text.
[[nodiscard]] std::set<FullName> NamesIn(std::string_view text);

/// Whether the text may read the column of the table.
[[nodiscard]] bool MayRead(std::string_view text, const FullName& table, std::string_view column);

/// kInvalidArgument when the text has something of which it does not tell what it reads: a call of
/// a stored function, a file, a table of the server's own, or a name with a backtick.
[[nodiscard]] Status CheckIsTold(std::string_view text);

}  // namespace forkcast::preprocessing
