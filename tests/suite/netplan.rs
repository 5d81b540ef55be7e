//! network-config, judged by what netplan makes of it for systemd-networkd.

use std::fs;
use std::path::{Path, PathBuf};

use bpc::Compiled;
use bpc::site::{Attachment, Machine, Nic, Role, Segment};

use crate::built::{blueprints, changed, documents};
use crate::support::tools::{On, Staged, need};

/// Runs `netplan generate` in each folder named after the first, which holds programs that do nothing: netplan 1.1
/// tells systemd and udev to read their files again, wherever it put them.
const GENERATE: &str = r#"PATH=$1:$PATH; shift; for root; do netplan generate --root-dir "$root"; done"#;

/// The programs that do nothing.
const STUBS: [&str; 2] = ["bin/systemctl", "bin/udevadm"];

/// Where netplan finds a configuration in its root.
const FILE: &str = "/etc/netplan/50.yaml";

/// What netplan generates for every machine: a folder each, named `<blueprint>.<machine>`.
fn generated(on: On, built: &[Compiled]) -> Option<Staged> {
    let shell = need(&[(on, "sh"), (on, "netplan")])?;
    let named = |name: &str| format!("{}{FILE}", name.trim_end_matches(".network-config"));
    let documents = documents(built, "network-config");
    let mut files: Vec<_> = documents.iter().map(|(name, text)| (named(name), *text)).collect();
    files.extend(STUBS.map(|stub| (stub.to_owned(), &b"#!/bin/sh\n"[..])));
    let staged = shell.stage(&files.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>());
    for stub in STUBS {
        staged.set_mode(stub, 0o755);
    }
    let mut command = shell.command();
    command.args(["-euc", GENERATE, "sh"]).arg(staged.path_for("bin"));
    for root in files.iter().filter_map(|(name, _)| name.strip_suffix(FILE)) {
        staged.set_mode(&format!("{root}{FILE}"), 0o600);
        command.arg(staged.path_for(root));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success() && said.is_empty(), "{on:?}: {said}");
    Some(staged)
}

/// Looks at the unit files of one machine.
struct Networkd {
    folder: PathBuf,
}

impl Networkd {
    fn new(staged: &Path, one: &Compiled, machine: &Machine) -> Self {
        let name = format!("{}.{}", one.site.name, machine.name);
        Self { folder: staged.join(name).join("run/systemd/network") }
    }

