#!/usr/bin/env bash
# Builds the wheel and the source distribution, installs each in a fresh environment, and tests what was installed. Needs Rust,
# Python 3.10 or later with venv, and PyPI, from which maturin and the libraries to compare with come. What ROOT reads is tested
# where ROOT is: in the environment that ROOT_PYTHON names, or from PyPI where there is a package for this Python.
# PROFILE=dev builds them without optimisation. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
  { echo "test.sh: Python 3.10 or later is needed: set PYTHON" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/build"
"$scratch/build/bin/pip" install -q "maturin>=1.9,<2"
"$scratch/build/bin/maturin" sdist --out "$scratch/dist" 2>"$scratch/log" || { cat "$scratch/log"; exit 1; }
"$scratch/build/bin/maturin" build --profile "${PROFILE:=release}" --locked --out "$scratch/dist"

# The wheel, with everything that it works with.
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install -q "$(echo "$scratch"/dist/*.whl)[test]" matplotlib
if [ -z "${ROOT_PYTHON:-}" ] && ! "$scratch/venv/bin/pip" install -q --pre ROOT; then
  echo "test.sh: ROOT is not on PyPI for this Python: what it reads is not tested"
fi
"$scratch/venv/bin/python" -m pytest -q -p no:cacheprovider tests "$@"
"$scratch/venv/bin/mypy" --strict --cache-dir "$scratch/mypy" tests python/rntuple
(cd "$scratch" && venv/bin/python "$OLDPWD/../examples/dimuon.py" && test -s dimuon.png)

# The source distribution, with nothing but what it asks for.
"$python" -m venv "$scratch/bare"
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../target} MATURIN_PEP517_ARGS="--profile $PROFILE" \
  "$scratch/bare/bin/pip" install -q "$scratch"/dist/*.tar.gz
"$scratch/bare/bin/python" - ../examples/dimuon.root <<'PYTHON'
import sys
import rntuple
events = rntuple.open(sys.argv[1] + ":Events")
assert events.arrays(library="np")["nMuon"].sum() > 0 and len(events[0]["Muon_pt"]) == 2
PYTHON
echo "test.sh: all passed"
