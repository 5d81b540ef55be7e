//! What pods ask for, and whether the machines have it: from the objects themselves, not from what bpc adds up.

use bpc::diag::Files;
use bpc::{Inputs, plan_site};
use serde_json::{Value, json};

use super::{KUBE_DEMO, container, kube_demo, objects, the};
use crate::built::changed_in;

/// What a machine of 2 GiB offers to pods, in MiB: `MemTotal` of Debian 13's kernel there (2020964 kB, measured), less the
/// 100 MiB that a kubelet keeps.
const OFFERED: u64 = 2_020_964 / 1024 - 100;
/// What the DNS of the cluster asks for, of which both pods may be on one machine (kubeadm's `phases/addons/dns/manifests.go`).
const DNS: [u64; 2] = [200, 140];

/// What a container asks for: thousandths of a processor and MiB.
fn asked(container: &Value) -> [u64; 2] {
    let requests = &container["resources"]["requests"];
    let cpu = requests["cpu"].as_str().unwrap().strip_suffix('m').unwrap().parse().unwrap();
    let memory = requests["memory"].as_str().unwrap();
    let memory = memory.strip_suffix("Mi").map_or_else(
        || memory.strip_suffix("Gi").unwrap().parse::<u64>().unwrap() << 10,
        |mib| mib.parse().unwrap(),
    );
    [cpu, memory]
}

/// What all pods of these objects ask for that may be on one worker.
fn sum(objects: &[Value]) -> [u64; 2] {
    let workloads = objects.iter().filter(|it| it["kind"] == "DaemonSet" || it["kind"] == "Deployment");
    workloads.map(|it| asked(container(it))).fold([0, 0], |[a, b], [c, d]| [a + c, b + d])
}

#[test]
fn the_pods_of_the_demo_have_room_on_one_of_its_workers() {
    let mut total = DNS;
    for addon in ["flannel", "metallb", "ingress", "metrics-server", "local-path"] {
        let Some(objects) = objects(&KUBE_DEMO, addon) else { return };
        let [cpu, memory] = sum(&objects);
        assert!(cpu > 0 && memory > 0, "{addon}");
        total = [total[0] + cpu, total[1] + memory];
    }
    let worker = KUBE_DEMO.site.machines.iter().find(|machine| machine.name == "kube-node01").unwrap();
    assert_eq!((worker.cpus, worker.memory.as_mib()), (2, 2048));
    assert_eq!(total, [575, 646]);
    assert!(total[0] <= 2000 && total[1] <= OFFERED, "{total:?} of {OFFERED}");
    // What the ingress controller's own manifest asks for is more than all that there is.
    const { assert!(2048 > OFFERED) }
}

