//! The command line.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use bpc::diag::render::Style;
use bpc::driver::{self, Sources, Terminal, Vaults, View};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

/// Compiles one YAML blueprint of a small data centre into everything that brings it up on VirtualBox.
#[derive(Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  bpc init lab                     begin a repository of your own
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
    /// Begin a repository of your own: a blueprint, and what checks, builds and starts it.
    #[command(after_help = "\
Nothing is overwritten: if one of the files is there with another text, none is written. A second blueprint can be put \
beside the first one in the same way, under a name of its own.

Examples:
  bpc init lab
  bpc init lab --name school --from kube-demo")]
    Init {
        /// The folder, made if it is missing.
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
        /// What your data centre is called [default: as the blueprint it starts from].
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// The blueprint of bpc's own that it starts from.
        #[arg(long, value_name = "BLUEPRINT", default_value = "tiny")]
        #[arg(value_parser = PossibleValuesParser::new(driver::starts()))]
        from: String,
        #[command(flatten)]
        form: Form,
    },
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
        /// The output folder, with one folder per blueprint.
        #[arg(long, value_name = "DIR", default_value = "out")]
        out: PathBuf,
        /// The vault, 32 bytes that all secrets come from [default: vault.key beside the blueprint, made if missing].
        #[arg(long, value_name = "FILE")]
        vault: Option<PathBuf>,
        /// Go on although the earlier build was made with another vault: every key, certificate and password changes.
        #[arg(long)]
        new_vault: bool,
    },
    /// Make one file of each machine, for VirtualBox's `import` and other hypervisors.
    #[command(after_help = "\
The appliances of a blueprint go to DIR/<name>.bundle/<machine>.ova, where they replace those of an earlier bundle once \
all are complete. They hold seeds, and with these secrets: keep them as you keep the vault.

Examples:
  bpc bundle --ova blueprints/tiny
  qemu-img convert -O raw debian-13-generic-amd64.qcow2 debian.raw
  bpc bundle --ova --disk debian.raw blueprints/tiny")]
    Bundle {
        #[command(flatten)]
        blueprints: Blueprints,
        /// As OVA, with the seed and the disks in it.
        #[arg(long, required = true)]
        ova: bool,
        /// What is on the system disks: a raw image or a stream-optimized VMDK [default: nothing].
        #[arg(long, value_name = "FILE")]
        disk: Option<PathBuf>,
        /// The output folder, with one folder per blueprint.
        #[arg(long, value_name = "DIR", default_value = "out")]
        out: PathBuf,
        /// The vault [default: vault.key beside the blueprint, made if missing].
        #[arg(long, value_name = "FILE")]
        vault: Option<PathBuf>,
        /// Go on although the earlier build was made with another vault.
        #[arg(long)]
        new_vault: bool,
    },
    /// Report what is wrong with blueprints: a build that writes nothing.
    #[command(after_help = "\
Examples:
  bpc check
  bpc check --format short lab.yaml   one line for each error, as editors read them
  bpc check --at 2027-06-01           will every certificate be good on that day?
  bpc check --at now                  are they good now, and for another 30 days?")]
    Check {
        #[command(flatten)]
        blueprints: Blueprints,
        /// Fail if a certificate is not valid at this date (00:00 UTC), at this time, or `now`.
        #[arg(long, value_name = "DATE", value_parser = time)]
        at: Option<Timestamp>,
        /// The vault [default: vault.key beside the blueprint, which need not be there].
        #[arg(long, value_name = "FILE")]
        vault: Option<PathBuf>,
    },
    /// Show machines, adapters, addresses and ports as they will be; or where secrets go, certificates, or what changes.
    #[command(after_help = "\
Nothing that is shown is secret. Without a vault certificates have no keys yet, and so no fingerprints.

Examples:
  bpc plan blueprints/kube-demo
  bpc plan --format json blueprints/kube-demo | jq -r '.machines[] | [.name, .address] | @tsv'
  bpc plan --secrets blueprints/kube-demo        which keys are on which machine?
  bpc plan --certificates blueprints/kube-demo   with the fingerprints that `openssl x509` prints
  bpc plan --changes blueprints/kube-demo        which machines would `up.sh` touch after a build?")]
    Plan {
        #[command(flatten)]
        blueprints: Blueprints,
        /// Show which secret is in which file of which machine, and why.
        #[arg(long)]
        secrets: bool,
        /// Show certificates: who has them, what they say, until when they are good, and their fingerprints.
        #[arg(long, group = "with_vault", conflicts_with = "secrets")]
        certificates: bool,
        /// Show what a build would do to the machines of the earlier one: which are new, get a new seed or new hardware.
        #[arg(long, group = "with_vault", conflicts_with = "secrets")]
        changes: bool,
        /// The folder with the earlier build [default: out].
        #[arg(long, value_name = "DIR", requires = "changes")]
        out: Option<PathBuf>,
        /// The vault of keys and certificates [default: vault.key beside the blueprint, which need not be there].
        #[arg(long, value_name = "FILE", requires = "with_vault", conflicts_with = "secrets")]
        vault: Option<PathBuf>,
    },
    /// Make a vault, which all secrets come from, or recognise one.
    #[command(subcommand)]
    Vault(VaultCommand),
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

