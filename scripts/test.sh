#!/usr/bin/env bash
# Sets up, builds and runs all tests: as users get the program, and under ASan and UBSan.
#
#   scripts/test.sh            presets ci (warnings are errors) and asan
#   scripts/test.sh --quick    preset dev alone
#   scripts/test.sh --tsan     the server under load in preset tsan; for changes of what runs in several threads
#
# CMAKE_BUILD_PARALLEL_LEVEL (default: number of CPUs) and CTEST_PARALLEL_LEVEL (default: 2) say how many run at a time.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

targets=() chosen=()
case "$*" in
  '') presets=(ci asan) ;;
  --quick) presets=(dev) ;;
  --tsan)
    presets=(tsan)
    targets=(forkcast_process_test forkcast_supervision_test forkcast_operations_test)
    chosen=(-L '^(process|supervision|operations)$')
    ;;
  *)
    echo 'usage: scripts/test.sh [--quick | --tsan]' >&2
    exit 2
    ;;
esac

scripts/setup.sh
. scripts/build.sh
export CTEST_PARALLEL_LEVEL="${CTEST_PARALLEL_LEVEL:-2}"
for preset in "${presets[@]}"; do
  Build "$preset" "${targets[@]}"
  # 6 MB bodies from many clients at once: under ASan the clients' own deadlines are over first.
  [[ $preset == asan ]] && chosen=(-LE '^overload$')
  ctest --preset "$preset" "${chosen[@]}"
done
