//! The help texts: an interface, so reviewed word by word.

use crate::support::project::Project;

fn help(arguments: &[&str]) -> String {
    let said = Project::new().bpc(arguments);
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{arguments:?}");
    said.out
}

#[test]
fn of_bpc() {
    insta::assert_snapshot!(help(&["--help"]), @r"
    Compiles one YAML blueprint of a small data centre into everything that brings it up on VirtualBox

    Usage: bpc [OPTIONS] <COMMAND>

    Commands:
      init     Begin a repository of your own: a blueprint, and what checks, builds and starts it
      build    Build blueprints into out/<name>/
      bundle   Make one file of each machine, for VirtualBox's `import` and other hypervisors
      check    Report what is wrong with blueprints: a build that writes nothing
      plan     Show machines, adapters, addresses and ports as they will be; or where secrets go,
               certificates, or what changes
      vault    Make a vault, which all secrets come from, or recognise one
      schema   Print the JSON Schema of a blueprint, for editors
      explain  Explain an error or a warning

    Options:
          --color <WHEN>  Colours in messages: auto is on a terminal, unless `NO_COLOR` is set [default:
                          auto] [possible values: auto, always, never]
      -h, --help          Print help
      -V, --version       Print version

    Examples:
      bpc init lab                     begin a repository of your own
      bpc plan                         show what the blueprints below blueprints/ decide
      bpc build                        build them all into out/
      bpc build blueprints/kube-demo   build one
      bpc build --help                 more about one command

    Exit status: 0 all is well, 1 a blueprint has errors, 2 wrong usage or the system refused something
    ");
    assert_eq!(help(&["-h"]), help(&["--help"]));
}

#[test]
fn of_init() {
    insta::assert_snapshot!(help(&["init", "--help"]), @r"
    Begin a repository of your own: a blueprint, and what checks, builds and starts it

    Usage: bpc init [OPTIONS] [DIR]

    Arguments:
      [DIR]  The folder, made if it is missing [default: .]

    Options:
          --name <NAME>       What your data centre is called [default: as the blueprint it starts from]
          --from <BLUEPRINT>  The blueprint of bpc's own that it starts from [default: tiny] [possible
                              values: tiny, kube-compact, kube-keepalived, kube-demo, kube-full]
          --format <FORM>     For people, for editors (one line for each message), or for programs
                              [default: human] [possible values: human, short, json]
          --color <WHEN>      Colours in messages: auto is on a terminal, unless `NO_COLOR` is set
                              [default: auto] [possible values: auto, always, never]
      -h, --help              Print help

    Nothing is overwritten: if one of the files is there with another text, none is written. A second
    blueprint can be put beside the first one in the same way, under a name of its own.

    Examples:
      bpc init lab
      bpc init lab --name school --from kube-demo
    ");
}

#[test]
fn of_build() {
    insta::assert_snapshot!(help(&["build", "--help"]), @r"
    Build blueprints into out/<name>/

    Usage: bpc build [OPTIONS] [PATH]...

    Arguments:
      [PATH]...  Blueprints, or folders: each blueprint.yaml in and below them [default: blueprints]

    Options:
          --strict            Treat warnings as errors
          --allow-path <DIR>  A folder in which blueprints may name files, besides their repository; as
                              often as needed
          --format <FORM>     For people, for editors (one line for each message), or for programs
                              [default: human] [possible values: human, short, json]
          --out <DIR>         The output folder, with one folder per blueprint [default: out]
          --vault <FILE>      The vault, 32 bytes that all secrets come from [default: vault.key beside
                              the blueprint, made if missing]
          --new-vault         Go on although the earlier build was made with another vault: every key,
                              certificate and password changes
          --color <WHEN>      Colours in messages: auto is on a terminal, unless `NO_COLOR` is set
                              [default: auto] [possible values: auto, always, never]
      -h, --help              Print help

    If one of several blueprints has an error, nothing is written for any of them. A tree is replaced in
    one step, and files in it that bpc did not write stay. The first build makes the vault: keep a copy
    of it in a safe place.

    Examples:
      bpc build
      bpc build blueprints/kube-demo --out /srv/images
      bpc build --vault ~/keys/kube-demo.key blueprints/kube-demo
    ");
}

#[test]
fn of_bundle() {
    insta::assert_snapshot!(help(&["bundle", "--help"]), @r"
    Make one file of each machine, for VirtualBox's `import` and other hypervisors

    Usage: bpc bundle [OPTIONS] --ova [PATH]...

    Arguments:
      [PATH]...  Blueprints, or folders: each blueprint.yaml in and below them [default: blueprints]

    Options:
          --strict            Treat warnings as errors
          --allow-path <DIR>  A folder in which blueprints may name files, besides their repository; as
                              often as needed
          --format <FORM>     For people, for editors (one line for each message), or for programs
                              [default: human] [possible values: human, short, json]
          --ova               As OVA, with the seed and the disks in it
          --disk <FILE>       What is on the system disks: a raw image or a stream-optimized VMDK
                              [default: nothing]
          --out <DIR>         The output folder, with one folder per blueprint [default: out]
          --vault <FILE>      The vault [default: vault.key beside the blueprint, made if missing]
          --new-vault         Go on although the earlier build was made with another vault
          --color <WHEN>      Colours in messages: auto is on a terminal, unless `NO_COLOR` is set
                              [default: auto] [possible values: auto, always, never]
      -h, --help              Print help

    The appliances of a blueprint go to DIR/<name>.bundle/<machine>.ova, where they replace those of an
    earlier bundle once all are complete. They hold seeds, and with these secrets: keep them as you keep
    the vault.

    Examples:
      bpc bundle --ova blueprints/tiny
      qemu-img convert -O raw debian-13-generic-amd64.qcow2 debian.raw
      bpc bundle --ova --disk debian.raw blueprints/tiny
    ");
}

#[test]
fn of_check() {
    insta::assert_snapshot!(help(&["check", "--help"]), @r"
    Report what is wrong with blueprints: a build that writes nothing

    Usage: bpc check [OPTIONS] [PATH]...

    Arguments:
      [PATH]...  Blueprints, or folders: each blueprint.yaml in and below them [default: blueprints]

    Options:
          --strict            Treat warnings as errors
          --allow-path <DIR>  A folder in which blueprints may name files, besides their repository; as
                              often as needed
          --format <FORM>     For people, for editors (one line for each message), or for programs
                              [default: human] [possible values: human, short, json]
          --at <DATE>         Fail if a certificate is not valid at this date (00:00 UTC), at this time,
                              or `now`
          --vault <FILE>      The vault [default: vault.key beside the blueprint, which need not be
                              there]
          --color <WHEN>      Colours in messages: auto is on a terminal, unless `NO_COLOR` is set
                              [default: auto] [possible values: auto, always, never]
      -h, --help              Print help

    Examples:
      bpc check
      bpc check --format short lab.yaml   one line for each error, as editors read them
      bpc check --at 2027-06-01           will every certificate be good on that day?
      bpc check --at now                  are they good now, and for another 30 days?
    ");
}

#[test]
fn of_plan() {
    insta::assert_snapshot!(help(&["plan", "--help"]), @r"
    Show machines, adapters, addresses and ports as they will be; or where secrets go, certificates, or
    what changes

    Usage: bpc plan [OPTIONS] [PATH]...

    Arguments:
      [PATH]...  Blueprints, or folders: each blueprint.yaml in and below them [default: blueprints]

    Options:
          --strict            Treat warnings as errors
          --allow-path <DIR>  A folder in which blueprints may name files, besides their repository; as
                              often as needed
          --format <FORM>     For people, for editors (one line for each message), or for programs
                              [default: human] [possible values: human, short, json]
          --secrets           Show which secret is in which file of which machine, and why
          --certificates      Show certificates: who has them, what they say, until when they are good,
                              and their fingerprints
          --changes           Show what a build would do to the machines of the earlier one: which are
                              new, get a new seed or new hardware
          --out <DIR>         The folder with the earlier build [default: out]
          --vault <FILE>      The vault of keys and certificates [default: vault.key beside the
                              blueprint, which need not be there]
          --color <WHEN>      Colours in messages: auto is on a terminal, unless `NO_COLOR` is set
                              [default: auto] [possible values: auto, always, never]
      -h, --help              Print help

    Nothing that is shown is secret. Without a vault certificates have no keys yet, and so no
    fingerprints.

    Examples:
      bpc plan blueprints/kube-demo
      bpc plan --format json blueprints/kube-demo | jq -r '.machines[] | [.name, .address] | @tsv'
      bpc plan --secrets blueprints/kube-demo        which keys are on which machine?
      bpc plan --certificates blueprints/kube-demo   with the fingerprints that `openssl x509` prints
      bpc plan --changes blueprints/kube-demo        which machines would `up.sh` touch after a build?
    ");
}

#[test]
fn of_vault() {
    insta::assert_snapshot!(help(&["vault", "--help"]), @r"
    Make a vault, which all secrets come from, or recognise one

    Usage: bpc vault [OPTIONS] <COMMAND>

    Commands:
      new   Make a vault of random bytes; never over another file
      show  Print fingerprints of vaults, by which copies are recognised and which tell nothing else

    Options:
          --color <WHEN>  Colours in messages: auto is on a terminal, unless `NO_COLOR` is set [default:
                          auto] [possible values: auto, always, never]
      -h, --help          Print help
    ");
    insta::assert_snapshot!(help(&["vault", "new", "--help"]), @r"
    Make a vault of random bytes; never over another file

    Usage: bpc vault new [OPTIONS] [FILE]

    Arguments:
      [FILE]  The file to make [default: vault.key beside each blueprint below blueprints/ that has
              none]

    Options:
          --format <FORM>  For people, for editors (one line for each message), or for programs
                           [default: human] [possible values: human, short, json]
          --color <WHEN>   Colours in messages: auto is on a terminal, unless `NO_COLOR` is set
                           [default: auto] [possible values: auto, always, never]
      -h, --help           Print help

    Builds make the vault beside a blueprint by themselves, but never one that is named by --vault FILE.

    Example:
      bpc vault new ~/keys/kube-demo.key && bpc build --vault ~/keys/kube-demo.key
    ");
    insta::assert_snapshot!(help(&["vault", "show", "--help"]), @r"
    Print fingerprints of vaults, by which copies are recognised and which tell nothing else

    Usage: bpc vault show [OPTIONS] [FILE]...

    Arguments:
      [FILE]...  Vaults [default: vault.key beside each blueprint below blueprints/]

    Options:
          --format <FORM>  For people, for editors (one line for each message), or for programs
                           [default: human] [possible values: human, short, json]
          --color <WHEN>   Colours in messages: auto is on a terminal, unless `NO_COLOR` is set
                           [default: auto] [possible values: auto, always, never]
      -h, --help           Print help

    Example:
      bpc vault show /media/backup/*.key
    ");
}

#[test]
fn of_schema() {
    insta::assert_snapshot!(help(&["schema", "--help"]), @r"
    Print the JSON Schema of a blueprint, for editors

    Usage: bpc schema [OPTIONS]

    Options:
          --color <WHEN>  Colours in messages: auto is on a terminal, unless `NO_COLOR` is set [default:
                          auto] [possible values: auto, always, never]
      -h, --help          Print help

    Editors with a YAML language server complete and check a blueprint that starts with this line:
      # yaml-language-server: $schema=../blueprint.schema.json

    Example:
      bpc schema >blueprints/blueprint.schema.json
    ");
}

#[test]
fn of_explain() {
    insta::assert_snapshot!(help(&["explain", "--help"]), @r"
    Explain an error or a warning

    Usage: bpc explain [OPTIONS] [CODE]

    Arguments:
      [CODE]  The code in the message, for instance BPC0203; all codes are listed without it

    Options:
          --color <WHEN>  Colours in messages: auto is on a terminal, unless `NO_COLOR` is set [default:
                          auto] [possible values: auto, always, never]
      -h, --help          Print help

    Examples:
      bpc explain BPC0203
      bpc explain           list all codes
    ");
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(help(&["--version"]), format!("bpc {}\n", env!("CARGO_PKG_VERSION")));
}
