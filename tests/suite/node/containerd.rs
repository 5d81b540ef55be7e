//! containerd's configuration, as containerd says that it has read it.

use crate::built::artifact;
use crate::node::with;
use crate::support::tools::{On, tool};

/// What containerd of that system makes of the configuration of a node: its lines, in quotes of one kind.
fn dump(on: On, more: &str) -> Option<Vec<String>> {
    let containerd = tool(on, "containerd")?;
    let built = with(more);
    let text = artifact(&built, "node01", "files/etc/containerd/config.toml");
    let staged = containerd.stage(&[("config.toml", text)]);
    let mut command = containerd.command();
    let output = command
        .arg("--config")
        .arg(staged.path_for("config.toml"))
        .args(["config", "dump"])
        .output()
        .unwrap();
    let [said, complaint] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success() && complaint.is_empty(), "{on:?}: {complaint}");
    Some(said.lines().map(|line| line.trim().replace('"', "'")).collect())
}

/// Asserts that these keys have these values, and each stands once in all of it.
fn assert_has(lines: &[String], expected: &[&str]) {
    for line in expected {
        let (key, _) = line.split_once(" = ").unwrap();
        let found: Vec<&String> = lines.iter().filter(|it| it.starts_with(&format!("{key} = "))).collect();
        assert_eq!(found, [line], "{key}");
    }
}

#[test]
fn containerd_1_has_read_what_it_was_told() {
    let Some(lines) = dump(On::Trixie, "containerd: \"1.7\"") else { return };
    assert_has(
        &lines,
        &[
            "version = 2",
            "sandbox_image = 'registry.k8s.io/pause:3.10.1'",
            "SystemdCgroup = true",
            "bin_dir = '/opt/cni/bin'",
            "conf_dir = '/etc/cni/net.d'",
            "default_runtime_name = 'runc'",
        ],
    );
    let registries = lines.iter().filter(|line| *line == "config_path = '/etc/containerd/certs.d'");
    assert_eq!(registries.count(), 1);
}

#[test]
fn containerd_2_has_read_what_it_was_told() {
    let Some(lines) = dump(On::Forky, "containerd: \"2.1\"") else { return };
    assert_has(
        &lines,
        &[
            "version = 3",
            "sandbox = 'registry.k8s.io/pause:3.10.1'",
            "SystemdCgroup = true",
            "bin_dirs = ['/opt/cni/bin']",
            "conf_dir = '/etc/cni/net.d'",
            "default_runtime_name = 'runc'",
        ],
    );
    let registries = lines.iter().filter(|line| *line == "config_path = '/etc/containerd/certs.d'");
    assert_eq!(registries.count(), 1);
}

/// kubeadm takes its own images from there, and would leave the one that the runtime starts.
#[test]
fn the_image_of_pods_comes_from_where_the_others_do() {
    for (on, version, key) in [(On::Trixie, "1.7", "sandbox_image"), (On::Forky, "2.1", "sandbox")] {
        let more = format!(
            "containerd: \"{version}\", kubeadm: {{cluster: {{imageRepository: mirror.example:5000/k8s}}}}"
        );
        let Some(lines) = dump(on, &more) else { continue };
        assert_has(&lines, &[&format!("{key} = 'mirror.example:5000/k8s/pause:3.10.1'")]);
    }
}

#[test]
fn a_key_in_the_wrong_table_would_be_seen() {
    let Some(containerd) = tool(On::Forky, "containerd") else { return };
    let wrong = b"version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]\nSystemdCgroup = true\n";
    let staged = containerd.stage(&[("config.toml", wrong)]);
    let mut command = containerd.command();
    let dump = command
        .arg("--config")
        .arg(staged.path_for("config.toml"))
        .args(["config", "dump"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&dump.stdout).contains("SystemdCgroup = false"));
}

#[test]
fn mirrors_are_asked_before_the_registry() {
    let built = with(
        "registry_mirrors: {docker.io: [\"https://mirror.example/hub\", \"http://192.168.1.9:5000\"], \
         \"registry.example:5000\": [\"https://mirror.example\"]}",
    );
    let hosts = |registry: &str| {
        let path = format!("files/etc/containerd/certs.d/{registry}/hosts.toml");
        String::from_utf8(artifact(&built, "node01", &path).to_vec()).unwrap()
    };
    insta::assert_snapshot!(hosts("docker.io"), @r#"
    # From the blueprint: mirrors, in the order in which they are asked.
    server = "https://registry-1.docker.io"

    [host."https://mirror.example/hub"]
      capabilities = ["pull", "resolve"]

    [host."http://192.168.1.9:5000"]
      capabilities = ["pull", "resolve"]
    "#);
    assert!(hosts("registry.example:5000").contains("server = \"https://registry.example:5000\"\n"));
}
