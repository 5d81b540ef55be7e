//! Docker, and what the kubelet uses it by.

use serde_json::json;

use crate::built::artifact;
use crate::node::with;

#[test]
fn docker_makes_cgroups_as_the_kubelet_does_and_no_network() {
    let built = with("runtime: docker, registry_mirrors: {docker.io: [\"https://mirror.example\"]}");
    let unit = artifact(&built, "node01", "files/etc/systemd/system/docker.service");
    let unit = String::from_utf8_lossy(unit).replace("\\\n ", "");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    for flag in
        ["--exec-opt=native.cgroupdriver=systemd", "--bridge=none", "--iptables=false", "--live-restore"]
    {
        assert!(command.split(' ').any(|word| word == flag), "{command}");
    }
    let daemon: serde_json::Value =
        serde_json::from_slice(artifact(&built, "node01", "files/etc/docker/daemon.json")).unwrap();
    // dockerd refuses what is set in both.
    assert_eq!(daemon, json!({"registry-mirrors": ["https://mirror.example"]}));
    assert!(!command.contains("registry-mirror"), "{command}");
}

#[test]
fn its_socket_is_the_one_that_everybody_is_told() {
    let built = with("runtime: docker");
    let text = |path: &str| String::from_utf8(artifact(&built, "mast01", path).to_vec()).unwrap();
    let socket = built.site.kubernetes.as_ref().unwrap().runtime.cri_socket();
    let path = socket.strip_prefix("unix://").unwrap();
    assert!(text("files/etc/systemd/system/cri-docker.socket").contains(&format!("\nListenStream={path}\n")));
    assert!(text("files/etc/crictl.yaml").starts_with(&format!("runtime-endpoint: {socket}\n")));
    let unit = text("files/etc/systemd/system/cri-docker.service");
    assert!(unit.contains("--pod-infra-container-image=registry.k8s.io/pause:3.10.1\n"), "{unit}");
    let machine =
        &built.setups.machines[built.site.machines.iter().position(|it| it.name == "mast01").unwrap()];
    assert!(!machine.files.iter().any(|file| file.path.contains("containerd")));
}

#[test]
fn the_image_of_pods_comes_from_where_the_others_do() {
    let built = with("runtime: docker, kubeadm: {cluster: {imageRepository: mirror.example/k8s}}");
    let unit = artifact(&built, "node01", "files/etc/systemd/system/cri-docker.service");
    let unit = String::from_utf8_lossy(unit).into_owned();
    assert!(unit.contains("--pod-infra-container-image=mirror.example/k8s/pause:3.10.1\n"), "{unit}");
}
