//! The stages in a scratch root, with programs that only note how they were called.

mod again;

use std::fs;

use bpc::Compiled;
use bpc::setup::Stage;

use crate::bootstrap::scratch::{Machine, Shell, output, shells, succeed};
use crate::built::{artifact, changed_in, files};

/// kubeadm in three words: it fails as often as a file has lines; what it is told of is kept.
const KUBEADM: &str = r#"
configuration=$BPC_ROOT/seen
for word; do case $word in */run/bpc/kubeadm.yaml) cp -p "$word" "$BPC_ROOT/seen" ;; esac; done
if [ -s "$BPC_ROOT/failures" ]; then
  sed 1d "$BPC_ROOT/failures" >"$BPC_ROOT/fewer"
  mv "$BPC_ROOT/fewer" "$BPC_ROOT/failures"
  [ ! -e "$BPC_ROOT/deadly" ] || kill -9 "$PPID"
  exit 1
fi
mkdir -p "$BPC_ROOT/etc/kubernetes" "$BPC_ROOT/var/lib/kubelet/pki"
for file in etc/kubernetes/kubelet.conf etc/kubernetes/bootstrap-kubelet.conf var/lib/kubelet/kubeadm-flags.env \
  var/lib/kubelet/pki/kubelet-client-current.pem; do
  echo made >"$BPC_ROOT/$file"
done"#;

/// The API answers once it was asked as often as a file has lines, if that file is there; etcd says what a file says.
const CURL: &str = r#"
case $* in
  *member/list*) cat "$BPC_ROOT/members" ;;
  *member/remove*) ;;
  *)
    [ -e "$BPC_ROOT/silence" ] || exit 7
    [ -s "$BPC_ROOT/silence" ] || exit 0
    sed 1d "$BPC_ROOT/silence" >"$BPC_ROOT/less"
    mv "$BPC_ROOT/less" "$BPC_ROOT/silence"
    exit 7
    ;;
esac"#;

/// As etcd 3.6 writes it.
const MEMBERS: &str = r#"{"header":{"cluster_id":"1","member_id":"22","raft_term":"3"},"members":[{"ID":"22","name":"kube-mast02","peerURLs":["https://10.86.1.3:2380"],"clientURLs":["https://10.86.1.3:2379"]},{"ID":"11529215046068469761","name":"kube-mast01","peerURLs":["https://10.86.1.2:2380"],"clientURLs":["https://10.86.1.2:2379"]}]}"#;

/// What the second attempt passes over.
const EXPLAINED: &str = "--ignore-preflight-errors=FileAvailable--etc-kubernetes-bootstrap-kubelet.conf,";

fn built(more: &str) -> Compiled {
    changed_in("blueprints", "kube-demo", |text| format!("{text}{more}\n"))
}

/// A machine of the blueprint with one of its stages and its files below `/etc/bpc`.
fn machine<'a>(
    shell: &'a Shell,
    built: &Compiled,
    name: &str,
    (order, stage): (u8, &'static str),
) -> Machine<'a> {
    let script = artifact(built, name, &format!("files/usr/local/lib/bpc/stages/{order}-{stage}"));
    let script = String::from_utf8(script.to_vec()).unwrap();
    let machine = Machine::new(shell, &[Stage::scripted(order, stage, script)]);
    let planned = built.site.machines.iter().find(|planned| planned.name == name).unwrap();
    for (path, content) in files(built, planned) {
        if path.starts_with("/etc/bpc/") || path == "/etc/kubernetes/kubelet.conf" || path.contains("/sbin/")
        {
            machine.write(path.trim_start_matches('/'), content, 0o600);
        }
    }
    machine.stub("kubeadm", KUBEADM);
    machine.stub("curl", CURL);
    machine.stub("systemctl", "");
    machine.stub("timedatectl", "echo no");
    // At this time the certificates of the test's blueprints are good: 2026-06-01.
    machine.stub("date", "[ \"$*\" = +%s ] || exec /bin/date \"$@\"\ncat \"$BPC_ROOT/now\"");
    machine.write("now", b"1780272000\n", 0o600);
    machine.stub("kubectl", "");
    machine.write("members", MEMBERS.as_bytes(), 0o600);
    machine
}

const CLUSTER: (u8, &str) = (60, "kubeadm");

