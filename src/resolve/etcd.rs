//! etcd: where its members are, and `etcd_settings:`.

use std::collections::BTreeMap;

use super::Resolver;
use super::machine::MachineDraft;
use super::volume::is_in;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{self, EtcdTopology, Kubernetes, MachineGroup};
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

impl<'a> Resolver<'a> {
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
        let members = match blueprint.kubernetes.as_ref().map(|it| it.etcd) {
            Some(EtcdTopology::External) => Role::Etcd,
            _ => Role::ControlPlane,
        };
        let members = blueprint.machines.iter().filter(|(_, group)| group.role == members);
        let holders: BTreeMap<Path, Holder<'_>> =
            members.filter_map(|(name, group)| self.holder(name, group)).collect();
        for (path, Holder { mount, size }) in holders {
            // A size that is none has been reported.
            let Ok(size) = size.parse::<Size>() else { continue };
            let needed = quota.saturating_add(quota);
            if size >= needed {
                continue;
            }
            let message = format!("etcd may keep {quota} in {DATA}, and its volume, `{mount}`, has {size}");
            let mut diagnostic = Diagnostic::new(Code::EtcdVolume, Place::Value(path), message)
                .note(
                    "a member whose volume is full ends; a restore keeps the old database beside the new one",
                )
                .help(format!(
                    "make the volume {needed} or larger, or `kubernetes.etcd_settings.quota` smaller"
                ));
            if is_written {
                let key = Path::root().key("kubernetes").key("etcd_settings").key("quota");
                diagnostic = diagnostic.other(Place::Value(key), "the quota");
            }
            self.report(diagnostic);
        }
    }

    /// What holds the data on the machines of a group, if the blueprint says it, and where it says how large that is.
    fn holder(&self, name: &str, group: &'a MachineGroup) -> Option<(Path, Holder<'a>)> {
        let machine = Path::root().key("machines").key(name);
        let lvm = self.blueprint.image.lvm.iter().flat_map(|lvm| lvm.volumes.iter().enumerate());
        let of_image = lvm.map(|(index, volume)| {
            let path = Path::root().key("image").key("lvm").key("volumes").index(index);
            (path, &volume.mount, &volume.size)
        });
        let disks = group.disks.iter().filter_map(|(name, disk)| {
            Some((machine.key("disks").key(name), disk.mount.as_ref()?, &disk.size))
        });
        let volumes = group.volumes.iter().enumerate();
        let volumes = volumes.map(|(index, it)| (machine.key("volumes").index(index), &it.mount, &it.size));
        let all =
            of_image.chain(disks).chain(volumes).filter(|(_, mount, _)| is_in(DATA, mount) || *mount == "/");
        // Of two on one folder, the image's and the machine's, that of the machine counts.
        let (path, mount, size) = all.max_by_key(|(_, mount, _)| mount.len())?;
        Some((path.key("size"), Holder { mount, size }))
    }
}

/// A file system with etcd's data, as the blueprint has it.
struct Holder<'a> {
    mount: &'a str,
    size: &'a str,
}
