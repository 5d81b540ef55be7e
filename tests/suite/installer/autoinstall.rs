//! The answers for Ubuntu's installer: judged by cloud-init, by a schema of what the installer takes, and by a model of it
//! that divides a disk with the program that it calls.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bpc::Compiled;
use bpc::format::{curtin, iso9660};
use bpc::value::Size;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_yaml::Value;

use super::{SUITES, document, layouts, lvm, quiet, with_layout};
use crate::built::{blueprint, blueprints, changed};
use crate::cloud_init::objections;
use crate::support::tools::{On, need, tool};

const MEBIBYTE: u64 = 1 << 20;

/// All blueprints that have such answers.
fn installed() -> Vec<Compiled> {
    let mut built = blueprints();
    built.retain(|one| document(one, "user-data").is_some());
    assert!(!built.is_empty());
    built
}

fn user_data(built: &Compiled) -> &str {
    std::str::from_utf8(document(built, "user-data").unwrap()).unwrap()
}

/// The answers, or a part of them: `["storage", "config"]`.
fn answers(built: &Compiled, keys: &[&str]) -> Value {
    let document: Value = serde_yaml::from_str(user_data(built)).unwrap();
    keys.iter().fold(document["autoinstall"].clone(), |value, key| value[*key].clone())
}

/// `tests/blueprints/noble-volumes` without a mirror.
fn without_mirror() -> Compiled {
    changed("noble-volumes", |text| {
        let (before, rest) = text.split_once("  mirror: ").unwrap();
        let (_, after) = rest.split_once("  lvm:").unwrap();
        format!("{before}  lvm:{after}")
    })
}

fn noble(disk: Size, firmware: &str, lvm: &str) -> Compiled {
    with_layout("noble-volumes", disk, firmware, lvm)
}

/// What the model of the installer makes of a disk, or says against the answers.
fn divided(on: On, user_data: &str, disk: Size, firmware: &str) -> Option<Result<serde_json::Value, String>> {
    let python = need(&[(on, "python3"), (on, "sfdisk")])?;
    let schema = include_bytes!("autoinstall.schema.json");
    let staged = python.stage(&[("schema.json", &schema[..]), ("user-data", user_data.as_bytes())]);
    let mut command = python.command();
    command.args(["-c", include_str!("divide.py")]).arg(staged.path_for(""));
    let output = command.args([&disk.bytes().to_string(), firmware]).output().unwrap();
    if output.status.success() {
        return Some(Ok(serde_json::from_slice(&output.stdout).unwrap()));
    }
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("refused: "), "{said}");
    Some(Err(said))
}

/// Holds what the model of the installer makes against what is planned.
fn divide(on: On, built: &Compiled) {
    let (disk, lvm) = (built.site.image.disk, lvm(built));
    let firmware = if lvm.efi.is_some() { "efi" } else { "bios" };
    let Some(made) = divided(on, user_data(built), disk, firmware) else { return };
    let made = made.unwrap_or_else(|said| panic!("{said} {}", user_data(built)));

    let first = lvm.efi.map_or(1, Size::as_mib);
    let sizes: Vec<u64> =
        made["partitions"].as_array().unwrap().iter().map(|it| it[1].as_u64().unwrap()).collect();
    let rest = (disk.as_mib() - 2 - first - lvm.boot.as_mib()) * MEBIBYTE;
    assert_eq!(sizes, [first * MEBIBYTE, lvm.boot.bytes(), rest]);

    let named = lvm.volumes.iter().map(|volume| (volume.name.as_str(), volume.size));
    let named: Vec<_> = named.chain(lvm.swap.map(|size| ("swap", size))).collect();
    let volumes: Vec<_> =
        named.iter().map(|(name, size)| serde_json::json!([lvm.group, name, size.bytes()])).collect();
    assert_eq!(made["volumes"].as_array().unwrap(), &volumes);
    let total: u64 = named.iter().map(|(_, size)| size.bytes()).sum();
    let group = (rest - MEBIBYTE) >> 22 << 22;
    assert_eq!(made["free"], group - total);

    let mount =
        |path: &str, kind: &str, options: &str, on: &str| serde_json::json!([path, kind, options, on]);
    let mut planned: BTreeSet<_> = lvm
        .volumes
        .iter()
        .map(|volume| {
            let options: Vec<&str> = volume.options.iter().map(|option| option.as_str()).collect();
            mount(&volume.mount, volume.filesystem.as_str(), &options.join(","), &volume.name).to_string()
        })
        .collect();
    planned.insert(mount("/boot", "ext4", "", "boot").to_string());
    planned.extend(lvm.efi.map(|_| mount("/boot/efi", "fat32", "", "efi").to_string()));
    planned.extend(lvm.swap.map(|_| mount("none", "swap", "", "swap").to_string()));
    let found = made["mounts"].as_array().unwrap();
    assert_eq!(found.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), planned);
    assert_eq!(found.len(), planned.len());
}

