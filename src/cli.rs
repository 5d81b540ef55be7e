//! The command line.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use bpc::diag::render::Style;
use bpc::driver::{self, Terminal};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Compiles one YAML blueprint of a small data centre into everything that brings it up on VirtualBox.
#[derive(Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  bpc plan                         show what the blueprints below blueprints/ decide
  bpc build                        build them all into out/
  bpc build blueprints/kube-demo   build one
  bpc build --help                 more about one command

Exit status: 0 all is well, 1 a blueprint has errors, 2 wrong usage or the system refused something")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Colours in messages: auto is on a terminal, unless `NO_COLOR` is set.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

#[derive(Subcommand)]
enum Command {
    /// Build blueprints into out/<name>/.
    #[command(after_help = "\
If one of several blueprints has an error, nothing is written for any of them. A tree is replaced in one step, and \
files in it that bpc did not write stay. The first build makes the vault: keep a copy of it in a safe place.

Examples:
  bpc build
  bpc build blueprints/kube-demo --out /srv/images
  bpc build --vault ~/keys/kube-demo.key blueprints/kube-demo")]
    Build {
        #[command(flatten)]
        blueprints: Blueprints,
        /// The folder that gets a folder for each blueprint.
        #[arg(long, value_name = "DIR", default_value = "out")]
        out: PathBuf,
        /// The vault, 32 bytes that all secrets come from [default: vault.key beside the blueprint, made if missing].
        #[arg(long, value_name = "FILE")]
        vault: Option<PathBuf>,
    },
    /// Report what is wrong with blueprints: a build that writes nothing.
    #[command(after_help = "\
Examples:
  bpc check
  bpc check --format short lab.yaml   one line for each error, as editors read them")]
    Check {
        #[command(flatten)]
        blueprints: Blueprints,
    },
    /// Show machines, adapters, addresses and ports as they will be.
    #[command(after_help = "\
Examples:
  bpc plan blueprints/kube-demo
  bpc plan --format json blueprints/kube-demo | jq -r '.machines[] | [.name, .address] | @tsv'")]
    Plan {
        #[command(flatten)]
        blueprints: Blueprints,
    },
    /// Print the JSON Schema of a blueprint, for editors.
    #[command(after_help = "\
Editors with a YAML language server complete and check a blueprint that starts with this line:
  # yaml-language-server: $schema=../blueprint.schema.json

Example:
  bpc schema >blueprints/blueprint.schema.json")]
    Schema,
    /// Explain an error or a warning.
    #[command(after_help = "\
Examples:
  bpc explain BPC0203
  bpc explain           list all codes")]
    Explain {
        /// The code in the message, for instance BPC0203; all codes are listed without it.
        code: Option<String>,
    },
}

#[derive(Args)]
struct Blueprints {
    /// Blueprints, or folders: each blueprint.yaml in and below them [default: blueprints].
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// For people, for editors (one line for each message), or for programs.
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Format,
}

// No documentation on the variants of these two: it would blow up the help text.

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Human,
    Short,
    Json,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// Carries out what the command line says.
pub(crate) fn run() -> ExitCode {
    let Cli { command, color } = Cli::parse();
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut terminal = Terminal::new(&mut out, &mut err, style(command.format(), color));
    let status = match command {
        Command::Build { blueprints, out, vault } => {
            driver::build(&mut terminal, &blueprints.paths, &out, vault.as_deref())
        }
        Command::Check { blueprints } => driver::check(&mut terminal, &blueprints.paths),
        Command::Plan { blueprints } => driver::plan(&mut terminal, &blueprints.paths),
        Command::Schema => driver::schema(&mut terminal),
        Command::Explain { code } => driver::explain(&mut terminal, code.as_deref()),
    };
    ExitCode::from(terminal.finish(status) as u8)
}

impl Command {
    const fn format(&self) -> Format {
        match self {
            Self::Build { blueprints, .. } | Self::Check { blueprints } | Self::Plan { blueprints } => {
                blueprints.format
            }
            Self::Schema | Self::Explain { .. } => Format::Human,
        }
    }
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
