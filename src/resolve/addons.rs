//! What connects pods, and what else a cluster has.

use ipnet::Ipv4Net;

use super::Resolver;
use super::machine::{MachineDraft, names};
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::model::{self, Kubernetes};
use crate::site::{AddOn, NetworkPlugin, Role, ServicePool};

/// The default network of pods, flannel's own default.
const POD_CIDR: &str = "10.244.0.0/16";
/// The pool of a network whose addresses MetalLB gives away.
const METALLB_POOL: &str = "metallb";
/// Network plugins whose authors have stopped.
const ARCHIVED: [&str; 3] = ["weave", "weave-net", "romana"];

impl Resolver<'_> {
    /// kubeadm gives each node a /24 of it, so it has room for as many nodes as there are.
    pub(super) fn pod_cidr(
        &mut self,
        written: &Kubernetes,
        service_cidr: Option<Ipv4Net>,
        machines: &[MachineDraft],
        networks: &[NetworkDraft],
    ) -> Option<Ipv4Net> {
        let path = Path::root().key("kubernetes");
        let text = written.pod_cidr.as_deref().unwrap_or(POD_CIDR);
        let place = match &written.pod_cidr {
            Some(_) => Place::Value(path.key("pod_cidr")),
            None => Place::Key(path),
        };
        let cidr: Option<Ipv4Net> = text.parse().ok().filter(|cidr: &Ipv4Net| cidr.addr() == cidr.network());
        let Some(cidr) = cidr.filter(|cidr| (8..=22).contains(&cidr.prefix_len())) else {
            let message = format!("`{text}` cannot be the network of pods");
            self.report(
                Diagnostic::new(Code::PodNetwork, place, message)
                    .note("each node gets a /24 of it")
                    .help("a network from /8 to /22 in CIDR form, for instance `10.244.0.0/16`"),
            );
            return None;
        };
        let is_node = |draft: &&MachineDraft| matches!(draft.machine.role, Role::ControlPlane | Role::Worker);
        let (nodes, room) =
            (machines.iter().filter(is_node).count(), cidr.subnets(24).map_or(0, Iterator::count));
        if nodes > room {
            let message =
                format!("the network of pods, {cidr}, has room for {room} nodes, and there are {nodes}");
            self.report(
                Diagnostic::new(Code::PodNetwork, place, message)
                    .note("each node gets a /24 of it")
                    .help("choose a larger one: `pod_cidr: 10.244.0.0/16`"),
            );
            return None;
        }
        let help = "choose another range: `pod_cidr: 172.24.0.0/16`";
        if !self.usable_in_cluster(("pods", help), cidr, machines, place.clone()) {
            return None;
        }
        let overlaps = |other: &Ipv4Net| other.contains(&cidr) || cidr.contains(other);
        let network =
            networks.iter().find(|network| network.space.as_ref().is_some_and(|space| overlaps(&space.cidr)));
        let help = "choose another range for one of them: `pod_cidr: 172.24.0.0/16`";
        if let Some(network) = network {
            let message = format!("the network of pods, {cidr}, overlaps network '{}'", network.name);
            self.report(
                Diagnostic::new(Code::PodNetwork, place, message)
                    .other(Place::Value(network.path.key("cidr")), "the network of machines")
                    .help(help),
            );
            return None;
        }
        if let Some(services) = service_cidr.filter(overlaps) {
            let message = format!("the network of pods, {cidr}, overlaps that of services, {services}");
            self.report(Diagnostic::new(Code::PodNetwork, place, message).help(help));
            return None;
        }
        Some(cidr)
    }

    /// The plugin that connects pods.
    pub(super) fn network_plugin(&mut self, written: &Kubernetes) -> Option<NetworkPlugin> {
        let path = Path::root().key("kubernetes");
        if let Some(name) = &written.cni_manifest {
            let manifest = self.manifest(name, &path.key("cni_manifest"))?;
            return Some(NetworkPlugin::Manifest(manifest));
        }
        let name = match written.cni.as_deref() {
            None | Some("flannel") => return Some(NetworkPlugin::Flannel),
            Some("calico") => return Some(NetworkPlugin::Calico),
            Some(name) => name,
        };
        let archived = ARCHIVED.contains(&name);
        let message = if archived {
            format!("{name} is archived: nobody mends it any more")
        } else {
            format!("bpc has no manifest of the network plugin `{name}`")
        };
        let near = did_you_mean(name, ["flannel", "calico"]);
        let help = near.map_or_else(
            || "write `cni: flannel` or `cni: calico`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        self.report(
            Diagnostic::new(Code::NetworkPlugin, Place::Value(path.key("cni")), message)
                .help(help)
                .help("for another one, give its manifest: `cni_manifest: manifests/plugin.yaml`"),
        );
        None
    }

    /// The add-ons, in the order in which they are set up.
    pub(super) fn addons(
        &mut self,
        written: &Kubernetes,
        machines: &[MachineDraft],
        networks: &[NetworkDraft],
    ) -> Vec<AddOn> {
        let path = Path::root().key("kubernetes").key("addons");
        let mut addons = Vec::new();
        for (index, addon) in written.addons.iter().enumerate() {
            let path = path.index(index);
            if written.addons.iter().take(index).any(|other| other == addon) {
                let message = "this add-on stands here twice";
                self.report(
                    Diagnostic::new(Code::AddOn, Place::Value(path), message).help("remove one of the two"),
                );
                continue;
            }
            addons.extend(match addon {
                model::AddOn::Metallb => self.metallb(machines, networks, &path),
                model::AddOn::Ingress => self.ingress_addon(machines, &path),
                model::AddOn::MetricsServer => Some(AddOn::MetricsServer),
                model::AddOn::LocalPath => Some(AddOn::LocalPath),
            });
        }
        addons
    }

    /// Machines answer for an address only on a network that they are on.
    fn metallb(
        &mut self,
        machines: &[MachineDraft],
        networks: &[NetworkDraft],
        path: &Path,
    ) -> Option<AddOn> {
        let blueprint = self.blueprint;
        let nodes = |network: &str| {
            let mut on = machines.iter().filter(|draft| draft.machine.on(network).is_some());
            on.any(|draft| draft.machine.role == Role::Worker)
        };
        let pool = |network: &NetworkDraft| {
            let text = blueprint.networks.get(&network.name)?.pools.get(METALLB_POOL)?;
            // A range that is none has been reported.
            let range = text.parse().ok()?;
            Some(ServicePool { network: network.name.clone(), interface: network.interface.clone(), range })
        };
        let pools: Vec<ServicePool> =
            networks.iter().filter(|network| nodes(&network.name)).filter_map(pool).collect();
        if pools.is_empty() {
            let message = "MetalLB has no addresses to give away";
            self.report(
                Diagnostic::new(Code::AddOn, Place::Value(path.clone()), message)
                    .note("it gives those of the pools named `metallb`, on networks that workers are on")
                    .help("add one: `node: {cidr: 192.168.2.0/24, pools: {metallb: 192.168.2.2-192.168.2.125}}`"),
            );
            return None;
        }
        Some(AddOn::MetalLb(pools))
    }

    /// Where the load balancers expect it, or on all workers.
    fn ingress_addon(&mut self, machines: &[MachineDraft], path: &Path) -> Option<AddOn> {
        let ingress = self.blueprint.load_balancer.as_ref().and_then(|it| it.ingress.as_ref());
        let workers = || machines.iter().map(|draft| &draft.machine).filter(|it| it.role == Role::Worker);
        let chosen: Vec<String> = match ingress {
            None => workers().map(|machine| machine.name.clone()).collect(),
            Some(ingress) => {
                let groups = &self.blueprint.machines;
                let members = |name: &String| {
                    groups.get(name).map_or_else(|| vec![name.clone()], |group| names(name, group.count))
                };
                let named: Vec<String> = ingress.to.iter().flat_map(members).collect();
                workers().map(|machine| &machine.name).filter(|name| named.contains(name)).cloned().collect()
            }
        };
        if chosen.is_empty() {
            let message = "the ingress controller has no machine to run on";
            self.report(Diagnostic::new(Code::AddOn, Place::Value(path.clone()), message).help(
                "add machines with `role: worker`, and name them in `load_balancer: {ingress: {to: [...]}}`",
            ));
            return None;
        }
        Some(AddOn::Ingress {
            machines: chosen,
            http: ingress.and_then(|it| it.http_port).unwrap_or(80),
            https: ingress.and_then(|it| it.https_port).unwrap_or(443),
        })
    }
}
