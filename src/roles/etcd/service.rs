//! etcd as a service of systemd.

use serde::Serialize;

use super::{Member, url};
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::format::yaml::Yaml;
use crate::roles::pki::Keyring;
use crate::setup::{File, Setup, Stage};
use crate::site::{AuthorityKind, CertificateKind, ETCD_CLIENT_PORT, ETCD_PEER_PORT};
use crate::template::render;

/// `etcd --config-file`, every text as YAML has it.
#[derive(Serialize)]
struct Configuration {
    name: String,
    peer: String,
    client: String,
    /// Where clients find it on the machine itself as well.
    clients: String,
    cluster: String,
    token: String,
    quota: u64,
}

/// The certificates and the configuration of a member, its unit, and the stage that starts it.
pub(super) fn add(member: &Member<'_>, credentials: &Credentials, setup: &mut Setup) -> Result<(), Bug> {
    let mut files = vec![
        File::text("/etc/etcd/etcd.yaml", configuration(member)?),
        File::text("/etc/systemd/system/etcd.service", include_str!("etcd.service")),
        File::text("/etc/sysusers.d/bpc-etcd.conf", include_str!("sysusers.conf")),
    ];
    files.extend(certificates(member, credentials)?);
    let software = member.site.download("etcd")?;
    let release = format!("{} {}", software.version, software.sha256);
    let variables = [("ENDPOINT", member.endpoint()), ("RELEASE", release)];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    setup.apply(Stage::new(35, "etcd", &variables, include_str!("etcd.sh")), files);
    Ok(())
}

fn configuration(member: &Member<'_>) -> Result<String, Bug> {
    let text = |text: String| Yaml::from(text).to_string().trim_end().to_owned();
    let here = format!("https://127.0.0.1:{ETCD_CLIENT_PORT}");
    let values = Configuration {
        name: text(member.machine.name.clone()),
        peer: text(url(member.machine, ETCD_PEER_PORT)),
        client: text(member.endpoint()),
        clients: text(format!("{},{here}", member.endpoint())),
        cluster: text(member.initial_cluster()),
        token: text(member.site.name.clone()),
        quota: member.cluster.etcd_settings.quota.bytes(),
    };
    render("etcd.yaml", include_str!("etcd.yaml.j2"), &values)
}

/// The certificates, named as kubeadm names them, in a folder that is etcd's own.
///
/// The key of etcd's authority is on no machine: nothing there signs certificates.
fn certificates(member: &Member<'_>, credentials: &Credentials) -> Result<Vec<File>, Bug> {
    let (keys, pki) = (Keyring::new(credentials, member.machine), member.pki());
    let mut files = vec![keys.authority(AuthorityKind::Etcd, &format!("{pki}/ca"))?];
    for (kind, name, why) in [
        (CertificateKind::EtcdServer, "server", "etcd serves its clients"),
        (CertificateKind::EtcdPeer, "peer", "etcd speaks to its other members"),
        (CertificateKind::EtcdHealthcheckClient, "healthcheck-client", "asks etcd whether it is well"),
    ] {
        files.extend(keys.certificate(kind, &format!("{pki}/{name}"), why)?);
    }
    Ok(files)
}
