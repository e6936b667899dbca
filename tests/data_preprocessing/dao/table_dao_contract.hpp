#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// How to make a store of one kind, for the tests that every implementation of TableDao passes.
/// Their queries are in the SQL that all kinds share; what one kind alone has is for its own tests.
struct StoreMaker {
  std::string name;
  /// A new, empty store, which lives as long as either of these.
  struct NewStore {
    /// One more connection to it, in the access asked for.
    std::function<Result<std::unique_ptr<TableDao>>(StoreAccess)> open;
    /// Runs a statement in it, as another program would.
    std::function<void(const std::string& sql)> run;
  };
  std::function<NewStore()> make;
  std::string timestamps;  ///< The SQL type of a column of timestamps.
  std::string now;         ///< The SQL of this moment, for such a column.
};

/// Instantiate with the kind at hand:
///     INSTANTIATE_TEST_SUITE_P(Sqlite, TableDaoContract, testing::Values(StoreMaker{...}),
///     NameOf);
class TableDaoContract : public testing::TestWithParam<StoreMaker> {};

inline std::string NameOf(const testing::TestParamInfo<StoreMaker>& maker) {
  return maker.param.name;
}

}  // namespace forkcast::preprocessing
