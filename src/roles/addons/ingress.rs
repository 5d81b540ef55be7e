//! HAProxy's ingress controller, on the ports of the machines that the load balancers send to.

use super::Addon;
use super::kustomization::{Kustomization, UPSTREAM};
use crate::bug::Bug;
use crate::format::yaml::Yaml;
use crate::site::Site;

/// The manifest's name of the image, which has no tag there.
const IMAGE: &str = "haproxytech/kubernetes-ingress";
/// Where its pods are, and that bpc has put them there.
const OWN: &str = "--namespace haproxy-controller --selector app.kubernetes.io/managed-by=bpc";
/// What the controller listens on inside of its pod, where it may not have ports below 1024.
const INSIDE: [(&str, u16); 2] = [("http", 8080), ("https", 8443)];

/// The controller on these machines, with their ports for HTTP and HTTPS. It listens on no other one of theirs.
pub(super) fn addon(site: &Site, machines: &[String], ports: [u16; 2]) -> Result<Addon, Bug> {
    let version = site.download("haproxy-ingress")?.version.to_string();
    let image = format!("docker.io/{IMAGE}");
    let kustomization = Kustomization {
        resources: vec![UPSTREAM, "class.yaml"],
        patches: vec![("machines.yaml", "DaemonSet"), ("service.yaml", "Service")],
        image: Some([IMAGE.to_owned(), image.clone(), version.clone()]),
        ..Kustomization::default()
    };
    let mut expected = vec![
        format!("image: {image}:{version}"),
        "--ingress.class=haproxy".to_owned(),
        "type: ClusterIP".to_owned(),
    ];
    expected.extend(ports.map(|port| format!("hostPort: {port}")));
    Ok(Addon {
        name: "ingress",
        download: Some("haproxy-ingress"),
        files: vec![
            ("kustomization.yaml", kustomization.document()),
            (
                "machines.yaml",
                on_ports_of(machines, ports).document(&[" The machines that it runs on, and their ports."]),
            ),
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

/// The patch of the `DaemonSet`.
fn on_ports_of(machines: &[String], host_ports: [u16; 2]) -> Yaml {
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
        operation("add", "affinity", Yaml::map([("nodeAffinity", affinity)])),
        operation("add", "containers/0/ports", ports.collect::<Vec<_>>().into()),
    ];
    operations.extend(arguments.map(|it| operation("add", "containers/0/args/-", it.into())));
    operations.into()
}

/// A step of a JSON patch (RFC 6902) of a pod's specification.
fn operation(op: &str, path: &str, value: Yaml) -> Yaml {
    let path = format!("/spec/template/spec/{path}");
    Yaml::map([("op", op.into()), ("path", path.into()), ("value", value)])
}
