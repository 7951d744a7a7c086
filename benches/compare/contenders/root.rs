//! ROOT, by programs that are compiled when they are needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Done;

const SOURCES: [(&str, &str); 4] = [
    ("nested.hpp", include_str!("../peers/nested.hpp")),
    ("common.hpp", include_str!("../peers/common.hpp")),
    ("read.cpp", include_str!("../peers/read.cpp")),
    ("write.cpp", include_str!("../peers/write.cpp")),
];
/// The version of ROOT that the programs were compiled for, last to be written.
const STAMP: &str = "compiled-for";

/// The programs.
pub(super) struct Root {
    pub(super) version: String,
    programs: PathBuf,
}

impl Root {
    /// Finds ROOT and compiles for it; the inner error says why it is missing.
    pub(super) fn new(dir: &Path) -> Done<Result<Self, String>> {
        let Ok(version) = output("root-config", &["--version"]) else {
            return Ok(Err("root-config is not on PATH".to_owned()));
        };
        let programs = dir.join("peers");
        let mut stale = fs::read_to_string(programs.join(STAMP)).ok().as_ref() != Some(&version);
        for (name, text) in SOURCES {
            let path = programs.join(name);
            if fs::read_to_string(&path).ok().as_deref() != Some(text) {
                stale = true;
                fs::write(path, text)?;
            }
        }
        let root = Self { version, programs };
        if stale && let Err(reason) = root.compile() {
            return Ok(Err(reason));
        }
        Ok(Ok(root))
    }

    fn compile(&self) -> Result<(), String> {
        eprintln!("compiling the ROOT programs");
        let stamp = self.programs.join(STAMP);
        let flags = output("root-config", &["--cflags", "--libs"])?;
        let run = |program: &str, arguments: &[&str]| {
            let done = Command::new(program).args(arguments).current_dir(&self.programs).output();
            let done = done.map_err(|e| format!("{program}: {e}"))?;
            if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
        };
        // In case that it fails: what is there is of other sources.
        fs::remove_file(&stamp).unwrap_or_default();
        run("rootcling", &["-f", "nested_dict.cpp", "nested.hpp"])?;
        for name in ["read", "write"] {
            let source = format!("{name}.cpp");
            let mut arguments = vec!["-O2", "-o", name, &source, "nested_dict.cpp"];
            arguments.extend(flags.split_whitespace());
            // ROOT from PyPI brings libraries along that only the loader finds.
            arguments.push("-Wl,--allow-shlib-undefined");
            run("g++", &arguments)?;
        }
        fs::write(stamp, &self.version).map_err(|e| e.to_string())
    }

    /// Starts a program. Its dictionary lies beside it.
    pub(super) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        let mut paths = vec![self.programs.clone()];
        paths.extend(std::env::var_os("LD_LIBRARY_PATH").iter().flat_map(std::env::split_paths));
        if let Ok(paths) = std::env::join_paths(paths) {
            command.env("LD_LIBRARY_PATH", paths);
        }
        command
    }
}

fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let done = Command::new(program).args(arguments).output().map_err(|e| format!("{program}: {e}"))?;
    if !done.status.success() {
        return Err(format!("{program} {}: {}", arguments.join(" "), done.status));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
