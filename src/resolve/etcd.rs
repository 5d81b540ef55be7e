//! etcd: where its members are, and `etcd_settings:`.

use super::Resolver;
use super::machine::MachineDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{self, EtcdTopology, Kubernetes};
use crate::site::{EtcdSettings, Role};
use crate::value::{Duration, Size};

/// What etcd recommends for clusters of this size; kubeadm leaves it at the same ("Storage size limit" of etcd's manual).
const QUOTA: Size = Size::gib(2);
/// With more etcd itself warns at its start.
const LARGEST_QUOTA: Size = Size::gib(8);
const SNAPSHOT_EVERY: Duration = Duration::hours(6);
const SHORTEST_INTERVAL: Duration = Duration::seconds(10 * 60);
const LONGEST_INTERVAL: Duration = Duration::hours(168);
/// A week of one every six hours.
const SNAPSHOTS_KEPT: u16 = 28;
/// Where members keep their data, under kubeadm too.
const DATA: &str = "/var/lib/etcd";

impl Resolver<'_> {
    /// etcd's machines are there exactly if the state is not on the control planes.
    pub(super) fn etcd_topology(&mut self, written: &Kubernetes) {
        let blueprint = self.blueprint;
        let member = blueprint.machines.iter().find(|(_, group)| group.role == Role::Etcd);
        match (written.etcd, member) {
            (EtcdTopology::External, None) => self.report(
                Diagnostic::new(
                    Code::EtcdTopology,
                    Place::Value(Path::root().key("kubernetes").key("etcd")),
                    "an external etcd needs machines, and none has the role etcd",
                )
                .help("add a group of three: `etcd-node: {role: etcd, count: 3, networks: [...]}`"),
            ),
            (EtcdTopology::Stacked | EtcdTopology::Colocated, Some((name, _))) => self.report(
                Diagnostic::new(
                    Code::EtcdTopology,
                    Place::Value(Path::root().key("machines").key(name).key("role")),
                    "this machine has the role etcd, and the cluster keeps its state on the control planes",
                )
                .help("write `etcd: external` under `kubernetes:`, or remove the machine"),
            ),
            _ => {}
        }
    }

    /// More than half of the members have to agree.
    pub(super) fn even_members(&mut self, machines: &[MachineDraft]) {
        let external = self.blueprint.kubernetes.as_ref().is_some_and(|it| it.etcd == EtcdTopology::External);
        let (members, called) =
            if external { (Role::Etcd, "etcd members") } else { (Role::ControlPlane, "control planes") };
        let with_role = || machines.iter().filter(|draft| draft.machine.role == members);
        let count = with_role().count();
        if let (true, Some(last)) = (count > 0 && count.is_multiple_of(2), with_role().next_back()) {
            let message = format!("{count} {called} survive no more failures than {}", count - 1);
            self.report(
                Diagnostic::new(Code::EvenControlPlanes, Place::Key(last.path.clone()), message)
                    .note("etcd runs on each of them and needs more than half of its members")
                    .help(format!("make it {} or {}", count - 1, count + 1)),
            );
        }
    }

    /// How etcd keeps the state; `None` if that was not understood.
    pub(super) fn etcd_settings(&mut self, written: &model::EtcdSettings) -> Option<EtcdSettings> {
        let path = Path::root().key("kubernetes").key("etcd_settings");
        let quota = match &written.quota {
            Some(quota) => self.size(quota, &path.key("quota"), Size::mib(64)..=LARGEST_QUOTA),
            None => Some(QUOTA),
        };
        if let Some(quota) = quota {
            self.etcd_volume(quota, written.quota.is_some());
        }
        let snapshot_every = match written.snapshot_every.as_deref() {
            Some(every) => self.duration(
                Some(every),
                &path.key("snapshot_every"),
                SHORTEST_INTERVAL..=LONGEST_INTERVAL,
                Code::EtcdSettings,
            ),
            None => Some(SNAPSHOT_EVERY),
        };
        Some(EtcdSettings {
            quota: quota?,
            snapshot_every: snapshot_every?,
            snapshots_kept: written.snapshots_kept.unwrap_or(SNAPSHOTS_KEPT),
        })
    }

    /// A member that cannot write ends, and the next one does the same; one that is at its quota still answers and can
    /// be helped. A restore keeps the database that was there beside the new one.
    fn etcd_volume(&mut self, quota: Size, is_written: bool) {
        let blueprint = self.blueprint;
        let Some(lvm) = &blueprint.image.lvm else { return };
        let holds = |mount: &str| {
            mount == "/"
                || DATA.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let volumes = lvm.volumes.iter().enumerate().filter(|(_, volume)| holds(&volume.mount));
        let Some((index, volume)) = volumes.max_by_key(|(_, volume)| volume.mount.len()) else { return };
        // A size that is none has been reported.
        let Ok(size) = volume.size.parse::<Size>() else { return };
        let needed = quota.saturating_add(quota);
        if size >= needed {
            return;
        }
        let written = Path::root().key("image").key("lvm").key("volumes").index(index).key("size");
        let key = Path::root().key("kubernetes").key("etcd_settings").key("quota");
        let message =
            format!("etcd may keep {quota} in {DATA}, and its volume, `{}`, has {size}", volume.mount);
        let mut diagnostic = Diagnostic::new(Code::EtcdVolume, Place::Value(written), message)
            .note("a member whose volume is full ends; a restore keeps the old database beside the new one")
            .help(format!("make the volume {needed} or larger, or `kubernetes.etcd_settings.quota` smaller"));
        if is_written {
            diagnostic = diagnostic.other(Place::Value(key), "the quota");
        }
        self.report(diagnostic);
    }
}
