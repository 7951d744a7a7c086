//! `rntuple man`: manual pages.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man as Page;

use super::Console;
use crate::cli::{Cli, Man};
use crate::error::{Error, Result};
use crate::output::text::{counted, printable};

/// What stands above the examples of every command.
const EXAMPLES: &str = "Examples:\n";

pub(super) fn run(args: &Man, console: &mut Console<'_>) -> Result<()> {
    let mut all = Cli::command();
    all.build();
    if let Some(folder) = &args.dir {
        return write_all(&all, folder, console);
    }
    let command = match &args.command {
        None => &all,
        Some(name) => all.find_subcommand(name).ok_or_else(|| {
            let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
            let reason = format!("there is no command {name:?}; there are {}", names.join(", "));
            Error::Table { file: "man".to_owned(), reason }
        })?,
    };
    console.out.write_all(&page(command)?).map_err(Error::Output)
}

fn write_all(all: &clap::Command, folder: &Path, console: &mut Console<'_>) -> Result<()> {
    let failed = |path: &Path, source| Error::Io { file: path.to_string_lossy().into_owned(), source };
    fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
    let mut pages = 0;
    for command in std::iter::once(all).chain(all.get_subcommands()) {
        let path = folder.join(format!("{}.1", title(command)));
        fs::write(&path, page(command)?).map_err(|e| failed(&path, e))?;
        pages += 1;
    }
    console.print(&format!("{}: {}\n", printable(&folder.to_string_lossy()), counted(pages, "page", "pages")))
}

/// `rntuple`, `rntuple-convert`.
fn title(command: &clap::Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &clap::Command) -> Result<Vec<u8>> {
    let mut roff = Vec::new();
    render(command, &mut roff).map_err(Error::Output)?;
    Ok(roff)
}

fn render(command: &clap::Command, roff: &mut Vec<u8>) -> io::Result<()> {
    let page = Page::new(command.clone())
        .title(title(command).to_uppercase())
        .manual("RNTuple")
        .source(concat!("rntuple ", env!("CARGO_PKG_VERSION")));
    page.render_title(roff)?;
    page.render_name_section(roff)?;
    page.render_synopsis_section(roff)?;
    page.render_description_section(roff)?;
    page.render_options_section(roff)?;
    if command.has_subcommands() {
        page.render_subcommands_section(roff)?;
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (notes, examples) = after.split_once(EXAMPLES).unwrap_or((&after, ""));
    as_it_stands(roff, "NOTES", notes)?;
    as_it_stands(roff, "EXAMPLES", examples)
}

/// A section whose lines are not filled into paragraphs, as the generator would.
fn as_it_stands(roff: &mut Vec<u8>, heading: &str, text: &str) -> io::Result<()> {
    let text = text.trim_matches('\n');
    if text.is_empty() {
        return Ok(());
    }
    writeln!(roff, ".SH {heading}\n.nf")?;
    for line in text.lines() {
        let line = line.trim().replace('\\', "\\e").replace('-', "\\-");
        // A request, if it were not for this.
        let start = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        writeln!(roff, "{start}{line}")?;
    }
    writeln!(roff, ".fi")
}
