#!/usr/bin/env bash
# Fetches a tool that Debian does not have, from PyPI or Go's modules, into FOLDER, and prints its path. Does no more than that where
# it is there.
#
#   tests/deploy/get_tool.sh FOLDER TOOL
#
# TOOL: helm, compose (parses a compose file), kubernetes-validate, airflow, python (with pandas: what a user of the wheel has),
# check-jsonschema and actionlint (which know GitHub's workflows), podman-compose
set -euo pipefail

folder=${1:?usage: $0 FOLDER TOOL}
tool=${2:?usage: $0 FOLDER TOOL}
mkdir -p "$folder"
folder=$(realpath "$folder")

# GoTool MODULE NAME: installs a Go program.
GoTool() {
  [[ -x $folder/$tool/$2 ]] || GOBIN=$folder/$tool go install "$1" >&2
  echo "$folder/$tool/$2"
}

# PythonTool NAME PACKAGE...: a virtual environment with the packages, made anew where it is not whole.
PythonTool() {
  local name=$1
  shift
  if [[ ! -e $folder/$tool/whole ]]; then
    rm -rf "${folder:?}/$tool"
    /usr/bin/python3 -m venv "$folder/$tool" >&2
    "$folder/$tool/bin/pip" install --quiet --disable-pip-version-check "$@" >&2
    touch "$folder/$tool/whole"
  fi
  echo "$folder/$tool/bin/$name"
}

case $tool in
  helm) GoTool helm.sh/helm/v3/cmd/helm@v3.22.0 helm ;;
  compose) GoTool github.com/compose-spec/compose-go/v2/cmd@v2.16.2 cmd ;;
  kubernetes-validate) PythonTool kubernetes-validate kubernetes-validate==1.37.0 ;;
  airflow) PythonTool airflow apache-airflow==3.3.2 ;;
  python) PythonTool python pandas ;;
  check-jsonschema) PythonTool check-jsonschema check-jsonschema==0.39.0 ;;
  podman-compose) PythonTool podman-compose podman-compose==1.6.0 ;;
  actionlint) GoTool github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 actionlint ;;
  *)
    echo "$0: no tool is called $tool" >&2
    exit 2
    ;;
esac