    /// The sections of that name in a file (`wan.network`), each as sorted lines.
    fn sections(&self, file: &str, section: &str) -> Vec<Vec<String>> {
        let path = self.folder.join(format!("10-netplan-{file}"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut found: Vec<Vec<String>> = Vec::new();
        let mut wanted = false;
        for line in text.lines().filter(|line| !line.is_empty()) {
            if line.starts_with('[') {
                wanted = line == format!("[{section}]");
                found.extend(wanted.then(Vec::new));
            } else if wanted {
                found.last_mut().unwrap().push(line.to_owned());
            }
        }
        for lines in &mut found {
            lines.sort();
        }
        found
    }

    /// The values of a key in all sections of that name.
    fn values(&self, file: &str, section: &str, key: &str) -> Vec<String> {
        let lines = self.sections(file, section).concat();
        lines.iter().filter_map(|line| Some(line.strip_prefix(key)?.strip_prefix('=')?.to_owned())).collect()
    }

    /// Whether the boot waits for an interface: netplan 0.106 says so in its unit file, 1.1 in a list beside it.
    fn waits_for(&self, interface: &str) -> bool {
        let list = "../system/systemd-networkd-wait-online.service.d/10-netplan.conf";
        match fs::read_to_string(self.folder.join(list)) {
            Ok(list) => list.contains(&format!(" -i {interface}:")),
            Err(_) => self.values(&format!("{interface}.network"), "Link", "RequiredForOnline") != ["no"],
        }
    }

    /// The routes of an interface, each as sorted lines.
    fn routes(&self, interface: &str) -> Vec<String> {
        self.sections(&format!("{interface}.network"), "Route").iter().map(|lines| lines.join(" ")).collect()
    }
}

fn check_nic(networkd: &Networkd, nic: &Nic) {
    let (link, network) = (format!("{}.link", nic.interface), format!("{}.network", nic.interface));
    assert_eq!(networkd.values(&link, "Match", "PermanentMACAddress"), [nic.mac.to_string()]);
    assert_eq!(networkd.values(&link, "Link", "Name"), std::slice::from_ref(&nic.interface));
    let mut vlans: Vec<_> =
        nic.attachments.iter().filter(|on| on.vlan.is_some()).map(|on| on.interface.clone()).collect();
    vlans.sort();
    assert_eq!(networkd.values(&network, "Network", "VLAN"), vlans);
    if nic.segment == Segment::Nat {
        assert_eq!(networkd.values(&network, "Network", "DHCP"), ["ipv4"]);
        assert_eq!(networkd.values(&network, "DHCP", "ClientIdentifier"), ["mac"]);
    }
    if !vlans.is_empty() {
        assert_eq!(networkd.values(&network, "Network", "LinkLocalAddressing"), ["no"]);
        assert!(!networkd.waits_for(&nic.interface), "the boot waits until {} has an address", nic.interface);
    }
}

fn check_attachment(networkd: &Networkd, one: &Compiled, machine: &Machine, on: &Attachment) {
    let file = format!("{}.network", on.interface);
    let mut addresses: Vec<_> = on.addresses.iter().map(ToString::to_string).collect();
    addresses.sort();
    assert_eq!(networkd.values(&file, "Network", "Address"), addresses);
    if let Some(id) = on.vlan {
        assert!(networkd.waits_for(&on.interface));
        assert_eq!(networkd.values(&format!("{}.netdev", on.interface), "VLAN", "Id"), [id.to_string()]);
    }
    let network = one.site.network(&on.network).unwrap();
    let served = network.gateway.filter(|_| machine.role != Role::Gateway);
    let routes = networkd.routes(&on.interface);
    let dns = networkd.values(&file, "Network", "DNS");
    let Some(gateway) = served else {
        assert_eq!((routes, dns), (vec![], vec![]));
        return;
    };
    let policies = networkd.sections(&file, "RoutingPolicyRule").concat();
    let default = format!("Destination=0.0.0.0/0 Gateway={}", gateway.router);
    assert_eq!(routes.contains(&default), on.network == machine.primary, "{routes:?}");
    assert_eq!(dns.contains(&gateway.resolver.to_string()), on.network == machine.primary);
    let gateways =
        machine.attachments().filter(|on| one.site.network(&on.network).unwrap().gateway.is_some());
    let several = gateways.count() > 1;
    assert_eq!(policies.contains(&format!("From={}", network.cidr)), several, "{policies:?}");
}

fn check(on: On) {
    let built = blueprints();
    let Some(staged) = generated(on, &built) else { return };
    for one in &built {
        for machine in &one.site.machines {
            let networkd = Networkd::new(staged.host_path(), one, machine);
            for nic in &machine.nics {
                check_nic(&networkd, nic);
                for attachment in &nic.attachments {
                    check_attachment(&networkd, one, machine, attachment);
                }
            }
        }
    }
}

#[test]
fn debian_12_configures_the_planned_network() {
    check(On::Bookworm);
}

#[test]
fn debian_13_configures_the_planned_network() {
    check(On::Trixie);
}

#[test]
fn a_machine_on_two_networks_answers_on_each() {
    let built = [crate::built::blueprint("routed")];
    let Some(staged) = generated(On::Trixie, &built) else { return };
    let hapx = built[0].site.machines.iter().find(|machine| machine.name == "hapx01").unwrap();
    let networkd = Networkd::new(staged.host_path(), &built[0], hapx);
    let policy = |interface: &str| networkd.sections(&format!("{interface}.network"), "RoutingPolicyRule");
    assert_eq!(policy("lb"), [["From=10.3.0.0/24", "Table=1001"]]);
    assert_eq!(policy("vip"), [["From=10.2.0.0/24", "Table=1002"]]);
    assert_eq!(
        networkd.routes("lb"),
        ["Destination=0.0.0.0/0 Gateway=10.3.0.254", "Destination=10.2.0.0/24 Gateway=10.3.0.254 Table=1001",]
    );
    assert_eq!(
        networkd.routes("vip"),
        [
            "Destination=10.2.0.0/24 Scope=link Table=1002",
            "Destination=0.0.0.0/0 Gateway=10.2.0.254 Table=1002"
        ]
    );
}

#[test]
fn an_own_way_out_comes_after_the_gateway() {
    let built = [crate::built::blueprint("everything"), crate::built::blueprint("lonely")];
    let Some(staged) = generated(On::Trixie, &built) else { return };
    for (one, interface, expected) in
        [(&built[0], "out", &["RouteMetric=1000", "UseDNS=false"][..]), (&built[1], "wan", &[])]
    {
        let node = one.site.machines.iter().find(|machine| machine.name == "node01").unwrap();
        let dhcp = Networkd::new(staged.host_path(), one, node)
            .sections(&format!("{interface}.network"), "DHCP")
            .concat();
        for line in ["RouteMetric=1000", "UseDNS=false"] {
            assert_eq!(dhcp.contains(&line.to_owned()), expected.contains(&line), "{dhcp:?}");
        }
    }
}

#[test]
fn a_machine_that_alone_holds_the_floating_address_has_it_for_good() {
    let built =
        [changed("routed", |text| text.replace("load-balancer, count: 2", "load-balancer, count: 1"))];
    let Some(staged) = generated(On::Trixie, &built) else { return };
    let hapx = built[0].site.machines.iter().find(|machine| machine.name == "hapx01").unwrap();
    let networkd = Networkd::new(staged.host_path(), &built[0], hapx);
    assert_eq!(networkd.values("vip.network", "Network", "Address"), ["10.2.0.2/24", "10.2.0.20/24"]);
    assert_eq!(networkd.values("lb.network", "Network", "Address"), ["10.3.0.2/24"]);
}

/// Starts systemd-networkd twice in a network of its own: `FOLDER INTERFACE`, FOLDER as `/run/systemd` is to be. Between
/// these, others add an address, a rule and a route; it prints what is left of that after the first has ended, and when the
/// second has configured the interface.
const RESTART: &str = r#"
mount -t sysfs -o ro sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/netif
chown systemd-network /run/systemd/netif
cp -r "$1/." /run/systemd
start() {
  /usr/lib/systemd/systemd-networkd >>/run/log 2>&1 &
  main=$!
  tries=0
  until grep -q "^ADMIN_STATE=configured" /run/systemd/netif/links/* 2>/dev/null &&
    [ "$(ip -4 address show "$2" | grep -c 'inet 10.2.0.[12]/')" = 1 ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { cat /run/log; exit 1; }
    sleep 0.1
  done
}
left() {
  addresses=$(ip -4 address show "$2" | grep -c 10.2.0.20/32) || :
  rules=$(ip rule | grep -c "fwmark 0x1 lookup 100") || :
  routes=$(ip route show 10.244.9.0/24 | grep -c .) || :
  echo "$1 address $addresses, rule $rules, route $routes"
}
ip link set lo up
start "$@"
ip address add 10.2.0.20/32 dev "$2"
ip rule add fwmark 1 table 100
ip route add 10.244.9.0/24 dev "$2"
kill "$main"
wait "$main" || :
left stopped "$2"
rm -rf /run/systemd/netif/links
start "$@"
# It removes what is not its own before it has configured the link, and tells no one when it is done.
sleep 1
left started "$2"
kill "$main"
"#;

#[test]
fn what_others_put_there_stays_when_networkd_is_restarted() {
    let built = [crate::built::blueprint("routed")];
    let foreign =
        crate::built::blueprints().into_iter().find(|built| built.site.name == "kube-demo").unwrap();
    let foreign =
        crate::built::artifact(&foreign, "kube-node01", "files/etc/systemd/networkd.conf.d/zz-bpc.conf");
    for on in [On::Bookworm, On::Trixie] {
        let Some(staged) = generated(on, &built) else { continue };
        let Some(shell) = need(&[(on, "sh"), (on, "ip"), (on, "systemd-analyze")]) else { continue };
        let network = staged.host_path().join("routed.hapx01/run/systemd/network/10-netplan-vip.network");
        let network = fs::read_to_string(network).unwrap();
        // Here the interface has its name already, and no machine-id for DHCP by IPv6.
        let network = network.replace("[Match]\n", "[Match]\nName=vip\n");
        let network = network.replace("LinkLocalAddressing=ipv6\n", "LinkLocalAddressing=no\n");
        let network: String =
            network.split_inclusive('\n').filter(|line| !line.starts_with("PermanentMACAddress")).collect();
        let run = |network: &str, settings: &[u8]| {
            let files =
                [("network/10-vip.network", network.as_bytes()), ("networkd.conf.d/zz-bpc.conf", settings)];
            let staged = shell.stage(&files);
            let mut command = shell.command_in_network(&["vip"]);
            let output =
                command.args(["-euc", RESTART, "sh"]).arg(staged.path_for("")).arg("vip").output().unwrap();
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(output.status.success(), "{on:?}: {said}");
            said
        };
        let all = |when: &str| format!("{when} address 1, rule 1, route 1\n");
        assert_eq!(run(&network, foreign), all("stopped") + &all("started"), "{on:?}");
        if on == On::Trixie {
            let other = network.replace("KeepConfiguration=true\n", "");
            assert_ne!(other, network);
            assert_eq!(run(&other, foreign), all("stopped") + "started address 0, rule 1, route 1\n");
            assert_eq!(run(&other, b""), all("stopped") + "started address 0, rule 0, route 0\n");
        }
    }
}
