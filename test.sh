#!/usr/bin/env bash
# Passes every test of the project. Needs Rust (see rust-version in Cargo.toml), a C compiler and Python 3.
# Tests against ../shared/corpus run when that folder is there, and say so when it is not.
set -euo pipefail
cd "$(dirname "$0")"

need() { command -v "$1" >/dev/null || { echo "test.sh: $1 is needed: $2" >&2; exit 1; }; }
need cargo "https://rustup.rs"
need cc "install a C compiler, such as gcc (zstd, liblzma and lz4 are compiled from source)"
need python3 "install Python 3"

# Unit, integration, property, golden-file and hostile-input tests, then the examples in the documentation.
cargo test --workspace --all-targets --locked
cargo test --workspace --doc --locked

# What the README's first command does.
cargo build --release --locked -p rntuple-converters
rntuple=${CARGO_TARGET_DIR:-target}/release/rntuple
"$rntuple" show examples/dimuon.root --limit 3
"$rntuple" verify --quiet format-spec/vectors/*.root

# Real files, with what ROOT reads from them.
if [ -d ../shared/corpus ]; then
  python3 ../shared/tools/check_corpus.py --bin "$rntuple" ../shared/corpus/{validation,edge,wild}
else
  echo "test.sh: skipped: ../shared/corpus is not there"
fi
echo "test.sh: all passed"