#[test]
fn the_answers_are_as_kept() {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/installer"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let noble = blueprint("noble-volumes");
    settings.bind(|| insta::assert_snapshot!("noble-volumes.user-data", user_data(&noble)));
    assert_eq!(document(&noble, "meta-data").unwrap(), b"instance-id: noble-volumes-installer\n");
}

/// The whole document, and the part of it that would become that of the installed system.
#[test]
fn cloud_init_takes_the_answers() {
    for on in SUITES {
        let mut documents = Vec::new();
        for one in installed().iter().chain([&without_mirror()]) {
            documents.push(("answers".to_owned() + &documents.len().to_string(), user_data(one).to_owned()));
            let inner = serde_yaml::to_string(&answers(one, &["user-data"])).unwrap();
            documents.push((format!("inner{}", documents.len()), format!("#cloud-config\n{inner}")));
        }
        let documents: Vec<_> =
            documents.iter().map(|(name, text)| (name.clone(), text.as_bytes())).collect();
        let Some(said) = objections(on, "cloud-config", &documents) else { continue };
        assert_eq!(said, "", "{on:?}");
    }
    let wrong: &[u8] = b"#cloud-config\nautoinstall: {version: one}\n";
    let Some(said) = objections(On::Trixie, "cloud-config", &[("wrong".to_owned(), wrong)]) else { return };
    assert!(said.contains("autoinstall"), "{said}");
}

#[test]
fn ubuntus_installer_makes_what_is_planned() {
    for on in SUITES {
        for one in installed().iter().chain([&without_mirror()]) {
            divide(on, one);
        }
    }
}

#[test]
fn ubuntus_installer_divides_any_disk() {
    let example =
        "{group: vg0, swap: 64MiB, volumes: [{mount: /, size: 256MiB}, {mount: /efi, size: 128MiB}]}";
    let all = format!("{{group: vg0, volumes: [{{mount: /, size: {}MiB}}]}}", (2048 << 10) - 1536);
    for firmware in ["bios", "efi"] {
        for mib in [2048, 2049, 10_000, 32 << 10, 500_003, 2048 << 10] {
            divide(On::Trixie, &noble(Size::mib(mib), firmware, example));
        }
        divide(On::Trixie, &noble(Size::gib(2048), firmware, &all));
    }
}

#[test]
fn ubuntus_installer_divides_disks_that_are_full() {
    let mut runner = TestRunner::deterministic();
    let layouts = layouts().prop_filter("a disk", |(disk, ..)| *disk <= Size::gib(2048));
    for _ in 0..8 {
        let (disk, firmware, lvm) = layouts.new_tree(&mut runner).unwrap().current();
        let built = noble(disk, firmware, &lvm);
        for on in SUITES {
            divide(on, &built);
        }
    }
}

/// 64 volumes that are none of them whole extents.
#[test]
fn ubuntus_installer_makes_many_volumes() {
    let volume = |index: u32| format!("{{mount: /srv/{index}, size: 65MiB}}");
    let volumes: Vec<String> = (1..64).map(volume).collect();
    let lvm = format!("{{group: vg0, volumes: [{{mount: /, size: 65MiB}}, {}]}}", volumes.join(", "));
    for firmware in ["bios", "efi"] {
        divide(On::Trixie, &noble(Size::mib(64 * 68 + 1536), firmware, &lvm));
    }
}

