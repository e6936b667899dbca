# Sourced by the other scripts, from the top folder: Build PRESET [TARGET...] configures and builds.
# shellcheck shell=bash

export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"

Build() {
  local preset=$1
  shift
  # Stated at every configure, since a launcher that has gone from the machine would stay in CMake's cache.
  cmake --preset "$preset" -DCMAKE_CXX_COMPILER_LAUNCHER="${CMAKE_CXX_COMPILER_LAUNCHER-$(command -v ccache || true)}"
  cmake --build --preset "$preset" ${1+--target "$@"}
}
