//! What is not as planned is found, each time by the one change that is made here.

use super::verify;
use crate::artifact::{Artifacts, Content};
use crate::diag::Files;
use crate::format::cpio;
use crate::site::Site;
use crate::value::Secret;
use crate::vault::Vault;
use crate::{Inputs, compile};

const BLUEPRINT: &str = "
blueprint: 1
name: example
domain: example.test
epoch: 2026-01-01T00:00:00Z
image: {distribution: debian, release: trixie}
access: {}
networks: {lan: {cidr: 10.1.0.0/24}}
machines:
  mast: {role: control-plane, count: 2, cpus: 2, memory: 2GiB, networks: [lan]}
kubernetes: {version: \"1.35\"}
";

fn built(more: &str, vault: u8) -> (Site, Artifacts) {
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    inputs.files.add("blueprint.yaml", format!("{BLUEPRINT}{more}\n"));
    let (compiled, report) = compile(&inputs, &Vault::from_key([vault; 32])).unwrap();
    let compiled = compiled.unwrap_or_else(|| panic!("{:?}", report.diagnostics));
    (compiled.site, compiled.artifacts)
}

/// Puts a file in the place of another: in the artifacts and in the seed, for whose own proof it would differ.
fn complaint(to: &str, from: &str, other: &Artifacts) -> Option<String> {
    let (site, mut artifacts) = built("", 7);
    let content = other.files.iter().find(|file| file.path == from).unwrap().content.clone();
    let file = artifacts.files.iter_mut().find(|file| file.path == to).unwrap();
    assert!(file.content != content, "{to} is the same");
    file.content = content;
    let x509 = super::x509::verify(&site, &artifacts);
    x509.and_then(|()| super::ssh::verify(&site, &artifacts)).err().map(|bug| bug.0)
}

#[test]
fn what_is_as_planned_passes() {
    for more in ["", "pki: {root: true, authority_keys: vault, algorithm: ecdsa-p384}"] {
        let (site, artifacts) = built(more, 7);
        assert_eq!(verify(&site, &artifacts).map_err(|bug| bug.0), Ok(()));
    }
}

#[test]
fn a_certificate_that_was_exchanged_is_found() {
    let (_, same) = built("", 7);
    let pki = |machine: &str, name: &str| format!("machines/{machine}/files/etc/kubernetes/pki/{name}");
    for (to, from) in [
        // Of another machine, with another key, of another kind, and of another authority.
        (pki("mast01", "apiserver.crt"), pki("mast02", "apiserver.crt")),
        (pki("mast01", "apiserver.key"), pki("mast01", "sa.key")),
        (pki("mast01", "etcd/peer.crt"), pki("mast01", "etcd/server.crt")),
        (pki("mast01", "front-proxy-client.crt"), pki("mast01", "apiserver-kubelet-client.crt")),
        (pki("mast02", "etcd/ca.crt"), pki("mast02", "etcd/peer.crt")),
        (pki("mast02", "ca.key"), pki("mast02", "etcd/ca.key")),
        ("kubeconfig/admin.conf".into(), "machines/mast01/files/etc/kubernetes/scheduler.conf".into()),
        ("pki/etcd-ca.crt".into(), "pki/kubernetes-ca.crt".into()),
    ] {
        assert!(complaint(&to, &from, &same).is_some(), "{to}");
    }
}

#[test]
fn a_certificate_of_another_plan_or_vault_is_found() {
    let crt = "machines/mast01/files/etc/kubernetes/pki/apiserver.crt";
    for (more, vault) in [
        ("pki: {certificate_days: 364}", 7),
        ("pki: {root: true}", 7),
        ("rotate: {mast01/apiserver: 1}", 7),
        ("rotate: {kubernetes-ca: 1}", 7),
        ("", 8),
    ] {
        let (_, other) = built(more, vault);
        assert_eq!(complaint(crt, crt, &other), Some(format!("{crt} is not as planned")), "{more}");
    }
}

#[test]
fn an_ssh_certificate_that_was_exchanged_is_found() {
    let (_, same) = built("", 7);
    let (_, later) = built("pki: {operator_from: 2026-02-01T00:00:00Z}", 7);
    let (_, rotated) = built("rotate: {ssh-host-ca: 1, ssh-user-ca: 1}", 7);
    let ssh = |machine: &str, name: &str| format!("machines/{machine}/files/etc/ssh/{name}");
    let host = |name: &str| ssh("mast01", name);
    let (key, crt) = ("bpc_host_ed25519_key", "bpc_host_ed25519_key-cert.pub");
    let operator = "ssh/id_ed25519-cert.pub".to_owned();
    for (to, from, other) in [
        (host(crt), ssh("mast02", crt), &same),
        (host(key), ssh("mast02", key), &same),
        (host(crt), host(crt), &rotated),
        (host(crt), operator.clone(), &same),
        (host("ssh_known_hosts"), host("ssh_known_hosts"), &rotated),
        (host("bpc_user_ca.pub"), host("bpc_user_ca.pub"), &rotated),
        (operator.clone(), operator.clone(), &later),
        (operator.clone(), operator.clone(), &rotated),
        ("ssh/id_ed25519".into(), host(key), &same),
        ("ssh/known_hosts".into(), "ssh/known_hosts".into(), &rotated),
    ] {
        assert!(complaint(&to, &from, other).is_some(), "{to}");
    }
}

/// The messages are printed: they name files, never what is in them.
#[test]
fn what_cannot_be_read_is_a_bug_without_a_secret() {
    let (site, mut artifacts) = built("", 7);
    let key = artifacts.files.iter_mut().find(|file| file.path == "ssh/id_ed25519").unwrap();
    key.content = Content::Secret(Secret::new(b"hunter2".to_vec()));
    let said = verify(&site, &artifacts).unwrap_err().0;
    assert!(said.starts_with("an SSH key is unreadable") && !said.contains("hunter2"), "{said}");
}

/// What a descriptor says is found when it is changed, in either half of it, and so is a disk.
#[test]
fn a_descriptor_or_a_disk_of_something_else_is_found() {
    let (site, artifacts) = built("virtualbox: {adapter: e1000}", 7);
    let complaint = |path: &str, change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut changed = artifacts.clone();
        let file = changed.files.iter_mut().find(|file| file.path == path).unwrap();
        let bytes = change(file.content.bytes());
        assert!(bytes != file.content.bytes(), "{path} is the same");
        file.content = Content::Public(bytes);
        verify(&site, &changed).err().map(|bug| bug.0)
    };
    let ovf = "machines/mast01/machine.ovf";
    for (from, to) in [
        ("<rasd:VirtualQuantity>2<", "<rasd:VirtualQuantity>3<"),
        ("<rasd:VirtualQuantity>2048<", "<rasd:VirtualQuantity>2049<"),
        ("<rasd:Connection>Internal<", "<rasd:Connection>Bridged<"),
        ("<rasd:Address>08:", "<rasd:Address>0a:"),
        ("ovf:/disk/seed", "ovf:/disk/system"),
        ("<CPU count=\"2\"", "<CPU count=\"1\""),
        ("RAMSize=\"2048\"", "RAMSize=\"1024\""),
        ("type=\"BIOS\"", "type=\"EFI\""),
        ("PIIX3", "ICH9"),
        ("MACAddress=\"08", "MACAddress=\"0A"),
        ("<InternalNetwork name=\"example-lan\"", "<InternalNetwork name=\"other\""),
        ("<InternalNetwork ", "<BridgedInterface "),
        ("<Image uuid=\"{", "<Image uuid=\"{0"),
        ("ovf:size=\"", "ovf:size=\"1"),
        ("ovf:capacity=\"", "ovf:capacity=\"1"),
        ("vbox:uuid=\"", "vbox:uuid=\"0"),
        ("href=\"disks/system.vmdk\"", "href=\"seed.iso\""),
        ("<vbox:Machine", "<Machine"),
    ] {
        let change = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(from, to).into_bytes();
        assert!(complaint(ovf, &change).is_some(), "{from}");
    }
    let disk = "machines/mast01/disks/system.vmdk";
    let other = artifacts.files.iter().find(|file| file.path == disk.replace("01", "02")).unwrap();
    assert_eq!(
        complaint(disk, &|_| other.content.bytes().to_vec()),
        Some("the disk system of mast01 is not as planned".into())
    );
    let last = |bytes: &[u8]| [&bytes[..bytes.len() - 1], &[1]].concat();
    assert!(complaint(disk, &last).unwrap().ends_with("there is no end-of-stream marker"));
}

