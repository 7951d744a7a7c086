//! Help, wrong usage, exit status.

use clap_complete::Shell;

use crate::support::{muons, rntuple};

const COMMANDS: [&str; 9] = ["ls", "schema", "show", "stat", "verify", "convert", "recover", "demo", "completions"];

#[test]
fn help_goes_to_standard_output() {
    let text = rntuple(["--help"]).fine();
    for command in COMMANDS {
        assert!(text.contains(&format!("  {command} ")), "{command}: {text}");
        for flag in ["--help", "-h"] {
            let text = rntuple([command, flag]).fine();
            assert!(text.contains("Usage: rntuple"), "{text}");
            assert!(text.contains("Examples:\n  rntuple "), "{text}");
        }
    }
    assert!(text.contains("Exit status"), "{text}");
    assert!(rntuple(["--version"]).fine().starts_with("rntuple "));
}

#[test]
fn help_fits_a_narrow_window() {
    for command in COMMANDS {
        for line in rntuple([command, "--help"]).fine().lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn wrong_usage_is_status_2() {
    let wrong: &[&[&str]] = &[
        &[],
        &["frobnicate"],
        &["--frobnicate"],
        &["ls"],
        &["ls", "--frobnicate", "f.root"],
        &["schema"],
        &["schema", "f.root", "g.root"],
        &["show"],
        &["show", "f.root", "--format", "xml"],
        &["show", "f.root", "--limit", "-1"],
        &["show", "f.root", "--limit", "many"],
        &["show", "f.root", "--entries", "a..b"],
        &["show", "f.root", "--entries", "1..b"],
        &["show", "f.root", "--entries", ""],
        &["show", "f.root", "--threads", "0"],
        &["show", "f.root", "--ntuple"],
        &["stat"],
        &["stat", "f.root", "--format", "csv"],
        &["verify"],
        &["verify", "--json", "f.root"],
        &["convert"],
        &["convert", "f.root"],
        &["recover"],
        &["recover", "f.root"],
        &["demo", "a", "b"],
        &["completions"],
        &["completions", "tcsh"],
    ];
    for args in wrong {
        let message = rntuple(*args).failed(2);
        assert!(message.contains("--help"), "{args:?}: {message}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_status_1() {
    let folder = tempfile::tempdir().unwrap();
    let there = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let bad = [
        folder.path().join("missing.root").to_str().unwrap().to_owned(),
        folder.path().to_str().unwrap().to_owned(),
        there("empty.root", b""),
        there("text.root", b"not a ROOT file, but long enough to hold the header of one\n".repeat(20).as_slice()),
        there("cut.root", b"root\x00\x00\xfa\x00\x00\x00\x00d\x00\x00"),
    ];
    for file in &bad {
        for command in ["ls", "schema", "show", "stat", "verify"] {
            let message = rntuple([command, file]).failed(1);
            assert!(message.starts_with("rntuple: "), "{command} {file}: {message}");
            assert!(message.contains(file.as_str()), "the message names the file: {command} {file}: {message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
}

#[test]
fn ls_and_verify_go_on_after_a_bad_file() {
    let Some(good) = muons() else { return };
    for command in ["ls", "verify"] {
        let done = rntuple([command, "missing.root", &good]);
        assert_eq!(done.status, 1);
        assert!(done.err.contains("missing.root"), "{}", done.err);
        assert!(done.out.contains("Events"), "{}", done.out);
    }
}

#[test]
fn what_is_not_in_the_file_is_status_1() {
    let Some(file) = muons() else { return };
    let message = rntuple(["show", &file, "--ntuple", "Evnts"]).failed(1);
    assert!(message.contains("Evnts"), "{message}");
    let message = rntuple(["show", &file, "--fields", "Muon_tp"]).failed(1);
    assert!(message.contains("Muon_tp") && message.contains("Muon_pt"), "what was meant is named: {message}");
    let message = rntuple(["show", &file, "--fields", "nMuon,Electron_*"]).failed(1);
    assert!(message.contains("Electron_*"), "{message}");
    let message = rntuple(["show", &file, "--attributes", "none"]).failed(1);
    assert!(message.contains("none"), "{message}");
}

#[test]
fn every_shell_gets_a_completion_script() {
    for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
        let script = rntuple(["completions", &shell.to_string()]).fine();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(script.contains("--entries") || script.contains("-l entries"), "{shell}");
    }
}
