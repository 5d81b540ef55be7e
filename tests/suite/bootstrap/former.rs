//! What an earlier seed has left on a machine, and what becomes of it.

use std::fs;

use bpc::bootstrap::former;
use bpc::setup::{File, Setup};

use super::scratch::{Machine, output, shells, stage};

/// A seed with one service and its files.
fn seed(service: &'static str, files: &[&str]) -> Setup {
    let service_stage = stage(45, service, &format!(". \"$BPC_LIB/lib.sh\"\nenable_service {service}"));
    let service_stage =
        service_stage.undone_by(&[], &format!("log undone\necho {service} >>\"$BPC_ROOT/undone\"\n"));
    let files = files.iter().map(|path| File::text(*path, format!("of {service}\n"))).collect();
    let mut setup = Setup { stages: vec![service_stage], files, ..Setup::default() };
    setup.stages.push(former(&setup, service));
    setup
}

/// Puts a seed in place, as cloud-init does: it removes nothing.
fn install(machine: &Machine<'_>, setup: &Setup) {
    for file in &setup.files {
        machine.write(file.path.trim_start_matches('/'), file.content.bytes(), file.mode);
    }
    machine.install(&setup.stages);
    machine.write("calls", b"", 0o644);
}

#[test]
fn what_a_seed_does_not_have_any_more_ends_before_its_successor_starts() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[]);
        machine.stub("systemctl", "");
        let one =
            seed("keepalived", &["/etc/keepalived.conf", "/etc/ours.conf", "/etc/kubernetes/pki/it.key"]);
        let other = seed("corosync", &["/etc/corosync.conf"]);
        install(&machine, &one);
        machine.run();
        machine.write("etc/ours.conf", b"by hand\n", 0o644);

        install(&machine, &other);
        let said = machine.run();
        let calls = machine.calls();
        let place =
            |call: &str| calls.iter().position(|it| it == call).unwrap_or_else(|| panic!("{calls:?}"));
        assert!(place("systemctl disable --now keepalived") < place("systemctl enable corosync"));
        let there = |path: &str| machine.host_path(path).exists();
        assert!(!there("etc/keepalived.conf") && there("etc/corosync.conf"));
        assert!(there("etc/ours.conf") && said.contains("/etc/ours.conf stays"), "{said}");
        assert!(there("etc/kubernetes/pki/it.key"), "kubeadm's");
        assert_eq!(machine.read("undone"), "keepalived\n");
        for of_stage in ["stages", "undo"] {
            assert!(!there(&format!("usr/local/lib/bpc/{of_stage}/45-keepalived")), "{of_stage}");
        }

        // Its stamp is gone: otherwise it would be done.
        install(&machine, &one);
        machine.run();
        let calls = machine.calls();
        assert!(calls.contains(&"systemctl disable --now corosync".to_owned()), "{calls:?}");
        assert!(calls.contains(&"systemctl enable keepalived".to_owned()), "{calls:?}");
    }
}

#[test]
fn a_file_that_a_later_seed_changed_is_known_as_that_seed_s() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[]);
        machine.stub("systemctl", "");
        let with = |text: &str| {
            let mut setup = Setup { files: vec![File::text("/etc/it.conf", text)], ..Setup::default() };
            setup.stages.push(former(&setup, text));
            setup
        };
        for setup in [with("one"), with("two")] {
            install(&machine, &setup);
            machine.run();
        }
        let mut none = Setup::default();
        none.stages.push(former(&none, ""));
        install(&machine, &none);
        machine.run();
        assert!(!machine.host_path("etc/it.conf").exists());
    }
}

#[test]
fn nothing_is_taken_away_below_pods_or_the_state_of_a_cluster() {
    for shell in shells() {
        for service in ["containerd", "docker", "etcd", "kubelet"] {
            let machine = Machine::new(&shell, &[]);
            machine.stub("systemctl", "");
            install(&machine, &seed(service, &["/etc/it.conf"]));
            machine.run();
            install(&machine, &seed("other", &[]));
            let mut command = machine.command("usr/local/lib/bpc/stages/01-former");
            let output = output(command.env("BPC_LIB", machine.path("usr/local/lib/bpc")));
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(!output.status.success() && said.contains("--recreate"), "{said}");
            assert_eq!(machine.calls(), Vec::<String>::new());
            assert!(fs::exists(machine.host_path("etc/it.conf")).unwrap());
        }
    }
}