#[test]
fn the_model_of_the_installer_would_object() {
    let built = blueprint("noble-volumes");
    let (right, disk) = (user_data(&built), built.site.image.disk);
    let Some(made) = divided(On::Trixie, right, disk, "bios") else { return };
    made.unwrap();
    let refused = |text: &str, disk: Size, firmware: &str, why: &str| {
        let said = divided(On::Trixie, text, disk, firmware).unwrap().unwrap_err();
        assert!(said.contains(why), "{why}: {said}");
    };
    refused(right, disk, "efi", "does not boot");
    refused(right, Size::gib(8), "bios", "no room");
    for (from, to, why) in [
        ("version: 1", "version: 2", "version"),
        ("updates: all", "update: all", "update"),
        ("size: \"768M\"", "size: 768MB", "not valid"),
        ("size: \"768M\"", "size: -1", "took the rest"),
        ("size: -1", "size: 13000M", "no room"),
        ("size: -1", "size: 19710M", "last usable GPT sector"),
        ("flag: bios_grub", "flag: grub", "not valid"),
        ("flag: bios_grub\n        ", "", "finds no boot loader"),
        ("grub_device: true", "grub_device: false", "does not boot"),
        ("id: volume-var\n", "id: volume-root\n", "twice"),
        ("volume: volume-var\n", "volume: volume-root\n", "formatted twice"),
        ("device: format-boot", "device: format-boots", "not there"),
        ("path: /boot", "path: boot", "not valid"),
        ("path: /srv/efi", "path: /", "hide"),
    ] {
        assert_eq!(right.matches(from).count().min(1), 1, "{from}");
        refused(&right.replacen(from, to, 1), disk, "bios", why);
    }
}

#[test]
fn nobody_and_nothing_secret_is_in_the_answers() {
    for one in installed() {
        assert!(
            answers(&one, &["identity"]).is_null() && answers(&one, &["ssh", "authorized-keys"]).is_null()
        );
        let users = answers(&one, &["user-data", "users"]);
        assert_eq!(serde_yaml::to_string(&users).unwrap(), "- name: root\n  lock_passwd: true\n");
        for file in one.artifacts.files.iter().filter(|file| file.path.starts_with("installer/")) {
            assert!(!file.content.is_secret() && file.mode() == 0o644, "{}", file.path);
        }
    }
}

#[test]
fn packages_come_from_the_mirrors_of_the_blueprint() {
    let apt = |built: &Compiled| answers(built, &["apt"]);
    let at = |built: &Compiled| {
        let apt = apt(built);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        [&apt["mirror-selection"]["primary"][0]["uri"], &apt["security"][0]["uri"], &apt["conf"]].map(text)
    };
    let noble = blueprint("noble-volumes");
    let dated = "20260501T000000Z";
    let [primary, security, conf] = at(&noble);
    assert_eq!(primary, format!("https://mirror.example/ubuntu/{dated}"));
    assert_eq!(security, format!("https://security.example/ubuntu/{dated}"));
    assert!(conf.contains("Check-Valid-Until"), "{conf}");
    let today = changed("noble-volumes", |text| text.replace("  snapshot: 2026-05-01T00:00:00Z\n", ""));
    assert_eq!(at(&today)[2], "");
    assert_eq!(answers(&noble, &["proxy"]), "http://192.0.2.30:3142/");
    assert_eq!(serde_yaml::to_string(&apt(&without_mirror())).unwrap(), "geoip: false\n");
    let direct = changed("noble-volumes", |text| text.replace("  proxy: http://192.0.2.30:3142/\n", ""));
    assert!(answers(&direct, &["proxy"]).is_null());
}

/// The image in the tree is the one that the installer's cloud-init looks for.
#[test]
fn the_seed_has_the_answers() {
    for one in installed() {
        let image = document(&one, "seed.iso").unwrap();
        let volume = iso9660::read(image).unwrap();
        assert_eq!(volume.identifier, "CIDATA");
        for on in SUITES {
            let Some(blkid) = need(&[(on, "blkid"), (On::Host, "isoinfo")]) else { continue };
            let isoinfo = tool(On::Host, "isoinfo").unwrap();
            let staged = blkid.stage(&[("seed.iso", image)]);
            let label = ["-p", "-s", "LABEL", "-o", "value"];
            let said = quiet(blkid.command().args(label).arg(staged.path_for("seed.iso")));
            assert_eq!(said, "CIDATA\n");
            let seen = isoinfo.stage(&[("seed.iso", image)]);
            for name in ["user-data", "meta-data"] {
                let file = ["-R", "-x", &format!("/{name}"), "-i"];
                let said = quiet(isoinfo.command().args(file).arg(seen.path_for("seed.iso")));
                assert_eq!(said.as_bytes(), document(&one, name).unwrap());
            }
        }
    }
}

