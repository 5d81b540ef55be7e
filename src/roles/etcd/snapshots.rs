//! Snapshots of the state, and the way back to one.

use serde::Serialize;

use super::{Member, script};
use crate::bug::Bug;
use crate::setup::{File, Setup, Stage};
use crate::template::render;

#[derive(Serialize)]
struct Timer {
    /// A span of time in systemd.time(7), which has the same units.
    every: String,
}

/// The scripts, the timer, and the stage that starts it.
pub(super) fn add(member: &Member<'_>, setup: &mut Setup) -> Result<(), Bug> {
    // After the stage that starts etcd: the service's, or kubeadm's.
    let order = if member.has_service() { 36 } else { 61 };
    let settings = &member.cluster.etcd_settings;
    let timer = Timer { every: settings.snapshot_every.to_string() };
    let timer = render("timer", include_str!("bpc-etcd-snapshot.timer.j2"), &timer)?;
    setup.files.push(File::script("/usr/local/sbin/bpc-etcd-snapshot", snapshot(member)));
    setup.files.push(File::script("/usr/local/sbin/bpc-etcd-restore", restore(member)));
    setup.apply(
        Stage::new(order, "etcd-snapshots", &[], include_str!("snapshots.sh")),
        vec![
            File::text(
                "/etc/systemd/system/bpc-etcd-snapshot.service",
                include_str!("bpc-etcd-snapshot.service"),
            ),
            File::text("/etc/systemd/system/bpc-etcd-snapshot.timer", timer),
        ],
    );
    Ok(())
}

fn snapshot(member: &Member<'_>) -> String {
    let kept = member.cluster.etcd_settings.snapshots_kept.to_string();
    let variables = [("ENDPOINT", member.endpoint()), ("KEPT", kept)];
    script(&variables, include_str!("bpc-etcd-snapshot.sh"))
}

/// kubeadm's members end and start with their manifests, others with their unit.
fn restore(member: &Member<'_>) -> String {
    let run = if member.has_service() {
        include_str!("restore-service.sh")
    } else {
        include_str!("restore-stacked.sh")
    };
    let variables = [
        ("NAME", member.machine.name.clone()),
        ("PEER", member.peer()),
        ("CLUSTER", member.initial_cluster()),
        ("TOKEN", member.site.name.clone()),
    ];
    script(&variables, &format!("{run}\n{}", include_str!("bpc-etcd-restore.sh")))
}