fn fail(machine: &Machine<'_>, times: usize) {
    machine.write("failures", "again\n".repeat(times).as_bytes(), 0o600);
}

/// The API answers after so many questions.
fn answer_after(machine: &Machine<'_>, questions: usize) {
    machine.write("silence", "hush\n".repeat(questions).as_bytes(), 0o600);
}

/// The calls of a program since this was last asked, without the folder of the machine.
fn calls(machine: &Machine<'_>, program: &str) -> Vec<String> {
    // The root ends with a `/`, and so do paths start.
    let root = format!("{}//", machine.path("").display().to_string().trim_end_matches('/'));
    let calls = machine.calls().into_iter().filter(|call| call.split(' ').next() == Some(program));
    calls.map(|call| call.replace(&root, "/")).collect()
}

fn run(machine: &Machine<'_>) -> String {
    machine.write("calls", b"", 0o600);
    machine.run()
}

/// Forgets that the stage ran, as another script in a new seed would, and runs it.
fn run_again(machine: &Machine<'_>) -> String {
    fs::remove_dir_all(machine.host_path("var/lib/bpc/stamps")).unwrap();
    run(machine)
}

#[test]
fn the_first_control_plane_starts_the_cluster() {
    let built = built("");
    for shell in shells() {
        let machine = machine(&shell, &built, "kube-mast01", CLUSTER);
        let said = run(&machine);
        let [call] = calls(&machine, "kubeadm").try_into().unwrap();
        let arguments = "--config /run/bpc/kubeadm.yaml --skip-token-print --skip-phases=show-join-command";
        assert_eq!(call, format!("kubeadm init {arguments}"));
        let seen = machine.read("seen");
        let parts = [machine.read("etc/bpc/kubeadm/cluster.yaml"), machine.read("etc/bpc/kubeadm/init.yaml")];
        assert!(seen == parts.join("---\n"), "kubeadm reads both files");
        let mode = fs::metadata(machine.host_path("seen")).unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
        // Nothing of it is left, and nobody has read the token.
        assert_eq!(
            fs::read_dir(machine.host_path("run/bpc"))
                .unwrap()
                .filter(|it| { it.as_ref().unwrap().file_name().to_string_lossy().starts_with("kubeadm") })
                .count(),
            0
        );
        let token = built.credentials.shared_text(bpc::site::SharedSecret::BootstrapToken).unwrap();
        assert!(!said.contains(token.expose()) && !machine.read("calls").contains(token.expose()));
        assert_eq!(machine.read("etc/kubernetes/bootstrap-kubelet.conf"), "");

        assert!(run_again(&machine).contains("this machine is a node of the cluster"));
        assert_eq!(calls(&machine, "kubeadm"), Vec::<String>::new());
    }
}

/// Its own API server answers by then: that is no cluster to join.
#[test]
fn a_start_that_did_not_end_goes_on() {
    let built = built("");
    for shell in shells() {
        for deadly in [false, true] {
            let machine = machine(&shell, &built, "kube-mast01", CLUSTER);
            fail(&machine, 1);
            if deadly {
                machine.write("deadly", b"", 0o600);
            }
            machine.stub("sleep", "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\n: >\"$BPC_ROOT/silence\"");
            // A shell may say that its child was killed.
            assert!(output(&mut machine.engine()).status.success());
            let [first, second] = calls(&machine, "kubeadm").try_into().unwrap();
            assert!(first.starts_with("kubeadm init ") && !first.contains("ignore"), "{first}");
            assert!(second.starts_with("kubeadm init ") && second.contains(EXPLAINED), "{second}");
            assert!(second.ends_with("DirAvailable--var-lib-etcd"), "{second}");
        }
    }
}

#[test]
fn others_wait_for_the_api_and_never_start_a_cluster() {
    let built = built("");
    for shell in shells() {
        for name in ["kube-mast02", "kube-node01"] {
            let machine = machine(&shell, &built, name, CLUSTER);
            // More than one attempt of the stage waits.
            answer_after(&machine, 100);
            run(&machine);
            assert_eq!(calls(&machine, "kubeadm"), ["kubeadm join --config /etc/bpc/kubeadm/join.yaml"]);
            assert_eq!(machine.read("run/bpc/60-kubeadm.failed"), "");
            assert!(machine.console().contains("nothing answers at https://10.86.4.20:6443 yet"));
            assert_ne!(machine.read("var/lib/bpc/kubeadm/joined"), "");
        }
    }
}

