//! The stages of a cluster's machines, in a scratch root with programs that only note how they were called.

use std::time::{Duration, SystemTime};

use bpc::Compiled;
use bpc::setup::Stage;

use super::routed;
use crate::bootstrap::scratch::{Machine, Shell, output, shells};
use crate::built::{artifact, files};

/// A CIB is a text here, the same one in every section.
const CIBADMIN: &str = "
for last; do :; done
cib=${CIB_file:-$BPC_ROOT/cib}
case $* in
  --empty) echo nothing ;;
  --query*) cat \"$cib\" ;;
  *) cat \"$last\" >\"$cib\" ;;
esac";

/// The stage of the first machine.
fn stage(built: &Compiled, order: u8, name: &'static str) -> Stage {
    let script = artifact(built, "hapx01", &format!("files/usr/local/lib/bpc/stages/{order}-{name}"));
    Stage::scripted(order, name, String::from_utf8(script.to_vec()).unwrap())
}

/// The first machine of a pair, with its files and one of its stages; all members are online.
fn machine<'a>(shell: &'a Shell, pacemaker: &str, order: u8, name: &'static str) -> Machine<'a> {
    let built = routed("hapx: {role: load-balancer, count: 2, networks: [lb, vip]}", pacemaker);
    let machine = Machine::new(shell, &[stage(&built, order, name)]);
    for path in ["etc/corosync/corosync.conf", "etc/corosync/authkey", "etc/bpc/cluster.crm"] {
        machine.write(path, artifact(&built, "hapx01", &format!("files/{path}")), 0o600);
    }
    machine.write("cib", b"nothing", 0o600);
    online(&machine, &["hapx01", "hapx02"]);
    for program in ["corosync", "systemctl", "crm_verify"] {
        machine.stub(program, "");
    }
    machine.stub("crm_mon", "cat \"$BPC_ROOT/online\"");
    machine.stub("cibadmin", CIBADMIN);
    machine.stub("crm", "for last; do :; done\ncat \"$last\" >\"$CIB_file\"");
    let held = "echo 'resource floating-address is running on: hapx01'";
    machine.stub("crm_resource", held);
    machine
}

/// Has Pacemaker see these members.
fn online(machine: &Machine<'_>, names: &[&str]) {
    let line = |name: &&str| {
        format!("<node name=\"{name}\" id=\"1\" online=\"true\" standby=\"false\" pending=\"false\"/>\n")
    };
    let absent = "<node name=\"hapx02\" id=\"2\" online=\"false\" standby=\"false\" pending=\"false\"/>\n";
    let lines: String = names.iter().map(line).collect();
    machine.write("online", format!("{lines}{absent}").as_bytes(), 0o600);
}

/// The calls of some programs since this was last asked, without the paths of files that come and go.
fn calls(machine: &Machine<'_>, programs: &[&str]) -> Vec<String> {
    let calls =
        machine.calls().into_iter().filter(|call| programs.contains(&call.split(' ').next().unwrap()));
    let calls = calls.map(|call| call.split(" /tmp").next().unwrap().to_owned()).collect();
    machine.write("calls", b"", 0o600);
    calls
}

/// Corosync has run since this long ago.
fn running_since(machine: &Machine<'_>, ago: Duration) {
    machine.write("run/corosync.pid", b"1", 0o600);
    let pid = std::fs::File::options().append(true).open(machine.host_path("run/corosync.pid")).unwrap();
    pid.set_modified(SystemTime::now() - ago).unwrap();
}

/// Forgets that the stages ran, and runs them again.
fn run_again(machine: &Machine<'_>) {
    std::fs::remove_dir_all(machine.host_path("var/lib/bpc/stamps")).unwrap();
    machine.run();
}

#[test]
fn corosync_that_read_its_files_goes_on() {
    for shell in shells() {
        let machine = machine(&shell, "name: api", 45, "corosync");
        running_since(&machine, Duration::ZERO);
        machine.run();
        let expected = [
            "corosync -t",
            "systemctl disable haproxy",
            "systemctl daemon-reload",
            "systemctl enable corosync",
            "systemctl start corosync",
            "systemctl daemon-reload",
            "systemctl enable pacemaker",
            "systemctl start pacemaker",
        ];
        assert_eq!(calls(&machine, &["corosync", "systemctl"]), expected);
        run_again(&machine);
        assert_eq!(calls(&machine, &["corosync", "systemctl"]), expected);
    }
}

