//! The functions that stages call.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::LazyLock;

use bpc::bootstrap::{packages, script};
use bpc::setup::Stage;
use sha2::{Digest as _, Sha256};

use super::scratch::{Machine, Shell, output, shells, shells_beside, succeed};
use super::server::{Answer, Server};

/// A quarter of a megabyte that does not repeat.
static FILE: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..8192_u32).flat_map(|n| Sha256::digest(n.to_be_bytes())).collect());

/// Its digest.
static DIGEST: LazyLock<String> = LazyLock::new(|| sha256(&FILE));

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Runs `fetch` for a server that answers so, and returns its success, what it said on stderr, and the ranges.
fn fetch(machine: &Machine<'_>, answers: &[Answer], digest: &str) -> (bool, String, Vec<String>) {
    let server = Server::start(FILE.clone(), answers);
    let mut command = machine.with_library("fetch \"$@\"");
    command.args([&server.url(), digest]).arg(machine.path("opt/tool")).arg("0755");
    let output = output(&mut command);
    let stderr = String::from_utf8_lossy(&output.stderr).replace(&server.url(), "URL");
    (output.status.success(), stderr, server.ranges())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A machine, and where its cache keeps the part of `FILE`.
fn machine(shell: &Shell) -> (Machine<'_>, String) {
    (Machine::new(shell, &[]), format!("var/cache/bpc/{}.part", *DIGEST))
}

#[test]
fn a_download_is_installed_and_not_repeated() {
    for shell in shells_beside(&["curl"]) {
        let (machine, part) = machine(&shell);
        assert_eq!(fetch(&machine, &[Answer::Good], &DIGEST), (true, String::new(), vec![String::new()]));
        let tool = machine.host_path("opt/tool");
        assert!(fs::read(&tool).unwrap() == *FILE);
        assert_eq!(mode(&tool), 0o755);
        assert!(!machine.host_path(&part).exists());

        fs::set_permissions(&tool, fs::Permissions::from_mode(0o600)).unwrap();
        // The power went before this was tidied up.
        fs::write(machine.host_path(&part), &*FILE).unwrap();
        assert_eq!(fetch(&machine, &[], &DIGEST), (true, String::new(), vec![]));
        assert!(!machine.host_path(&part).exists());
        assert_eq!(mode(&tool), 0o755);
        assert_eq!(machine.calls(), [""; 0]);
    }
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    for shell in shells_beside(&["curl"]) {
        let (machine, _) = machine(&shell);
        let answers =
            [Answer::BreaksAfter(100_000), Answer::Unavailable, Answer::BreaksAfter(50_000), Answer::Good];
        let (success, _, ranges) = fetch(&machine, &answers, &DIGEST);
        assert!(success);
        assert_eq!(ranges, ["", "100000-", "100000-", "150000-"]);
        assert_eq!(machine.calls(), ["sleep 1", "sleep 2", "sleep 3"]);
        assert!(fs::read(machine.host_path("opt/tool")).unwrap() == *FILE);
    }
}

#[test]
fn a_part_is_kept_for_the_next_attempt() {
    for shell in shells_beside(&["curl"]) {
        let (machine, part) = machine(&shell);
        let mut answers = vec![Answer::BreaksAfter(1000)];
        answers.extend([Answer::Unavailable; 4]);
        let (success, stderr, _) = fetch(&machine, &answers, &DIGEST);
        assert!(!success && stderr.contains("503"), "{stderr}");
        assert!(!machine.host_path("opt/tool").exists());
        assert!(fs::read(machine.host_path(&part)).unwrap() == FILE[..1000]);
        assert_eq!(fetch(&machine, &[Answer::Good], &DIGEST).2, ["1000-"]);
    }
}

#[test]
fn a_part_that_is_complete_is_not_downloaded() {
    for shell in shells_beside(&["curl"]) {
        let (machine, part) = machine(&shell);
        fs::create_dir_all(machine.host_path("var/cache/bpc")).unwrap();
        fs::write(machine.host_path(&part), &*FILE).unwrap();
        assert_eq!(fetch(&machine, &[], &DIGEST), (true, String::new(), vec![]));
    }
}

#[test]
fn a_server_without_ranges_is_asked_for_all() {
    for shell in shells_beside(&["curl"]) {
        let (machine, _) = machine(&shell);
        let answers = [Answer::BreaksAfter(1000), Answer::NoRanges, Answer::Good];
        let (success, _, ranges) = fetch(&machine, &answers, &DIGEST);
        assert!(success);
        assert_eq!(ranges, ["", "1000-", ""]);
    }
}

#[test]
fn a_part_that_is_too_long_is_thrown_away() {
    for shell in shells_beside(&["curl"]) {
        let (machine, part) = machine(&shell);
        fs::create_dir_all(machine.host_path("var/cache/bpc")).unwrap();
        fs::write(machine.host_path(&part), [&FILE[..], &[0]].concat()).unwrap();
        let (success, _, ranges) = fetch(&machine, &[Answer::Good, Answer::Good], &DIGEST);
        assert!(success);
        assert_eq!(ranges, ["262145-", ""]);
    }
}

#[test]
fn a_wrong_digest_is_refused_and_leaves_nothing() {
    for shell in shells_beside(&["curl"]) {
        let (machine, _) = machine(&shell);
        fs::create_dir(machine.host_path("opt")).unwrap();
        fs::write(machine.host_path("opt/tool"), "the old one").unwrap();
        let wanted = sha256(b"something else");
        let (success, stderr, _) = fetch(&machine, &[Answer::Good], &wanted);
        assert!(!success);
        assert_eq!(stderr, format!("fetch: URL has the SHA-256 {}, expected {wanted}\n", *DIGEST));
        assert_eq!(machine.read("opt/tool"), "the old one");
        assert_eq!(fs::read_dir(machine.host_path("var/cache/bpc")).unwrap().count(), 0);
        assert_eq!(fs::read_dir(machine.host_path("opt")).unwrap().count(), 1);
    }
}

/// A machine that has the package `curl`, and gets others if the index can be had.
fn with_packages<'a>(shell: &'a Shell, stages: &[Stage]) -> Machine<'a> {
    let machine = Machine::new(shell, stages);
    machine
        .stub("dpkg-query", "for last; do :; done\ngrep -qx \"$last\" \"$BPC_ROOT/has\" && printf installed");
    machine.stub("dpkg", "case $* in --audit) cat \"$BPC_ROOT/broken\" 2>/dev/null || : ;; esac");
    machine.stub(
        "apt-get",
        "case $* in *' update') ! [ -e \"$BPC_ROOT/offline\" ] ;; *) for last; do :; done; echo \"$last\" >>\"$BPC_ROOT/has\" ;; esac",
    );
    fs::write(machine.host_path("has"), "curl\n").unwrap();
    machine
}