/// What a blueprint with volumes makes.
fn installed(distribution: &str) -> (Site, Artifacts) {
    let blueprint = BLUEPRINT.replace(
        "distribution: debian, release: trixie",
        &format!("{distribution}, lvm: {{group: vg0, swap: 1GiB, volumes: [{{mount: /, size: 8GiB}}, {{mount: /var, size: 5GiB, options: [nodev]}}]}}"),
    );
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    inputs.files.add("blueprint.yaml", blueprint);
    let (compiled, report) = compile(&inputs, &Vault::from_key([7; 32])).unwrap();
    let compiled = compiled.unwrap_or_else(|| panic!("{:?}", report.diagnostics));
    (compiled.site, compiled.artifacts)
}

/// Changes an artifact's text; the text that it has then.
fn change(artifacts: &mut Artifacts, path: &str, change: &dyn Fn(String) -> String) -> Vec<u8> {
    let file = artifacts.files.iter_mut().find(|file| file.path == path).unwrap();
    let text = change(String::from_utf8(file.content.bytes().to_vec()).unwrap()).into_bytes();
    file.content = Content::Public(text.clone());
    text
}

/// Puts one word in the place of another that is there.
fn replace(text: &str, right: &str, wrong: &str) -> String {
    assert!(text.contains(right), "{right}: {text}");
    text.replacen(right, wrong, 1)
}

