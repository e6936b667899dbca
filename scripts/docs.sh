#!/usr/bin/env bash
# Makes the site of docs/ in build/site: plain HTML that asks nobody for anything, to be read from the disk or put onto any web server.
#
#   scripts/docs.sh [FOLDER]     FOLDER: of the programs, by whose words the reference is made; default: builds them
#
# Fetches Sphinx, MyST and Furo (docs/site/requirements.txt) from PyPI into build/tools/docs, once. Ends with 1 for a link that leads
# nowhere, with 2 for wrong usage, with 6 where they cannot be fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

if (($# > 1)) || [[ ${1-} == -* ]]; then
  echo "usage: scripts/docs.sh [FOLDER]" >&2
  exit 2
fi
programs=${1-}
if [[ -z $programs ]]; then
  # shellcheck source=scripts/build.sh
  source scripts/build.sh
  Build release forkcast forkcast_train_main forkcast_client_main >&2
  programs=build/release/bin
fi

tools=build/tools/docs
if ! cmp -s docs/site/requirements.txt "$tools/whole"; then
  rm -rf "$tools"
  /usr/bin/python3 -m venv "$tools" >&2
  "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement docs/site/requirements.txt >&2 || {
    echo "docs: Sphinx cannot be fetched from PyPI" >&2
    exit 6
  }
  cp docs/site/requirements.txt "$tools/whole"
fi

/usr/bin/python3 -B docs/site/stage.py "$programs" build/site-pages
FORKCAST_DOCS_VERSION=$("$programs/forkcast" --version | sed 's/.* //')
export FORKCAST_DOCS_VERSION
rm -rf build/site
"$tools/bin/sphinx-build" --quiet --fail-on-warning --keep-going --builder html --doctree-dir build/site-pages/_build build/site-pages build/site || exit 1
rm -f build/site/.buildinfo build/site/objects.inv
echo "build/site/index.html"
