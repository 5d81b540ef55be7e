//! The `bpc` command.

mod cli;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGXFSZ;

fn main() -> ExitCode {
    // A file that gets longer than the system allows ends a program without a word, unless it listens: then its call fails.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    cli::run()
}