/// The calls that change something.
fn changes(machine: &Machine<'_>) -> Vec<String> {
    machine
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("apt-get") || call.starts_with("dpkg --force"))
        .collect()
}

const APT_GET: &str = "apt-get --quiet -o DPkg::Lock::Timeout=600 -o APT::Update::Error-Mode=any \
                       -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold";

#[test]
fn only_missing_packages_are_installed() {
    for shell in shells() {
        let machine = with_packages(&shell, &[]);
        let said = succeed(&mut machine.with_library("install_packages curl jq"));
        assert_eq!(said, "bpc: installing jq\n");
        assert_eq!(changes(&machine), [format!("{APT_GET} update"), format!("{APT_GET} install --yes jq")]);

        assert_eq!(succeed(&mut machine.with_library("install_packages curl jq")), "");
        assert_eq!(succeed(&mut machine.with_library("install_packages")), "");
        assert_eq!(changes(&machine).len(), 2);
    }
}

#[test]
fn an_interrupted_installation_is_finished_first() {
    for shell in shells() {
        let machine = with_packages(&shell, &[]);
        fs::write(machine.host_path("broken"), "half-configured\n").unwrap();
        succeed(&mut machine.with_library("install_packages jq"));
        assert_eq!(changes(&machine)[0], "dpkg --force-confdef --force-confold --configure -a");
    }
}

