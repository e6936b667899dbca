#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// One kind of store, for the tests that every implementation of TableDao passes.
struct StoreKind {
  std::string name;
  /// Makes a new, empty store that lives as long as the returned opener; each call of the opener is
  /// one more connection to it, in the access asked for.
  using Opener = std::function<Result<std::unique_ptr<TableDao>>(StoreAccess)>;
  std::function<Opener()> make;
};

/// Instantiate with the kinds at hand:
///     INSTANTIATE_TEST_SUITE_P(Sqlite, TableDaoContract, testing::Values(StoreKind{...}), NameOf);
class TableDaoContract : public testing::TestWithParam<StoreKind> {};

inline std::string NameOf(const testing::TestParamInfo<StoreKind>& kind) { return kind.param.name; }

}  // namespace forkcast::preprocessing
