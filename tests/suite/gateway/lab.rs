//! A data centre in network namespaces: the machines of `tests/blueprints/routed` with the adapters, addresses and
//! routes that their seeds give them, switches between them, and the gateway's real programs with its real files.
//!
//! Beside the machines there are `host` (the machine that runs `VirtualBox`, on the host-only network), `outside` (what
//! is behind the gateway's NAT: 10.0.2.2, and 203.0.113.9 as any address of the internet) and `stranger` (in no
//! blueprint, with an adapter on every network).

use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use bpc::Compiled;
use bpc::site::Segment;
use serde_yaml::Value;

use crate::built::{artifact, blueprint};
use crate::support::namespaces::{Namespaces, first_line, succeed};
use crate::support::tools::{On, Staged, Tool, tool};

/// What VirtualBox gives to an adapter on NAT (its manual, section 6.3).
pub(super) const WAN: &str = "10.0.2.15";

/// Starts dnsmasq as Debian's unit does, where nothing is written that outlives it.
const DNSMASQ: &str = "
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib/misc
mkdir -p /run/systemd/resolve
echo 'nameserver 10.0.2.3' >/run/systemd/resolve/resolv.conf
exec dnsmasq --keep-in-foreground --pid-file= --user=dnsmasq --log-facility=- --conf-file=/dev/null --conf-dir=\"$1\" 2>&1
";

pub(super) struct Lab {
    pub(super) built: Compiled,
    /// Where the gateway's programs come from.
    pub(super) on: On,
    namespaces: Namespaces,
    started: Mutex<Vec<(Child, Option<Staged>)>>,
}

impl Lab {
    /// Machines with addresses and routes, the gateway forwarding, no firewall and no dnsmasq yet.
    ///
    /// `None` if something is missing for it.
    pub(super) fn new(on: On) -> Option<Self> {
        Self::of(on, blueprint("routed"), &[])
    }

    /// The same of a blueprint that differs a little from that one, for a test that needs more programs.
    pub(super) fn of(on: On, built: Compiled, more: &[&str]) -> Option<Self> {
        let programs = ["nft", "dnsmasq", "python3"].iter().chain(more).map(|program| (on, *program));
        let namespaces = Namespaces::with(&programs.chain([(On::Host, "busybox")]).collect::<Vec<_>>())?;
        let lab = Self { built, on, namespaces, started: Mutex::default() };
        lab.sh(&format!("{}{}", lab.cables(), lab.addresses()));
        Some(lab)
    }

    /// A command in the namespace of a machine.
    pub(super) fn command(&self, machine: &str, command: &Command) -> Command {
        self.namespaces.command(machine, command)
    }

    /// Runs a program of the gateway's suite on a machine, and returns what it printed; it must succeed.
    pub(super) fn run(&self, machine: &str, program: &str, arguments: &[&str]) -> String {
        let tool = tool(self.on, program).unwrap();
        succeed(&mut self.command(machine, tool.command().args(arguments)))
    }

    /// Starts a program on a machine and waits for its first line; it ends with the lab.
    pub(super) fn start(&self, machine: &str, command: &Command, files: Option<Staged>) -> String {
        let mut child = self.command(machine, command).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        self.started.lock().unwrap().push((child, files));
        first_line(stdout)
    }

    /// Loads the gateway's rules, as nftables.service does.
    pub(super) fn load_firewall(&self) {
        let nft = tool(self.on, "nft").unwrap();
        let staged =
            nft.stage(&[("nftables.conf", artifact(&self.built, "gate", "files/etc/nftables.conf"))]);
        let mut load = nft.command();
        succeed(&mut self.command("gate", load.arg("-f").arg(staged.path_for("nftables.conf"))));
    }

    /// Starts the gateway's dnsmasq.
    pub(super) fn start_dnsmasq(&self) {
        let shell = tool(self.on, "sh").unwrap();
        let text = artifact(&self.built, "gate", "files/etc/dnsmasq.d/bpc.conf");
        let staged = shell.stage(&[("dnsmasq.d/bpc.conf", text)]);
        let mut command = shell.command();
        command.args(["-euc", DNSMASQ, "sh"]).arg(staged.path_for("dnsmasq.d"));
        let line = self.start("gate", &command, Some(staged));
        assert!(line.contains("started, version"), "{line}");
    }

    /// Runs shell commands where the switches are; `ip -n MACHINE` reaches the machines.
    pub(super) fn sh(&self, script: &str) -> String {
        self.namespaces.sh(script)
    }