#[test]
fn a_join_that_did_not_end_goes_on_without_taking_back_anything() {
    let built = built("");
    for shell in shells() {
        let machine = machine(&shell, &built, "kube-mast02", CLUSTER);
        answer_after(&machine, 0);
        fail(&machine, 1);
        run(&machine);
        let [first, second] = calls(&machine, "kubeadm").try_into().unwrap();
        assert_eq!(first, "kubeadm join --config /etc/bpc/kubeadm/join.yaml");
        assert!(second.contains(EXPLAINED) && !second.contains("skip-phases"), "{second}");
        let lists = calls(&machine, "curl").into_iter().filter(|call| call.contains("member/list"));
        assert_eq!(lists.count(), 1, "what the first attempt added is not forgotten");
    }
}

/// kubeadm refuses to start the kubelet of a node that is ready.
#[test]
fn a_kubelet_that_knows_who_it_is_is_not_started_anew() {
    let built = built("");
    for shell in shells() {
        let machine = machine(&shell, &built, "kube-mast02", CLUSTER);
        answer_after(&machine, 0);
        machine.write("var/lib/bpc/kubeadm/attempt", b"join\n", 0o600);
        machine.write("etc/kubernetes/kubelet.conf", b"made", 0o600);
        machine.write("var/lib/kubelet/kubeadm-flags.env", b"made", 0o600);
        // Without the certificate that kubelet.conf names it knows nothing yet.
        let before = fs::read(machine.host_path("etc/kubernetes/kubelet.conf")).unwrap();
        fail(&machine, 1);
        machine.stub(
            "sleep",
            "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\nmkdir -p \"$BPC_ROOT/var/lib/kubelet/pki\"\n\
             echo made >\"$BPC_ROOT/var/lib/kubelet/pki/kubelet-client-current.pem\"",
        );
        run(&machine);
        let [first, second] = calls(&machine, "kubeadm").try_into().unwrap();
        assert!(!first.contains("skip-phases"), "{first}");
        assert!(second.contains(" --skip-phases=kubelet-start --ignore-preflight-errors="), "{second}");
        assert_eq!(calls(&machine, "systemctl"), ["systemctl start kubelet"]);
        assert_eq!(before, b"made");
    }
}

#[test]
fn with_authorities_in_the_vault_a_kubelet_conf_is_no_obstacle() {
    let built = built("pki: {authority_keys: vault}");
    for shell in shells() {
        for name in ["kube-mast03", "kube-node02"] {
            let machine = machine(&shell, &built, name, CLUSTER);
            answer_after(&machine, 0);
            run(&machine);
            let expected = "kubeadm join --config /etc/bpc/kubeadm/join.yaml \
                            --ignore-preflight-errors=FileAvailable--etc-kubernetes-kubelet.conf";
            assert_eq!(calls(&machine, "kubeadm"), [expected]);
        }
    }
}

/// Whether bpc's notes were lost, or somebody else had it join.
#[test]
fn a_node_that_works_is_left_alone() {
    let built = built("");
    for shell in shells() {
        let machine = machine(&shell, &built, "kube-node01", CLUSTER);
        answer_after(&machine, 0);
        run(&machine);
        fs::remove_dir_all(machine.host_path("var/lib/bpc/kubeadm")).unwrap();
        for _ in 0..2 {
            run_again(&machine);
            assert_eq!(calls(&machine, "kubeadm"), Vec::<String>::new());
        }
        // After `kubeadm reset` it joins again.
        fs::remove_file(machine.host_path("etc/kubernetes/kubelet.conf")).unwrap();
        run_again(&machine);
        assert_eq!(calls(&machine, "kubeadm"), ["kubeadm join --config /etc/bpc/kubeadm/join.yaml"]);
    }
}

/// Before the certificates are good, or after they were: 1970, and a year that nobody here has seen.
const WRONG: [&str; 2] = ["86400", "4102444800"];

