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
  /// Makes a new, empty store that lives as long as the returned opener; each call of the opener is
  /// one more connection to it, in the access asked for.
  using Opener = std::function<Result<std::unique_ptr<TableDao>>(StoreAccess)>;
  std::function<Opener()> make;
};

/// Instantiate with the kind at hand:
///     INSTANTIATE_TEST_SUITE_P(Sqlite, TableDaoContract, testing::Values(StoreMaker{...}),
///     NameOf);
class TableDaoContract : public testing::TestWithParam<StoreMaker> {};

inline std::string NameOf(const testing::TestParamInfo<StoreMaker>& maker) {
  return maker.param.name;
}

}  // namespace forkcast::preprocessing
