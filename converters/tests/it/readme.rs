//! Everything that README.md and the help texts tell a user to type is typed here, word by word, in a shell.
//!
//! The folder in which it happens has the files that the examples speak of; see [`Scratch::new`]. An example that speaks
//! of others, or that needs what no test has, fails until there is a file or an exception for it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rntuple_io::{Row, WriteOptions, Writer};

use crate::help::{commands, help};
use crate::support::path_text;

/// Examples that are not run, with the reason. Each must be in some text.
const NOT_RUN: &[(&str, &str)] = &[
    ("./test.sh", "it runs every test, this one included"),
    ("rntuple cp https://example.org/muons.root muons.root", "there is no such server"),
];

/// Places that are somewhere else here: what an example says, and what is typed. `DIR` is the scratch folder.
const ELSEWHERE: &[(&str, &str)] = &[
    // A server of its own is started by the storage tests; here a store in a file stands for it.
    ("ntpl+s3://bucket/", "kv+file://DIR/bucket#"),
    ("s3://bucket/", "DIR/s3/"),
    ("kv+file:///data/", "kv+file://DIR/data/"),
    ("cargo run --release -p rntuple-converters --", "rntuple"),
];

#[derive(Row, Clone)]
struct Event {
    #[rntuple(rename = "nMuon")]
    number: u32,
    #[rntuple(rename = "Muon_pt")]
    pt: Vec<f32>,
    #[rntuple(rename = "Muon_eta")]
    eta: Vec<f32>,
    #[rntuple(rename = "Muon_phi")]
    phi: Vec<f32>,
    #[rntuple(rename = "Muon_charge")]
    charge: Vec<i32>,
}

/// A folder with the files that examples speak of.
struct Scratch {
    folder: tempfile::TempDir,
    path: std::ffi::OsString,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_rntuple"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::split_paths(&path);
        let path = std::env::join_paths(std::iter::once(binary.parent().unwrap().to_owned()).chain(path)).unwrap();
        let scratch = Self { folder, path };
        let root = scratch.folder.path();
        let muons = root.join("muons.root");
        write_muons(&muons);
        let copies =
            ["copy.root", "run1.root", "run2.root", "FILE.root", "IN.root", "BROKEN.root", ".muons.root.4711-0.part"];
        for copy in copies {
            fs::copy(&muons, root.join(copy)).unwrap();
        }
        fs::write(root.join("names.txt"), "run1.root\nrun2.root\n").unwrap();
        crate::csv::write_examples(root);
        for name in ["trips.parquet", "day-1.parquet", "day-2.parquet"] {
            scratch.run(&format!("rntuple convert muons.root {name}"));
        }
        for folder in ["s3/run1", "data", "examples"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/dimuon.root");
        fs::copy(example, root.join("examples/dimuon.root")).unwrap();
        for (name, format) in [("muons.csv", "csv"), ("muons.json", "ndjson"), ("muons.ndjson", "ndjson")] {
            scratch.run(&format!("rntuple show muons.root --format {format} > {name}"));
        }
        // Data sets in stores, where examples read one before another has written it.
        for store in ["kv+file://DIR/data/store#run1/Events", "kv+file://DIR/bucket#run1/Events"] {
            scratch.run(&format!("rntuple cp -q muons.root {store}"));
        }
        scratch
    }

    /// Types a line; it must succeed without a complaint. Gives what it printed.
    #[track_caller]
    fn run(&self, line: &str) -> String {
        let here = path_text(self.folder.path());
        let mut typed = line.to_owned();
        for (said, instead) in ELSEWHERE {
            typed = typed.replace(said, instead);
        }
        let done = Command::new("sh")
            .args(["-c", &typed.replace("DIR/", &format!("{here}/"))])
            .current_dir(&self.folder)
            .env("PATH", &self.path)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success() && err.is_empty(), "{line}\n(typed as {typed})\n{err}{out}");
        out.into_owned()
    }
}

fn write_muons(path: &Path) {
    let mut writer = Writer::create(path, "Events", Event::schema(), WriteOptions::default()).unwrap();
    for entry in 0_u16..1000 {
        let muons = usize::from(entry % 4);
        let number = |scale: f32| -> Vec<f32> {
            (0..muons).map(|muon| (f32::from(entry) * 0.37 + muon as f32).sin() * scale).collect()
        };
        let charge = (0..muons).map(|muon| if muon % 2 == 0 { 1 } else { -1 }).collect();
        let pt = number(40.0).into_iter().map(f32::abs).collect();
        let row = Event { number: u32::from(entry % 4), pt, eta: number(2.4), phi: number(3.1), charge };
        writer.append_row(&row).unwrap();
    }
    writer.finish().unwrap();
}

/// The lines of the `sh` blocks of README.md, without comments.
fn readme() -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim().to_owned());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// The examples of a help text.
fn examples(command: &str) -> Vec<String> {
    let text = help(&[command]);
    let (_, examples) = text.split_once("Examples:\n").unwrap_or_else(|| panic!("{command} has no examples: {text}"));
    let lines = examples.lines().take_while(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(|line| line.strip_prefix("  ").unwrap().to_owned()).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("rntuple ")), "{command}: {lines:?}");
    lines
}

fn is_run(line: &str) -> bool {
    !NOT_RUN.iter().any(|(example, _)| *example == line)
}

#[test]
fn examples_of_the_readme_run() {
    let (scratch, lines) = (Scratch::new(), readme());
    assert!(lines.len() > 5, "{lines:?}");
    for line in lines.iter().filter(|line| is_run(line)) {
        // Words in capitals stand for the names of files.
        let named = line.split(' ').map(|word| match word {
            "FILE" | "IN" | "OUT" | "BROKEN" => format!("{word}.root"),
            other => other.to_owned(),
        });
        scratch.run(&named.collect::<Vec<_>>().join(" "));
    }
}

#[test]
fn examples_of_the_help_texts_run() {
    for command in commands() {
        // Each command finds the folder as it was.
        let scratch = Scratch::new();
        for example in examples(&command).iter().filter(|line| is_run(line)) {
            // Two that are not equal are told by the exit status.
            let out = scratch.run(example);
            let quiet = example.contains(" > ") || example.contains(" -q") || example.contains(".png");
            assert!(quiet || !out.is_empty(), "{example} printed nothing");
        }
    }
}

#[test]
fn exceptions_are_needed() {
    let all: BTreeSet<String> =
        readme().into_iter().chain(commands().iter().flat_map(|command| examples(command))).collect();
    for (example, reason) in NOT_RUN {
        assert!(all.contains(*example) && !reason.is_empty(), "{example} is in no text any more");
    }
}
