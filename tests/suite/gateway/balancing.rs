//! The load balancers at work behind the firewall, with the real HAProxy: what it takes for a good server, whom it shows
//! its statistics, and what clients see when a server fails or the floating address moves.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use bpc::Compiled;
use bpc::pki::{Curve, KeyPair, Leaf, Subject, Usage, Validity};
use bpc::site::{AuthorityKind, SharedSecret};
use jiff::Timestamp;

use super::lab::{Lab, python};
use crate::built::{artifact, changed, files};
use crate::support::tools::{On, Staged, tool};
use crate::support::vault::vault;

/// An API server as far as load balancers and clients see it: `SERVER FOLDER NAME` serves with the certificate in
/// FOLDER, answers its name, and on /readyz what stands in FOLDER/status at that time.
const SERVER: &str = r#"
import http.server, pathlib, socketserver, ssl, sys
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        ready = self.path == "/readyz"
        text = name.encode()
        self.send_response(int((folder / "status").read_text()) if ready else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass

# HTTPServer would ask for its name first, and nobody answers.
server = socketserver.ThreadingTCPServer(("", 6443), Handler)
server.handle_error = lambda *arguments: None
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "crt", folder / "key")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("ready", flush=True)
server.serve_forever()
"#;

/// Starts HAProxy with the files of a machine where its unit looks for them; prints `ready` when it listens.
const HAPROXY: &str = r#"
mount --bind "$1" /etc/haproxy
mount -t tmpfs tmpfs /run
mkdir /run/haproxy
haproxy -W -p /run/haproxy.pid -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/users.cfg >/run/log 2>&1 &
until curl --silent --fail http://127.0.0.1:8405/alive >/run/alive; do
  if ! kill -0 "$!" 2>/dev/null; then
    grep --only-matching 'cannot bind socket' /run/log | head -n 1
    exit
  fi
  sleep 0.1
done
echo ready
wait
"#;

/// The routed data centre of today with five control planes, whose checks are quick.
fn built(more: &str) -> Compiled {
    let today = Timestamp::now().to_string().split_once('T').unwrap().0.to_owned();
    changed("routed", |text| {
        let text =
            text.replace("2026-01-01", &today).replace("control-plane, count: 1", "control-plane, count: 5");
        let quick = "load_balancer:\n  api: {check: {interval: 200ms}}\n";
        format!("{}{more}\n", text.replace("load_balancer:\n", quick))
    })
}

/// A certificate with its chain, and its key.
type Pair = (Vec<u8>, Vec<u8>);

/// The one of that name on a control plane.
fn placed(built: &Compiled, machine: &str, name: &str) -> Pair {
    let file =
        |end: &str| artifact(built, machine, &format!("files/etc/kubernetes/pki/{name}.{end}")).to_vec();
    (file("crt"), file("key"))
}