#[test]
fn the_packages_stage_waits_for_the_network() {
    for shell in shells() {
        let names = BTreeSet::from(["curl".to_owned(), "jq".to_owned()]);
        let stage = packages(&names);
        assert_eq!(stage.file_name(), "10-packages");
        let machine = with_packages(&shell, &[stage]);
        fs::write(machine.host_path("offline"), "").unwrap();
        machine.stub("sleep", "case $1 in 8) rm \"$BPC_ROOT/offline\" ;; esac");
        succeed(&mut machine.engine());
        let [update, install] = ["update", "install --yes jq"].map(|action| format!("{APT_GET} {action}"));
        assert_eq!(changes(&machine), [update.as_str(), &update, &update, &update, &install]);
        let console = machine.console();
        assert!(console.contains("bpc: gate-node01 packages | packages: installing jq\n"), "{console}");
        assert!(
            console.contains("packages failed (attempt 3, next in 8 s)\nbpc: gate-node01 packages ok\n"),
            "{console}"
        );
    }
}

#[test]
fn a_service_is_enabled_and_started_or_reloaded() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[]);
        machine.stub("systemctl", "case $* in *absent*) exit 1 ;; esac");
        succeed(&mut machine.with_library("enable_service haproxy.service"));
        succeed(&mut machine.with_library("enable_service dnsmasq.service reload-or-restart"));
        let expected = [
            "systemctl daemon-reload",
            "systemctl enable haproxy.service",
            "systemctl start haproxy.service",
            "systemctl daemon-reload",
            "systemctl enable dnsmasq.service",
            "systemctl reload-or-restart dnsmasq.service",
            "systemctl start dnsmasq.service",
        ];
        assert_eq!(machine.calls(), expected);
        assert!(!output(&mut machine.with_library("enable_service absent.service")).status.success());
    }
}

#[test]
fn files_are_put_into_force_once_for_each_stage_and_boot() {
    for shell in shells() {
        let stage = |text: &str| {
            Stage::new(40, "haproxy", &[], &format!("enable_service haproxy reload-or-restart\n# {text}\n"))
        };
        let machine = Machine::new(&shell, &[stage("old")]);
        machine.stub("systemctl", "! [ -e \"$BPC_ROOT/broken\" ] || case $* in *start*) exit 1 ;; esac");
        let reloads = || {
            let mut command = machine.command("usr/local/lib/bpc/stages/40-haproxy");
            command.env("BPC_LIB", machine.path("usr/local/lib/bpc"));
            let good = output(&mut command).status.success();
            let calls = machine.calls();
            machine.write("calls", b"", 0o644);
            assert!(!good || calls.contains(&"systemctl start haproxy".to_owned()), "{calls:?}");
            (good, calls.contains(&"systemctl reload-or-restart haproxy".to_owned()))
        };
        machine.write("broken", b"", 0o644);
        assert_eq!(reloads(), (false, true));
        fs::remove_file(machine.host_path("broken")).unwrap();
        assert_eq!([reloads(), reloads()], [(true, true), (true, false)]);
        machine.install(&[stage("new")]);
        assert_eq!([reloads(), reloads()], [(true, true), (true, false)]);
        fs::remove_dir_all(machine.host_path("run/bpc/applied")).unwrap();
        assert_eq!(reloads(), (true, true), "after a boot");
    }
}

#[test]
fn a_stage_has_its_variables_and_the_functions() {
    for shell in shells() {
        let text = script(&[("MOTTO", "it's $HOME\nsweet")], "log \"$MOTTO\"\nfalse\nlog not reached\n");
        let machine = Machine::new(&shell, &[Stage::scripted(1, "motto", text)]);
        machine.stub("sleep", "case $1 in 2) echo '#!/bin/sh' >\"$BPC_LIB/stages/01-motto\" ;; esac");
        assert_eq!(
            machine.run(),
            "motto: it's $HOME\nsweet\nbpc: gate-node01 motto failed (attempt 1, next in 2 s)\n\
             bpc: gate-node01 motto ok\nbpc: gate-node01 ready\n"
        );
    }
}