/// What the installer leaves, of which nothing may stay, and what is to stay.
#[test]
fn the_last_commands_leave_a_clean_image() {
    const GOES: [&str; 20] = [
        "etc/cloud/cloud-init.disabled",
        "etc/cloud/ds-identify.cfg",
        "etc/cloud/clean.d/99-installer",
        "etc/cloud/cloud.cfg.d/50-curtin-networking.cfg",
        "etc/cloud/cloud.cfg.d/90-installer-network.cfg",
        "etc/cloud/cloud.cfg.d/99-installer.cfg",
        "etc/cloud/cloud.cfg.d/curtin-preserve-sources.cfg",
        "etc/cloud/cloud.cfg.d/subiquity-disable-cloudinit-networking.cfg",
        "etc/netplan/00-installer-config.yaml",
        "etc/netplan/50-cloud-init.yaml",
        "etc/ssh/ssh_host_ed25519_key",
        "etc/ssh/ssh_host_ed25519_key.pub",
        "etc/ssh/sshd_config.d/50-cloud-init.conf",
        "etc/apt/apt.conf.d/90curtin-aptproxy",
        "etc/apt/apt.conf.d/94curtin-config",
        "etc/apt/apt.conf.d/zzzz-temp-installer-unattended-upgrade",
        "etc/systemd/system/snapd.service.d/snap_proxy.conf",
        "var/lib/dbus/machine-id",
        "var/lib/dhcp/dhclient.enp0s3.leases",
        "var/lib/systemd/random-seed",
    ];
    const STAYS: [&str; 6] = [
        "etc/cloud/cloud.cfg.d/90_dpkg.cfg",
        "etc/cloud/clean.d/README",
        "etc/ssh/sshd_config",
        "etc/apt/apt.conf.d/50unattended-upgrades",
        "etc/apt/sources.list.d/ubuntu.sources",
        "etc/fstab",
    ];
    let Some(dash) = tool(On::Host, "dash") else { return };
    for empty in [false, true] {
        let all = GOES.iter().filter(|_| !empty).chain(&STAYS).chain(&["etc/machine-id", "var/lib/x"]);
        let staged = dash.stage(&all.map(|path| (*path, &b"old\n"[..])).collect::<Vec<_>>());
        let root = staged.host_path().to_str().unwrap();
        for command in answers(&blueprint("noble-volumes"), &["late-commands"]).as_sequence().unwrap() {
            // The image's own programs are not here.
            let command = command.as_str().unwrap().replace("/target", root);
            let command = command.replace("/dev/console", &format!("{root}/console"));
            quiet(dash.command().args(["-ec", &format!("curtin() {{ :; }}\n{command}")]));
        }
        for path in GOES {
            assert!(!staged.host_path().join(path).exists(), "{path}");
        }
        for path in STAYS {
            assert!(staged.host_path().join(path).is_file(), "{path}");
        }
        assert_eq!(fs::read(staged.host_path().join("etc/machine-id")).unwrap(), b"");
        let boot_loader = fs::read(staged.host_path().join("etc/cloud/cloud.cfg.d/91_bpc.cfg")).unwrap();
        assert_eq!(boot_loader, b"grub_dpkg: {enabled: true}\n");
        assert_eq!(fs::read(staged.host_path().join("console")).unwrap(), b"bpc: base-image ready\n");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every build reads its own steps back, and is none if they are not what is planned or do not fit.
    #[test]
    fn any_layout_is_read_back_as_it_is_planned((disk, firmware, lvm) in layouts()) {
        prop_assume!(disk <= Size::gib(2048));
        let built = noble(disk, firmware, &lvm);
        let actions = curtin::read(&answers(&built, &["storage", "config"])).unwrap();
        let plan = built.site.image.lvm.unwrap();
        let volumes = actions.iter().filter(|it| matches!(it, curtin::Action::LvmPartition { .. })).count();
        prop_assert_eq!(volumes, plan.volumes.len() + usize::from(plan.swap.is_some()));
        let mounts = actions.iter().filter(|it| matches!(it, curtin::Action::Mount { .. })).count();
        prop_assert_eq!(mounts, volumes + 1 + usize::from(firmware == "efi"));
    }
}
