//! What connects pods.

use super::Addon;
use super::kustomization::{Kustomization, UPSTREAM};
use super::pods;
use crate::format::yaml::Yaml;
use crate::site::{Cluster, Machine, NetworkPlugin, Workload};

/// The plugin of a cluster. It is there when this machine is ready: a node is not, as long as nothing connects its pods.
pub(super) fn addon(cluster: &Cluster, machine: &Machine) -> Addon {
    let ready = vec![format!("wait node/{} --for condition=Ready", machine.name)];
    let addon = match &cluster.network_plugin {
        NetworkPlugin::Flannel => flannel(cluster),
        NetworkPlugin::Calico => calico(cluster),
        NetworkPlugin::Manifest(manifest) => Addon {
            name: "network-plugin",
            files: vec![("manifest.yaml", manifest.text.clone())],
            ..Addon::default()
        },
    };
    Addon { ready, ..addon }
}

/// flannel, which has VXLAN by itself (its Documentation/configuration.md).
fn flannel(cluster: &Cluster) -> Addon {
    let kustomization = Kustomization {
        resources: vec![UPSTREAM],
        merges: vec!["network.yaml"],
        patches: vec![("interface.yaml", "DaemonSet"), ("resources.yaml", "DaemonSet")],
        ..Kustomization::default()
    };
    let (resources, asked) = pods::resources_file(cluster, Workload::Flannel);
    let network = format!("\"Network\": \"{}\"", cluster.pod_cidr);
    let network_file = Yaml::map([
        ("apiVersion", "v1".into()),
        ("kind", "ConfigMap".into()),
        ("metadata", Yaml::map([("name", "kube-flannel-cfg".into()), ("namespace", "kube-flannel".into())])),
        (
            "data",
            Yaml::map([(
                "net-conf.json",
                format!("{{\n  {network},\n  \"Backend\": {{\"Type\": \"vxlan\"}}\n}}\n").into(),
            )]),
        ),
    ]);
    Addon {
        name: "flannel",
        download: Some("flannel"),
        files: vec![
            ("kustomization.yaml", kustomization.document()),
            ("network.yaml", network_file.document(&[" The network of pods."])),
            ("interface.yaml", include_str!("flannel-interface.yaml").to_owned()),
            ("resources.yaml", resources),
        ],
        // Less the dollar, which no text of a shell should have that means it.
        expected: [network, "(NODE_IP)".to_owned(), "name: NODE_IP".to_owned()]
            .into_iter()
            .chain(asked)
            .collect(),
        ready: Vec::new(),
    }
}

/// Calico, from its manifest without BGP (Calico's "Configuring calico/node").
fn calico(cluster: &Cluster) -> Addon {
    let kustomization = Kustomization {
        resources: vec![UPSTREAM],
        merges: vec!["network.yaml"],
        patches: vec![("node.yaml", "DaemonSet"), ("controllers.yaml", "Deployment")],
        ..Kustomization::default()
    };
    let (node, mut asked) = pods::resources_file(cluster, Workload::CalicoNode);
    let (controllers, more) = pods::resources_file(cluster, Workload::CalicoControllers);
    asked.extend(more);
    let pool = cluster.pod_cidr.to_string();
    let environment = [
        ("CALICO_IPV4POOL_CIDR", pool.as_str()),
        ("CALICO_IPV4POOL_VXLAN", "Always"),
        // Nodes meet at the address that the cluster knows them by, on whatever interface that is.
        ("IP_AUTODETECTION_METHOD", "kubernetes-internal-ip"),
    ];
    let variable = |(name, value): (&str, &str)| Yaml::map([("name", name), ("value", value)].map(text));
    let container =
        Yaml::map([("name", "calico-node".into()), ("env", environment.map(variable).to_vec().into())]);
    let pods = Yaml::map([("spec", Yaml::map([("containers", Yaml::seq([container]))]))]);
    let network = Yaml::map([
        ("apiVersion", "apps/v1".into()),
        ("kind", "DaemonSet".into()),
        ("metadata", Yaml::map([("name", "calico-node"), ("namespace", "kube-system")].map(text))),
        ("spec", Yaml::map([("template", pods)])),
    ]);
    Addon {
        name: "calico",
        download: Some("calico"),
        files: vec![
            ("kustomization.yaml", kustomization.document()),
            (
                "network.yaml",
                network.document(&[
                    " The network of pods. Nodes meet at the address that the cluster knows them by.",
                ]),
            ),
            ("node.yaml", node),
            ("controllers.yaml", controllers),
        ],
        expected: [format!("value: {pool}"), "value: kubernetes-internal-ip".to_owned()]
            .into_iter()
            .chain(asked)
            .collect(),
        ready: Vec::new(),
    }
}

fn text<'a>((key, value): (&'a str, &str)) -> (&'a str, Yaml) {
    (key, value.into())
}
