//! The stages that apply add-ons, in a scratch root with a kubectl that only notes how it was called.

use bpc::setup::Stage;
use sha2::{Digest, Sha256};

use super::{FIRST, KUBE_DEMO, script};
use crate::bootstrap::scratch::{Machine, Shell, shells};
use crate::built::{artifact, blueprint};

/// A cluster with this UID, and a build of every kustomization that is the file `built`.
const KUBECTL: &str = "
case $1 in
  get) cat \"$BPC_ROOT/uid\" ;;
  kustomize) cat \"$BPC_ROOT/built\" ;;
  *) [ ! -e \"$BPC_ROOT/no-$1\" ] ;;
esac";

/// A call, as it is seen.
const GET: &str = "kubectl get namespace kube-system --output jsonpath={.metadata.uid}";

/// The first control plane with one stage, whose digest of a download is that of `upstream`.
fn machine<'a>(shell: &'a Shell, order: u8, name: &'static str, upstream: &str) -> Machine<'a> {
    let script = downloading(&script(&KUBE_DEMO, &format!("{order}-{name}")), upstream);
    let machine = Machine::new(shell, &[Stage::scripted(order, name, script)]);
    machine.stub("kubectl", KUBECTL);
    machine.write("uid", b"1-2-3", 0o644);
    machine.write(&format!("etc/bpc/addons/{name}/kustomization.yaml"), b"", 0o644);
    machine.write(&format!("etc/bpc/addons/{name}/upstream.yaml"), upstream.as_bytes(), 0o644);
    machine
}

/// A script that expects this in place of its download, if it has one.
fn downloading(script: &str, upstream: &str) -> String {
    let Some(digest) = script.lines().find_map(|line| line.strip_prefix("SHA256=")) else {
        return script.to_owned();
    };
    let found = format!("SHA256={}", base16ct::lower::encode_string(&Sha256::digest(upstream)));
    script.replace(&format!("SHA256={digest}"), &found)
}

/// The calls of kubectl since this was last asked, from the scratch root on, without that.
fn calls(machine: &Machine<'_>) -> Vec<String> {
    let root = machine.path("").display().to_string();
    let calls = machine.calls().into_iter().filter(|call| call.starts_with("kubectl "));
    let calls = calls.map(|call| call.replace(&root, "/")).collect();
    machine.write("calls", b"", 0o644);
    calls
}

/// Forgets that the stage ran, and runs it again.
fn run_again(machine: &Machine<'_>) {
    std::fs::remove_dir_all(machine.host_path("var/lib/bpc/stamps")).unwrap();
    machine.run();
}

#[test]
fn an_add_on_is_applied_once() {
    let build = "kubectl kustomize //etc/bpc/addons/metrics-server";
    let apply = "kubectl apply --server-side --force-conflicts --field-manager bpc \
                 --filename //var/lib/bpc/addons/metrics-server.yaml";
    for shell in shells() {
        let machine = machine(&shell, 73, "metrics-server", "");
        machine.write("built", b"kind: Deployment\nmemory: 200Mi\n", 0o644);
        machine.run();
        let found: Vec<String> = calls(&machine).iter().map(|call| call.replace("///", "//")).collect();
        assert_eq!(found, [build, GET, apply]);
        run_again(&machine);
        assert_eq!(calls(&machine), [build, GET], "nothing has changed");
        machine.write("built", b"kind: Service\nmemory: 200Mi\n", 0o644);
        run_again(&machine);
        assert_eq!(calls(&machine), [build, GET, apply], "something else is wanted");
        machine.write("uid", b"4-5-6", 0o644);
        run_again(&machine);
        assert_eq!(calls(&machine), [build, GET, apply], "another cluster has nothing yet");
    }
}

#[test]
fn what_failed_is_applied_again() {
    for shell in shells() {
        let machine = machine(&shell, 73, "metrics-server", "");
        machine.write("built", b"kind: Deployment\nmemory: 200Mi\n", 0o644);
        machine.write("no-apply", b"", 0o644);
        machine.stub("sleep", "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\nrm \"$BPC_ROOT/no-apply\"");
        machine.run();
        let applied = calls(&machine).iter().filter(|call| call.starts_with("kubectl apply")).count();
        assert_eq!(applied, 2);
    }
}

#[test]
fn patches_that_missed_are_not_applied() {
    let good = "image: docker.io/haproxytech/kubernetes-ingress:3.2.11\nargs: [--ingress.class=haproxy]\n\
                type: ClusterIP\nhostPort: 80\nhostPort: 443\nmemory: 128Mi\nmemory: 512Mi\n";
    for shell in shells() {
        let machine = machine(&shell, 72, "ingress", "kind: DaemonSet\n");
        machine.write("built", good.replace("hostPort: 80\n", "").as_bytes(), 0o644);
        machine.write("right", good.as_bytes(), 0o644);
        let mend =
            "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\ncp \"$BPC_ROOT/right\" \"$BPC_ROOT/built\"";
        machine.stub("sleep", mend);
        let said = machine.run();
        assert!(said.contains("ingress: the patches do not go with the manifest"), "{said}");
        assert!(said.contains("then lacks: hostPort: 80\n"), "{said}");
        let applied = calls(&machine).iter().filter(|call| call.starts_with("kubectl apply")).count();
        assert_eq!(applied, 1, "only the right ones");
    }
}

#[test]
fn the_network_plugin_is_there_when_the_node_is_ready() {
    let built = "\"Network\": \"10.244.0.0/16\"\n--iface=$(NODE_IP)\nname: NODE_IP\nmemory: 50Mi\n";
    for shell in shells() {
        let machine = machine(&shell, 70, "flannel", "kind: DaemonSet\n");
        machine.write("built", built.as_bytes(), 0o644);
        machine.write("no-wait", b"", 0o644);
        machine.stub("sleep", "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\nrm \"$BPC_ROOT/no-wait\"");
        machine.run();
        let calls = calls(&machine);
        let waits: Vec<&String> = calls.iter().filter(|call| call.starts_with("kubectl wait")).collect();
        let wait = format!("kubectl wait node/{FIRST} --for condition=Ready --timeout 120s");
        assert_eq!(waits, [&wait, &wait]);
        let applied = calls.iter().filter(|call| call.starts_with("kubectl apply")).count();
        assert_eq!(applied, 1, "it only waits again");
    }
}

/// What is asked of the add-ons of kube-demo, in order, and the add-on that it is about.
const READY: [(&str, &str); 6] = [
    ("metallb", "rollout status deployment/controller --namespace metallb-system"),
    ("metallb", "rollout status daemonset/speaker --namespace metallb-system"),
    (
        "ingress",
        "wait daemonset --namespace haproxy-controller --selector app.kubernetes.io/managed-by=bpc \
         --for jsonpath={.status.numberAvailable}",
    ),
    (
        "ingress",
        "rollout status daemonset --namespace haproxy-controller --selector app.kubernetes.io/managed-by=bpc",
    ),
    ("metrics-server", "rollout status deployment/metrics-server --namespace kube-system"),
    ("local-path", "rollout status deployment/local-path-provisioner --namespace local-path-storage"),
];

#[test]
fn the_add_ons_are_there_when_each_of_them_runs() {
    for shell in shells() {
        let machine = machine(&shell, 80, "addons", "");
        machine.run();
        assert_eq!(calls(&machine), READY.map(|(_, it)| format!("kubectl {it} --timeout 120s")));
    }
}

#[test]
fn what_does_not_run_is_named_and_does_not_keep_the_others_waiting() {
    for shell in shells() {
        let machine = machine(&shell, 80, "addons", "");
        machine.stub(
            "kubectl",
            "case $1:$* in
  get:*) echo 'speaker-x: 0/3 nodes are available: 3 Insufficient memory.' ;;
  *haproxy-controller* | *metrics-server*) [ -e \"$BPC_ROOT/well\" ] ;;
esac",
        );
        machine.stub("sleep", "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\ntouch \"$BPC_ROOT/well\"");
        let said = machine.run();
        let end = "speaker-x: 0/3 nodes are available: 3 Insufficient memory.\nnot well yet: ingress metrics-server\n";
        assert!(said.contains(end), "{said}");
        assert!(machine.console().contains("addons | not well yet: ingress metrics-server\n"));
        let calls = calls(&machine);
        let (first, second) = calls.split_at(READY.len() + 1);
        let limits = [120, 120, 120, 5, 5, 5];
        let waits = |limits: [u8; 6]| -> Vec<String> {
            READY
                .iter()
                .zip(limits)
                .map(|((_, it), limit)| format!("kubectl {it} --timeout {limit}s"))
                .collect()
        };
        assert_eq!(first[..READY.len()], waits(limits));
        assert!(first[READY.len()].starts_with("kubectl get pods --all-namespaces"), "{first:?}");
        assert_eq!(second, waits([120; 6]));
    }
}

