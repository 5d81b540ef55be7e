//! HAProxy's ingress controller, on the ports of the machines that the load balancers send to.

use std::collections::BTreeSet;

use super::Addon;
use super::kustomization::{Kustomization, UPSTREAM};
use super::pods::{self, operation};
use crate::bug::Bug;
use crate::format::yaml::Yaml;
use crate::site::{Cluster, Role, Site, Workload};

/// The manifest's name of the image, which has no tag there.
const IMAGE: &str = "haproxytech/kubernetes-ingress";
/// Where its pods are, and that bpc has put them there.
const OWN: &str = "--namespace haproxy-controller --selector app.kubernetes.io/managed-by=bpc";
/// What the controller listens on inside of its pod, where it may not have ports below 1024.
const INSIDE: [(&str, u16); 2] = [("http", 8080), ("https", 8443)];

/// The controller on these machines, with their ports for HTTP and HTTPS. It listens on no other one of theirs.
pub(super) fn addon(
    site: &Site,
    cluster: &Cluster,
    machines: &[String],
    ports: [u16; 2],
) -> Result<Addon, Bug> {
    let version = site.download("haproxy-ingress")?.version.to_string();
    let image = format!("docker.io/{IMAGE}");
    let kustomization = Kustomization {
        resources: vec![UPSTREAM, "class.yaml"],
        merges: vec!["namespace.yaml"],
        patches: vec![("machines.yaml", "DaemonSet"), ("service.yaml", "Service")],
        image: Some([IMAGE.to_owned(), image.clone(), version.clone()]),
    };
    let mut expected = vec![
        format!("image: {image}:{version}"),
        "--ingress.class=haproxy".to_owned(),
        "type: ClusterIP".to_owned(),
    ];
    expected.extend(ports.map(|port| format!("hostPort: {port}")));
    let (asked, more) = pods::resources(cluster, Workload::Ingress);
    expected.extend(more);
    let names: BTreeSet<&str> = machines.iter().map(String::as_str).collect();
    let own = site.with_role(Role::Worker).filter(|machine| names.contains(machine.name.as_str()));
    let tolerations = pods::tolerations(own);
    let mut steps = on_ports_of(machines, ports);
    steps.push(asked);
    if !tolerations.is_empty() {
        steps.push(operation("tolerations", tolerations.into()));
    }
    Ok(Addon {
        name: "ingress",
        download: Some("haproxy-ingress"),
        files: vec![
            ("kustomization.yaml", kustomization.document()),
            (
                "machines.yaml",
                Yaml::from(steps)
                    .document(&[" The machines that it runs on, their ports, and what it asks for there."]),
            ),
            ("namespace.yaml", include_str!("ingress-namespace.yaml").to_owned()),
            ("service.yaml", include_str!("ingress-service.yaml").to_owned()),
            ("class.yaml", include_str!("ingress-class.yaml").to_owned()),
        ],
        expected,
        // Before a machine has joined that it runs on, none of its pods is missing: then the rollout alone is said to be over.
        ready: vec![
            format!("wait daemonset {OWN} --for jsonpath={{.status.numberAvailable}}"),
            format!("rollout status daemonset {OWN}"),
        ],
    })
}

/// The steps of the patch of the `DaemonSet` that choose its machines and their ports.
fn on_ports_of(machines: &[String], host_ports: [u16; 2]) -> Vec<Yaml> {
    let names: Vec<&str> = machines.iter().map(String::as_str).collect();
    let term = Yaml::map([("matchExpressions", Yaml::seq([super::on_machines(&names)]))]);
    let required = Yaml::map([("nodeSelectorTerms", Yaml::seq([term]))]);
    let affinity = Yaml::map([("requiredDuringSchedulingIgnoredDuringExecution", required)]);
    let ports = INSIDE.iter().zip(host_ports).map(|((name, port), host)| {
        Yaml::map([("name", (*name).into()), ("containerPort", (*port).into()), ("hostPort", host.into())])
    });
    let arguments = INSIDE.map(|(name, port)| format!("--{name}-bind-port={port}"));
    let arguments = ["--ingress.class=haproxy".to_owned()].into_iter().chain(arguments);
    let mut operations = vec![
        operation("affinity", Yaml::map([("nodeAffinity", affinity)])),
        operation("containers/0/ports", ports.collect::<Vec<_>>().into()),
    ];
    operations.extend(arguments.map(|it| operation("containers/0/args/-", it.into())));
    operations
}
