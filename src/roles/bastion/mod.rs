//! The bastion: the machine that people log in to, and from there to every other.

use crate::bug::Bug;
use crate::flow::{Endpoint, Flow, Service};
use crate::setup::{Setup, Stage};
use crate::site::{Role, Site};

/// What people look at networks, names and files with.
const PACKAGES: [&str; 13] = [
    "bash-completion",
    "bind9-dnsutils",
    "git",
    "gnupg",
    "iputils-ping",
    "jq",
    "less",
    "netcat-openbsd",
    "openssh-client",
    "screen",
    "tcpdump",
    "tmux",
    "vim",
];

/// Installs kubectl from its pinned download.
const KUBECTL: &str = include_str!("kubectl.sh");

/// Logging in to every machine, and seeing whether it is there.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let from: Vec<Endpoint> = site.with_role(Role::Bastion).map(Endpoint::from).collect();
    let to: Vec<Endpoint> =
        site.machines.iter().filter(|machine| machine.role != Role::Bastion).map(Endpoint::from).collect();
    let floating = site.floating.iter().map(Endpoint::from);
    vec![
        Flow {
            reason: "bastion: ssh to every machine".into(),
            from: from.clone(),
            to: to.clone(),
            service: Service::Tcp(22),
        },
        Flow {
            reason: "bastion: ping every address".into(),
            from,
            to: to.into_iter().chain(floating).collect(),
            service: Service::Ping,
        },
    ]
}

/// Tools, and kubectl where there is a cluster.
pub(super) fn add(site: &Site, setup: &mut Setup) -> Result<(), Bug> {
    setup.packages.extend(PACKAGES.map(str::to_owned));
    if site.kubernetes.is_some() {
        let download = site.download("kubectl")?;
        let variables = [("URL", download.url.as_str()), ("SHA256", download.sha256.as_str())];
        setup.stages.push(Stage::new(30, "kubectl", &variables, KUBECTL));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests::site;

    const MACHINES: [&str; 2] =
        ["jump: {role: bastion, networks: [jump]}", "node: {role: worker, networks: [node]}"];

    #[test]
    fn it_logs_in_to_every_other_machine() {
        let flows: Vec<String> = flows(&site(&MACHINES, "")).iter().map(Flow::to_string).collect();
        assert_eq!(
            flows,
            [
                "bastion: ssh to every machine: 10.1.0.2 -> 10.1.0.1 10.3.0.2 10.4.0.2, tcp 22",
                "bastion: ping every address: 10.1.0.2 -> 10.1.0.1 10.3.0.2 10.4.0.2, ping",
            ]
        );
    }

    #[test]
    fn it_has_the_cluster_s_kubectl() {
        let mut setup = Setup::default();
        let mut site = site(&MACHINES, "");
        add(&site, &mut setup).unwrap();
        let [stage] = setup.stages.as_slice() else { panic!("{:?}", setup.stages) };
        assert!(
            stage.script.contains(&format!("/v{}/", site.kubernetes.unwrap().version)),
            "{}",
            stage.script
        );

        setup.stages.clear();
        site.kubernetes = None;
        add(&site, &mut setup).unwrap();
        assert_eq!(setup.stages, []);
    }
}