/// The stages of the first control plane of kube-demo, from the network plugin on, by their file names.
fn all() -> Vec<Stage> {
    let machine = KUBE_DEMO.site.machines.iter().position(|machine| machine.name == FIRST).unwrap();
    let stages = KUBE_DEMO.setups.machines[machine].stages.iter();
    let last = stages.filter(|stage| stage.order >= bpc::bootstrap::LAST);
    last.map(|stage| Stage { script: downloading(&stage.script, "it\n"), ..stage.clone() }).collect()
}

/// One add-on whose pods find no machine, and one whose manifest cannot be had.
#[test]
fn an_add_on_that_is_not_well_keeps_nothing_from_being_applied() {
    for shell in shells() {
        let machine = Machine::new(&shell, &all());
        let download = "case $* in *local-path*) [ -e \"$BPC_ROOT/well\" ] || exit 6 ;; esac
while [ \"$1\" != --output ]; do shift; done\necho it >\"$2\"\nprintf 200";
        machine.stub("curl", download);
        machine.stub(
            "kubectl",
            "case $1:$* in
  get:*jsonpath={.metadata.uid}) echo 1-2-3 ;;
  get:*) echo 'it: 0/3 nodes are available: 3 Insufficient memory.' ;;
  kustomize:*) sed -n '/^EXPECTED=/,/^WAIT=/p' \"$BPC_LIB/stages/\"*-\"${2##*/}\" ;;
  rollout:*haproxy-controller*) [ -e \"$BPC_ROOT/well\" ] ;;
esac",
        );
        // Those between the five tries of a download are shorter, and in another process.
        machine.stub(
            "sleep",
            "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\n[ ! -e \"$BPC_ROOT/run/bpc/80-addons.failed\" ] || touch \"$BPC_ROOT/well\"",
        );
        machine.run();
        let console = machine.console();
        let markers: Vec<&str> = console
            .lines()
            .filter_map(|line| line.strip_prefix("bpc: gate-node01 "))
            .filter(|line| !line.contains(" | "))
            .collect();
        assert_eq!(
            markers,
            [
                "flannel ok",
                "metallb ok",
                "ingress ok",
                "metrics-server ok",
                "local-path failed (attempt 1, next after the others)",
                "addons failed (attempt 1, next after the others)",
                "metallb-pools ok",
                "local-path ok",
                "addons ok",
                "ready",
            ],
            "{console}"
        );
        assert!(console.contains("addons | not well yet: ingress\n"), "{console}");
    }
}

