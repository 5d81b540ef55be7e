//! Scripts for the days after the first one. They run on the operator's host, which needs nothing but sh and ssh.
//!
//! | file below day-2 | does |
//! |---|---|
//! | `kubectl.sh` | kubectl, on a machine that has it |
//! | `add-node.sh`, `remove-node.sh` | what a machine needs to join, and to leave |
//! | `renew-token.sh` | lets machines join for some hours more |
//! | `etcd-snapshot.sh`, `etcd-restore.sh` | the state of the cluster to the host, and from there to every member |
//! | `upgrade.sh` | the running cluster to the version of the blueprint, one machine after the other |
//! | `lib.sh`, `upgrade-node.sh` | what they share; what is done on a machine that is upgraded |

use super::CLI;
use crate::bug::Bug;
use crate::format::shell;
use crate::setup::File;
use crate::site::{Cluster, Machine, Role, Runtime, Site};

/// The start of every script that reads `lib.sh`.
const SOURCE: &str = r#"HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=/dev/null
. "$HERE/lib.sh"
"#;

/// The scripts that have a meaning for this cluster.
pub(super) fn files(site: &Site, cluster: &Cluster) -> Result<Vec<File>, Bug> {
    let control_planes = names(site.with_role(Role::ControlPlane));
    let members = names(site.etcd_members());
    let mut files = Vec::new();
    if !control_planes.is_empty() {
        files.extend(of_nodes(site, cluster, &control_planes)?);
    }
    if !members.is_empty() {
        let variables = [("MEMBERS", members.as_str())];
        files.push(script("etcd-snapshot.sh", site, &variables, include_str!("etcd-snapshot.sh")));
        files.push(script("etcd-restore.sh", site, &variables, include_str!("etcd-restore.sh")));
    }
    if !files.is_empty() {
        files.push(library(site, &control_planes));
    }
    Ok(files)
}

/// What is done with nodes, by the API.
fn of_nodes(site: &Site, cluster: &Cluster, control_planes: &str) -> Result<Vec<File>, Bug> {
    let workers = names(site.with_role(Role::Worker));
    let nodes = format!("{control_planes} {workers}");
    let nodes = ("NODES", nodes.trim_end());
    let control_planes = ("CONTROL_PLANES", control_planes);
    // Where etcd has machines of its own, no member of it comes and goes with a node.
    let beside = site.etcd_members().filter(|member| member.role == Role::ControlPlane);
    let beside: Vec<String> = beside.map(|it| format!("{}={}", it.name, it.address())).collect();
    let beside = beside.join(" ");
    let version = cluster.version.to_string();
    let upgrade = [("VERSION", version.as_str()), control_planes, ("WORKERS", &workers)];
    let remove = [nodes, ("MEMBERS", beside.as_str())];
    Ok(vec![
        script("kubectl.sh", site, &[], include_str!("kubectl.sh")),
        script("add-node.sh", site, &[nodes], include_str!("add-node.sh")),
        script("remove-node.sh", site, &remove, include_str!("remove-node.sh")),
        script("renew-token.sh", site, &[control_planes], include_str!("renew-token.sh")),
        script("upgrade.sh", site, &upgrade, include_str!("upgrade.sh")),
        on_a_node(site, cluster)?,
    ])
}

/// Names of machines are DNS labels, so a list of them needs no quotes.
fn names<'a>(machines: impl Iterator<Item = &'a Machine>) -> String {
    machines.map(|machine| machine.name.as_str()).collect::<Vec<_>>().join(" ")
}

fn script(name: &str, site: &Site, variables: &[(&'static str, &str)], body: &str) -> File {
    let variables = [&[("NAME", site.name.as_str())], variables].concat();
    let variables = shell::assignments(&variables);
    File::script(format!("day-2/{name}"), format!("#!/bin/sh\nset -eu\n{variables}{SOURCE}{body}"))
}

/// What all share. Bastions have a kubectl of their own, control planes the administrator's kubeconfig.
fn library(site: &Site, control_planes: &str) -> File {
    let bastions = names(site.with_role(Role::Bastion));
    let (machines, kubectl) = if bastions.is_empty() || control_planes.is_empty() {
        (control_planes, "sudo kubectl --kubeconfig /etc/kubernetes/admin.conf")
    } else {
        (bastions.as_str(), "kubectl")
    };
    let variables = shell::assignments(&[("KUBECTL_MACHINES", machines), ("KUBECTL", kubectl)]);
    File::text("day-2/lib.sh", format!("#!/bin/sh\n{variables}{CLI}{}", include_str!("lib.sh")))
}

/// The part of an upgrade that is done on the machine, with the downloads of its bootstrap.
fn on_a_node(site: &Site, cluster: &Cluster) -> Result<File, Bug> {
    let mut names = vec![
        ("kubeadm", ["KUBEADM_URL", "KUBEADM_SHA256"]),
        ("kubelet", ["KUBELET_URL", "KUBELET_SHA256"]),
        ("kubectl", ["KUBECTL_URL", "KUBECTL_SHA256"]),
        ("crictl", ["CRICTL_URL", "CRICTL_SHA256"]),
        ("cni-plugins", ["CNI_PLUGINS_URL", "CNI_PLUGINS_SHA256"]),
    ];
    let runtime = match cluster.runtime {
        Runtime::Containerd(_) => {
            names.push(("containerd", ["CONTAINERD_URL", "CONTAINERD_SHA256"]));
            names.push(("runc", ["RUNC_URL", "RUNC_SHA256"]));
            include_str!("runtime-containerd.sh")
        }
        Runtime::Docker => {
            names.push(("docker", ["DOCKER_URL", "DOCKER_SHA256"]));
            names.push(("cri-dockerd", ["CRI_DOCKERD_URL", "CRI_DOCKERD_SHA256"]));
            include_str!("runtime-docker.sh")
        }
    };
    let mut variables = vec![("VERSION", cluster.version.to_string())];
    for (name, [url, digest]) in names {
        let download = site.download(name)?;
        variables.push((url, download.url.clone()));
        variables.push((digest, download.sha256.clone()));
    }
    let variables = shell::assignments(&variables);
    let body = include_str!("upgrade-node.sh");
    Ok(File::text(
        "day-2/upgrade-node.sh",
        format!("#!/bin/sh\nset -eu\n{variables}{body}\n{runtime}\n{RUN}"),
    ))
}

/// The last lines, so that nothing is done before all of it has arrived.
const RUN: &str = "main \"$@\" </dev/null\n";
