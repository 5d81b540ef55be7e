//! Members of etcd in network namespaces, each with its generated files in their places and a systemctl that does what the
//! unit says.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use bpc::Compiled;
use bpc::site::{EtcdTopology, Machine, Role};
use jiff::Timestamp;

use crate::built::changed_in;
use crate::support::namespaces::Namespaces;
use crate::support::tools::{On, Staged, tool};

/// Gives a machine folders of its own with its files in them, beside programs that nothing here can change, and the
/// distribution's etcd where the stage would have put another one; then runs what is asked for on stdin, line by line, and says `done STATUS` after each.
const MACHINE: &str = r#"
mount --rbind /usr /usr && mount -o remount,bind,ro /usr || exit 1
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mkdir -p /run/etc /run/dev /var/lib/bpc
cp -a /etc/. /run/etc && cp -r "$1/etc/." /run/etc && mount --bind /run/etc /etc
mount -t tmpfs -o mode=755 tmpfs /usr/local && cp -r "$1/usr/local/." /usr/local
for device in null zero random urandom; do
  : >"/run/dev/$device" && mount --bind "/dev/$device" "/run/dev/$device"
done
mkdir /run/dev/pts && mount -t devpts -o newinstance,ptmxmode=0666 devpts /run/dev/pts
ln -s pts/ptmx /run/dev/ptmx
mount --rbind /run/dev /dev
mkdir -p /usr/local/bin
install -m 755 "$1/systemctl" /usr/local/bin/systemctl
ln -s /usr/bin/etcd /usr/bin/etcdctl /usr/bin/etcdutl /usr/local/bin
[ ! -d /etc/etcd/pki ] || chmod 600 /etc/etcd/pki/*.key
echo "done 0"
while read -r line; do
  (eval "$line") </dev/null
  echo "done $?"
done
"#;

/// systemctl of the only service there is: who runs it, what with and where is read from its unit.
const SYSTEMCTL: &str = r#"#!/bin/sh
set -eu
echo "$*" >>/run/systemctl
unit=/etc/systemd/system/etcd.service
value() {
  sed -n "s/^$1=//p" "$unit"
}
alive() {
  [ -s /run/etcd.pid ] && readlink "/proc/$(cat /run/etcd.pid)/exe" >/run/exe
}
stop() {
  if alive; then
    kill "$(cat /run/etcd.pid)"
    while alive; do sleep 0.1; done
  fi
}
start() {
  if alive || [ -e "$(value ConditionPathExists | tr -d '!')" ]; then
    return
  fi
  user=$(value User) state=/var/lib/$(value StateDirectory)
  install -d -m "$(value StateDirectoryMode)" -o "$user" -g "$user" "$state"
  rm -rf /run/credentials
  install -d -m 0500 -o "$user" /run/credentials/etcd.service
  value LoadCredential | while IFS=: read -r name file; do
    install -m 0400 -o "$user" "$file" "/run/credentials/etcd.service/$name"
  done
  umask "$(value UMask)"
  # shellcheck disable=SC2046  # a command with its arguments
  setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all \
    $(value ExecStart) >>/run/etcd.log 2>&1 </dev/null &
  echo $! >/run/etcd.pid
}
case $* in
  "daemon-reload" | "enable etcd") ;;
  "stop etcd") stop ;;
  "--no-block start etcd") start ;;
  "--no-block restart etcd") stop && start ;;
  *) exit 1 ;;
esac
"#;

/// A blueprint of this repository with certificates that are good today: etcd cannot be told the time.
pub(super) fn built_today(name: &str) -> Compiled {
    let today = Timestamp::now().to_string().split_once('T').unwrap().0.to_owned();
    changed_in("blueprints", name, |text| text.replace("epoch: 2026-01-01", &format!("epoch: {today}")))
}

/// A running machine.
pub(super) struct Node {
    pub(super) name: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _files: Staged,
}

impl Node {
    /// Runs a line of sh on the machine; it must succeed.
    pub(super) fn run(&mut self, line: &str) -> String {
        self.begin(line);
        self.end(line)
    }

    fn begin(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    fn end(&mut self, line: &str) -> String {
        match self.ended(line) {
            (true, said) => said,
            (false, said) => {
                let log = self.log();
                panic!("{}: {line}: {said}\n{log}", self.name)
            }
        }
    }

    /// Whether what was begun succeeded, and what it said.
    fn ended(&mut self, line: &str) -> (bool, String) {
        let mut said = String::new();
        loop {
            let mut next = String::new();
            assert_ne!(self.output.read_line(&mut next).unwrap(), 0, "{} has ended: {line}", self.name);
            match next.strip_prefix("done ") {
                Some(status) => return (status == "0\n", said),
                None => said += &next,
            }
        }
    }

    /// Whether a line of sh succeeds, and what it said on both streams.
    pub(super) fn tries(&mut self, line: &str) -> (bool, String) {
        self.begin(&format!("exec 2>&1; {line}"));
        self.ended(line)
    }

    /// Runs a line until it succeeds.
    pub(super) fn until(&mut self, line: &str) -> String {
        let start = Instant::now();
        loop {
            match self.tries(line) {
                (true, said) => return said,
                (false, said) => {
                    assert!(start.elapsed() < Duration::from_secs(90), "{}: {line}: {said}", self.name);
                }
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn log(&mut self) -> String {
        self.begin("tail -n 30 /run/etcd.log");
        self.ended("log").1
    }
}

/// Machines on one switch.
pub(super) struct Lab {
    pub(super) nodes: Vec<Node>,
    namespaces: Namespaces,
}

impl Lab {
    /// The machines of a blueprint that keep its state, on Debian 13, with nothing running on them.
    pub(super) fn new(built: &Compiled) -> Option<Self> {
        let programs = ["etcd", "etcdctl", "etcdutl", "setpriv", "systemd-sysusers"];
        let namespaces = Namespaces::with(&programs.map(|program| (On::Trixie, program)))?;
        let external = built.site.kubernetes.as_ref().unwrap().etcd == EtcdTopology::External;
        let role = if external { Role::Etcd } else { Role::ControlPlane };
        let machines: Vec<&Machine> = built.site.with_role(role).collect();
        let mut script = String::from("ip link add switch type bridge; ip link set switch up\n");
        for (port, machine) in machines.iter().enumerate() {
            let (name, address) = (&machine.name, machine.address());
            let _ = writeln!(
                script,
                "ip netns add {name}; ip -n {name} link set lo up\n\
                 ip link add p{port} type veth peer name mast netns {name}\n\
                 ip link set p{port} master switch up\n\
                 ip -n {name} addr add {address}/24 dev mast; ip -n {name} link set dev mast up"
            );
        }
        namespaces.sh(&script);
        let nodes = machines.iter().map(|machine| node(built, machine, &namespaces)).collect();
        Some(Self { nodes, namespaces })
    }

    /// Runs a line of sh on all machines at once; it must succeed on each.
    pub(super) fn all(&mut self, line: &str) -> Vec<String> {
        self.nodes.iter_mut().for_each(|node| node.begin(line));
        self.nodes.iter_mut().map(|node| node.end(line)).collect()
    }
}

/// Starts a machine, with all that its seed puts there.
fn node(built: &Compiled, machine: &Machine, namespaces: &Namespaces) -> Node {
    let shell = tool(On::Trixie, "sh").unwrap();
    let files = shell.stage(&[("systemctl", SYSTEMCTL.as_bytes())]);
    let prefix = format!("machines/{}/files/", machine.name);
    for file in &built.artifacts.files {
        let Some(path) = file.path.strip_prefix(&prefix) else { continue };
        let path = files.host_path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, file.content.bytes()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode())).unwrap();
    }
    let mut command = shell.command();
    command.args(["-uc", MACHINE, "sh"]).arg(files.path_for(""));
    let mut command = namespaces.command(&machine.name, &command);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let name = machine.name.clone();
    let mut node = Node { name, child, input, output: BufReader::new(output), _files: files };
    node.end("start");
    node
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.namespaces.end();
        for node in &mut self.nodes {
            let _ = node.child.wait();
        }
    }
}
