//! Where containerd asks for an image: pulled by itself through its mirrors, of which each is a web server on loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::built::artifact;
use crate::node::with;
use crate::support::tools::{On, Staged, Tool, tool};

/// The paths of mirrors, and where each is asked for the image `x/y:1`.
const MIRRORS: [(&str, &str); 8] = [
    ("", "/v2/x/y/manifests/1"),
    ("/", "/v2/x/y/manifests/1"),
    ("/hub", "/hub/v2/x/y/manifests/1"),
    ("/v2hub", "/v2hub/v2/x/y/manifests/1"),
    ("/v2", "/v2/x/y/manifests/1"),
    ("/hub/v2/", "/hub/v2/x/y/manifests/1"),
    ("/v2/dockerhub-proxy", "/v2/dockerhub-proxy/x/y/manifests/1"),
    ("/a/v2/b/c/", "/a/v2/b/c/x/y/manifests/1"),
];

/// Only what a pull needs; nothing of the rest may do something to the machine, or want `/proc`.
const CONFIGURATION: &str = r#"
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing",
  "io.containerd.snapshotter.v1.btrfs"]
"#;

/// A web server that has nothing, and says what it was asked for: `HEAD /v2/...`.
fn server() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (note, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            lines.find(String::is_empty);
            let _ =
                stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            if note.send(first).is_err() {
                return;
            }
        }
    });
    (port, requests)
}

/// A containerd that ends with the test.
struct Daemon<'a> {
    child: Child,
    client: Tool,
    staged: &'a Staged,
}

impl<'a> Daemon<'a> {
    fn start(on: On, containerd: &Tool, staged: &'a Staged) -> Option<Self> {
        let client = tool(on, "ctr")?;
        let mut command = containerd.command();
        command.arg("--config").arg(staged.path_for("config.toml"));
        for (option, name) in [("--root", "root"), ("--state", "state"), ("--address", "socket")] {
            command.arg(option).arg(staged.path_for(name));
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let daemon = Self { child, client, staged };
        let end = Instant::now() + Duration::from_secs(60);
        while !staged.host_path().join("socket").exists() {
            assert!(Instant::now() < end, "{on:?}: containerd does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(daemon)
    }

    /// Tries to pull an image, which no server has.
    fn pull(&self, image: &str) {
        let mut command = self.client.command();
        command.arg("--address").arg(self.staged.path_for("socket")).args(["images", "pull", "--hosts-dir"]);
        let output = command.arg(self.staged.path_for("certs.d")).arg(image).output().unwrap();
        assert!(!output.status.success(), "{image}");
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The hosts that the image's registry has are asked in order: the mirror, then `localhost:N`, where nothing listens.
#[test]
fn each_mirror_is_asked_where_it_has_its_api() {
    for (on, version) in [(On::Trixie, "1.7"), (On::Forky, "2.1")] {
        let Some(containerd) = tool(on, "containerd") else { continue };
        let (port, requests) = server();
        let registries: Vec<String> =
            (1..=MIRRORS.len()).map(|number| format!("localhost:{number}")).collect();
        let mirrors: Vec<String> = registries
            .iter()
            .zip(MIRRORS)
            .map(|(registry, (path, _))| format!("\"{registry}\": [\"http://127.0.0.1:{port}{path}\"]"))
            .collect();
        let built = with(&format!("containerd: \"{version}\", registry_mirrors: {{{}}}", mirrors.join(", ")));
        let files: Vec<(String, &[u8])> = registries
            .iter()
            .map(|registry| format!("certs.d/{registry}/hosts.toml"))
            .map(|path| (path.clone(), artifact(&built, "node01", &format!("files/etc/containerd/{path}"))))
            .collect();
        let mut staged: Vec<(&str, &[u8])> = vec![("config.toml", CONFIGURATION.as_bytes())];
        staged.extend(files.iter().map(|(path, content)| (path.as_str(), *content)));
        let staged = containerd.stage(&staged);
        let Some(daemon) = Daemon::start(on, &containerd, &staged) else { continue };
        for (registry, (path, expected)) in registries.iter().zip(MIRRORS) {
            daemon.pull(&format!("{registry}/x/y:1"));
            let asked: Vec<String> = requests.try_iter().collect();
            let first = asked.first().unwrap_or_else(|| panic!("{on:?}: {path:?} was not asked"));
            let expected = format!("HEAD {expected}?ns={} HTTP/1.1", registry.replace(':', "%3A"));
            assert_eq!(*first, expected, "{on:?}: {path:?}");
        }
    }
}
