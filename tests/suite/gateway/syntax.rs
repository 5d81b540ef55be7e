//! dnsmasq and nft take every configuration of every gateway.

use bpc::Compiled;

use crate::built::{artifact, blueprint, blueprints, changed, changed_in};
use crate::support::tools::{On, tool};

/// A file of the gateway of each blueprint that has one.
fn of_gateways(built: &[Compiled], path: &str) -> Vec<(String, Vec<u8>)> {
    let gateways = built.iter().filter_map(|one| Some((one, one.site.gateway()?)));
    let files: Vec<_> = gateways
        .map(|(one, gateway)| (one.site.name.clone(), artifact(one, &gateway.name, path).to_vec()))
        .collect();
    assert!(files.len() >= 3);
    files
}

/// Every gateway that there is, and one with names as long as they may be: what is said of them does not fit.
fn gateways() -> Vec<Compiled> {
    let [jump, vip] = ["j", "v"].map(|letter| letter.repeat(63));
    let long_names = |text: String| {
        text.replace("name: routed", "name: long")
            .replace("{cidr: 10.1.0.0/28}", "{cidr: 10.1.0.0/28, trunk: t, vlan: 1}")
            .replace("{cidr: 10.2.0.0/24}", "{cidr: 10.2.0.0/24, trunk: t, vlan: 2, reach: [jump]}")
            .replace("jump", &jump)
            .replace("vip", &vip)
    };
    let long = changed("routed", long_names);
    let rules = String::from_utf8_lossy(artifact(&long, "gate", "files/etc/nftables.conf")).into_owned();
    assert!(rules.contains(&format!("comment \"{vip} may reach {}\"", &jump[..54])), "{rules}");
    let mut all = blueprints();
    all.push(long);
    all
}

#[test]
fn nft_takes_every_ruleset() {
    for on in [On::Bookworm, On::Trixie] {
        let Some(nft) = tool(on, "nft") else { continue };
        for (name, rules) in of_gateways(&gateways(), "files/etc/nftables.conf") {
            let staged = nft.stage(&[("nftables.conf", &rules)]);
            let mut command = nft.command_in_network(&[]);
            let output = command.args(["-c", "-f"]).arg(staged.path_for("nftables.conf")).output().unwrap();
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(output.status.success() && said.is_empty(), "{on:?} {name}: {said}");
        }
    }
}

#[test]
fn dnsmasq_takes_every_configuration() {
    for on in [On::Bookworm, On::Trixie] {
        let Some(dnsmasq) = tool(on, "dnsmasq") else { continue };
        for (name, text) in of_gateways(&gateways(), "files/etc/dnsmasq.d/bpc.conf") {
            let staged = dnsmasq.stage(&[("bpc.conf", &text)]);
            let output =
                dnsmasq.command().args(["--test", "-C"]).arg(staged.path_for("bpc.conf")).output().unwrap();
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert_eq!(said, "dnsmasq: syntax check OK.\n", "{on:?} {name}");
        }
    }
}

#[test]
fn every_rule_says_who_needs_it() {
    for (name, rules) in of_gateways(&gateways(), "files/etc/nftables.conf") {
        let rules = String::from_utf8(rules).unwrap();
        // Rules are what is four deep in a chain, and no head of it.
        let (_, chains) = rules.split_once("  chain ").unwrap();
        let lines = chains.lines().filter(|line| line.starts_with("    ") && !line.starts_with("    type "));
        let silent: Vec<_> =
            lines.filter(|line| !line.ends_with('"') || !line.contains(" comment \"")).collect();
        assert!(silent.is_empty(), "{name}: {silent:?}");
    }
}

/// The lines of one text that another one does not have.
fn lacking<'a>(one: &'a str, other: &str) -> Vec<&'a str> {
    let others: Vec<&str> = other.lines().collect();
    one.lines().filter(|line| !others.contains(line)).collect()
}

#[test]
fn one_machine_more_is_one_line_more_of_each_set() {
    let rules = |count: usize| {
        let built = changed_in("blueprints", "kube-demo", |text| {
            text.replace(
                "kube-node: {role: worker, count: 3",
                &format!("kube-node: {{role: worker, count: {count}"),
            )
        });
        String::from_utf8(artifact(&built, "gate-node01", "files/etc/nftables.conf").to_vec()).unwrap()
    };
    let (three, four) = (rules(3), rules(4));
    assert_eq!(lacking(&three, &four), [""; 0]);
    assert_eq!(lacking(&four, &three), ["      10.86.2.133, # kube-node04"]);
}

#[test]
fn a_role_that_is_gone_takes_its_rules_with_it() {
    let rules = |built: &Compiled| {
        String::from_utf8(artifact(built, "gate", "files/etc/nftables.conf").to_vec()).unwrap()
    };
    let with = rules(&blueprint("routed"));
    let without_bastion = |text: String| {
        let kept = text.split_inclusive('\n').filter(|line| !line.contains("role: bastion"));
        kept.collect()
    };
    let without = rules(&changed("routed", without_bastion));
    for reason in ["bastion: ssh to every machine", "bastion: ping every address", "the host: jump port 22"] {
        assert!(with.contains(&format!("comment \"{reason}\"")), "{with}");
        assert!(!without.contains(&format!("comment \"{reason}\"")), "{without}");
    }
    assert!(!without.contains("10.1.0.2"), "{without}");
}