/// One for a server that has this name and no other.
fn issued(built: &Compiled, authority: AuthorityKind, name: &str) -> Pair {
    let authority = built.credentials.authority(authority).unwrap();
    let key = KeyPair::derive(&vault().derivation("routed", "another server", 0), Curve::P256).unwrap();
    let plan = &built.site.kubernetes.as_ref().unwrap().certificates;
    let leaf = Leaf {
        subject: Subject::named(name),
        usage: Usage::Server,
        dns_names: vec![name.to_owned()],
        addresses: Vec::new(),
        validity: Validity { not_before: plan.not_before, not_after: plan.certificates_until },
    };
    let chain = authority.chain_pem(&authority.issue(&key, &leaf).unwrap());
    (chain.into_bytes(), key.private_pem().unwrap().expose().clone().into_bytes())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

struct Balanced {
    lab: Lab,
    servers: Vec<Staged>,
}

impl Balanced {
    /// The lab with its firewall, an API server on each control plane with these certificates and answers, and HAProxy
    /// on both load balancers; the first one holds the address.
    fn new(on: On, built: Compiled, servers: Vec<(Pair, u16)>) -> Option<Self> {
        let lab = Lab::of(on, built, &["haproxy", "curl", "ss"])?;
        lab.load_firewall();
        lab.sh("ip -n hapx01 addr add 10.2.0.20/32 dev vip");
        let shell = tool(on, "sh").unwrap();
        let mut folders = Vec::new();
        for (index, ((chain, key), status)) in servers.into_iter().enumerate() {
            let status = status.to_string();
            let folder = shell.stage(&[("crt", &chain), ("key", &key), ("status", status.as_bytes())]);
            let name = format!("mast0{}", index + 1);
            let mut server = python(&lab, SERVER);
            server.arg(folder.path_for("")).arg(&name);
            assert_eq!(lab.start(&name, &server, None), "ready");
            folders.push(folder);
        }
        for machine in ["hapx01", "hapx02"] {
            lab.sh(&nonlocal_bind(&lab.built, machine));
            assert_eq!(start_haproxy(&lab, machine), "ready");
        }
        Some(Self { lab, servers: folders })
    }

    /// Sets what a control plane answers when it is asked whether it is ready.
    fn answer(&self, index: usize, status: u16) {
        std::fs::write(self.servers[index - 1].host_path().join("status"), status.to_string()).unwrap();
    }

    /// The servers of the API that a load balancer uses, when they have become these: a line that says so.
    fn used(&self, address: &str, expected: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let used = self.servers_up(address);
            if used == expected || Instant::now() > deadline {
                return used;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn servers_up(&self, address: &str) -> String {
        let password = text(self.lab.built.credentials.shared(SharedSecret::StatsPassword).unwrap().expose());
        let (status, csv) = self.curl(
            "jump",
            &["--user", &format!("operator:{password}"), &format!("http://{address}:8404/;csv")],
        );
        assert_eq!(status, "200", "{csv}");
        let rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let up = rows
            .filter(|row| row[0] == "kube-api" && row[1].starts_with("mast") && row[17].starts_with("UP"));
        up.map(|row| row[1].to_owned()).collect::<Vec<_>>().join(" ")
    }

    /// The status of an answer, `000` without one, and its text.
    fn curl(&self, machine: &str, arguments: &[&str]) -> (String, String) {
        let curl = tool(self.lab.on, "curl").unwrap();
        let mut command = curl.command();
        command.args(["--silent", "--max-time", "5", "--write-out", "\n%{http_code}"]).args(arguments);
        let output = self.lab.command(machine, &command).output().unwrap();
        let (body, status) =
            text(&output.stdout).rsplit_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        (status, body)
    }

    /// Which control plane answers a client that asks at the floating address and trusts the cluster's authority alone.
    fn asked(&self, machine: &str) -> String {
        let curl = tool(self.lab.on, "curl").unwrap();
        let authority = self.lab.built.credentials.authority(AuthorityKind::Kubernetes).unwrap();
        let staged = curl.stage(&[("ca.crt", authority.certificate().pem().as_bytes())]);
        let file = staged.path_for("ca.crt");
        let trusted = ["--cacert", file.to_str().unwrap(), "--connect-to", "kubernetes:6443:10.2.0.20:6443"];
        self.curl(machine, &[&trusted[..], &["https://kubernetes:6443/name"]].concat()).1
    }
}

/// Commands that set what the machine's sysctl.d file sets.
fn nonlocal_bind(built: &Compiled, machine: &str) -> String {
    let file = artifact(built, machine, "files/etc/sysctl.d/zz-bpc-nonlocal-bind.conf");
    let mut script = String::new();
    for line in text(file).lines().filter(|line| !line.starts_with('#')) {
        let (key, value) = line.split_once(" = ").unwrap();
        let _ = writeln!(script, "ip netns exec {machine} busybox sysctl -q -w {key}={value}");
    }
    script
}

/// `ready`, or why HAProxy did not start.
fn start_haproxy(lab: &Lab, machine: &str) -> String {
    let shell = tool(lab.on, "sh").unwrap();
    let machine = lab.built.site.machines.iter().find(|it| it.name == machine).unwrap();
    let files: Vec<(&str, &[u8])> = files(&lab.built, machine)
        .into_iter()
        .filter_map(|(path, content)| Some((path.strip_prefix("/etc/haproxy/")?, content)))
        .collect();
    let staged = shell.stage(&files);
    let mut command: Command = shell.command();
    command.args(["-euc", HAPROXY, "sh"]).arg(staged.path_for(""));
    lab.start(&machine.name, &command, Some(staged))
}

fn only_a_good_server_is_used(on: On) {
    let ours = built("");
    let strangers = built("rotate: {kubernetes-ca: 1}");
    let api = |index: usize| placed(&ours, &format!("mast0{index}"), "apiserver");
    let servers = vec![
        (api(1), 200),
        (placed(&strangers, "mast02", "apiserver"), 200),
        (api(3), 401),
        (api(4), 500),
        // Signed by the right authority, for something else.
        (issued(&ours, AuthorityKind::Kubernetes, "metrics"), 200),
    ];
    let Some(balanced) = Balanced::new(on, ours.clone(), servers) else { return };
    for address in ["10.3.0.2", "10.3.0.3"] {
        assert_eq!(balanced.used(address, "mast01"), "mast01");
    }
    assert_eq!(balanced.asked("node01"), "mast01");

    balanced.answer(4, 200);
    assert_eq!(balanced.used("10.3.0.2", "mast01 mast04"), "mast01 mast04");
    balanced.answer(1, 500);
    for address in ["10.3.0.2", "10.3.0.3"] {
        assert_eq!(balanced.used(address, "mast04"), "mast04");
    }
    assert_eq!(balanced.asked("node01"), "mast04");

    // The other one has been listening on the address all the time.
    balanced
        .lab
        .sh("ip -n hapx01 addr del 10.2.0.20/32 dev vip; ip -n hapx02 addr add 10.2.0.20/32 dev vip\n\
         ip -n gate neigh flush all");
    assert_eq!(balanced.asked("node01"), "mast04");
    assert_eq!(balanced.asked("jump"), "mast04");
}

#[test]
fn only_a_good_server_is_used_debian_12() {
    only_a_good_server_is_used(On::Bookworm);
}

#[test]
fn only_a_good_server_is_used_debian_13() {
    only_a_good_server_is_used(On::Trixie);
}

/// Below a root every authority's certificates lead to the same root, and still only one of them may sign the API's.
fn below_a_root_one_authority_is_trusted(on: On) {
    let built = built("pki: {root: true}");
    let other = issued(&built, AuthorityKind::Etcd, "kubernetes");
    let servers = vec![(placed(&built, "mast01", "apiserver"), 200), (other, 200)];
    let Some(balanced) = Balanced::new(on, built, servers) else { return };
    assert_eq!(balanced.used("10.3.0.2", "mast01"), "mast01");
}

#[test]
fn below_a_root_one_authority_is_trusted_debian_12() {
    below_a_root_one_authority_is_trusted(On::Bookworm);
}

#[test]
fn below_a_root_one_authority_is_trusted_debian_13() {
    below_a_root_one_authority_is_trusted(On::Trixie);
}

fn statistics_are_for_the_operator(on: On) {
    let Some(balanced) = Balanced::new(on, built(""), Vec::new()) else { return };
    let files = &balanced.lab.built.artifacts.files;
    let file = files.iter().find(|file| file.path == "load-balancer/stats-password").unwrap();
    let operator = format!("operator:{}", text(file.content.bytes()).trim_end());
    let page = "http://10.3.0.2:8404/";
    let mut found = Vec::new();
    for user in [None, Some("operator:wrong"), Some("admin:admin"), Some(operator.as_str())] {
        let user = user.map_or_else(Vec::new, |user| vec!["--user", user]);
        found.push(balanced.curl("jump", &[&user[..], &[page]].concat()).0);
    }
    assert_eq!(found, ["401", "401", "401", "200"]);
    // Nothing can be changed there.
    let change = ["--user", &operator, "--data", "s=mast01&action=maint&b=%234", page];
    balanced.curl("jump", &change);
    let csv = balanced.curl("jump", &["--user", &operator, "http://10.3.0.2:8404/;csv"]).1;
    assert!(csv.contains("kube-api,mast01,") && !csv.contains("MAINT"), "{csv}");
    assert_eq!(balanced.curl("hapx01", &["http://127.0.0.1:8405/alive"]).0, "200");
    assert_eq!(balanced.curl("hapx01", &["http://127.0.0.1:8405/"]).0, "503");

    let listening = balanced.lab.run("hapx01", "ss", &["-ltnH"]);
    let mut sockets: Vec<&str> =
        listening.lines().map(|line| line.split_whitespace().nth(3).unwrap()).collect();
    sockets.sort_unstable();
    sockets.dedup();
    let expected = [
        "10.2.0.20:443",
        "10.2.0.20:6443",
        "10.2.0.20:80",
        "10.2.0.20:8080",
        "10.3.0.2:8404",
        "127.0.0.1:8405",
    ];
    assert_eq!(sockets, expected);
}

#[test]
fn statistics_are_for_the_operator_debian_12() {
    statistics_are_for_the_operator(On::Bookworm);
}

#[test]
fn statistics_are_for_the_operator_debian_13() {
    statistics_are_for_the_operator(On::Trixie);
}

#[test]
fn without_the_setting_of_its_seed_haproxy_cannot_wait_for_the_address() {
    let Some(lab) = Lab::of(On::Trixie, built(""), &["haproxy"]) else { return };
    assert_eq!(start_haproxy(&lab, "hapx02"), "cannot bind socket");
}
