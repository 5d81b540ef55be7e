//! The API by a port of the host: a kubeconfig that asks there, and certificates that are good for that name.

use super::files;
use crate::roles::tests::{credentials, site};
use crate::site::{CertificateKind, Site};

/// What `kubeconfig/host.conf` asks, if it is there.
fn server(site: &Site) -> Option<String> {
    let files = files(site, &credentials(site)).unwrap();
    let file = files.into_iter().find(|it| it.file.path == "kubeconfig/host.conf")?;
    let text = String::from_utf8(file.file.content.bytes().to_vec()).unwrap();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("server: "));
    Some(line.unwrap().trim_matches('"').to_owned())
}

/// Whether the certificates of all API servers are good for the host's name of them, all or none.
fn is_good_for_host(site: &Site) -> bool {
    let all = &site.kubernetes.as_ref().unwrap().certificates.certificates;
    let all = all.iter().filter(|it| it.kind == CertificateKind::ApiServer);
    let good: Vec<bool> = all
        .map(|it| {
            let name = it.dns_names.contains(&"localhost".to_owned());
            assert_eq!(name, it.addresses.contains(&std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST)));
            name
        })
        .collect();
    assert!(!good.is_empty() && good.windows(2).all(|pair| pair[0] == pair[1]), "{good:?}");
    good[0]
}

#[test]
fn a_published_api_is_asked_by_the_port_of_the_host() {
    let plane = "more: {role: control-plane, cpus: 2, memory: 2GiB, count: 2, networks: [mast], publish: [\"16443:6443\"]}";
    let balancer =
        "hapx: {role: load-balancer, count: 2, networks: [lb], publish: [\"7443:6443\", \"2222:22\"]}";
    let floating = "load_balancer: {address: 10.2.0.9, failover: keepalived}";
    for (machines, rest, expected) in [
        (&[plane][..], "", Some("https://127.0.0.1:16443")),
        (&[balancer], floating, Some("https://127.0.0.1:7443")),
        // The floating address outlives a control plane.
        (&[plane, balancer], floating, Some("https://127.0.0.1:7443")),
        (&["jump: {role: bastion, networks: [jump], publish: [\"6443:6443\"]}"], "", None),
        (&[], "", None),
    ] {
        let site = site(machines, rest);
        assert_eq!(server(&site).as_deref(), expected, "{machines:?}");
        assert_eq!(is_good_for_host(&site), expected.is_some(), "{machines:?}");
    }
}
