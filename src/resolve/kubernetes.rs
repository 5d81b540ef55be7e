//! `kubernetes:` and the machines of the cluster.

use super::Resolver;
use super::machine::MachineDraft;
use crate::assets::{self, Release, Version};
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::MachineGroup;
use crate::site::Role;
use crate::value::Size;

/// Processors that kubeadm wants on a control plane (its preflight check `NumCPU`).
const CONTROL_PLANE_CPUS: u32 = 2;
/// Memory that kubeadm wants there: 1700 MiB (its preflight check `Mem`) beside what the kernel keeps for itself.
const CONTROL_PLANE_MEMORY: Size = Size::mib(1800);

impl Resolver<'_> {
    /// The version of the cluster, and whether the machines make one.
    pub(super) fn kubernetes_version(
        &mut self,
        machines: &[MachineDraft],
    ) -> Option<(Version, &'static Release)> {
        self.control_planes(machines);
        let blueprint = self.blueprint;
        let Some(kubernetes) = &blueprint.kubernetes else {
            self.without_kubernetes();
            return None;
        };
        self.etcd_topology(kubernetes);
        let wanted = kubernetes.version.as_str();
        let found = release(wanted);
        if found.is_none() {
            let bare = wanted.strip_prefix('v').filter(|bare| release(bare).is_some());
            let known = assets::releases().iter().map(|release| release.minor.as_str());
            let help = bare.map_or_else(
                || {
                    format!(
                        "one of: {}, or an exact version of one of them",
                        known.collect::<Vec<_>>().join(", ")
                    )
                },
                |bare| format!("write it without the `v`: \"{bare}\""),
            );
            let message = format!("bpc does not have Kubernetes `{wanted}`");
            let place = Place::Value(Path::root().key("kubernetes").key("version"));
            self.report(Diagnostic::new(Code::KubernetesVersion, place, message).help(help));
        }
        found
    }

    fn without_kubernetes(&mut self) {
        let needs = |role: Role| matches!(role, Role::ControlPlane | Role::Worker | Role::Etcd);
        let machines = &self.blueprint.machines;
        let Some((name, group)) = machines.iter().find(|(_, group)| needs(group.role)) else { return };
        let message = format!("the role {} needs a Kubernetes version", group.role.as_str());
        let place = Place::Value(Path::root().key("machines").key(name).key("role"));
        let newest = assets::releases().last().map_or("", |release| release.minor.as_str());
        self.report(
            Diagnostic::new(Code::KubernetesMissing, place, message)
                .help(format!("add `kubernetes: {{version: \"{newest}\"}}`")),
        );
    }

    /// How many control planes there are, and whether each is large enough.
    fn control_planes(&mut self, machines: &[MachineDraft]) {
        let blueprint = self.blueprint;
        let group_path = |name: &str| Path::root().key("machines").key(name);
        for (name, group) in blueprint.machines.iter().filter(|(_, group)| group.role == Role::ControlPlane) {
            self.control_plane_size(group, &group_path(name));
        }
        let with_role = |role| machines.iter().filter(move |draft| draft.machine.role == role);
        let count = with_role(Role::ControlPlane).count();
        if let (0, Some(worker)) = (count, with_role(Role::Worker).next()) {
            let message = "there are workers, and no control plane";
            self.report(
                Diagnostic::new(Code::ControlPlaneMissing, Place::Value(worker.path.key("role")), message)
                    .help("add machines with `role: control-plane`, one or three"),
            );
        }
        self.even_members(machines);
    }

    fn control_plane_size(&mut self, group: &MachineGroup, path: &Path) {
        let cpus = group.cpus.unwrap_or(1);
        if cpus < CONTROL_PLANE_CPUS {
            let message = "kubeadm refuses a control plane with one processor";
            self.report(
                Diagnostic::new(Code::ControlPlaneSize, Place::Value(path.key("cpus")), message)
                    .help(format!("write `cpus: {CONTROL_PLANE_CPUS}` or more")),
            );
        }
        // A size that is none has been reported.
        let memory = group.memory.as_ref().map_or(Ok(Size::mib(512)), |text| text.parse::<Size>());
        if let Some(memory) = memory.ok().filter(|memory| *memory < CONTROL_PLANE_MEMORY) {
            let message = format!("kubeadm refuses a control plane with {memory} of memory");
            self.report(
                Diagnostic::new(Code::ControlPlaneSize, Place::Value(path.key("memory")), message)
                    .note("it wants 1700 MiB beside what the kernel keeps for itself")
                    .help("write `memory: 2GiB` or more"),
            );
        }
    }
}

/// The version that a minor or an exact version means, and what goes with it.
fn release(wanted: &str) -> Option<(Version, &'static Release)> {
    let minor = |minor: &str| assets::releases().iter().find(|release| release.minor == minor);
    match wanted.parse::<Version>() {
        Ok(version) => minor(&version.minor()).map(|release| (version, release)),
        Err(_) => minor(wanted).map(|release| (release.version, release)),
    }
}
