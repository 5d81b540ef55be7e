//! The unit and the scripts, judged by systemd and by the checkers of shell scripts.

use std::collections::BTreeSet;

use bpc::bootstrap::{UNIT, files, packages, start_commands};
use bpc::setup::File;

use super::scratch::{output, succeed};
use crate::support::tools::{On, tool};

/// All files of a machine with a `packages` stage.
fn all() -> Vec<File> {
    files("gate-node01", &[packages(&BTreeSet::from(["jq".to_owned(), "libc6:amd64".to_owned()]))])
}

fn text(file: &File) -> String {
    String::from_utf8(file.content.bytes().to_vec()).unwrap()
}

/// What `systemd-analyze verify` says of `multi-user.target` when it wants the unit with this line added.
fn verify(on: On, line: &str) -> Option<String> {
    let analyze = tool(on, "systemd-analyze")?;
    let unit = all().into_iter().find(|file| file.path.ends_with(UNIT)).map(|file| text(&file)).unwrap();
    let wants = format!("[Unit]\nWants={UNIT}\n");
    let staged =
        analyze.stage(&[("multi-user.target.d/wants.conf", wants.as_bytes()), ("bootstrap", b"#!/bin/sh\n")]);
    staged.set_mode("bootstrap", 0o755);
    // The program must be there for the judge, and is elsewhere.
    let program = staged.path_for("bootstrap").display().to_string();
    let unit = unit
        .replace("/usr/local/lib/bpc/bootstrap", &program)
        .replace("[Service]", &format!("{line}\n[Service]"));
    std::fs::write(staged.host_path().join(UNIT), unit).unwrap();
    let mut command = analyze.command();
    // Else the systemd of Debian 12 tells the journal.
    command.env("SYSTEMD_LOG_TARGET", "console");
    command.env("SYSTEMD_UNIT_PATH", format!("{}:", staged.path_for("").display()));
    let output =
        output(command.args(["verify", "--man=no", UNIT, "cloud-final.service", "multi-user.target"]));
    let said = [output.stdout, output.stderr].concat();
    Some(format!("{}{}", String::from_utf8_lossy(&said), if output.status.success() { "" } else { "failed" }))
}

#[test]
fn systemd_has_nothing_to_say_about_the_unit() {
    for on in [On::Bookworm, On::Trixie] {
        let Some(said) = verify(on, "") else { continue };
        assert_eq!(said, "", "{on:?}");
    }
}

#[test]
fn systemd_would_tell_of_a_cycle() {
    for on in [On::Bookworm, On::Trixie] {
        let Some(said) = verify(on, "After=cloud-final.service") else { continue };
        assert!(said.contains("ordering cycle"), "{on:?}: {said}");
        assert!(verify(on, "Afterwards=never").unwrap().contains("Afterwards"));
    }
}

#[test]
fn shell_checkers_have_nothing_to_say_about_the_scripts() {
    for on in [On::Bookworm, On::Trixie] {
        let checkers: [(&str, &[&str]); 3] =
            [("shellcheck", &[]), ("checkbashisms", &["-x"]), ("dash", &["-n"])];
        for (name, arguments) in checkers {
            let Some(checker) = tool(on, name) else { continue };
            for file in all().iter().filter(|file| !file.path.ends_with(UNIT)) {
                let staged = checker.stage(&[("script", file.content.bytes())]);
                assert_eq!(
                    succeed(checker.command().args(arguments).arg(staged.path_for("script"))),
                    "",
                    "{}",
                    file.path
                );
            }
        }
    }
}

#[test]
fn the_files_are_where_systemd_and_people_look() {
    let listing: Vec<_> = all().iter().map(|file| format!("{:04o} {}", file.mode, file.path)).collect();
    insta::assert_snapshot!(listing.join("\n"), @r"
    0755 /usr/local/lib/bpc/bootstrap
    0644 /usr/local/lib/bpc/lib.sh
    0755 /usr/local/bin/bpc-status
    0644 /etc/systemd/system/bpc-bootstrap.service
    0755 /usr/local/lib/bpc/stages/10-packages
    ");
}

#[test]
fn the_start_does_not_wait() {
    let commands = start_commands().map(|command| command.join(" "));
    assert_eq!(
        commands,
        ["systemctl daemon-reload", "systemctl enable --now --no-block bpc-bootstrap.service"]
    );
}