#[test]
fn pods_ask_for_what_the_blueprint_says() {
    let built = kube_demo(
        "cni: calico\n  resources: {ingress: {cpu: 500m, memory: 1GiB}, calico-node: {memory_limit: 256MiB}, \
         metallb-speaker: {memory: 40MiB}}",
    );
    let of = |addon: &str, kind: &str| {
        objects(&built, addon).map(|objects| container(the(&objects, kind))["resources"].clone())
    };
    for (addon, kind, expected) in [
        (
            "calico",
            "DaemonSet",
            json!({"requests": {"cpu": "250m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}),
        ),
        ("calico", "Deployment", json!({"requests": {"cpu": "25m", "memory": "64Mi"}})),
        // The usual limit, or what is asked for if that is more.
        (
            "ingress",
            "DaemonSet",
            json!({"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}),
        ),
        ("metallb", "Deployment", json!({"requests": {"cpu": "25m", "memory": "64Mi"}})),
        ("metallb", "DaemonSet", json!({"requests": {"cpu": "25m", "memory": "40Mi"}})),
        ("metrics-server", "Deployment", json!({"requests": {"cpu": "100m", "memory": "200Mi"}})),
        ("local-path", "Deployment", json!({"requests": {"cpu": "25m", "memory": "32Mi"}})),
    ] {
        let Some(found) = of(addon, kind) else { return };
        assert_eq!(found, expected, "{addon} {kind}");
    }
}

#[test]
fn pods_run_on_the_machines_that_are_meant_for_them_whatever_their_taints() {
    let built = changed_in("blueprints", "kube-demo", |text| {
        text.replace(
            "kube-node: {role: worker, count: 3,",
            "plain: {role: worker, memory: 2GiB, networks: [node]}\n  \
             kube-node: {role: worker, count: 3, taints: [\"for=web:NoSchedule\", \"alone:NoExecute\"],",
        )
    });
    let tolerations = |addon: &str| {
        let objects = objects(&built, addon)?;
        the(&objects, "DaemonSet").pointer("/spec/template/spec/tolerations").cloned()
    };
    let own = [
        json!({"key": "alone", "effect": "NoExecute", "operator": "Exists"}),
        json!({"key": "for", "effect": "NoSchedule", "operator": "Equal", "value": "web"}),
    ];
    let Some(flannel) = tolerations("flannel") else { return };
    assert_eq!(flannel, json!([{"operator": "Exists"}]));
    assert_eq!(tolerations("ingress").unwrap(), json!(own));
    let speaker = tolerations("metallb").unwrap();
    assert_eq!(speaker.as_array().unwrap()[2..], own, "after those of its manifest");
}

#[test]
fn namespaces_let_in_what_their_pods_need() {
    for addon in ["metallb", "ingress", "local-path"] {
        let Some(objects) = objects(&KUBE_DEMO, addon) else { return };
        let labels = &the(&objects, "Namespace")["metadata"]["labels"];
        assert_eq!(labels["pod-security.kubernetes.io/enforce"], "privileged", "{addon}");
    }
}

/// What `check` says to a site with these workers and these keys of `kubernetes:`, each with its code.
fn said(workers: &str, kubernetes: &str) -> Vec<String> {
    let text = format!(
        "blueprint: 1\nname: room\ndomain: room.test\nepoch: 2026-01-01T00:00:00Z\n\
         image: {{distribution: debian, release: trixie}}\naccess: {{ssh_keys: [{KEY}]}}\n\
         networks: {{lan: {{cidr: 10.1.0.0/24, pools: {{metallb: 10.1.0.200-10.1.0.220}}}}}}\nmachines:\n  \
         mast: {{role: control-plane, cpus: 2, memory: 2GiB, networks: [lan]}}\n  \
         node: {{role: worker, networks: [lan], {workers}}}\nkubernetes: {{version: \"1.35\", {kubernetes}}}\n"
    );
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    inputs.files.add("blueprint.yaml", text);
    let (_, report) = plan_site(&inputs);
    report.diagnostics.iter().map(|it| format!("{} {}", it.code.as_str(), it.message)).collect()
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKE1Y91XSnkg+Kq5dw5hiQW+RwWjHUrvP9zcknHHDQz5";

#[test]
fn what_stays_on_a_machine_fits_to_the_mebibyte() {
    // 2048 MiB less 48 and 64 for the kernel and 100 for the kubelet, and 50 for flannel.
    let ingress = |memory: u32| {
        said("memory: 2GiB", &format!("addons: [ingress], resources: {{ingress: {{memory: {memory}MiB}}}}"))
    };
    assert_eq!(
        ingress(1786),
        ["BPC0814 the pods of node ask for 1836 MiB of its 2GiB, and its own programs want about 512 MiB"]
    );
    assert_eq!(
        ingress(1787),
        ["BPC0813 the pods of node ask for 1837 MiB of memory, and of its 2GiB they can have 1836 MiB"]
    );
    assert_eq!(ingress(1836 - 512 - 50), [""; 0], "its own programs have what they want");
}

#[test]
fn what_a_kubelet_keeps_is_not_offered() {
    let keeping = |kubelet: &str| {
        said(
            "memory: 4GiB",
            &format!(
                "addons: [ingress], resources: {{ingress: {{memory: 3GiB, cpu: \"0\"}}}}, kubeadm: {{kubelet: {{{kubelet}}}}}"
            ),
        )
    };
    assert!(keeping("").iter().all(|it| it.starts_with("BPC0814 ")));
    let kept = keeping("systemReserved: {memory: 800Mi, cpu: 100m}");
    assert_eq!(
        kept,
        ["BPC0813 the pods of node ask for 3122 MiB of memory, and of its 4GiB they can have 3020 MiB"]
    );
    let processors = keeping("kubeReserved: {cpu: 950m}");
    assert_eq!(
        processors[0],
        "BPC0813 the pods of node ask for 100m of processor time, and they can have 50m"
    );
}

#[test]
fn a_pod_that_may_run_anywhere_needs_one_machine_with_room() {
    let asking = |workers: &str, memory: &str| {
        said(
            workers,
            &format!("addons: [metrics-server], resources: {{metrics-server: {{memory: {memory}}}}}"),
        )
    };
    // The control plane has room, and a taint.
    assert_eq!(
        asking("memory: 1GiB", "1GiB"),
        [
            "BPC0813 no machine has room for a pod of metrics-server, which asks for 1024 MiB of memory and 100m of processor time"
        ]
    );
    assert_eq!(asking("memory: 2GiB", "1GiB"), [""; 0]);
    // Two of them have room on two workers, and not on one.
    let both = "addons: [metrics-server, local-path], resources: {metrics-server: {memory: 1200MiB}, local-path: {memory: 1200MiB}}";
    assert_eq!(said("memory: 2GiB", both).len(), 1);
    assert_eq!(said("memory: 2GiB, count: 2", both), [""; 0]);
}

#[test]
fn pods_that_tolerate_nothing_need_a_worker_without_taints() {
    let tainted = |taints: &str, addons: &str| {
        said(&format!("memory: 2GiB, taints: [{taints}]"), &format!("addons: [{addons}]"))
    };
    assert_eq!(
        tainted("\"a:NoSchedule\"", "metrics-server"),
        ["BPC0808 no machine takes the pods of metrics-server: all have taints"]
    );
    assert_eq!(
        tainted("\"a:NoExecute\"", "metallb"),
        ["BPC0808 no machine takes the pods of metallb-controller: all have taints"]
    );
    // Only a wish; pods that are meant for the machine; and the cluster's DNS, which control planes take.
    assert_eq!(tainted("\"a:PreferNoSchedule\"", "metrics-server"), [""; 0]);
    assert_eq!(tainted("\"a:NoSchedule\"", "ingress"), [""; 0]);
    assert_eq!(tainted("\"a:NoSchedule\"", ""), [""; 0]);
}

#[test]
fn a_cluster_as_large_as_there_can_be_is_added_up_soon() {
    let start = std::time::Instant::now();
    let workers = (0..9)
        .map(|group| format!("memory: 2GiB, count: 99}}\n  n{group}: {{role: worker, networks: [lan], "))
        .collect::<Vec<_>>()
        .concat();
    let found = said(
        &format!("{workers}memory: 2GiB"),
        "pod_cidr: 172.16.0.0/12, addons: [metallb, ingress, metrics-server, local-path]",
    );
    assert!(found.iter().all(|it| !it.contains("BPC081")), "{found:?}");
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