#[test]
fn corosync_reads_new_files_before_pacemaker_starts() {
    for shell in shells() {
        let machine = machine(&shell, "name: api", 45, "corosync");
        running_since(&machine, Duration::from_secs(3600));
        machine.run();
        let services: Vec<String> = calls(&machine, &["systemctl"]);
        let actions = services.iter().filter(|call| call.contains("start"));
        assert_eq!(
            actions.collect::<Vec<_>>(),
            ["systemctl restart corosync", "systemctl start corosync", "systemctl start pacemaker"]
        );
    }
}

#[test]
fn files_that_corosync_refuses_take_nothing_down() {
    for shell in shells() {
        let machine = machine(&shell, "name: api", 45, "corosync");
        machine.stub("corosync", "[ -e \"$BPC_ROOT/right\" ]");
        machine.stub("sleep", "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\ntouch \"$BPC_ROOT/right\"");
        machine.run();
        let calls = calls(&machine, &["corosync", "systemctl"]);
        assert_eq!(calls[..3], ["corosync -t", "corosync -t", "systemctl disable haproxy"]);
    }
}

#[test]
fn a_machine_that_does_not_get_into_the_cluster_tries_again() {
    for shell in shells() {
        let machine = machine(&shell, "name: api", 45, "corosync");
        online(&machine, &["hapx02"]);
        // The engine sleeps longer from its third attempt on, the stage never.
        let arrives = "case $1 in 0.*) exec /bin/sleep \"$1\" ;; 2) ;; *) sed -i s/hapx02/hapx01/ \"$BPC_ROOT/online\" ;; esac";
        machine.stub("sleep", arrives);
        machine.run();
        let console = machine.console();
        assert!(console.contains("corosync failed (attempt 2, next in 4 s)"), "{console}");
        assert!(console.contains("corosync ok") && !console.contains("attempt 3"), "{console}");
    }
}

#[test]
fn a_cluster_is_told_once_what_it_runs() {
    for shell in shells() {
        let machine = machine(&shell, "name: api", 50, "cluster");
        machine.run();
        let programs = ["cibadmin", "crm_verify"];
        let writes = |calls: Vec<String>| -> Vec<String> {
            calls
                .into_iter()
                .filter(|call| call.contains("configuration") || call.contains("crm_verify"))
                .collect()
        };
        let compared = ["cibadmin --query --scope configuration"; 2];
        let replaced = ["crm_verify --xml-file", "cibadmin --replace --scope configuration --xml-file"];
        assert_eq!(writes(calls(&machine, &programs)), [compared, replaced].concat());
        assert!(machine.read("cib").contains("primitive floating-address"));
        assert!(!machine.read("cib").contains('#'), "comments are no part of it");

        run_again(&machine);
        assert_eq!(writes(calls(&machine, &programs)), compared);
    }
}

#[test]
fn one_machine_speaks_for_both_only_where_one_may_serve_alone() {
    let agents = "fencing: agents, agents: {hapx01: {agent: fence_virsh}, hapx02: {agent: fence_virsh}}";
    for shell in shells() {
        for (pacemaker, alone) in [
            ("two_node: start-alone".to_owned(), true),
            ("two_node: wait-for-all".to_owned(), false),
            (format!("two_node: start-alone, {agents}"), false),
        ] {
            let machine = machine(&shell, &format!("pacemaker: {{{pacemaker}}}"), 50, "cluster");
            online(&machine, &["hapx01"]);
            // One attempt is enough.
            machine.stub("sleep", "case $1 in 2) ;; *) exec /bin/sleep \"$1\" ;; esac");
            machine.stub("sync", "");
            let script = machine.host_path("usr/local/lib/bpc/stages/50-cluster");
            assert!(script.exists());
            let mut stage = machine.command("usr/local/lib/bpc/stages/50-cluster");
            stage.env("BPC_LIB", machine.path("usr/local/lib/bpc"));
            assert_eq!(output(&mut stage).status.success(), alone, "{pacemaker}");
            assert_eq!(machine.read("cib").contains("floating-address"), alone, "{pacemaker}");
            assert_eq!(machine.calls().iter().filter(|call| *call == "sleep 2").count(), 59);
        }
    }
}

#[test]
fn only_the_first_machine_speaks() {
    let built = routed("hapx: {role: load-balancer, count: 2, networks: [lb, vip]}", "name: api");
    let second = built.site.machines.iter().find(|machine| machine.name == "hapx02").unwrap();
    let paths: Vec<&str> = files(&built, second).into_iter().map(|(path, _)| path).collect();
    assert!(paths.contains(&"/usr/local/lib/bpc/stages/45-corosync"), "{paths:?}");
    assert!(!paths.iter().any(|path| path.contains("cluster")), "{paths:?}");
}
