//! Every bootstrap stage of every machine, run on a machine that is a folder: does it do its work, does it do nothing
//! when the work is done, and does it finish what was interrupted?
//!
//! A stage starts from what the stages before it have left. Programs that act are [stubs](stubs), which write down
//! their calls. For each call in turn there is a run in which it fails, and runs in which the power goes before or in
//! the middle of it; after the next run all must be as if nothing had happened.
//!
//! A new stage is found by itself. It needs a stub for each program that has none yet, and a snapshot of what it does
//! in `snapshots/stages/`.

mod downloads;
mod inputs;
mod judge;
mod normal;
mod root;
mod sources;
mod stubs;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bpc::Compiled;
use bpc::artifact::Content;
use bpc::bootstrap::{files, packages};
use bpc::setup::{File, Stage};
use bpc::site::Download;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::built::blueprints;
use crate::support::tools::On;
use judge::{Depth, Verdict, judge};
use root::{Lab, Root};

/// A machine whose stages are run.
struct Machine {
    /// Where it is: `kube-demo/hapx-node01`.
    name: String,
    on: On,
    /// Its files, but for those of the bootstrap.
    files: Vec<File>,
    /// Who logs in.
    user: String,
    /// What any machine of the site may download, by name.
    downloads: BTreeMap<String, Download>,
    /// What its disks are before the first stage.
    disks: Vec<File>,
    /// In the order in which they run.
    stages: Vec<Stage>,
    /// File names of those that no other machine has been chosen for, and how each is judged.
    judged: BTreeMap<String, Depth>,
}

impl Machine {
    fn all_of(built: &Compiled) -> Vec<Self> {
        let on = if built.site.image.release == "bookworm" { On::Bookworm } else { On::Trixie };
        let machines = built.site.machines.iter().zip(&built.setups.machines);
        let machines = machines.map(|(machine, setup)| {
            let mut stages = setup.stages.clone();
            stages.push(packages(&setup.packages));
            stages.sort_by_key(Stage::file_name);
            let name = format!("{}/{}", built.site.name, machine.name);
            let (files, downloads) = (setup.files.clone(), built.site.downloads.clone());
            let (user, disks) = (built.site.user.clone(), stubs::disks(&built.site, machine));
            Self { name, on, files, user, downloads, disks, stages, judged: BTreeMap::new() }
        });
        machines.collect()
    }

    /// Its root before the first stage.
    fn root<'a>(&self, lab: &'a Lab) -> Root<'a> {
        let mut stages = self.stages.clone();
        let mut all = [self.files.clone(), self.disks.clone()].concat();
        let shrink = |stage: &mut Stage| downloads::shrink(&mut stage.script, &self.downloads);
        for (url, content) in stages.iter_mut().flat_map(shrink) {
            let path = format!("/opt/downloads/{}", url.replace('/', "_"));
            all.push(File::text(path, Content::Public(content)));
        }
        all.extend(files("machine", &stages));
        let users = fs::read_to_string(self.on.root().join("etc/passwd")).unwrap();
        all.push(File::text("/etc/passwd", format!("{users}{0}:x:1000:100::/home/{0}:/bin/sh\n", self.user)));
        let root = lab.machine(self.on, &all);
        // Somebody else has started the cluster that this machine joins.
        if self.stages.iter().any(|stage| stage.script.contains("\nFIRST=no\n")) {
            root.write(CLUSTER, b"theirs\n", 0o644);
        }
        root
    }

    /// Runs its stages in order, and judges those that it was chosen for.
    fn judge(&self, lab: &Lab) -> Vec<Verdict> {
        let mut root = self.root(lab);
        let mut left = self.judged.len();
        let mut verdicts = Vec::new();
        let mut layers = Vec::new();
        for stage in &self.stages {
            let name = stage.file_name();
            if let Some(depth) = self.judged.get(&name) {
                verdicts.push(judge(&root, &self.name, stage, *depth));
                for (why, files) in others(&stage.script) {
                    let root = root.above();
                    for (path, text) in files {
                        root.write(path, text.as_bytes(), 0o644);
                    }
                    let mut verdict = judge(&root, &format!("{} ({why})", self.name), stage, *depth);
                    verdict.record.insert_str(0, &format!("# {why}\n"));
                    verdicts.push(verdict);
                }
                left -= 1;
            }
            if left == 0 {
                break;
            }
            let next = root.above();
            next.run(&name, None);
            layers.push(std::mem::replace(&mut root, next));
        }
        verdicts
    }
}

/// What stands above the files that a stage puts into force.
const APPLIES: &str = "\n# Puts into force:\n";

