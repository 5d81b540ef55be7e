//! Every unit, and every part of one, that a seed brings, in its place among those of the distribution: systemd must have
//! nothing to say.

use std::collections::BTreeSet;

use bpc::bootstrap;
use bpc::setup::File;

use super::root::Lab;
use crate::built::blueprints;
use crate::support::tools::On;

const UNITS: &str = "/etc/systemd/system/";

/// The systemd of Debian 12 tells the journal of what it finds if it is not told otherwise.
const VERIFY: &str = "#!/bin/sh
export PATH=/usr/bin SYSTEMD_LOG_TARGET=console
exec systemd-analyze verify --man=no multi-user.target";

/// The unit files of each machine, each different set of them once.
fn sets() -> BTreeSet<Vec<(String, String)>> {
    let mut sets = BTreeSet::new();
    for built in blueprints() {
        for setup in &built.setups.machines {
            let files = setup.files.iter().cloned().chain(bootstrap::files("machine", &[]));
            let units = files.filter(|file| file.path.starts_with(UNITS));
            let text = |file: File| String::from_utf8(file.content.bytes().to_vec()).unwrap();
            let mut units: Vec<_> = units.map(|file| (file.path.clone(), text(file))).collect();
            units.sort();
            sets.insert(units);
        }
    }
    sets
}

/// The unit that a file is, or is a part of (`NAME.d/*.conf`).
fn unit(path: &str) -> &str {
    let name = path.trim_start_matches(UNITS);
    name.split_once('/').map_or(name, |(folder, _)| folder.trim_end_matches(".d"))
}

/// The programs that a unit starts.
fn programs(text: &str) -> impl Iterator<Item = &str> {
    let commands =
        text.lines().filter(|line| line.starts_with("Exec")).filter_map(|line| line.split_once('='));
    let programs = commands.filter_map(|(_, command)| command.split_whitespace().next());
    programs.map(|program| program.trim_start_matches(['-', '@', ':', '+', '!', '|']))
}

/// What systemd says of these units.
fn verify(lab: &Lab, on: On, units: &[(String, String)]) -> String {
    let there = |path: &str| on.root().join(path.trim_start_matches('/')).symlink_metadata().is_ok();
    let mut files = vec![File::script("/usr/local/lib/bpc/stages/99-verify", VERIFY)];
    for (path, text) in units {
        files.push(File::text(path, text.as_str()));
        for program in programs(text).filter(|program| program.starts_with('/') && !there(program)) {
            files.push(File::script(program, "#!/bin/sh\n"));
        }
        let unit = unit(path);
        let whole = format!("{UNITS}{unit}");
        if !units.iter().any(|(path, _)| *path == whole) && !there(&format!("/usr/lib/systemd/system/{unit}"))
        {
            // Of a package that is not installed here.
            files.push(File::text(whole, "[Service]\nExecStart=/usr/bin/true\n"));
        }
    }
    let wanted: BTreeSet<&str> = units.iter().map(|(path, _)| unit(path)).collect();
    let wants = wanted.into_iter().collect::<Vec<_>>().join(" ");
    files.push(File::text(
        format!("{UNITS}multi-user.target.d/wants.conf"),
        format!("[Unit]\nWants={wants}\n"),
    ));
    let ran = lab.machine(on, &files).run("99-verify", None);
    if ran.good { ran.said } else { format!("{}failed", ran.said) }
}

#[test]
fn systemd_has_nothing_to_say_about_any_unit() {
    let Some(lab) = Lab::new() else { return };
    let sets = sets();
    assert!(sets.iter().all(|units| units.iter().any(|(path, _)| unit(path) == bootstrap::UNIT)), "{sets:?}");
    for on in [On::Bookworm, On::Trixie] {
        for units in &sets {
            let said = verify(&lab, on, units);
            assert_eq!(said, "", "{on:?}");
        }
    }
}

#[test]
fn systemd_would_say_what_is_wrong() {
    let Some(lab) = Lab::new() else { return };
    let unit =
        |more: &str| format!("[Unit]\nDescription=It\n\n[Service]\nExecStart=-/opt/it --now\n{more}\n");
    for on in [On::Bookworm, On::Trixie] {
        for (path, more, complaint) in [
            ("it.service", "", ""),
            ("it.service", "Restarts=always", "Restarts"),
            ("it.service", "[Unit]\nAfter=multi-user.target\nBefore=basic.target", "ordering cycle"),
            ("haproxy.service.d/it.conf", "Restart=perhaps", "perhaps"),
            ("absent.service.d/it.conf", "Restart=perhaps", "perhaps"),
        ] {
            let units = [(format!("{UNITS}{path}"), unit(more))];
            let said = verify(&lab, on, &units);
            assert!(
                said.contains(complaint) && said.is_empty() == complaint.is_empty(),
                "{on:?} {more}: {said}"
            );
        }
    }
}
