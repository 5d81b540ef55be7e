//! The stages of a member, in a scratch root with programs that only note how they were called.

use bpc::setup::Stage;

use super::lab::built_today;
use crate::bootstrap::scratch::{Machine, Shell, shells};
use crate::built::artifact;

/// A member of kube-full, or a control plane of kube-demo, with its files and one of its stages.
fn machine<'a>(shell: &'a Shell, blueprint: &str, name: &str, order: u8, stage: &'static str) -> Machine<'a> {
    let built = built_today(blueprint);
    let script = artifact(&built, name, &format!("files/usr/local/lib/bpc/stages/{order}-{stage}"));
    let script = String::from_utf8(script.to_vec()).unwrap();
    let machine = Machine::new(shell, &[Stage::scripted(order, stage, script)]);
    let member = built.site.machines.iter().find(|machine| machine.name == name).unwrap();
    for (path, content) in crate::built::files(&built, member) {
        if path.starts_with("/etc/") {
            machine.write(path.trim_start_matches('/'), content, 0o600);
        }
    }
    machine.write("usr/local/bin/etcd", b"3.6", 0o755);
    for program in ["systemctl", "systemd-sysusers", "bpc-etcdctl"] {
        machine.stub(program, "");
    }
    let library = machine.read("usr/local/lib/bpc/lib.sh");
    let unpack = "unpack() { echo \"unpack $*\" >>\"$BPC_ROOT/calls\"; }\n";
    machine.write("usr/local/lib/bpc/lib.sh", (library + unpack).as_bytes(), 0o644);
    machine
}

/// The calls since this was last asked, without those of the engine.
fn calls(machine: &Machine<'_>) -> Vec<String> {
    let calls = machine.calls().into_iter();
    let calls = calls.filter(|call| !call.starts_with("sync") && !call.starts_with("cloud-init"));
    let root = machine.path("").display().to_string();
    let calls = calls.map(|call| call.replace(&format!("{root}/"), "/")).collect();
    machine.write("calls", b"", 0o600);
    calls
}

fn run_again(machine: &Machine<'_>) -> Vec<String> {
    calls(machine);
    std::fs::remove_dir_all(machine.host_path("var/lib/bpc/stamps")).unwrap();
    machine.run();
    calls(machine)
}

/// Starts it; before that, these actions are applied to it.
fn starts(actions: &[&str]) -> Vec<String> {
    let mut calls = vec![
        "systemd-sysusers /etc/sysusers.d/bpc-etcd.conf".to_owned(),
        "systemctl daemon-reload".to_owned(),
        "systemctl enable etcd".to_owned(),
    ];
    let actions = actions.iter().chain(&["start"]);
    calls.extend(actions.map(|action| format!("systemctl --no-block {action} etcd")));
    calls.push("bpc-etcdctl endpoint health".to_owned());
    calls
}

#[test]
fn a_member_has_the_server_and_kubeadm_s_has_only_the_tools() {
    for shell in shells() {
        for (blueprint, name, tools) in [
            ("kube-full", "etcd-node01", 3),
            ("kube-compact", "kube-mast01", 3),
            ("kube-demo", "kube-mast01", 2),
        ] {
            let machine = machine(&shell, blueprint, name, 30, "etcd-software");
            machine.run();
            let [call] = calls(&machine).try_into().unwrap();
            let words: Vec<&str> = call.split(' ').collect();
            assert_eq!((words[0], words[3], words.len()), ("unpack", "/usr/local/bin", 4 + tools), "{call}");
            assert!(words[1].ends_with("-linux-amd64.tar.gz") && words[2].len() == 64, "{call}");
            assert!(
                words[4..].iter().all(|path| words[1].contains(path.split('/').next().unwrap())),
                "{call}"
            );
        }
    }
}

#[test]
fn a_member_restarts_for_what_is_new_and_for_nothing_else() {
    for shell in shells() {
        let machine = machine(&shell, "kube-full", "etcd-node01", 35, "etcd");
        machine.run();
        assert_eq!(calls(&machine), starts(&["restart"]));
        assert_eq!(run_again(&machine), starts(&[]));
        let stage = "usr/local/lib/bpc/stages/35-etcd";
        let former = machine.read(stage);
        for new in
            ["RELEASE='", "/etc/etcd/etcd.yaml", "/etc/etcd/pki/peer.crt", "/etc/systemd/system/etcd.service"]
        {
            let changed = former.replacen(new, &format!("{new}.new"), 1);
            assert_ne!(changed, former, "{new}");
            machine.write(stage, changed.as_bytes(), 0o755);
            assert_eq!(run_again(&machine), starts(&["restart"]), "{new}");
            assert_eq!(run_again(&machine), starts(&[]), "{new}");
        }
    }
}

#[test]
fn a_member_that_was_not_restarted_is_the_next_time() {
    for shell in shells() {
        let machine = machine(&shell, "kube-full", "etcd-node01", 35, "etcd");
        let repair = "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\ncp \"$BPC_ROOT/bin/bpc-etcdctl\" \"$BPC_ROOT/bin/systemctl\"";
        machine.stub("systemctl", "case $* in *restart*) exit 1 ;; esac");
        machine.stub("sleep", repair);
        machine.run();
        let restarts = calls(&machine).into_iter().filter(|call| call.contains("restart")).count();
        assert_eq!(restarts, 2);
        assert!(machine.console().contains("etcd failed (attempt 1"));
    }
}

#[test]
fn a_member_that_does_not_answer_is_waited_for_by_the_engine() {
    for shell in shells() {
        let machine = machine(&shell, "kube-full", "etcd-node01", 35, "etcd");
        // The engine sleeps longer from its third attempt on, the stage never.
        let arrives = "case $1 in 0.*) exec /bin/sleep \"$1\" ;; 2) ;; *) touch \"$BPC_ROOT/up\" ;; esac";
        machine.stub("sleep", arrives);
        machine.stub("bpc-etcdctl", "[ -e \"$BPC_ROOT/up\" ] || { echo unhealthy; exit 1; }");
        let said = machine.run();
        assert!(said.contains("unhealthy") && said.contains("more than half"), "{said}");
        let (asked, restarted): (Vec<String>, Vec<String>) = calls(&machine)
            .into_iter()
            .filter(|call| !call.starts_with("sleep"))
            .partition(|call| call.contains("health"));
        assert_eq!(asked.len(), 2 * 15 + 1);
        let restarted = restarted.iter().filter(|call| call.contains("--no-block"));
        let expected = ["restart", "start", "start", "start"]
            .map(|action| format!("systemctl --no-block {action} etcd"));
        assert!(restarted.eq(&expected));
    }
}

#[test]
fn snapshots_begin_with_the_stage() {
    for shell in shells() {
        let machine = machine(&shell, "kube-demo", "kube-mast01", 61, "etcd-snapshots");
        machine.run();
        let timer = "bpc-etcd-snapshot.timer";
        let expected = [
            "systemctl daemon-reload".to_owned(),
            format!("systemctl enable {timer}"),
            format!("systemctl restart {timer}"),
            format!("systemctl start {timer}"),
        ];
        assert_eq!(calls(&machine), expected);
    }
}
