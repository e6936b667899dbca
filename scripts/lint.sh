#!/usr/bin/env bash
# Says what is wrong with the text of the sources, without building them; ends with 0 when nothing is.
#
#   scripts/lint.sh              everything
#   scripts/lint.sh FILE...      these files alone, such as $(git diff --name-only main); those it does not know are left out
#
# clang-format: layout of all C++. shellcheck: scripts. clang-tidy, a few checks (.clang-tidy), among them that no function has
# more than 60 lines: src/ alone, since each of its files ends up in a program of users; ten at a time (lint_batches.py).
#
# CMAKE_BUILD_PARALLEL_LEVEL (default: number of CPUs) says how many clang-tidy run at a time.
# Exit codes: 0 nothing is wrong     1 something is     3 a tool is missing
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

for tool in clang-format-14 clang-tidy-14 shellcheck; do
  if ! command -v "$tool" >/dev/null; then
    echo "lint: no $tool: scripts/setup.sh lint installs it" >&2
    exit 3
  fi
done

# Largest first, so that the last ones to be done are short.
if (($#)); then
  files=("$@")
else
  mapfile -t files < <(find src tests bench scripts .ci -type f -printf '%s %p\n' | sort -rn | cut -d ' ' -f 2-)
fi

sources=()
units=()
scripts=()
for file in "${files[@]}"; do
  [[ -f $file ]] || continue # one that a diff names because it has gone
  case $file in
    *.cpp | *.hpp) sources+=("$file") ;;
    *.sh) scripts+=("$file") ;;
    *) ! head -n 1 -- "$file" | grep -q '^#!.*sh$' || scripts+=("$file") ;;
  esac
  [[ $file != src/*.cpp ]] || units+=("$file")
done

# shellcheck disable=SC2317  # called through xargs
# Tidy BUILD FILE: prints what clang-tidy says of it, but not how many warnings of other people's headers it has kept to itself.
Tidy() {
  local said
  said=$(clang-tidy-14 -p "$1" --quiet --warnings-as-errors='*' "$2" 2>&1) && return
  grep -v ' warnings\? generated\.$' <<<"$said"
  return 1
}
# shellcheck disable=SC2317  # called through xargs
# TidyBatch BATCH FILE...: prints what clang-tidy says of the files. Those that it names when it reads them together it reads again
# alone; all of them, when it names none or gives up.
TidyBatch() {
  local said file named=() status=0
  if (($# > 2)); then
    said=$(Tidy build/lint/batches "$1") && return
    for file in "${@:2}"; do
      [[ $said != *"/$file:"* ]] || named+=("$file")
    done
    [[ $said != *'too many errors'* ]] || named=()
  fi
  ((${#named[@]})) || named=("${@:2}")
  for file in "${named[@]}"; do
    Tidy build/lint "$file" || status=1
  done
  return "$status"
}
export -f Tidy TidyBatch

status=0
((${#sources[@]} == 0)) || clang-format-14 --dry-run -Werror "${sources[@]}" || status=1
((${#scripts[@]} == 0)) || shellcheck --external-sources "${scripts[@]}" || status=1
if ((${#units[@]})); then
  cmake --preset lint >/dev/null
  # shellcheck disable=SC2016  # "$@" are those of the shell which xargs starts
  scripts/lint_batches.py build/lint "${units[@]}" |
    xargs -L 1 -P "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}" bash -c 'TidyBatch "$@"' TidyBatch || status=1
fi
exit "$status"
