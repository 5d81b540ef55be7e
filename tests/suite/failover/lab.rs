//! The machines that hold a floating address, in network namespaces with their generated files in their places, and two
//! clients: `near` on the first machine's switch, `far` on that of the others. The cable between the switches can be
//! pulled.
//!
//! Behind `near` are the servers of the cluster: it stands for the gateway too, as far as anybody notices.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use bpc::Compiled;
use bpc::site::{FloatingAddress, Machine, Role};

use crate::support::namespaces::Namespaces;
use crate::support::tools::{On, Staged, tool};

/// Gives a machine folders of its own with its files in them, a console that is a file and a journal that is one, then
/// runs what is asked for on stdin, line by line, and says `done STATUS` after each. systemctl is one that writes down what
/// it is told.
const MACHINE: &str = r#"
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/haproxy
mkdir -p /run/etc /run/dev
cp -a /etc/. /run/etc && cp -r "$1/etc/." /run/etc && mount --bind /run/etc /etc
mount -t tmpfs -o mode=755 tmpfs /usr/local && cp -r "$1/usr/local/." /usr/local
for device in null zero random urandom; do
  : >"/run/dev/$device" && mount --bind "/dev/$device" "/run/dev/$device"
done
: >/run/dev/ttyS0
mount --rbind /run/dev /dev
chmod 600 /etc/keepalived/password.conf
mkdir -p /usr/local/bin
printf '#!/bin/sh\necho "$*" >>/run/systemctl\n' >/usr/local/bin/systemctl
chmod 755 /usr/local/bin/systemctl
python3 -c 'import socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
print("done 0", flush=True)
with open("/run/journal", "wb", 0) as journal:
    while True:
        journal.write(log.recv(4096) + b"\n")' &
while read -r line; do
  (eval "$line") </dev/null
  echo "done $?"
done
"#;

/// An API server, or what looks like one to its clients: `ADDRESS CERTIFICATE KEY CODE`.
const SERVE: &str = r#"
import http.server, socketserver, ssl, sys

class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = f"{sys.argv[1]} sees {self.client_address[0]}\n".encode()
        self.send_response(int(sys.argv[4]))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass

class Server(http.server.ThreadingHTTPServer):
    # Without a look for its own name, which no DNS here has.
    def server_bind(self):
        socketserver.TCPServer.server_bind(self)

    def get_request(self):
        connection, peer = super().get_request()
        return tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), peer

    def handle_error(self, *_):
        pass

tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[2], sys.argv[3])
Server((sys.argv[1], 6443), Api).serve_forever()
"#;

/// A running machine.
pub(super) struct Node {
    pub(super) name: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    files: Staged,
}

impl Node {
    /// Runs a line of sh on the machine; it must succeed.
    pub(super) fn run(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").unwrap();
        self.said(line)
    }

    fn said(&mut self, what: &str) -> String {
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "{} has ended: {what}", self.name);
            match line.strip_prefix("done ") {
                Some("0\n") => return said,
                Some(status) => panic!("{}: {what}: {status}{said}", self.name),
                None => said += &line,
            }
        }
    }

    /// Whether a line of sh succeeds.
    pub(super) fn does(&mut self, line: &str) -> bool {
        self.run(&format!("if {line}; then echo yes; else echo no; fi")).ends_with("yes\n")
    }

    /// Makes the user of the checks and starts keepalived, as the stage and the unit do.
    pub(super) fn keepalived(&mut self) {
        self.run("/usr/local/lib/bpc/stages/08-keepalived-user");
        let log = self.files.path_for("log").display().to_string();
        self.run(&format!(
            "keepalived --dont-fork --log-console >>{log} 2>&1 & echo $! >/run/keepalived.main"
        ));
    }

    /// Starts HAProxy.
    pub(super) fn haproxy(&mut self) {
        self.run("mkdir -p /run/haproxy; echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind");
        self.run("haproxy -D -p /run/haproxy.main -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/users.cfg");
    }

    /// Starts an API server with a certificate of the machine (below /etc/kubernetes/pki) that answers with this status.
    pub(super) fn api(&mut self, address: &str, certificate: &str, code: &str) {
        let script = self.files.path_for("serve.py");
        let pair = format!("/etc/kubernetes/pki/{certificate}");
        let serve = format!("python3 {} {address} {pair}.crt {pair}.key {code}", script.display());
        self.run(&format!("{serve} 2>/run/api.log & echo $! >/run/api.main"));
        let listens = "grep -q ':192B 00000000:0000 0A' /proc/net/tcp";
        self.run(&format!("timeout 20 sh -c \"until {listens}; do sleep 0.1; done\""));
    }

    /// Sends a signal to a program.
    pub(super) fn signal(&mut self, program: &str, signal: &str) {
        self.run(&format!("kill -{signal} $(cat /run/{program}.main)"));
    }

    /// What keepalived has logged.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.files.host_path().join("log")).unwrap_or_default()
    }

    /// What the console says of the floating address, in order.
    pub(super) fn told(&mut self) -> Vec<String> {
        let console = self.run("cat /dev/ttyS0");
        let start = format!("bpc: {} floating address ", self.name);
        let states =
            console.lines().map(|line| line.strip_prefix(&start).unwrap().split_once(' ').unwrap().1);
        states.map(str::to_owned).collect()
    }
}