/// Where the stubs find that there is a cluster.
const CLUSTER: &str = "/var/lib/stubs/cluster/uid";

/// What else a stage may find, and the files that make it so.
fn others(script: &str) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let value = |name: &str| script.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let mut others = Vec::new();
    let text = |text: &str| text.to_owned();
    if value("SEED").is_some() {
        others.push(("another seed before", former()));
    }
    if value("KEYS").is_some() {
        let list = text("ssh-ed25519 OLD one\nssh-ed25519 ELSE other\n");
        let files = [
            ("/var/lib/bpc/users/games", text("OLD\n")),
            ("/usr/games/.ssh/authorized_keys", list.clone()),
            ("/root/.ssh/authorized_keys", list),
        ];
        others.push(("another user before", files.to_vec()));
    }
    if let (Some(own), Some(first), Some(folder)) = (value("OWN"), value("FIRST"), value("DATA_DIR")) {
        let mut files = Vec::new();
        if first == "yes" {
            files = vec![(CLUSTER, text("theirs\n")), ("/var/lib/stubs/cluster/elsewhere", text("yes\n"))];
        }
        if folder.len() > 2 {
            files.push(("/var/lib/stubs/cluster/former", format!("{own}\n")));
        }
        if value("OTHERS").is_some_and(|others| others.len() > 2) && !files.is_empty() {
            others.push(("made anew", files));
        }
        let node = [
            "/etc/kubernetes/kubelet.conf",
            "/var/lib/kubelet/kubeadm-flags.env",
            "/var/lib/kubelet/pki/kubelet-client-current.pem",
        ];
        others.push(("a node before", node.map(|path| (path, text("of before\n"))).to_vec()));
    }
    if value("KUBELET_URL").is_some() {
        let paths = ["/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/config.yaml"];
        let mut files = paths.map(|path| (path, text("of before\n"))).to_vec();
        files.push(("/usr/local/bin/kubelet", text("of before\n")));
        others.push(("a node of an older version", files));
    }
    others
}

/// What a seed has left that had a unit, files and a stage of its own; somebody has changed one of the files.
fn former() -> Vec<(&'static str, String)> {
    let digest = base16ct::lower::encode_string(&Sha256::digest("of before\n"));
    let listed = ["/etc/gone.conf", "/etc/changed.conf"].map(|path| format!("{digest}  {path}\n"));
    let text = |text: &str| text.to_owned();
    vec![
        ("/var/lib/bpc/files", listed.concat()),
        ("/etc/gone.conf", text("of before\n")),
        ("/etc/changed.conf", text("by hand\n")),
        ("/var/lib/bpc/units/gone", text("44-gone\n")),
        ("/var/lib/stubs/enabled/gone", text("yes\n")),
        ("/var/lib/bpc/stamps/44-gone", text("of before\n")),
        ("/usr/local/lib/bpc/stages/44-gone", text("#!/bin/sh\n")),
        ("/usr/local/lib/bpc/undo/44-gone", text("#!/bin/sh\nchmod 0600 /etc/motd\n")),
    ]
}

/// The machines on which all stages are that differ in more than names and numbers. Of those that take the same course, one is
/// disturbed: that which makes the most different calls of its own functions.
fn chosen() -> Vec<Machine> {
    let mut known = BTreeSet::new();
    let mut courses: BTreeMap<String, (usize, (usize, String))> = BTreeMap::new();
    let mut machines: Vec<Machine> = blueprints().iter().flat_map(Machine::all_of).collect();
    for (index, machine) in machines.iter_mut().enumerate() {
        for stage in &machine.stages {
            if known.insert((stage.name, normal::script(&stage.script))) {
                machine.judged.insert(stage.file_name(), Depth::Undisturbed);
                let (course, calls) = normal::course(&stage.script);
                let candidate = (calls, (index, stage.file_name()));
                let best = courses.entry(course).or_insert_with(|| candidate.clone());
                if candidate.0 > best.0 {
                    *best = candidate;
                }
            }
        }
    }
    for (_, (index, stage)) in courses.into_values() {
        machines[index].judged.insert(stage, Depth::Disturbed);
    }
    machines.retain(|machine| !machine.judged.is_empty());
    machines
}

