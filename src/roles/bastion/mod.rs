//! The bastion: the machine that people log in to, and from there to every other.

use super::kubeconfig::Kubeconfig;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::flow::{Endpoint, Flow, Service};
use crate::setup::{Setup, Stage};
use crate::site::{CertificateKind, Cluster, Holder, Machine, Role, Site};

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

/// Gives the user a kubeconfig.
const KUBECONFIG: &str = include_str!("kubeconfig.sh");

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

/// Tools, and where there is a cluster kubectl with the rights of an administrator.
pub(super) fn add(
    site: &Site,
    credentials: &Credentials,
    machine: &Machine,
    setup: &mut Setup,
) -> Result<(), Bug> {
    setup.packages.extend(PACKAGES.map(str::to_owned));
    let Some(cluster) = &site.kubernetes else { return Ok(()) };
    let download = site.download("kubectl")?;
    let variables = [("URL", download.url.as_str()), ("SHA256", download.sha256.as_str())];
    setup.stages.push(Stage::new(30, "kubectl", &variables, KUBECTL));
    if site.with_role(Role::ControlPlane).next().is_some() {
        administrator(site, cluster, credentials, (machine, setup))?;
    }
    Ok(())
}

/// The files of a seed belong to root, so a stage gives the kubeconfig to the user.
fn administrator(
    site: &Site,
    cluster: &Cluster,
    credentials: &Credentials,
    (machine, setup): (&Machine, &mut Setup),
) -> Result<(), Bug> {
    let holder = Holder::Machine(machine.name.clone());
    let kubeconfig = Kubeconfig {
        path: "/etc/bpc/kubernetes/admin.conf",
        holder,
        kind: CertificateKind::Admin,
        server: cluster.server(),
        why: "kubectl of who logs in on the bastion",
    };
    let variables = [("LOGIN", site.user.as_str())];
    let stage = Stage::new(35, "kubeconfig", &variables, KUBECONFIG);
    setup.apply(stage, vec![kubeconfig.file(site, credentials)?]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests::{credentials, machine, site};

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
        let credentials = credentials(&site);
        let jump = machine(&site, "jump").clone();
        add(&site, &credentials, &jump, &mut setup).unwrap();
        let [kubectl, kubeconfig] = setup.stages.as_slice() else { panic!("{:?}", setup.stages) };
        let version = site.kubernetes.as_ref().unwrap().version;
        assert!(kubectl.script.contains(&format!("/v{version}/")), "{}", kubectl.script);
        assert!(kubeconfig.script.contains("LOGIN=debian\n"), "{}", kubeconfig.script);

        setup = Setup::default();
        site.kubernetes = None;
        add(&site, &credentials, &jump, &mut setup).unwrap();
        assert_eq!((setup.stages, setup.files), (vec![], vec![]));
    }

    /// The API's log tells what is done from here from what the operator does at home.
    #[test]
    fn its_user_is_an_administrator_of_another_name() {
        let site = site(&MACHINES, "");
        let credentials = credentials(&site);
        let subject = |holder: &Holder| {
            credentials.certificate(holder, CertificateKind::Admin).unwrap().certificate.subject.clone()
        };
        let (jump, home) = (subject(&Holder::Machine("jump".to_owned())), subject(&Holder::Operator));
        assert_eq!(
            (jump.common_name.as_str(), home.common_name.as_str()),
            ("kubernetes-admin-jump", "kubernetes-admin")
        );
        assert_eq!(jump.organizations, home.organizations);
    }
}