/// The whole network.
pub(super) struct Lab {
    pub(super) built: Compiled,
    on: On,
    pub(super) floating: FloatingAddress,
    pub(super) nodes: Vec<Node>,
    servers: Vec<(Child, Staged)>,
    namespaces: Namespaces,
}

impl Lab {
    /// The machines of a blueprint that can hold its floating address, with nothing running on them.
    pub(super) fn new(on: On, built: Compiled) -> Option<Self> {
        let programs = ["keepalived", "haproxy", "curl", "python3"].map(|program| (on, program));
        let namespaces = Namespaces::with(&programs)?;
        let floating = built.site.floating[0].clone();
        let mut lab = Self { built, on, floating, nodes: Vec::new(), servers: Vec::new(), namespaces };
        lab.namespaces.sh(&lab.cables());
        let site = &lab.built.site;
        let machines: Vec<Machine> = site.with_role(lab.floating.role).cloned().collect();
        lab.nodes = machines.iter().map(|machine| lab.node(machine)).collect();
        Some(lab)
    }

    fn network(&self) -> &bpc::site::Network {
        self.built.site.network(&self.floating.network).unwrap()
    }

    /// Commands that make switches, machines and clients: `near` has the router's address, and those of all machines on
    /// other networks.
    fn cables(&self) -> String {
        let network = self.network();
        let prefix = network.cidr.prefix_len();
        let mut script = String::from(
            "ip link add s0 type bridge; ip link set s0 up; ip link add s1 type bridge; ip link set s1 up\n\
             ip link add trunk type veth peer name knurt\n\
             ip link set trunk master s0 up; ip link set knurt master s1 up\n",
        );
        let mut port = 0;
        let mut plug = |name: &str, interface: &str, switch: usize, address: &str| {
            let _ = writeln!(
                script,
                "ip netns add {name}; ip -n {name} link set lo up\n\
                 ip link add p{port} type veth peer name {interface} netns {name}\n\
                 ip link set p{port} master s{switch} up\n\
                 ip -n {name} addr add {address}/{prefix} brd + dev {interface}; ip -n {name} link set dev {interface} up"
            );
            port += 1;
        };
        let router = network.gateway.unwrap().router;
        let far = network.gateway.unwrap().resolver;
        plug("near", "eth0", 0, &router.to_string());
        plug("far", "eth0", 1, &far.to_string());
        for (place, machine) in self.built.site.with_role(self.floating.role).enumerate() {
            let on = machine.on(&network.name).unwrap();
            plug(&machine.name, &on.interface, place.min(1), &on.address().to_string());
        }
        for machine in self.built.site.with_role(self.floating.role) {
            let _ = writeln!(script, "ip -n {} route add default via {router}", machine.name);
        }
        for machine in self.built.site.machines.iter().filter(|machine| machine.on(&network.name).is_none()) {
            let _ = writeln!(script, "ip -n near addr add {}/32 dev lo", machine.address());
        }
        script
    }

