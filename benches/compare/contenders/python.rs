//! uproot and pyarrow.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Done;

/// A Python, with what it has.
pub(super) struct Python {
    program: String,
    scripts: PathBuf,
    /// Version or reason why it is missing.
    uproot: Result<String, String>,
    pyarrow: Result<String, String>,
}

impl Python {
    pub(super) fn new(program: &str, dir: &Path) -> Done<Self> {
        let scripts = dir.join("peers");
        fs::create_dir_all(&scripts)?;
        fs::write(scripts.join("uproot_read.py"), include_str!("../peers/uproot_read.py"))?;
        fs::write(scripts.join("pyarrow_read.py"), include_str!("../peers/pyarrow_read.py"))?;
        let version = |module: &str, needs: &str| {
            let code = format!("import {module}, {needs}; print({module}.__version__)");
            let done = Command::new(program).args(["-c", &code]).output().map_err(|e| format!("{program}: {e}"))?;
            let version = String::from_utf8_lossy(&done.stdout).trim().to_owned();
            if done.status.success() { Ok(version) } else { Err(format!("{program} does not have {module}")) }
        };
        let (uproot, pyarrow) = (version("uproot", "awkward"), version("pyarrow", "numpy"));
        Ok(Self { program: program.to_owned(), scripts, uproot, pyarrow })
    }

    pub(super) fn versions(&self) -> [(&'static str, String); 2] {
        let text = |found: &Result<String, String>| match found {
            Ok(version) => version.clone(),
            Err(reason) => format!("missing: {reason}"),
        };
        [("uproot", text(&self.uproot)), ("pyarrow", text(&self.pyarrow))]
    }

    /// Starts the script of a module.
    pub(super) fn command(&self, module: &str) -> Result<Command, String> {
        let found = if module == "uproot" { &self.uproot } else { &self.pyarrow };
        if let Err(reason) = found {
            return Err(format!("missing: {reason}"));
        }
        let mut command = Command::new(&self.program);
        command.arg(self.scripts.join(format!("{module}_read.py")));
        Ok(command)
    }
}
