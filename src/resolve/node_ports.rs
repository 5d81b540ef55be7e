//! Ports of workers that the ingress controller cannot have, since something else answers there.

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::AddOn;
use crate::site::{KUBELET_PORT, NetworkPlugin};

/// What listens on every worker, by TCP, on whatever address: packets for a pod's port are taken before they get to any.
const TAKEN: [(u16, &str); 6] = [
    (22, "ssh"),
    (53, "systemd-resolved"),
    (KUBELET_PORT, "the kubelet"),
    (10248, "the kubelet's health"),
    (10249, "kube-proxy's metrics"),
    (10256, "kube-proxy's health"),
];
/// Ports of flannel's pods, which are in the network of their node (its `kube-flannel.yml`).
const FLANNEL: [(u16, &str); 1] = [(8081, "flannel's health")];
/// The same of Calico (`FELIX_HEALTHPORT` of its manual).
const CALICO: [(u16, &str); 1] = [(9099, "Calico's health")];
/// The same of `MetalLB`'s speakers (its `metallb-native.yaml`).
const METALLB: [(u16, &str); 3] =
    [(7946, "MetalLB's speakers"), (9120, "MetalLB's metrics"), (17472, "MetalLB's health")];

impl Resolver<'_> {
    /// Looks whether the ports of the ingress controller are free on its machines, and not the same.
    pub(super) fn ingress_ports(&mut self, plugin: Option<&NetworkPlugin>) {
        let blueprint = self.blueprint;
        let addons = blueprint.kubernetes.iter().flat_map(|it| &it.addons);
        let has = |addon: AddOn| addons.clone().any(|it| *it == addon);
        let Some(ingress) = blueprint.load_balancer.as_ref().and_then(|it| it.ingress.as_ref()) else {
            return;
        };
        if !has(AddOn::Ingress) {
            return;
        }
        let of_plugin: &[(u16, &str)] = match plugin {
            Some(NetworkPlugin::Flannel) => &FLANNEL,
            Some(NetworkPlugin::Calico) => &CALICO,
            _ => &[],
        };
        let of_metallb: &[(u16, &str)] = if has(AddOn::Metallb) { &METALLB } else { &[] };
        let taken = || TAKEN.iter().chain(of_plugin).chain(of_metallb);
        let path = Path::root().key("load_balancer").key("ingress");
        for (key, port) in [("http_port", ingress.http_port), ("https_port", ingress.https_port)] {
            if let Some((port, who)) = taken().find(|(taken, _)| Some(*taken) == port) {
                let message = format!("port {port} of the workers is taken by {who}");
                self.refuse_port(path.key(key), message);
            }
        }
        let (http, https) = (ingress.http_port.unwrap_or(80), ingress.https_port.unwrap_or(443));
        if http == https {
            let key = if ingress.https_port.is_some() { "https_port" } else { "http_port" };
            self.refuse_port(path.key(key), format!("port {http} cannot be for both HTTP and HTTPS"));
        }
    }

    fn refuse_port(&mut self, path: Path, message: String) {
        let help = "choose another port: clients see those of the floating address, 80 and 443, in any case";
        self.report(Diagnostic::new(Code::AddOn, Place::Value(path), message).help(help));
    }
}
