//! The units, judged by systemd.

use bpc::site::Role;

use super::lab::built_today;
use crate::bootstrap::scratch::output;
use crate::built::{artifact, files};
use crate::support::tools::{On, Staged, Tool, tool};

const UNITS: [&str; 3] = ["etcd.service", "bpc-etcd-snapshot.service", "bpc-etcd-snapshot.timer"];

/// systemd-analyze and the units of a member, with this line added to its service.
fn staged(on: On, line: &str) -> Option<(Tool, Staged)> {
    let analyze = tool(on, "systemd-analyze")?;
    let built = built_today("kube-compact");
    let staged = analyze.stage(&[("program", b"#!/bin/sh\n")]);
    staged.set_mode("program", 0o755);
    let program = staged.path_for("program").display().to_string();
    for name in UNITS {
        let unit = artifact(&built, "kube-mast02", &format!("files/etc/systemd/system/{name}"));
        // The programs must be there for the judge, and are elsewhere.
        let unit = String::from_utf8(unit.to_vec()).unwrap();
        let unit = unit
            .replace("/usr/local/bin/etcd", &program)
            .replace("/usr/local/sbin/bpc-etcd-snapshot", &program);
        let unit = unit.replace("[Service]", &format!("[Service]\n{line}"));
        std::fs::write(staged.host_path().join(name), unit).unwrap();
    }
    Some((analyze, staged))
}

fn verify(on: On, line: &str) -> Option<String> {
    let (analyze, staged) = staged(on, line)?;
    let mut command = analyze.command();
    // Else the systemd of Debian 12 tells the journal.
    command.env("SYSTEMD_LOG_TARGET", "console");
    command.env("SYSTEMD_UNIT_PATH", format!("{}:", staged.path_for("").display()));
    let output = output(command.args(["verify", "--man=no"]).args(UNITS));
    let said = [output.stdout, output.stderr].concat();
    Some(format!("{}{}", String::from_utf8_lossy(&said), if output.status.success() { "" } else { "failed" }))
}

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    for on in [On::Bookworm, On::Trixie] {
        let Some(said) = verify(on, "") else { continue };
        assert_eq!(said, "", "{on:?}");
        assert!(verify(on, "ProtectEverything=yes").unwrap().contains("ProtectEverything"));
    }
}

/// `systemd-analyze security` counts what a service could do, from 0 to 10: what is left is the network.
#[test]
fn the_services_can_do_little_else() {
    for on in [On::Bookworm, On::Trixie] {
        for (unit, threshold) in [("etcd.service", "14"), ("bpc-etcd-snapshot.service", "25")] {
            let Some((analyze, staged)) = staged(on, "") else { continue };
            let mut command = analyze.command();
            command.env("SYSTEMD_UNIT_PATH", format!("{}:", staged.path_for("").display()));
            command.args(["security", "--offline=true", "--no-pager", "--threshold", threshold, unit]);
            let output = output(&mut command);
            assert!(output.status.success(), "{on:?}: {}", String::from_utf8_lossy(&output.stdout));
        }
    }
}

#[test]
fn machines_without_state_have_none_of_them() {
    let built = built_today("kube-full");
    for machine in built.site.machines.iter().filter(|machine| machine.role != Role::Etcd) {
        for (path, _) in files(&built, machine) {
            assert!(!UNITS.iter().any(|unit| path.ends_with(unit)), "{} has {path}", machine.name);
        }
    }
}
