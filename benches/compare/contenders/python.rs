//! Those that are written in Python, or for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Done;

/// What takes part, what it needs beside itself, and the script that uses it.
const MODULES: [(&str, &str, &str); 3] = [
    ("rntuple", "awkward", "awkward_read.py"),
    ("uproot", "awkward", "awkward_read.py"),
    ("pyarrow", "numpy", "pyarrow_read.py"),
];

/// A Python, with what it has.
pub(super) struct Python {
    program: String,
    scripts: PathBuf,
    /// For each of [`MODULES`], its version or the reason why it is missing.
    found: Vec<Result<String, String>>,
}

impl Python {
    pub(super) fn new(program: &str, dir: &Path) -> Done<Self> {
        let scripts = dir.join("peers");
        fs::create_dir_all(&scripts)?;
        fs::write(scripts.join("awkward_read.py"), include_str!("../peers/awkward_read.py"))?;
        fs::write(scripts.join("pyarrow_read.py"), include_str!("../peers/pyarrow_read.py"))?;
        let version = |(module, needs, _): &(&str, &str, &str)| {
            let code = format!("import {module}, {needs}; print({module}.__version__)");
            let done = Command::new(program).args(["-c", &code]).output().map_err(|e| format!("{program}: {e}"))?;
            let version = String::from_utf8_lossy(&done.stdout).trim().to_owned();
            if done.status.success() { Ok(version) } else { Err(format!("{program} does not have {module}")) }
        };
        Ok(Self { program: program.to_owned(), scripts, found: MODULES.iter().map(version).collect() })
    }

    pub(super) fn versions(&self) -> impl Iterator<Item = (&'static str, String)> {
        MODULES.iter().zip(&self.found).map(|((module, ..), found)| match found {
            Ok(version) => (*module, version.clone()),
            Err(reason) => (*module, format!("missing: {reason}")),
        })
    }

    /// Starts the script of a module.
    pub(super) fn command(&self, module: &str) -> Result<Command, String> {
        let mut modules = MODULES.iter().zip(&self.found);
        let ((_, _, script), found) = modules.find(|((name, ..), _)| *name == module).ok_or("no such module")?;
        if let Err(reason) = found {
            return Err(format!("missing: {reason}"));
        }
        let mut command = Command::new(&self.program);
        command.arg(self.scripts.join(script));
        if *script == "awkward_read.py" {
            command.arg(module);
        }
        Ok(command)
    }
}
