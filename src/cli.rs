//! The command line.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use bpc::diag::render::Style;
use bpc::driver::{self, Status, Terminal};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Compiles one YAML blueprint of a small data centre into everything that brings it up on VirtualBox.
#[derive(Parser)]
#[command(version, about, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Colours in messages for people.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

#[derive(Subcommand)]
enum Command {
    /// Build blueprints into `out/<name>/`.
    Build {
        #[command(flatten)]
        blueprints: Blueprints,
        /// The folder that gets a folder for each blueprint.
        #[arg(long, value_name = "DIR", default_value = "out")]
        out: PathBuf,
        /// The vault: 32 bytes that all secrets come from [default: `vault.key` beside the blueprint, made if missing].
        #[arg(long, value_name = "FILE")]
        vault: Option<PathBuf>,
    },
    /// Report what is wrong with blueprints: a build that writes nothing.
    Check {
        #[command(flatten)]
        blueprints: Blueprints,
    },
    /// Show machines, adapters, addresses and ports as they will be.
    Plan {
        #[command(flatten)]
        blueprints: Blueprints,
    },
    /// Print the JSON Schema of a blueprint, for editors.
    Schema,
    /// Explain a diagnostic, for instance BPC0203.
    Explain {
        /// The code that stands beside `error` or `warning`.
        code: String,
    },
}

#[derive(Args)]
struct Blueprints {
    /// Blueprints, or folders that hold a `blueprint.yaml` [default: every one below `blueprints/`].
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The form of messages and results.
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// Diagnostics in one line each, for editors.
    Short,
    /// For programs.
    Json,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// Carries out what the command line says.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let format = match &cli.command {
        Command::Build { blueprints, .. } | Command::Check { blueprints } | Command::Plan { blueprints } => {
            blueprints.format
        }
        Command::Schema | Command::Explain { .. } => Format::Human,
    };
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut terminal = Terminal { out: &mut out, err: &mut err, style: style(format, cli.color) };
    let status = match cli.command {
        Command::Build { blueprints, out, vault } => {
            driver::build(&mut terminal, &blueprints.paths, &out, vault.as_deref())
        }
        Command::Check { blueprints } => driver::check(&mut terminal, &blueprints.paths),
        Command::Plan { blueprints } => driver::plan(&mut terminal, &blueprints.paths),
        Command::Schema => driver::schema(&mut terminal),
        Command::Explain { code } => driver::explain(&mut terminal, &code),
    };
    ExitCode::from(match status {
        Status::Success => 0,
        Status::Findings => 1,
        Status::Failure => 2,
    })
}

#[expect(clippy::disallowed_methods, reason = "colour is the one thing that the environment may decide")]
fn style(format: Format, color: Color) -> Style {
    let colored = match color {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org: set and not empty.
        Color::Auto => {
            io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    match format {
        Format::Human if colored => Style::Color,
        Format::Human => Style::Human,
        Format::Short => Style::Short,
        Format::Json => Style::Json,
    }
}
