//! Help texts, as they are kept in `tests/help/`, and what is made of them: manual pages and completions.
//!
//! After a change of the command line, this writes them anew:
//!
//! ```text
//! RNTUPLE_UPDATE_HELP=1 cargo test -p rntuple-converters --test it help::
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{path_text, rntuple};

/// Every command that `rntuple --help` lists.
pub(crate) fn commands() -> Vec<String> {
    let help = help(&[]);
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let names: Vec<String> = names.filter_map(|line| line.split_whitespace().next()).map(ToOwned::to_owned).collect();
    assert!(names.len() > 10 && names.contains(&"ls".to_owned()), "{help}");
    names
}

/// The help text of a command, as wide as where the terminal does not say. The process has no terminal that could.
pub(crate) fn help(command: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_rntuple"))
        .args(command)
        .arg("--help")
        .env("COLUMNS", "100")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{command:?}");
    String::from_utf8(done.stdout).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help")
}

#[test]
fn help_texts_are_as_they_were() {
    let update = std::env::var_os("RNTUPLE_UPDATE_HELP").is_some();
    let mut texts = vec![("rntuple".to_owned(), help(&[]))];
    texts.extend(commands().into_iter().map(|command| (command.clone(), help(&[&command]))));
    let there: BTreeSet<String> = fs::read_dir(folder())
        .map(|files| files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    let wanted: BTreeSet<String> = texts.iter().map(|(name, _)| format!("{name}.txt")).collect();
    if update {
        fs::create_dir_all(folder()).unwrap();
        there.difference(&wanted).for_each(|old| fs::remove_file(folder().join(old)).unwrap());
        texts.iter().for_each(|(name, text)| fs::write(folder().join(format!("{name}.txt")), text).unwrap());
        return;
    }
    const REMEDY: &str = "if that is meant, RNTUPLE_UPDATE_HELP=1 cargo test -p rntuple-converters --test it help::";
    assert_eq!(there, wanted, "{REMEDY}");
    for (name, text) in texts {
        let kept = fs::read_to_string(folder().join(format!("{name}.txt"))).unwrap();
        assert_eq!(text, kept.replace("\r\n", "\n"), "the help of {name} changed; {REMEDY}");
    }
}

#[test]
fn every_command_has_a_page_with_its_examples() {
    let scratch = tempfile::tempdir().unwrap();
    let inside = scratch.path().join("man/man1");
    let text = rntuple(["man", "--dir", &path_text(&inside)]).fine();
    let commands = commands();
    assert!(text.ends_with(&format!(": {} pages\n", commands.len() + 1)), "{text}");
    let all = fs::read_to_string(inside.join("rntuple.1")).unwrap();
    assert_eq!(rntuple(["man"]).fine(), all);
    for command in &commands {
        let page = fs::read_to_string(inside.join(format!("rntuple-{command}.1"))).unwrap();
        assert_eq!(&rntuple(["man", command]).fine(), &page);
        assert!(page.contains(".TH RNTUPLE-") && page.contains(".SH NAME\n"), "{page}");
        assert!(all.contains(&format!("rntuple\\-{command}(1)")), "{command}: {all}");
        let examples = page.split(".SH EXAMPLES\n.nf\n").nth(1).unwrap_or_else(|| panic!("{command}: {page}"));
        let unescaped = examples.replace("\\-", "-").replace("\\e", "\\");
        let shown = help(&[command]);
        let shown = shown.split("Examples:\n").nth(1).unwrap().lines().map(str::trim);
        let lines: Vec<&str> = unescaped.lines().filter(|line| *line != ".fi").collect();
        assert_eq!(shown.collect::<Vec<_>>(), lines);
    }
    let message = rntuple(["man", "frobnicate"]).failed(1);
    assert!(message.contains("frobnicate") && message.contains("recover"), "{message}");
}

/// Pages pass the formatter without a warning, where there is one.
#[test]
fn pages_are_sound_roff() {
    let scratch = tempfile::tempdir().unwrap();
    rntuple(["man", "--dir", &path_text(scratch.path())]).fine();
    for file in fs::read_dir(scratch.path()).unwrap() {
        let path = file.unwrap().path();
        let groff = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&path).output();
        let Ok(done) = groff else {
            eprintln!("skipped: groff is not there");
            return;
        };
        let warnings = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && warnings.is_empty(), "{}: {warnings}", path.display());
    }
}

#[test]
fn completions_know_every_command() {
    let script = rntuple(["completions", "bash"]).fine();
    for command in commands() {
        assert!(script.contains(&format!("rntuple__{}", command.replace('-', "__"))) || script.contains(&command));
    }
    assert!(script.contains("--relative") && script.contains("--seed") && script.contains("--html"), "{script}");
}