/// What Debian's answers come to if they, and the overlay, are changed.
fn complaint_about_installer(change_to: &dyn Fn(String) -> String) -> Option<String> {
    let (site, mut artifacts) = installed("distribution: debian, release: trixie");
    let content = change(&mut artifacts, "installer/preseed.cfg", change_to);
    let entry = cpio::Entry { name: "preseed.cfg".to_owned(), mode: 0o644, modified: 0, content };
    let overlay = Content::Public(cpio::write(&[entry]).unwrap());
    let path = "installer/initrd-overlay.cpio.gz";
    artifacts.files.iter_mut().find(|file| file.path == path).unwrap().content = overlay;
    super::installer::verify(&site, &artifacts).err().map(|bug| bug.0)
}

#[test]
fn a_recipe_that_was_changed_is_found() {
    assert_eq!(complaint_about_installer(&|text| text), None);
    let differs = Some("installer: the recipe is not as planned".to_owned());
    for (right, wrong) in [
        ("5369 5369 5369", "5369 5369 6000"),
        ("5369 5369 5369", "5000 5000 5000"),
        ("lv_name{ var }", "lv_name{ usr }"),
        ("mountpoint{ /var }", "mountpoint{ /srv }"),
        ("filesystem{ ext4 } mountpoint{ /var }", "filesystem{ xfs } mountpoint{ /var }"),
        (" options/nodev{ nodev }", ""),
        ("vg_name{ vg0 }", "vg_name{ vg1 }"),
        ("8 1000 -1", "8 1000 1000"),
        ("806 806 806", "806 806 -1"),
        ("guided_size string ", "guided_size string 1"),
        ("lv_name{ swap }", "lv_name{ swop }"),
    ] {
        let change = |text: String| replace(&text, right, wrong);
        assert_eq!(complaint_about_installer(&change), differs, "{wrong}");
    }
}

#[test]
fn steps_of_ubuntus_installer_that_were_changed_are_found() {
    let complaint = |firmware: &str, right: &str, wrong: &str| {
        let image = format!("distribution: ubuntu, release: noble, firmware: {firmware}");
        let (site, mut artifacts) = installed(&image);
        assert_eq!(super::installer::verify(&site, &artifacts).map_err(|bug| bug.0), Ok(()));
        change(&mut artifacts, "installer/user-data", &|text| replace(&text, right, wrong));
        super::installer::verify(&site, &artifacts).unwrap_err().0
    };
    for (firmware, right, wrong) in [
        ("bios", "\"5120M\"", "\"5124M\""),
        ("bios", "name: var", "name: usr"),
        ("bios", "path: /var", "path: /srv"),
        ("bios", "options: nodev", "options: nosuid"),
        ("bios", "fstype: ext4", "fstype: xfs"),
        ("bios", "name: vg0", "name: vg1"),
        ("bios", "size: -1", "size: 9999M"),
        ("bios", "\"768M\"", "\"767M\""),
        ("bios", "flag: bios_grub", "flag: boot"),
        ("bios", "size: \"1M\"", "size: \"2M\""),
        ("bios", "        grub_device: true\n", ""),
        ("bios", "size: 0", "size: 1G"),
        ("bios", "name: swap", "name: swop"),
        ("efi", "        grub_device: true\n", ""),
        ("efi", "        grub_device: true\n", "        grub_device: false\n"),
        ("efi", "path: /boot/efi", "path: /boot/EFI"),
        ("efi", "fstype: fat32", "fstype: ext4"),
    ] {
        let said = complaint(firmware, right, wrong);
        assert_eq!(said, "installer: the disk is not divided as planned", "{wrong}");
    }
    for (right, wrong, said) in [
        ("device: disk", "device: disc", "nothing above is called: disc"),
        ("ptable: gpt", "ptable: gtp", "unknown variant"),
        ("  user-data:", "  identity: {}\n  user-data:", "it makes a user"),
        ("  user-data:", "  userdata:", "it makes a user"),
        ("name: root\n        lock", "name: ops\n        lock", "it makes a user"),
        ("locale: en_US", "locale: de_DE", "installer/seed.iso is not as planned"),
    ] {
        assert!(complaint("bios", right, wrong).contains(said), "{wrong}");
    }
}

/// What is planned fits, so the disk is made smaller: 14 GiB of volumes, and what is outside of them.
#[test]
fn a_disk_that_is_too_small_is_found() {
    for (firmware, outside) in [("bios", 1 + 1 + 768 + 1 + 1), ("efi", 1 + 512 + 768 + 1 + 1)] {
        let image = format!("distribution: ubuntu, release: noble, firmware: {firmware}");
        let (mut site, artifacts) = installed(&image);
        let smallest = (14 << 10) + outside;
        for (mib, fits) in [(smallest, true), (smallest - 1, false)] {
            site.image.disk = crate::value::Size::mib(mib);
            assert_eq!(super::installer::verify(&site, &artifacts).is_ok(), fits, "{firmware} {mib}");
        }
    }
}

#[test]
fn an_installer_that_is_not_planned_is_found() {
    let (site, mut artifacts) = built("", 7);
    let stray = artifacts.files[0].clone();
    artifacts.files.push(crate::artifact::Artifact { path: "installer/preseed.cfg".to_owned(), ..stray });
    assert_eq!(
        super::installer::verify(&site, &artifacts).err().map(|bug| bug.0),
        Some("installer/preseed.cfg is not planned".to_owned())
    );
}
