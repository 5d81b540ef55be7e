//! kubeadm: how control planes and workers become a cluster.
//!
//! The first control plane of the plan starts it (`kubeadm init`), all other machines join it (`kubeadm join`) as soon as
//! it answers. Nothing is copied from machine to machine: the certificates of every control plane and the token that
//! machines join with come from the vault, and with the token comes the authority that is to be trusted, as a kubeconfig
//! (`discovery.file`): so no hash of it is needed, and none of what kubeadm offers to strangers.
//!
//! | file below /etc/bpc/kubeadm | where | for |
//! |---|---|---|
//! | `cluster.yaml` | control planes | what is the same for all ([`cluster`]); read where the cluster is started |
//! | `init.yaml` | the first control plane | how it starts the cluster ([`node`]); secret, for it makes the token |
//! | `join.yaml` | all | how the machine joins ([`node`]); also the first control plane, if it was made anew |
//! | `discovery.conf` | all | the way to the API with the token; secret |
//! | `ca.crt` | all | the authority, for the wait until the API answers |
//! | `authentication.yaml` | control planes | where strangers are answered, if not everywhere |
//! | `patches/` | all | patches of what kubeadm writes |

mod cluster;
mod merge;
mod node;

use super::kubeconfig;
use super::pki::Keyring;
use crate::bootstrap::script;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::format::shell;
use crate::format::yaml::Yaml;
use crate::setup::{File, SecretUse, Setup, Stage};
use crate::site::{
    API_PORT, AuthorityKeys, AuthorityKind, Cluster, EtcdTopology, Machine, Role, SharedSecret, Site,
};

/// Where kubeadm looks for certificates and keys.
const PKI: &str = "/etc/kubernetes/pki";
const AUTHENTICATION: &str = "/etc/bpc/kubeadm/authentication.yaml";
const DISCOVERY: &str = "/etc/bpc/kubeadm/discovery.conf";
const PATCHES: &str = "/etc/bpc/kubeadm/patches";
/// Where all is that kubeadm reads.
const READ: [&str; 2] = ["/etc/bpc/kubeadm/", "/etc/kubernetes/"];

/// Has kubelets ask for no new certificate: kubeadm makes this true in the configuration, and nobody would sign one; nor
/// would a kubelet that keeps its certificate in a store of its own look at that of a new seed. Patches of a blueprint
/// have no `-` in their names' ends, which kubeadm allows.
const NO_ROTATION: (&str, &str) = ("kubeletconfiguration-bpc+merge.yaml", "rotateCertificates: false\n");

/// Preflight checks of kubeadm that fail where kubeadm has been before.
const EXPLAINED: [&str; 13] = [
    "FileAvailable--etc-kubernetes-bootstrap-kubelet.conf",
    "FileAvailable--etc-kubernetes-kubelet.conf",
    "FileAvailable--etc-kubernetes-manifests-etcd.yaml",
    "FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml",
    "FileAvailable--etc-kubernetes-manifests-kube-controller-manager.yaml",
    "FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml",
    "FileAvailable--etc-kubernetes-pki-ca.crt",
    "Port-10250",
    "Port-10257",
    "Port-10259",
    "Port-2379",
    "Port-2380",
    "Port-6443",
];

/// Adds how this machine gets into the cluster.
pub(super) fn add(
    site: &Site,
    credentials: &Credentials,
    machine: &Machine,
    setup: &mut Setup,
) -> Result<(), Bug> {
    let Some(cluster) = &site.kubernetes else { return Ok(()) };
    setup.install(["curl"]);
    let keys = Keyring::new(credentials, machine);
    setup.files.push(keys.authority(AuthorityKind::Kubernetes, "/etc/bpc/kubeadm/ca")?);
    setup.files.push(kubeconfig::of_token(DISCOVERY, site, &cluster.server(), credentials)?);
    let join = node::join(cluster, machine).document(&[" How kubeadm has this machine join the cluster."]);
    setup.files.push(File::text("/etc/bpc/kubeadm/join.yaml", join));
    setup.files.extend(patches(cluster)?);
    if machine.role == Role::ControlPlane {
        setup.files.extend(of_control_plane(site, cluster));
    }
    if is_first(site, machine) {
        let purpose = SharedSecret::BootstrapToken.as_str().to_owned();
        let used = SecretUse { purpose, why: "kubeadm makes the token that machines join with" };
        let document = node::init(cluster, credentials, machine)?;
        setup.files.push(File::secret("/etc/bpc/kubeadm/init.yaml", &document, used));
    }
    let read = |file: &&File| READ.iter().any(|folder| file.path.starts_with(folder));
    setup.stages.push(stage(site, cluster, machine).applying(setup.files.iter().filter(read)));
    Ok(())
}