#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
enum VaultCommand {
    /// Make a vault of random bytes; never over another file.
    #[command(after_help = "\
Builds make the vault beside a blueprint by themselves, but never one that is named by --vault FILE.

Example:
  bpc vault new ~/keys/kube-demo.key && bpc build --vault ~/keys/kube-demo.key")]
    New {
        /// The file to make [default: vault.key beside each blueprint below blueprints/ that has none].
        file: Option<PathBuf>,
        #[command(flatten)]
        form: Form,
    },
    /// Print fingerprints of vaults, by which copies are recognised and which tell nothing else.
    #[command(after_help = "\
Example:
  bpc vault show /media/backup/*.key")]
    Show {
        /// Vaults [default: vault.key beside each blueprint below blueprints/].
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Args)]
struct Blueprints {
    /// Blueprints, or folders: each blueprint.yaml in and below them [default: blueprints].
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Treat warnings as errors.
    #[arg(long)]
    strict: bool,
    /// A folder in which blueprints may name files, besides their repository; as often as needed.
    #[arg(long = "allow-path", value_name = "DIR")]
    allowed: Vec<PathBuf>,
    #[command(flatten)]
    form: Form,
}

impl Blueprints {
    fn sources(&self) -> Sources<'_> {
        Sources { paths: &self.paths, allowed: &self.allowed }
    }
}

#[derive(Args)]
struct Form {
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

/// Carries out what the command line says, on as many threads as the system lets it have.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let style = style(cli.command.format(), cli.color);
    driver::on_threads(|| carry_out(cli)).unwrap_or_else(|reason| {
        let (mut out, mut err) = (io::stdout(), io::stderr());
        let mut terminal = Terminal::new(&mut out, &mut err, style);
        let status = terminal.fail(&reason);
        ExitCode::from(terminal.finish(status) as u8)
    })
}

fn carry_out(Cli { command, color }: Cli) -> ExitCode {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let terminal = Terminal::new(&mut out, &mut err, style(command.format(), color));
    let mut terminal = terminal.strict(command.strict());
    let status = match command {
        Command::Init { folder, name, from, .. } => {
            driver::init(&mut terminal, &folder, name.as_deref(), &from)
        }
        Command::Build { blueprints, out, vault, new_vault } => {
            let vaults = Vaults { named: vault.as_deref(), another: new_vault };
            driver::build(&mut terminal, blueprints.sources(), &out, vaults)
        }
        Command::Bundle { blueprints, ova: _, disk, out, vault, new_vault } => {
            let vaults = Vaults { named: vault.as_deref(), another: new_vault };
            driver::bundle(&mut terminal, blueprints.sources(), &out, vaults, disk.as_deref())
        }
        Command::Check { blueprints, at, vault } => {
            driver::check(&mut terminal, blueprints.sources(), vault.as_deref(), at)
        }
        Command::Plan { blueprints, secrets, certificates, changes, out, vault } => {
            let out = out.unwrap_or_else(|| PathBuf::from("out"));
            let view = match (secrets, certificates, changes) {
                (true, ..) => View::Secrets,
                (_, true, _) => View::Certificates(vault.as_deref()),
                (.., true) => View::Changes(&out, vault.as_deref()),
                _ => View::Site,
            };
            driver::plan(&mut terminal, blueprints.sources(), view)
        }
        Command::Vault(VaultCommand::New { file, .. }) => driver::new_vault(&mut terminal, file.as_deref()),
        Command::Vault(VaultCommand::Show { files, .. }) => driver::show_vaults(&mut terminal, &files),
        Command::Schema => driver::schema(&mut terminal),
        Command::Explain { code } => driver::explain(&mut terminal, code.as_deref()),
    };
    ExitCode::from(terminal.finish(status) as u8)
}

impl Command {
    const fn strict(&self) -> bool {
        match self {
            Self::Build { blueprints, .. }
            | Self::Bundle { blueprints, .. }
            | Self::Check { blueprints, .. }
            | Self::Plan { blueprints, .. } => blueprints.strict,
            Self::Init { .. } | Self::Vault(_) | Self::Schema | Self::Explain { .. } => false,
        }
    }

    const fn format(&self) -> Format {
        match self {
            Self::Build { blueprints, .. }
            | Self::Bundle { blueprints, .. }
            | Self::Check { blueprints, .. }
            | Self::Plan { blueprints, .. } => blueprints.form.format,
            Self::Init { form, .. }
            | Self::Vault(VaultCommand::New { form, .. } | VaultCommand::Show { form, .. }) => form.format,
            Self::Schema | Self::Explain { .. } => Format::Human,
        }
    }
}

/// A time of RFC 3339, the first moment of a date in UTC, or `now`.
fn time(text: &str) -> Result<Timestamp, &'static str> {
    if text == "now" {
        return Ok(driver::now());
    }
    let is_date = text.len() == "2027-06-01".len();
    let time = if is_date { format!("{text}T00:00:00Z").parse() } else { text.parse() };
    time.map_err(|_| "neither a date as 2027-06-01 nor a time as 2027-06-01T12:00:00Z, nor `now`")
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