    /// Starts a machine, with all that its seed puts there.
    fn node(&self, machine: &Machine) -> Node {
        let shell = tool(self.on, "sh").unwrap();
        let files = shell.stage(&[("serve.py", SERVE.as_bytes())]);
        let prefix = format!("machines/{}/files/", machine.name);
        for file in &self.built.artifacts.files {
            let Some(path) = file.path.strip_prefix(&prefix) else { continue };
            let path = files.host_path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, file.content.bytes()).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode())).unwrap();
        }
        let mut command = shell.command();
        command.args(["-uc", MACHINE, "sh"]).arg(files.path_for(""));
        let mut command = self.namespaces.command(&machine.name, &command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let name = machine.name.clone();
        let mut node = Node { name, child, input, output: BufReader::new(output), files };
        node.said("start");
        node
    }

    /// Starts the API servers of the cluster behind `near`, with their certificates.
    pub(super) fn serve(&mut self) {
        let python = tool(self.on, "python3").unwrap();
        let machines: Vec<Machine> = self.built.site.with_role(Role::ControlPlane).cloned().collect();
        for machine in machines {
            let files = self.certificate(&machine);
            let mut command = python.command();
            command.args(["-c", SERVE, &machine.address().to_string()]);
            command.args([files.path_for("crt"), files.path_for("key")]).arg("200");
            let mut command = self.namespaces.command("near", &command);
            self.servers.push((command.spawn().unwrap(), files));
            let probe = format!("https://{}:6443/readyz", machine.address());
            self.until("the server", || self.answer("near", &probe).is_some());
        }
    }

    fn certificate(&self, machine: &Machine) -> Staged {
        let file = |end: &str| {
            let name = format!("files/etc/kubernetes/pki/apiserver.{end}");
            crate::built::artifact(&self.built, &machine.name, &name)
        };
        tool(self.on, "python3").unwrap().stage(&[("crt", file("crt")), ("key", file("key"))])
    }

    /// Who answers a client at an address, if anybody does whom the cluster's authority knows.
    pub(super) fn answer(&self, client: &str, url: &str) -> Option<String> {
        let curl = tool(self.on, "curl").unwrap();
        let authority = self.built.credentials.authority(bpc::site::AuthorityKind::Kubernetes).unwrap();
        let files = curl.stage(&[("ca.crt", authority.certificate().pem().as_bytes())]);
        let mut command = curl.command();
        command.args(["--silent", "--fail", "--max-time", "1", "--cacert"]).arg(files.path_for("ca.crt"));
        let output = self.namespaces.command(client, command.arg(url)).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// Whether a client reaches the API at the floating address.
    pub(super) fn is_served(&self, client: &str) -> bool {
        self.answer(client, &format!("https://{}:6443/readyz", self.floating.address)).is_some()
    }

    /// Runs shell commands where the switches are.
    fn sh(&self, script: &str) -> String {
        self.namespaces.sh(script)
    }

    /// The places of the machines that have the floating address now.
    pub(super) fn holders(&self) -> Vec<usize> {
        let wanted = format!("{}/{}", self.floating.address, self.network().cidr.prefix_len());
        let holds = |node: &&Node| {
            let script = format!("ip -n {} -oneline address show to {}", node.name, self.floating.address);
            let found = self.sh(&script);
            assert!(found.is_empty() || found.contains(&wanted), "{found}");
            !found.is_empty()
        };
        let names: Vec<&Node> = self.nodes.iter().collect();
        (0..names.len()).filter(|place| holds(&names[*place])).collect()
    }

    /// Waits until these machines, and no others, have the address; how long it took.
    pub(super) fn until_held_by(&self, places: &[usize]) -> Duration {
        self.until(&format!("held by {places:?}"), || self.holders() == places)
    }

    /// Waits until something is so; how long it took.
    pub(super) fn until(&self, what: &str, is_so: impl Fn() -> bool) -> Duration {
        let start = Instant::now();
        while !is_so() {
            let logs = || self.nodes.iter().map(Node::log).collect::<Vec<_>>().join("\n");
            assert!(start.elapsed() < Duration::from_secs(60), "{what}: {:?}\n{}", self.holders(), logs());
            std::thread::sleep(Duration::from_millis(50));
        }
        start.elapsed()
    }

    /// Has the cable of a machine pulled (`down`) or put back (`up`).
    pub(super) fn cable_of(&self, place: usize, state: &str) {
        // The clients have the first two.
        self.sh(&format!("ip link set p{} {state}", place + 2));
    }

    /// The same with the cable between the switches.
    pub(super) fn trunk(&self, state: &str) {
        self.sh(&format!("ip link set trunk {state}"));
    }

    /// Asserts that nobody else gets the address for a while in which an election would have had its end.
    pub(super) fn stays_with(&self, place: usize) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(4) {
            assert_eq!(self.holders(), [place]);
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.namespaces.end();
        let servers = self.servers.iter_mut().map(|(child, _)| child);
        for child in self.nodes.iter_mut().map(|node| &mut node.child).chain(servers) {
            let _ = child.wait();
        }
    }
}