fn is_first(site: &Site, machine: &Machine) -> bool {
    site.with_role(Role::ControlPlane).next() == Some(machine)
}

fn of_control_plane(site: &Site, cluster: &Cluster) -> Vec<File> {
    let documents: Vec<String> = cluster::documents(site, cluster).iter().map(Yaml::to_string).collect();
    let note = "# What kubeadm is told of the cluster; the first control plane starts it with this.\n";
    let mut files = vec![
        File::text("/etc/bpc/kubeadm/cluster.yaml", format!("{note}{}", documents.join("---\n"))),
        File::script(
            "/usr/local/sbin/bpc-renew-token",
            format!("#!/bin/sh\nset -eu\n{}", include_str!("renew-token.sh")),
        ),
    ];
    if !cluster.anonymous_auth {
        let text = cluster::authentication().document(&[" Where the API answers whom it does not know."]);
        files.push(File::text(AUTHENTICATION, text));
    }
    files
}

fn has_patches(cluster: &Cluster) -> bool {
    !cluster.kubeadm.patches.is_empty() || cluster.certificates.authority_keys == AuthorityKeys::Vault
}

/// bpc's own patch and those of the blueprint. JSON is YAML too, but a reader of a file called so may not know.
fn patches(cluster: &Cluster) -> Result<Vec<File>, Bug> {
    let mut files = Vec::new();
    if cluster.certificates.authority_keys == AuthorityKeys::Vault {
        let (name, text) = NO_ROTATION;
        files.push(File::text(format!("{PATCHES}/{name}"), text));
    }
    for (name, patch) in &cluster.kubeadm.patches {
        let text = if name.strip_suffix(".json").is_some() {
            serde_json::to_string_pretty(patch).map_err(|error| Bug(format!("{name}: {error}")))? + "\n"
        } else {
            Yaml::from(patch).to_string()
        };
        files.push(File::text(format!("{PATCHES}/{name}"), text));
    }
    Ok(files)
}

fn stage(site: &Site, cluster: &Cluster, machine: &Machine) -> Stage {
    let yes = |it: bool| if it { "yes" } else { "no" }.to_owned();
    let stacked = machine.role == Role::ControlPlane && cluster.etcd == EtcdTopology::Stacked;
    let data_dir = cluster::data_dir(site, cluster).filter(|_| stacked).unwrap_or_default();
    let mut explained = EXPLAINED.map(str::to_owned).to_vec();
    if !data_dir.is_empty() {
        explained.push(format!("DirAvailable-{}", data_dir.replace('/', "-")));
    }
    let control_planes = site.with_role(Role::ControlPlane).filter(|_| machine.role == Role::ControlPlane);
    let others = control_planes.filter(|other| *other != machine).map(|other| other.address().to_string());
    // The command that joins other machines shows the token.
    let init_skips = [vec!["show-join-command".to_owned()], node::skipped(&cluster.kubeadm.init)].concat();
    let certificates = &cluster.certificates;
    let keys = match certificates.authority_keys {
        AuthorityKeys::Machines => "machines",
        AuthorityKeys::Vault => "vault",
    };
    let variables = [
        ("FIRST", yes(is_first(site, machine))),
        ("ENDPOINT", cluster.endpoint.to_string()),
        ("PORT", API_PORT.to_string()),
        ("NODE", machine.name.clone()),
        ("OWN", machine.address().to_string()),
        ("OTHERS", shell::words(others)),
        ("DATA_DIR", data_dir),
        ("AUTHORITY_KEYS", keys.to_owned()),
        ("GOOD_FROM", certificates.not_before.as_second().to_string()),
        ("GOOD_UNTIL", certificates.certificates_until.as_second().to_string()),
        ("INIT_SKIPS", init_skips.join(",")),
        ("JOIN_SKIPS", node::skipped(&cluster.kubeadm.join).join(",")),
        ("EXPLAINED", explained.join(",")),
    ];
    let script = script(&variables, include_str!("cluster.sh"));
    Stage::scripted(60, "kubeadm", script)
}
