//! What the derive macro refuses, and in which words: each file of `tests/ui` beside the compiler's output.
//!
//! `TRYBUILD=overwrite cargo test -p rntuple-derive` renews the outputs.

use std::process::Command;

/// The compiler whose own words are in `tests/ui/rustc`: those around the macro's, and what it says of missing traits.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn messages() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("the compiler says its version");
    if version.stdout.starts_with(COMPILER.as_bytes()) {
        cases.compile_fail("tests/ui/rustc/*.rs");
    } else {
        println!("skipped: the outputs in tests/ui/rustc are those of {COMPILER}x");
    }
}
