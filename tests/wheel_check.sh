#!/bin/sh
# The wheel works in a clean environment, from another folder: sh tests/wheel_check.sh [PYTHON]
set -eu
here=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${1:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" wheel -q --no-deps -w "$work" "$here"
"$work/venv/bin/pip" install -q -c "$here/constraints.txt" "$work"/vaetext-*.whl
cd "$work"
venv/bin/vaetext --version
venv/bin/vaetext train --cfg job > /dev/null
venv/bin/vaetext train --help > /dev/null
venv/bin/vaetext train trainer=debug data.train_size=200 data.valid_size=20 data.test_size=20 model.hidden_dim=16
venv/bin/vaetext sample outputs/grammar/vrae/latest n=3
echo "the wheel works"
