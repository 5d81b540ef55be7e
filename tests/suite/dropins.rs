//! Drop-ins beside those of an image: the programs that read them take what bpc says, whatever the image says.

use std::collections::BTreeSet;

use crate::built::{artifact, blueprints, changed, changed_in};
use crate::support::tools::{On, tool};

/// What counts where two files of a folder say something of the same thing.
#[derive(Debug, PartialEq)]
enum Counts {
    /// What is read first.
    First,
    /// What is read last.
    Last,
    /// All of it: nothing is said twice.
    All,
}

/// Each folder of drop-ins, and what counts there: `sshd_config(5)`, sysctl.d(5), systemd.unit(5), apt.conf(5) and the like.
const FOLDERS: [(&str, Counts); 11] = [
    ("/etc/apt/apt.conf.d/", Counts::Last),
    ("/etc/apt/sources.list.d/", Counts::All),
    ("/etc/dnsmasq.d/", Counts::All),
    ("/etc/modules-load.d/", Counts::All),
    ("/etc/ssh/sshd_config.d/", Counts::First),
    ("/etc/sysctl.d/", Counts::Last),
    ("/etc/systemd/system/kubelet.service.d/", Counts::Last),
    ("/etc/systemd/networkd.conf.d/", Counts::Last),
    ("/etc/systemd/timesyncd.conf.d/", Counts::Last),
    ("/etc/sysusers.d/", Counts::All),
    ("/etc/containerd/certs.d/", Counts::All),
];

#[test]
fn every_drop_in_stands_where_it_counts() {
    let mut seen = BTreeSet::new();
    for built in blueprints() {
        for file in built.setups.machines.iter().flat_map(|setup| &setup.files) {
            let (folder, name) = file.path.rsplit_once('/').unwrap();
            if !folder.starts_with("/etc/") || !folder.contains(".d") {
                continue;
            }
            let known = FOLDERS.iter().find(|(start, _)| file.path.starts_with(start));
            let Some((folder, counts)) = known else {
                panic!("what counts in {folder}? ({})", built.site.name)
            };
            // A unit that is bpc's own has no others' drop-ins.
            if *counts == Counts::First {
                assert!(name < "01", "{}", file.path);
            } else if *counts == Counts::Last && !folder.contains("kubelet.service.d") {
                assert!(name.starts_with("zz-bpc"), "{}", file.path);
            }
            seen.insert(*folder);
        }
    }
    assert!(seen.contains("/etc/ssh/sshd_config.d/") && seen.contains("/etc/sysctl.d/"), "{seen:?}");
}

/// What `systemd-analyze cat-config` says of files: their lines, in the order in which they count.
fn merged(on: On, topic: &str, files: &[(&str, &[u8])]) -> Option<Vec<String>> {
    let analyze = tool(on, "systemd-analyze")?;
    let staged = analyze.stage(files);
    let root = format!("--root={}", staged.path_for("").display());
    let output = analyze.command().args([&root, "cat-config", topic]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect())
}

#[test]
fn the_kernel_is_told_last_what_bpc_says() {
    let built = blueprints().into_iter().find(|built| built.site.name == "kube-demo").unwrap();
    let ours = artifact(&built, "kube-node01", "files/etc/sysctl.d/zz-bpc-kubernetes.conf");
    for on in [On::Bookworm, On::Trixie] {
        let image: &[u8] = b"net.ipv4.ip_forward = 0\n";
        let files = [
            ("etc/sysctl.d/zz-bpc-kubernetes.conf", ours),
            ("etc/sysctl.d/99-sysctl.conf", image),
            // As Debian 12's README there calls it.
            ("etc/sysctl.d/local.conf", image),
            ("usr/lib/sysctl.d/99-protect-links.conf", image),
        ];
        let Some(lines) = merged(on, "sysctl.d", &files) else { continue };
        let said: Vec<&String> =
            lines.iter().filter(|line| line.starts_with("net.ipv4.ip_forward")).collect();
        assert_eq!(said.len(), 4, "{on:?}: {lines:?}");
        assert_eq!(said[3].replace(' ', ""), "net.ipv4.ip_forward=1", "{on:?}: {lines:?}");
    }
}

#[test]
fn the_time_servers_are_those_of_the_blueprint_alone() {
    let built = changed_in("blueprints", "tiny", |text| text + "\nsystem: {ntp: [time.example]}\n");
    let ours = artifact(&built, "kube-node", "files/etc/systemd/timesyncd.conf.d/zz-bpc.conf");
    for on in [On::Bookworm, On::Trixie] {
        let image: &[u8] = b"[Time]\nNTP=image.example\n";
        let files = [
            ("etc/systemd/timesyncd.conf.d/zz-bpc.conf", ours),
            ("etc/systemd/timesyncd.conf.d/cloud.conf", image),
            ("etc/systemd/timesyncd.conf", image),
        ];
        let Some(lines) = merged(on, "systemd/timesyncd.conf", &files) else { continue };
        // An empty list takes back what was said before.
        let reset = lines.iter().rposition(|line| line == "NTP=").unwrap();
        let servers: Vec<&str> = lines[reset..].iter().filter_map(|line| line.strip_prefix("NTP=")).collect();
        assert_eq!(servers, ["", "time.example"], "{on:?}: {lines:?}");
        assert_eq!(lines.iter().filter(|line| *line == "NTP=image.example").count(), 2, "{lines:?}");
    }
}

#[test]
fn apt_asks_the_proxy_of_the_blueprint_whatever_the_image_says() {
    let built = changed("volumes", |text| text);
    let ours = artifact(&built, "node", "files/etc/apt/apt.conf.d/zz-bpc");
    for on in [On::Bookworm, On::Trixie] {
        let Some(config) = tool(on, "apt-config") else { continue };
        let image: &[u8] = b"Acquire::http::Proxy \"http://image.example:1\";\n";
        let staged = config.stage(&[
            ("apt.conf.d/zz-bpc", ours),
            ("apt.conf.d/90curtin-aptproxy", image),
            ("apt.conf.d/99proxy", image),
        ]);
        // Read before all others, so that no other configuration is.
        let first = format!(
            "Dir::Etc::parts \"{}\";\nDir::Etc::main \"-\";\n",
            staged.path_for("apt.conf.d").display()
        );
        let main = config.stage(&[("first", first.as_bytes())]);
        let mut command = config.command();
        let output = command.env("APT_CONFIG", main.path_for("first")).arg("dump").output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let proxy = built.site.image.proxy.as_ref().unwrap();
        assert!(said.contains(&format!("Acquire::http::Proxy \"{proxy}\";\n")), "{on:?}: {said}");
    }
}
