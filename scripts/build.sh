# Sourced by the other scripts, from the top folder: Build PRESET [TARGET...] configures and builds; $tests are the kinds of
# test programs (tests/CMakeLists.txt), all of them by default.
# shellcheck shell=bash

export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
# Otherwise ccache gives up on files with precompiled headers.
export CCACHE_SLOPPINESS="${CCACHE_SLOPPINESS:-pch_defines,time_macros}"

Build() {
  local preset=$1
  shift
  # Stated at every configure: a launcher that has gone from the machine would stay in CMake's cache, and a choice of tests
  # would, too.
  cmake --preset "$preset" -DCMAKE_CXX_COMPILER_LAUNCHER="${CMAKE_CXX_COMPILER_LAUNCHER-$(command -v ccache || true)}" \
    -DFORKCAST_TESTS="${tests:-module;training;program;hostile;around}"
  cmake --build --preset "$preset" ${1+--target "$@"}
}
