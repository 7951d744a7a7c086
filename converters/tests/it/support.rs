//! Running commands, and finding the files to run them on.

use std::path::{Path, PathBuf};

use rntuple_converters::Terminal;
use serde_json::Value;

/// What a command did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub status: u8,
    pub out: String,
    pub err: String,
}

impl Outcome {
    /// The output of a command that must have worked without complaint.
    #[track_caller]
    pub(crate) fn fine(self) -> String {
        assert_eq!((self.status, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    /// The messages of a command that must have failed with this status and printed no result.
    #[track_caller]
    pub(crate) fn failed(self, status: u8) -> String {
        assert_eq!((self.status, self.out.as_str()), (status, ""), "{}", self.err);
        self.err
    }
}

/// Runs `rntuple` with these arguments, in this process.
pub(crate) fn rntuple<S: AsRef<str>>(args: impl IntoIterator<Item = S>) -> Outcome {
    rntuple_on(Terminal::none(), args)
}

/// As [`rntuple`], with the output going to such a terminal.
pub(crate) fn rntuple_on<S: AsRef<str>>(terminal: Terminal, args: impl IntoIterator<Item = S>) -> Outcome {
    let args: Vec<String> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = std::iter::once("rntuple").chain(args.iter().map(String::as_str));
    let status = rntuple_converters::run(words, &mut out, &mut err, terminal);
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Outcome { status, out: text(out), err: text(err) }
}

/// One JSON value per line.
pub(crate) fn ndjson(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// The folder with the files that are written for this project, or `None` with a word about it.
pub(crate) fn vectors() -> Option<PathBuf> {
    present("format-spec/vectors/MANIFEST.txt").map(|manifest| manifest.with_file_name(""))
}

/// The corpus beside the repository, or `None` with a word about it.
pub(crate) fn corpus() -> Option<PathBuf> {
    present("../shared/corpus")
}

/// A file of the corpus with 1000 entries of muons, the one that the examples of the help texts speak of.
pub(crate) fn muons() -> Option<String> {
    let name = "wild/Run2012BC_DoubleMuParked_Muons_1000evts_rntuple_v1-0-0-0.root";
    Some(path_text(&corpus()?.join(name)))
}

pub(crate) fn path_text(path: &Path) -> String {
    path.to_str().expect("paths of test files are UTF-8").to_owned()
}

fn present(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}
