//! The stage that prepares the kernel.

use crate::bootstrap::scratch::{Machine, output, shells, succeed};
use crate::built::{artifact, blueprint};
use crate::node::{stage, with};

const FSTAB: &str = "\
# /swapfile none swap sw 0 0
UUID=1 / ext4 errors=remount-ro 0 1
UUID=2 none swap sw 0 0
\t/swap/file\tnone\tswap
/dev/sdb1 /srv/swap ext4 defaults 0 2
";

fn boot(machine: &Machine<'_>, swaps: &str) {
    machine.write("sys/fs/cgroup/cgroup.controllers", b"cpu memory pids\n", 0o444);
    machine.write("etc/fstab", FSTAB.as_bytes(), 0o644);
    for program in ["modprobe", "sysctl", "systemctl", "swapoff"] {
        machine.stub(program, "");
    }
    machine.stub("swapon", &format!("printf '{swaps}'"));
}

#[test]
fn swap_is_off_for_good_and_the_file_systems_stay() {
    for shell in shells() {
        let built = blueprint("routed");
        let (machine, mut command) = stage(&shell, &built, "20-kernel");
        boot(&machine, "");
        succeed(&mut command);
        let fstab = machine.read("etc/fstab");
        let lines: Vec<&str> = fstab.lines().collect();
        assert_eq!(
            lines,
            [
                "# /swapfile none swap sw 0 0",
                "UUID=1 / ext4 errors=remount-ro 0 1",
                "# the kubelet wants no swap: UUID=2 none swap sw 0 0",
                "# the kubelet wants no swap: \t/swap/file\tnone\tswap",
                "/dev/sdb1 /srv/swap ext4 defaults 0 2",
            ]
        );
        succeed(&mut command);
        assert_eq!(machine.read("etc/fstab"), fstab);
        let root = machine.path("");
        let once = [
            "modprobe overlay".to_owned(),
            "modprobe br_netfilter".to_owned(),
            format!("sysctl --quiet -p {}/etc/sysctl.d/zz-bpc-kubernetes.conf", root.display()),
            "systemctl mask swap.target zramswap.service".to_owned(),
            "swapoff -a".to_owned(),
            "swapon --show=NAME --noheadings".to_owned(),
        ];
        assert_eq!(machine.calls(), [once.clone(), once].concat());
    }
}

#[test]
fn swap_that_stays_on_is_told() {
    for shell in shells() {
        let built = blueprint("routed");
        let (machine, mut command) = stage(&shell, &built, "20-kernel");
        boot(&machine, "/dev/zram0\\n");
        assert_eq!(output(&mut command).status.code(), Some(1));
        assert_eq!(machine.calls().pop().unwrap(), "log still swapping: /dev/zram0");
    }
}

#[test]
fn a_kernel_with_the_old_cgroups_is_told_how_to_have_the_new() {
    for shell in shells() {
        let built = blueprint("routed");
        let (machine, mut command) = stage(&shell, &built, "20-kernel");
        assert_eq!(output(&mut command).status.code(), Some(1));
        let calls = machine.calls();
        assert!(calls.len() == 1 && calls[0].contains("cgroup v2"), "{calls:?}");
    }
}

/// kube-proxy would load them too, if its container has the kernel's modules; the machine has them at every boot.
#[test]
fn kube_proxy_finds_what_its_mode_ipvs_needs() {
    let built = with("kubeadm: {kube_proxy: {mode: ipvs, ipvs: {scheduler: sh}}}");
    let modules = artifact(&built, "node01", "files/etc/modules-load.d/bpc-kubernetes.conf");
    let modules = String::from_utf8_lossy(modules).into_owned();
    let modules: Vec<&str> = modules.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(modules, ["overlay", "br_netfilter", "ip_vs", "ip_vs_sh", "nf_conntrack"]);
    for shell in shells() {
        let (machine, mut command) = stage(&shell, &built, "20-kernel");
        boot(&machine, "");
        succeed(&mut command);
        let loaded: Vec<String> = machine
            .calls()
            .iter()
            .filter_map(|call| Some(call.strip_prefix("modprobe ")?.to_owned()))
            .collect();
        assert_eq!(loaded, modules);
    }
    let index = built.site.machines.iter().position(|it| it.name == "node01").unwrap();
    let packages = &built.setups.machines[index].packages;
    assert!(packages.contains("ipset") && packages.contains("ipvsadm"), "{packages:?}");
}
