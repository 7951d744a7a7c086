#!/usr/bin/env bash
# Passes every test of the project. Needs Rust (see rust-version in Cargo.toml), a C compiler and Python 3; the
# comparison with ROOT, uproot and JSROOT also needs g++, Python's venv and npm, and installs those three by pip and npm; the
# storage servers come by pip, and by apt-get where this is root. What is not there is left out with a message: the corpus in
# ../shared/corpus, each of the other implementations, each server.
# With LARGE=1 it also writes and reads a file beyond 2 GiB; with CEPH=1 storage is tested on a Ceph cluster, too. PROFILE=dev
# has the binary and the wheel built as the tests are, with checks for overflow, rather than optimised: it saves a second build.
set -euo pipefail
cd "$(dirname "$0")"

need() { command -v "$1" >/dev/null || { echo "test.sh: $1 is needed: $2" >&2; exit 1; }; }
need cargo "https://rustup.rs"
need cc "install a C compiler, such as gcc (zstd, liblzma and lz4 are compiled from source)"
need python3 "install Python 3"
target=${CARGO_TARGET_DIR:-target}
export PROFILE=${PROFILE:-release}
case $PROFILE in dev) built=$target/debug ;; *) built=$target/$PROFILE ;; esac

# Unit, integration, property, golden-file, crash and hostile-input tests, then the examples in the documentation.
cargo test --workspace --all-targets --features rntuple-io/io-uring --locked
cargo test --workspace --doc --features rntuple-io/io-uring --locked

# The storage tests once more, on real servers.
python3 rntuple-io/tests/storage/servers.py ${CEPH:+--ceph}
if [ -n "${LARGE:-}" ]; then
  cargo test --release --locked -p rntuple-io --test it -- --ignored large
fi

# What the README's first command does.
cargo build --profile "$PROFILE" --locked --workspace --features rntuple-io/io-uring --bin rntuple --example interop
rntuple=$built/rntuple
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$rntuple" demo "$scratch"
"$rntuple" show examples/dimuon.root --limit 3
"$rntuple" verify --quiet format-spec/vectors/*.root "$scratch/demo.root"

# Real files, with what ROOT reads from them: as they are, and written anew.
if [ -d ../shared/corpus ]; then
  python3 ../shared/tools/check_corpus.py --bin "$rntuple" ../shared/corpus/{validation,edge,wild}
  python3 ../shared/tools/check_corpus.py --rewrite --bin "$rntuple" ../shared/corpus/{validation,edge,wild}
else
  echo "test.sh: skipped: ../shared/corpus is not there"
fi

# What other implementations read from files written here.
python3 converters/tests/interop/run.py --rntuple "$rntuple" --example "$built/examples/interop" \
  --peers "$target/interop" ${LARGE:+--large}

# What pyarrow, pandas, NumPy, uproot and ROOT make of conversions and of merged files. Public files are downloaded for it.
case $target in /*) peers=$target/interop ;; *) peers=$PWD/$target/interop ;; esac
if [ -x "$peers/venv/bin/python" ]; then
  export ROOT_PYTHON=$peers/venv/bin/python
  "$ROOT_PYTHON" converters/tests/text/run.py "$rntuple"
  "$ROOT_PYTHON" converters/tests/parquet/peers.py --rntuple "$rntuple"
  "$ROOT_PYTHON" converters/tests/parquet/run.py --rntuple "$rntuple" || [ $? = 77 ]
  "$ROOT_PYTHON" converters/tests/ttree/run.py --rntuple "$rntuple" --peers "$peers/venv" --root uproot-HZZ.root \
    uproot-Zmumu.root uproot-small-flat-tree.root nanoAOD_2015_CMS_Open_Data_ttbar.root || [ $? = 77 ]
  "$ROOT_PYTHON" converters/tests/merge/run.py --rntuple "$rntuple" --peers "$peers"
else
  echo "test.sh: skipped: conversions and merged files against others, as ROOT and uproot cannot be had"
fi
python3 converters/tests/html/run.py --rntuple "$rntuple" || [ $? = 77 ]

# The Python package: wheel and source distribution, compared with uproot, Awkward Array, DuckDB and others.
rntuple-py/test.sh
echo "test.sh: all passed"
