#include "data_preprocessing/dao/common/sql_record_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <utility>

namespace forkcast::preprocessing {
namespace {

constexpr std::string_view kColumns = "id, label, body, revision";

std::int64_t NumberIn(const std::optional<std::string>& text) noexcept {
  std::int64_t number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

Record RecordIn(std::vector<std::optional<std::string>>& row) {
  return {.id = std::move(row[0]).value_or(""),
          .label = std::move(row[1]).value_or(""),
          .text = std::move(row[2]).value_or(""),
          .revision = NumberIn(row[3])};
}

}  // namespace

Result<std::vector<Record>> SqlRecordStore::Find(std::string_view shelf,
                                                 std::span<const std::string> labels) {
  if (is_empty()) return std::vector<Record>();
  std::string sql = fmt::format("SELECT {} FROM forkcast_records WHERE shelf = ?", kColumns);
  std::vector<Parameter> parameters{std::string(shelf)};
  for (const std::string& label : labels) {
    sql += parameters.size() == 1 ? " AND label IN (?" : ", ?";
    parameters.emplace_back(label);
  }
  if (!labels.empty()) sql += ")";
  Result<Answer> found = Ask(sql, parameters);
  if (!found) return std::move(found).error();
  std::vector<Record> records;
  records.reserve(found->rows.size());
  for (auto& row : found->rows) records.push_back(RecordIn(row));
  return records;
}

Result<std::optional<Record>> SqlRecordStore::Get(std::string_view shelf, std::string_view id) {
  if (is_empty()) return std::optional<Record>();
  const std::array<Parameter, 2> parameters{std::string(shelf), std::string(id)};
  Result<Answer> found =
      Ask(fmt::format("SELECT {} FROM forkcast_records WHERE shelf = ? AND id = ?", kColumns),
          parameters);
  if (!found) return std::move(found).error();
  if (found->rows.empty()) return std::optional<Record>();
  return std::optional(RecordIn(found->rows.front()));
}

Result<bool> SqlRecordStore::Change(std::vector<RecordChange> changes) {
  // Two who change the same records meet at the first of them, and neither waits for the other.
  std::ranges::sort(changes, {},
                    [](const RecordChange& one) { return std::tie(one.shelf, one.id); });
  if (Status begun = Begin(); !begun) return std::move(begun).error();
  for (const RecordChange& change : changes) {
    Result<bool> applied = Apply(change);
    if (applied && *applied) continue;
    Rollback();
    return applied;
  }
  if (Status done = Commit(); !done) {
    Rollback();
    return std::move(done).error();
  }
  return true;
}

Result<bool> SqlRecordStore::Apply(const RecordChange& change) {
  Result<Answer> done = Answer{};
  if (change.expected == 0) {
    const std::array<Parameter, 4> parameters{change.shelf, change.id, change.label, change.text};
    done = Ask(std::string(insert()), parameters);
  } else if (change.is_removed) {
    const std::array<Parameter, 2> parameters{change.shelf, change.id};
    done = Ask(fmt::format("DELETE FROM forkcast_records WHERE shelf = ? AND id = ? AND "
                           "revision = {}",
                           change.expected),
               parameters);
  } else {
    const std::array<Parameter, 4> parameters{change.label, change.text, change.shelf, change.id};
    done = Ask(fmt::format("UPDATE forkcast_records SET revision = revision + 1, label = ?, "
                           "body = ? WHERE shelf = ? AND id = ? AND revision = {}",
                           change.expected),
               parameters);
  }
  if (!done) return std::move(done).error();
  return done->changes == 1;
}

}  // namespace forkcast::preprocessing
