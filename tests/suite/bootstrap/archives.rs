//! `unpack`, and downloads whose digest nobody knows beforehand.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::library::sha256;
use super::scratch::{Machine, output, shells_beside};
use super::server::{Answer, Server};

/// An archive as publishers make them: folders in a folder, and files that nobody may run.
fn archive() -> Vec<u8> {
    let files: [(&str, &[u8]); 3] =
        [("bin/tool", b"a tool"), ("bin/helper", b"its helper"), ("LICENSE", b"free")];
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("tool-v1/bin")).unwrap();
    for (name, content) in files {
        fs::write(folder.path().join("tool-v1").join(name), content).unwrap();
    }
    let mut command = Command::new("tar");
    command.args(["--create", "--gzip", "--owner=12345", "--mode=640", "--directory"]);
    let output = output(command.arg(folder.path()).arg("tool-v1"));
    assert!(output.status.success());
    output.stdout
}

/// Runs a line of the library, `$1` being an address whose server answers so; its success, what it said on stderr, and
/// how often the server was asked.
fn run(machine: &Machine<'_>, line: &str, file: &[u8], answers: &[Answer]) -> (bool, String, usize) {
    let server = Server::start(file.to_vec(), answers);
    let mut command = machine.with_library(line);
    // The address stays the same, whatever port the server of the day has.
    command.arg("http://publisher.example/tool.tar.gz").env("http_proxy", server.url());
    let output = output(&mut command);
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned(), server.ranges().len())
}

fn installed(machine: &Machine<'_>) -> Vec<(String, u32)> {
    let folder = machine.host_path("opt/bin");
    let mut files: Vec<(String, u32)> = fs::read_dir(folder).map_or_else(
        |_| Vec::new(),
        |entries| {
            let entries = entries.map(|entry| entry.unwrap());
            let mode = |entry: &fs::DirEntry| entry.metadata().unwrap().permissions().mode() & 0o777;
            entries.map(|entry| (entry.file_name().into_string().unwrap(), mode(&entry))).collect()
        },
    );
    files.sort();
    files
}

fn executable(names: &[&str]) -> Vec<(String, u32)> {
    names.iter().map(|name| ((*name).to_owned(), 0o755)).collect()
}

#[test]
fn members_of_an_archive_are_installed_and_not_downloaded_again() {
    let archive = archive();
    let line = format!(
        "unpack \"$1\" {} \"$BPC_ROOT/opt/bin\" tool-v1/bin/tool tool-v1/bin/helper",
        sha256(&archive)
    );
    for shell in shells_beside(&["curl", "tar", "gzip"]) {
        let machine = Machine::new(&shell, &[]);
        assert_eq!(run(&machine, &line, &archive, &[Answer::Good]), (true, String::new(), 1));
        assert_eq!(installed(&machine), executable(&["helper", "tool"]));
        assert_eq!(machine.read("opt/bin/tool"), "a tool");
        assert_eq!(run(&machine, &line, &archive, &[]), (true, String::new(), 0));

        // What was changed or lost since is put right.
        fs::write(machine.host_path("opt/bin/tool"), "broken").unwrap();
        fs::remove_file(machine.host_path("opt/bin/helper")).unwrap();
        assert_eq!(run(&machine, &line, &archive, &[Answer::Good]), (true, String::new(), 1));
        assert_eq!(installed(&machine), executable(&["helper", "tool"]));
        assert_eq!(machine.read("opt/bin/tool"), "a tool");
        assert_eq!(fs::read_dir(machine.host_path("var/cache/bpc")).unwrap().count(), 0);
    }
}

#[test]
fn without_members_all_files_are_installed() {
    let archive = archive();
    let line = format!("unpack \"$1\" {} \"$BPC_ROOT/opt/bin\"", sha256(&archive));
    for shell in shells_beside(&["curl", "tar", "gzip"]) {
        let machine = Machine::new(&shell, &[]);
        assert!(run(&machine, &line, &archive, &[Answer::Good]).0);
        assert_eq!(installed(&machine), executable(&["LICENSE", "helper", "tool"]));
        assert_eq!(run(&machine, &line, &archive, &[]).2, 0);
    }
}

#[test]
fn an_archive_that_is_not_the_right_one_installs_nothing() {
    let archive = archive();
    let others = [
        ("unpack \"$1\" 00 \"$BPC_ROOT/opt/bin\" tool-v1/bin/tool".to_owned(), "expected 00"),
        (
            format!("unpack \"$1\" {} \"$BPC_ROOT/opt/bin\" tool-v2/bin/tool", sha256(&archive)),
            "tool-v2/bin/tool",
        ),
    ];
    for shell in shells_beside(&["curl", "tar", "gzip"]) {
        for (line, complaint) in &others {
            let machine = Machine::new(&shell, &[]);
            let (success, said, _) = run(&machine, line, &archive, &[Answer::Good]);
            assert!(!success && said.contains(complaint), "{said}");
            assert!(
                installed(&machine).iter().all(|(name, _)| name == ".bpc-unpack"),
                "{:?}",
                installed(&machine)
            );
        }
    }
}

#[test]
fn a_first_download_without_a_digest_is_the_right_one_from_then_on() {
    let line = "fetch \"$1\" '' \"$BPC_ROOT/opt/tool\"";
    for shell in shells_beside(&["curl", "tar", "gzip"]) {
        let machine = Machine::new(&shell, &[]);
        assert_eq!(run(&machine, line, b"first", &[Answer::Unavailable, Answer::Good]).2, 2);
        assert_eq!(machine.read("opt/tool"), "first");
        assert_eq!(run(&machine, line, b"second", &[]), (true, String::new(), 0));

        fs::remove_file(machine.host_path("opt/tool")).unwrap();
        let (success, said, _) = run(&machine, line, b"second", &[Answer::Good]);
        assert!(!success && said.contains(&format!("expected {}", sha256(b"first"))), "{said}");
        assert!(!machine.host_path("opt/tool").exists());
    }
}
