//! The `rntuple` command. Everything is in the library.

use std::io::{BufWriter, IsTerminal};
use std::process::ExitCode;

use rntuple_converters::{Terminal, interrupt, run};
use terminal_size::{Width, terminal_size_of};

/// Memory of one batch serves the next. The allocator of most systems gives large arrays back at once, and much of the time
/// would go into touching new memory for the first time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Without it, Ctrl-C works as ever, but temporary files stay.
    let _ = interrupt::watch();
    // Standard error is not locked for the whole run: a progress bar draws on it from other threads.
    let (stdout, mut stderr) = (std::io::stdout(), std::io::stderr());
    let mut terminal = Terminal::none().with_progress(stderr.is_terminal());
    if let Some((Width(columns), _)) = terminal_size_of(&stdout) {
        terminal = terminal.with_width(usize::from(columns));
    }
    let mut out = BufWriter::with_capacity(64 * 1024, stdout.lock());
    ExitCode::from(run(std::env::args_os(), &mut out, &mut stderr, terminal))
}