    /// Commands that make the namespaces, the switches, and an adapter for each that a machine has.
    fn cables(&self) -> String {
        let mut script = String::new();
        let machines = &self.built.site.machines;
        for name in
            machines.iter().map(|machine| machine.name.as_str()).chain(["host", "outside", "stranger"])
        {
            let _ = writeln!(script, "ip netns add {name}; ip -n {name} link set lo up");
        }
        let mut switches: Vec<String> = Vec::new();
        let mut port = 0;
        let mut plug = |segment: &Segment, machine: &str, interface: &str, mac: &str| {
            port += 1;
            let name = format!("{segment:?}");
            let known = switches.iter().position(|switch| *switch == name);
            let switch = known.unwrap_or_else(|| {
                let _ = writeln!(script, "ip link add s{} type bridge; ip link set s{0} up", switches.len());
                switches.push(name);
                switches.len() - 1
            });
            let _ = writeln!(
                script,
                "ip link add p{port} type veth peer name {interface} address {mac} netns {machine}\n\
                 ip link set p{port} master s{switch} up; ip -n {machine} link set dev {interface} up"
            );
        };
        for (machine, nic) in
            machines.iter().flat_map(|machine| machine.nics.iter().map(move |nic| (machine, nic)))
        {
            plug(&nic.segment, &machine.name, &nic.interface, &nic.mac.to_string());
            if machine.name == "gate" {
                let mac = format!("02:00:00:00:00:{:02x}", nic.slot);
                plug(&nic.segment, "stranger", &nic.interface, &mac);
                match nic.segment {
                    Segment::Nat => plug(&nic.segment, "outside", "eth0", "02:00:00:00:01:01"),
                    Segment::HostOnly(_) => plug(&nic.segment, "host", "vboxnet0", "0a:00:27:00:00:00"),
                    Segment::Internal(_) => {}
                }
            }
        }
        script
    }

    /// Commands that do what networkd makes of each machine's network-config, and what the world around has.
    fn addresses(&self) -> String {
        let mut script = String::from(
            "ip -n gate addr add 10.0.2.15/24 dev wan; ip -n gate route add default via 10.0.2.2\n\
             ip -n outside addr add 10.0.2.2/24 dev eth0; ip -n outside addr add 10.0.2.3/24 dev eth0\n\
             ip -n outside addr add 203.0.113.9/32 dev lo\n\
             ip -n outside route add 10.0.0.0/13 via 10.0.2.15; ip -n outside route add 192.168.56.0/24 via 10.0.2.15\n\
             ip -n host addr add 192.168.56.1/24 dev vboxnet0; ip -n host route add default via 192.168.56.254\n",
        );
        let forwarding = artifact(&self.built, "gate", "files/etc/bpc/forwarding.conf");
        for line in String::from_utf8_lossy(forwarding).lines().filter(|line| !line.starts_with('#')) {
            let (key, value) = line.split_once(" = ").unwrap();
            let _ = writeln!(script, "ip netns exec gate busybox sysctl -q -w {key}={value}");
        }
        for machine in &self.built.site.machines {
            let config = artifact(&self.built, &machine.name, "network-config");
            let config: Value = serde_yaml::from_slice(config).unwrap();
            for (interface, settings) in config["network"]["ethernets"].as_mapping().unwrap() {
                script += &networkd(&machine.name, interface.as_str().unwrap(), settings);
            }
            assert!(config["network"].get("vlans").is_none(), "some kernels have no VLANs");
        }
        script
    }
}

/// Commands that give an interface its addresses, routes and rules.
fn networkd(machine: &str, interface: &str, settings: &Value) -> String {
    let list = |key: &str| settings.get(key).and_then(Value::as_sequence).cloned().unwrap_or_default();
    let mut script = String::new();
    for address in list("addresses") {
        let _ =
            writeln!(script, "ip -n {machine} addr add {} brd + dev {interface}", address.as_str().unwrap());
    }
    for route in list("routes") {
        let mut words = format!("{} dev {interface}", route["to"].as_str().unwrap());
        for key in ["via", "scope"] {
            if let Some(value) = route.get(key) {
                let _ = write!(words, " {key} {}", value.as_str().unwrap());
            }
        }
        if let Some(table) = route.get("table") {
            let _ = write!(words, " table {}", table.as_i64().unwrap());
        }
        let _ = writeln!(script, "ip -n {machine} route add {words}");
    }
    for policy in list("routing-policy") {
        let (from, table) = (policy["from"].as_str().unwrap(), policy["table"].as_i64().unwrap());
        let _ = writeln!(script, "ip -n {machine} rule add from {from} lookup {table}");
    }
    script
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.namespaces.end();
        for (child, _) in self.started.get_mut().unwrap() {
            let _ = child.wait();
        }
    }
}

/// A Python program of the gateway's suite, not started yet.
pub(super) fn python(lab: &Lab, program: &str) -> Command {
    let python: Tool = tool(lab.on, "python3").unwrap();
    let mut command = python.command();
    command.args(["-c", program]);
    command
}
