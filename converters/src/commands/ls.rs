//! `rntuple ls`: what is in these files?

use rntuple_io::{ColumnStat, NTuple, NTupleKey, Reader};
use serde_json::{Value, json};

use super::{Console, version};
use crate::cli::Ls;
use crate::error::{Error, Result};
use crate::output::table::Grid;
use crate::output::text::{bytes, count};

/// What is shown of one RNTuple.
struct Line {
    file: String,
    key: String,
    cycle: u16,
    newest: bool,
    ntuple: NTuple,
    /// `None` when the page lists cannot be read; all else stands in header and footer.
    stored_bytes: Option<u64>,
}

impl Line {
    /// The line, and what kept it from being complete.
    fn read(file: &str, key: &NTupleKey, ntuple: NTuple) -> (Self, Option<rntuple_io::Error>) {
        let sum = |columns: Vec<ColumnStat>| {
            columns.iter().fold(0_u64, |sum, column| sum.saturating_add(column.stored_bytes))
        };
        let (stored_bytes, error) = match ntuple.stat() {
            Ok(columns) => (Some(sum(columns)), None),
            Err(error) => (None, Some(error)),
        };
        let (cycle, newest) = (key.cycle, key.newest);
        (Self { file: file.to_owned(), key: key.to_string(), cycle, newest, ntuple, stored_bytes }, error)
    }

    fn columns(&self) -> usize {
        self.ntuple.schema().columns().len()
    }

    fn fields(&self) -> usize {
        self.ntuple.schema().top_level().count()
    }

    fn to_json(&self) -> Value {
        json!({
            "file": self.file,
            "path": self.key,
            "cycle": self.cycle,
            "newest": self.newest,
            "name": self.ntuple.name(),
            "description": self.ntuple.description(),
            "entries": self.ntuple.entries(),
            "fields": self.fields(),
            "columns": self.columns(),
            "clusters": self.ntuple.cluster_count(),
            "cluster_groups": self.ntuple.cluster_group_count(),
            "stored_bytes": self.stored_bytes,
            "format_version": version(self.ntuple.format_version()),
            "writer": self.ntuple.writer(),
            "attribute_sets": self.ntuple.attribute_sets(),
        })
    }
}

pub(super) fn run(args: &Ls, console: &mut Console<'_>) -> Result<()> {
    let (mut lines, mut failed) = (Vec::new(), false);
    for file in &args.files {
        let name = file.to_string_lossy();
        let reader = match Reader::open(file) {
            Ok(reader) => reader,
            Err(error) => {
                console.complain(&error);
                failed = true;
                continue;
            }
        };
        for (_, error) in reader.damaged() {
            console.complain(error);
            failed = true;
        }
        if reader.list().is_empty() && reader.damaged().is_empty() {
            console.complain(&format_args!("{name}: holds no RNTuple"));
        }
        for key in reader.list() {
            // One bad data set must not hide the others.
            let error = match reader.ntuple(&key.to_string()) {
                Ok(ntuple) => {
                    let (line, error) = Line::read(&name, key, ntuple);
                    lines.push(line);
                    error
                }
                Err(error) => Some(error),
            };
            if let Some(error) = error {
                console.complain(&error);
                failed = true;
            }
        }
    }
    if args.json {
        console.print_json(&Value::Array(lines.iter().map(Line::to_json).collect()))?;
    } else if !lines.is_empty() {
        let text = table(&lines, args.files.len() > 1).render(console.terminal.width);
        console.print(&text)?;
    }
    if failed { Err(Error::Reported) } else { Ok(()) }
}

fn table(lines: &[Line], several_files: bool) -> Grid {
    let titles = ["path", ">entries", ">fields", ">columns", ">clusters", ">size", "format", "writer"];
    let mut grid = Grid::new(several_files.then_some("file").into_iter().chain(titles));
    for line in lines {
        let cells = [
            line.key.clone(),
            count(line.ntuple.entries()),
            line.fields().to_string(),
            line.columns().to_string(),
            count(line.ntuple.cluster_count()),
            line.stored_bytes.map_or_else(|| "?".to_owned(), bytes),
            version(line.ntuple.format_version()),
            line.ntuple.writer().to_owned(),
        ];
        grid.row(several_files.then(|| line.file.clone()).into_iter().chain(cells));
    }
    grid
}