#[test]
fn a_clock_that_nobody_sets_delays_the_cluster_once_a_boot_and_does_not_stop_it() {
    let built = built("");
    for shell in shells() {
        for wrong in WRONG {
            let machine = machine(&shell, &built, "kube-mast01", CLUSTER);
            machine.write("now", wrong.as_bytes(), 0o600);
            fail(&machine, 2);
            let said = run(&machine);
            assert_eq!(said.matches("waiting for a time server").count(), 1, "{said}");
            assert_eq!(said.matches("no time server sets the clock").count(), 1, "{said}");
            assert_eq!(calls(&machine, "timedatectl").len(), 24);
            assert_eq!(calls(&machine, "kubeadm").len(), 3);
        }
    }
}

#[test]
fn a_clock_that_a_time_server_sets_is_waited_for_until_then() {
    let built = built("");
    for shell in shells() {
        let machine = machine(&shell, &built, "kube-mast01", CLUSTER);
        machine.write("now", WRONG[0].as_bytes(), 0o600);
        machine.stub("timedatectl", "[ ! -e \"$BPC_ROOT/set\" ] || echo yes\n: >\"$BPC_ROOT/set\"");
        let said = run(&machine);
        assert!(said.contains("waiting for a time server") && !said.contains("no time server"), "{said}");
        assert_eq!(calls(&machine, "timedatectl").len(), 2);
    }
}

#[test]
fn a_clock_within_the_time_of_the_certificates_is_good_enough() {
    let built = built("");
    let certificates = &built.site.kubernetes.as_ref().unwrap().certificates;
    for shell in shells() {
        for now in [certificates.not_before, certificates.certificates_until] {
            let machine = machine(&shell, &built, "kube-node01", CLUSTER);
            answer_after(&machine, 0);
            machine.write("now", now.as_second().to_string().as_bytes(), 0o600);
            assert!(!run(&machine).contains("clock"));
            assert_eq!(calls(&machine, "timedatectl"), Vec::<String>::new());
        }
    }
}

#[test]
fn a_token_is_renewed_without_showing_it() {
    let built = built("");
    let token = built.credentials.shared_text(bpc::site::SharedSecret::BootstrapToken).unwrap();
    let (id, secret) = token.expose().split_once('.').unwrap();
    for shell in shells() {
        let machine = machine(&shell, &built, "kube-mast02", CLUSTER);
        machine.stub("kubectl", "cat >\"$BPC_ROOT/applied\"");
        let said = succeed(machine.command("usr/local/sbin/bpc-renew-token").arg("2"));
        assert!(said.starts_with("machines may join until 20") && !said.contains(secret), "{said}");
        assert!(!machine.read("calls").contains(secret));
        let applied: serde_yaml::Value = serde_yaml::from_str(&machine.read("applied")).unwrap();
        assert!(applied["metadata"]["name"] == format!("bootstrap-token-{id}").as_str());
        let data = &applied["stringData"];
        assert!(data["token-id"] == id && data["token-secret"] == secret);
        let until: jiff::Timestamp = data["expiration"].as_str().unwrap().parse().unwrap();
        let hours = until.duration_since(jiff::Timestamp::now()).as_secs_f64() / 3600.0;
        assert!((1.9..=2.0).contains(&hours), "{hours}");
        for wrong in ["0", "x", "-1", "99999"] {
            let output = output(machine.command("usr/local/sbin/bpc-renew-token").arg(wrong));
            assert_eq!(output.status.code(), Some(2), "{wrong}");
        }
    }
}

#[test]
fn the_bastion_s_user_has_a_kubeconfig() {
    let built = built("");
    for shell in shells() {
        let machine = machine(&shell, &built, "busybox", (35, "kubeconfig"));
        machine.stub("getent", "echo debian:x:1000:1000::/home/debian:/bin/bash");
        machine.stub("id", "echo 1000");
        machine.stub("chown", "");
        machine.write("home/debian/.profile", b"", 0o600);
        for _ in 0..2 {
            run(&machine);
            let kubeconfig = machine.host_path("home/debian/.kube/config");
            assert!(fs::read(&kubeconfig).unwrap() == file_of(&built));
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&kubeconfig).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
            let chown = "chown -h debian:1000 /home/debian/.kube /home/debian/.kube/config.bpc-new";
            assert_eq!(calls(&machine, "chown"), [chown]);
            fs::remove_dir_all(machine.host_path("var/lib/bpc/stamps")).unwrap();
        }
    }
}

fn file_of(built: &Compiled) -> &[u8] {
    artifact(built, "busybox", "files/etc/bpc/kubernetes/admin.conf")
}