#[test]
fn a_manifest_that_is_refused_does_not_keep_the_later_ones_from_being_applied() {
    let built = blueprint("lonely");
    let script = artifact(&built, "control", "files/usr/local/lib/bpc/stages/82-manifests");
    let script = String::from_utf8(script.to_vec()).unwrap();
    for shell in shells() {
        let machine = Machine::new(&shell, &[Stage::scripted(82, "manifests", script.clone())]);
        let zebra = "case $*:$1 in *zebra.yaml:apply) [ -e \"$BPC_ROOT/well\" ] ;; *:get) echo 1-2-3 ;; esac";
        machine.stub("kubectl", zebra);
        machine.stub("sleep", "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\ntouch \"$BPC_ROOT/well\"");
        for name in ["zebra", "ape"] {
            machine.write(&format!("etc/bpc/manifests/{name}.yaml"), b"", 0o600);
        }
        let said = machine.run();
        assert!(said.contains("not applied: zebra\n"), "{said}");
        let calls = calls(&machine).into_iter();
        let applied: Vec<String> = calls
            .filter_map(|call| Some(call.split_once("kubectl apply ")?.1.rsplit_once('/')?.1.to_owned()))
            .collect();
        assert_eq!(applied, ["zebra.yaml", "ape.yaml", "zebra.yaml"]);
    }
}

#[test]
fn manifests_are_applied_as_they_are_and_in_order() {
    let built = blueprint("lonely");
    let path = "files/etc/bpc/addons/network-plugin/manifest.yaml";
    let plugin = artifact(&built, "control", path);
    assert!(plugin.starts_with(b"# As it was written: "), "{}", String::from_utf8_lossy(plugin));
    for shell in shells() {
        let stages = ["70-network-plugin", "82-manifests"].map(|file| {
            let script = artifact(&built, "control", &format!("files/usr/local/lib/bpc/stages/{file}"));
            let (order, name) = file.split_once('-').unwrap();
            let script = String::from_utf8(script.to_vec()).unwrap();
            Stage::scripted(order.parse().unwrap(), name, script)
        });
        let machine = Machine::new(&shell, &stages);
        machine.stub("kubectl", KUBECTL);
        machine.write("uid", b"1-2-3", 0o644);
        for name in
            ["etc/bpc/addons/network-plugin/manifest", "etc/bpc/manifests/zebra", "etc/bpc/manifests/ape"]
        {
            let text = artifact(&built, "control", &format!("files/{name}.yaml"));
            machine.write(&format!("{name}.yaml"), text, 0o644);
        }
        machine.run();
        let applied: Vec<String> = calls(&machine)
            .iter()
            .filter_map(|call| Some(call.split_once("kubectl apply ")?.1.rsplit_once('/')?.1.to_owned()))
            .collect();
        assert_eq!(applied, ["manifest.yaml", "zebra.yaml", "ape.yaml"]);
    }
}