#[test]
fn every_stage_works_once_and_finishes_what_was_interrupted() {
    let Some(lab) = Lab::new() else { return };
    let verdicts: Vec<Verdict> = chosen().par_iter().flat_map(|machine| machine.judge(&lab)).collect();
    let complaints: Vec<String> = verdicts.iter().flat_map(|verdict| verdict.complaints.clone()).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));

    let mut records: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for verdict in verdicts {
        let (_, name) = verdict.stage.split_once('-').unwrap();
        records.entry(name.to_owned()).or_default().insert(verdict.record);
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/stages");
    for entry in kept.read_dir().unwrap() {
        let stage = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(records.contains_key(&stage), "there is no such stage: {stage}");
    }
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(kept);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, records) in records {
        let text = records.into_iter().collect::<Vec<_>>().join("----\n");
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}

/// What is wrong with a stage that does this, to put into force what HAProxy reads and how it is started; it may download.
fn complaints(lab: &Lab, body: &str) -> String {
    let files = vec![
        File::text("/etc/haproxy/haproxy.cfg", "frontend api\n"),
        File::text("/etc/systemd/system/haproxy.service.d/it.conf", "[Service]\nRestart=always\n"),
    ];
    let stage = Stage::new(50, "trial", &[], body).applying(&files);
    let stage = stage.sealed(&files, |_| "0".repeat(64)).unwrap();
    let judged = BTreeMap::from([(stage.file_name(), Depth::Disturbed)]);
    let name = "one".to_owned();
    let downloads =
        [("it", "https://dl.example/it.tar.gz", "aa"), ("cni-plugins", "https://dl.example/cni.tgz", "")]
            .map(|(name, url, digest)| {
                let (version, url) = ("1.0.0".parse().unwrap(), url.to_owned());
                (name.to_owned(), Download { version, url, sha256: digest.repeat(32) })
            });
    let downloads = BTreeMap::from(downloads);
    let machine = Machine {
        name,
        on: On::Trixie,
        files,
        user: "one".to_owned(),
        downloads,
        disks: vec![File::text("/etc/fstab", "")],
        stages: vec![stage],
        judged,
    };
    machine.judge(lab).iter().flat_map(|verdict| verdict.complaints.clone()).collect()
}

#[test]
fn a_bad_stage_would_be_noticed() {
    let Some(lab) = Lab::new() else { return };
    for (body, complaint) in [
        (":", "one 50-trial: the first run does nothing"),
        ("frobnicate", "the first run fails: "),
        ("frobnicate || :", "frobnicate: not found"),
        (
            "[ -e /run/it ] || ! [ -e /etc/it ] || exit 1; : >/run/it; : >/etc/it",
            "the run after a boot fails",
        ),
        ("systemctl frobnicate haproxy || :", "no stub for `systemctl frobnicate haproxy`"),
        ("echo again >>/etc/motd", "the second run: /etc/motd is "),
        ("chmod 600 /etc/motd; [ -e /etc/it ] || chmod 644 /etc/motd; : >/etc/it", "/etc/motd is 0600"),
        ("systemctl restart haproxy", "the second run: changes something by `systemctl restart haproxy`"),
        ("enable_service haproxy", "services that have read older files: /run/stubs/active/haproxy"),
        ("install_packages haproxy", "services that have read older files: /run/stubs/active/haproxy"),
        ("systemctl enable haproxy; apply restart haproxy", "older files: /run/stubs/loaded"),
        ("haproxy -c -f /etc/haproxy/haproxy.cfg", "nothing reads /etc/haproxy/haproxy.cfg"),
        (
            "[ -e /etc/it ] || { : >/etc/it; locale-gen; }\nenable_service haproxy restart",
            "Cut(1) (locale-gen): after the next run ",
        ),
        (
            "[ -e /etc/it ] || { : >/etc/it; locale-gen; }\nenable_service haproxy restart",
            "Fail(1) (locale-gen): after the next run ",
        ),
        (
            "systemctl enable haproxy || :; systemctl daemon-reload; apply restart haproxy",
            "Fail(1) (systemctl enable haproxy): it exits 0 although ",
        ),
        (
            "dpkg-query jq || apt-get -q install --yes jq\nenable_service haproxy restart",
            "(apt-get -q install --yes jq): the next run fails",
        ),
    ] {
        let found = complaints(&lab, body);
        assert!(found.contains(complaint), "{body}: {found}");
    }
    let it =
        format!("unpack https://dl.example/it.tar.gz {} /usr/local/bin bin/it lib/so.1", "aa".repeat(32));
    for good in [
        "install_packages jq\nenable_service haproxy reload-or-restart",
        &format!("{it}\nenable_service haproxy restart"),
        "unpack https://dl.example/cni.tgz '' /opt/cni/bin\nenable_service haproxy restart",
    ] {
        assert_eq!(complaints(&lab, good), "", "{good}");
    }
}
