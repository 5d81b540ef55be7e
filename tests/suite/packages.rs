//! The packages of every machine, looked up in the distribution's own list, and the way that apt takes to them.

mod archive;
mod conflicts;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use bpc::site::Distribution;

use crate::built::{artifact, blueprints, changed};
use crate::support::tools::{On, tool};

/// The packages of all machines with Debian.
fn packages() -> BTreeSet<String> {
    let mut packages = BTreeSet::new();
    for one in blueprints().iter().filter(|one| one.site.image.distribution == Distribution::Debian) {
        for machine in &one.site.machines {
            let stage = artifact(one, &machine.name, "files/usr/local/lib/bpc/stages/10-packages");
            let stage = String::from_utf8(stage.to_vec()).unwrap();
            let list = stage.lines().find_map(|line| line.strip_prefix("PACKAGES=")).unwrap();
            packages.extend(list.trim_matches('\'').split(' ').map(str::to_owned));
        }
    }
    packages
}

fn assert_known(on: On) {
    let Some(apt_cache) = tool(on, "apt-cache") else { return };
    let wanted = packages();
    assert!(wanted.contains("dnsmasq") && wanted.contains("jq"), "{wanted:?}");
    let output = apt_cache.command().arg("show").args(&wanted).output().unwrap();
    let known = String::from_utf8(output.stdout).unwrap();
    let known: BTreeSet<_> =
        known.lines().filter_map(|line| line.strip_prefix("Package: ")).map(str::to_owned).collect();
    let missing: Vec<_> = wanted.difference(&known).collect();
    assert!(missing.is_empty(), "{on:?} has no {missing:?}");
}

#[test]
fn debian_12_has_every_package() {
    assert_known(On::Bookworm);
}

#[test]
fn debian_13_has_every_package() {
    assert_known(On::Trixie);
}

/// A proxy on the loopback address that refuses one request: its port, and the first line of what it is asked.
fn proxy() -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(client.try_clone().unwrap()).read_line(&mut line).unwrap();
        client
            .write_all(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        line.trim_end().to_owned()
    });
    (port, asked)
}

#[test]
fn apt_asks_the_proxy_of_the_blueprint() {
    for on in [On::Bookworm, On::Trixie] {
        let Some(apt_get) = tool(on, "apt-get") else { continue };
        for (scheme, first) in [
            ("http", "GET http://mirror.example/debian/dists/bookworm/InRelease HTTP/1.1"),
            ("https", "CONNECT mirror.example:443 HTTP/1.1"),
        ] {
            let (port, asked) = proxy();
            let built = changed("volumes", |text| {
                text.replace("https://mirror", &format!("{scheme}://mirror"))
                    .replace("proxy.example:3128", &format!("127.0.0.1:{port}"))
            });
            let configuration = artifact(&built, "node", "files/etc/apt/apt.conf.d/zz-bpc");
            let sources = artifact(&built, "node", "files/etc/apt/sources.list.d/bpc.sources");
            let staged = apt_get.stage(&[
                ("apt.conf", configuration),
                ("bpc.sources", sources),
                ("lists/partial/x", b""),
                ("cache/x", b""),
                ("status", b""),
            ]);
            let mut command = apt_get.command();
            command.arg("-c").arg(staged.path_for("apt.conf"));
            for (option, file) in [
                ("Dir::Etc::SourceList", "bpc.sources"),
                ("Dir::State::Lists", "lists"),
                ("Dir::State::Status", "status"),
                ("Dir::Cache", "cache"),
            ] {
                command.args(["-o", &format!("{option}={}", staged.path_for(file).display())]);
            }
            command.args(["-o", "Dir::Etc::SourceParts=-", "-o", "APT::Sandbox::User=root", "update"]);
            let output = command.output().unwrap();
            // If apt has asked nobody, nothing is what it has asked.
            drop(TcpStream::connect(("127.0.0.1", port)));
            assert_eq!(asked.join().unwrap(), first, "{output:?}");
        }
    }
}
