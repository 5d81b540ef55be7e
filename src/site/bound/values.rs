//! What each machine of a site is bound to.

use super::{BOUND, Bound, NONE, VAULT};
use crate::site::{
    AddOn, Algorithm, AuthorityKeys, Cluster, EtcdTopology, Failover, Machine, NetworkPlugin, Purpose, Role,
    Runtime, SERVICE_ACCOUNT, Site,
};
use crate::value::Uuid;

impl Site {
    /// What a machine is bound to, in the order of [`BOUND`], each value without blanks; `vault` is the fingerprint of the
    /// one that its secrets come from.
    #[must_use]
    pub fn bound(&self, machine: &Machine, vault: &str) -> Vec<(&'static Bound, String)> {
        let mut values = self.bound_values(machine);
        values.push((VAULT, vault.to_owned()));
        let of = |bound: &'static Bound| {
            let value = values.iter().find(|(name, _)| *name == bound.name)?.1.clone();
            Some((bound, if value.is_empty() { NONE.to_owned() } else { value }))
        };
        BOUND.iter().filter_map(of).collect()
    }

    /// The line of the blueprint that a setting of a machine follows from.
    #[must_use]
    pub fn bound_origin<'a>(&'a self, name: &str, machine: &'a Machine) -> &'a str {
        let balancing = self.load_balancing.as_ref().map(|balancing| balancing.origin.as_str());
        let cluster = self.kubernetes.as_ref().map(|cluster| cluster.origin.as_str());
        match name {
            "role" | "disks" | "address" | "labels" | "taints" | "packages" => Some(machine.origin.as_str()),
            "load_balancer.failover" | "kubernetes.endpoint" => balancing.or(cluster),
            "domain" => Some("blueprint.yaml"),
            _ => cluster,
        }
        .unwrap_or("blueprint.yaml")
    }

    fn bound_values(&self, machine: &Machine) -> Vec<(&'static str, String)> {
        let mut values =
            vec![("role", machine.role.as_str().to_owned()), ("packages", list(&machine.packages))];
        // A disk that nothing is made of is nobody's loss.
        let disks = machine.disks.iter().filter(|disk| disk.purpose != Purpose::Nothing);
        values.push(("disks", list(disks.map(|disk| &disk.name))));
        if self.floating_on(machine.role).is_some() {
            let failover = self.load_balancing.as_ref().and_then(|balancing| balancing.failover.as_ref());
            let failover = match failover {
                Some(Failover::Keepalived(_)) => "keepalived",
                Some(Failover::Pacemaker(_)) => "pacemaker",
                None => "",
            };
            values.push(("load_balancer.failover", failover.to_owned()));
        }
        let Some(cluster) = &self.kubernetes else { return values };
        let node = matches!(machine.role, Role::ControlPlane | Role::Worker);
        let member = self.etcd_members().any(|member| member == machine);
        if node || self.floating_on(machine.role).is_some() {
            values.push(("kubernetes.endpoint", cluster.endpoint.to_string()));
        }
        if node || member {
            values.push(("address", machine.address().to_string()));
            values.push(("kubernetes.etcd", topology(cluster.etcd).to_owned()));
            values.push(("kubernetes.etcd_members", list(self.etcd_members().map(|member| &member.name))));
            values.extend(authorities(self, cluster));
        }
        if node {
            values.extend(self.of_node(cluster, machine));
        }
        if self.with_role(Role::ControlPlane).next() == Some(machine) {
            let addons = cluster.addons.iter().map(|addon| match addon {
                AddOn::MetalLb(_) => "metallb",
                AddOn::MetricsServer => "metrics-server",
                AddOn::LocalPath => "local-path",
                AddOn::Ingress { .. } => "ingress",
            });
            values.push(("kubernetes.addons", list(addons)));
            values.push(("kubernetes.manifests", list(cluster.manifests.iter().map(|it| &it.name))));
        }
        values
    }

    fn of_node(&self, cluster: &Cluster, machine: &Machine) -> Vec<(&'static str, String)> {
        let plugin = match &cluster.network_plugin {
            NetworkPlugin::Flannel => "flannel".to_owned(),
            NetworkPlugin::Calico => "calico".to_owned(),
            NetworkPlugin::Manifest(manifest) => format!("manifest:{}", manifest.name),
        };
        let runtime = match cluster.runtime {
            Runtime::Containerd(_) => "containerd",
            Runtime::Docker => "docker",
        };
        let taints = machine.taints.as_ref().map_or_else(
            || "default".to_owned(),
            |taints| list(taints.iter().map(|it| format!("{}={}:{}", it.key, it.value, it.effect))),
        );
        // Too much for a line, and only whether it is another one matters.
        let kubeadm = format!("{:?}", cluster.kubeadm);
        let quota = match cluster.etcd {
            EtcdTopology::Stacked => cluster.etcd_settings.quota.bytes().to_string(),
            EtcdTopology::External | EtcdTopology::Colocated => String::new(),
        };
        vec![
            ("domain", self.domain.clone()),
            ("kubernetes.service_cidr", cluster.service_cidr.to_string()),
            ("kubernetes.pod_cidr", cluster.pod_cidr.to_string()),
            ("kubernetes.cluster_domain", cluster.cluster_domain.clone()),
            ("kubernetes.cni", plugin),
            ("kubernetes.runtime", runtime.to_owned()),
            ("kubernetes.version", cluster.version.to_string()),
            ("labels", list(machine.labels.iter().map(|(key, value)| format!("{key}={value}")))),
            ("taints", taints),
            ("kubernetes.kubeadm", Uuid::derive(&[&kubeadm.replace('/', ":")]).to_string()),
            ("kubernetes.etcd_quota", quota),
        ]
    }
}

fn list<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    words.sort();
    words.join(",")
}

const fn topology(topology: EtcdTopology) -> &'static str {
    match topology {
        EtcdTopology::Stacked => "stacked",
        EtcdTopology::External => "external",
        EtcdTopology::Colocated => "colocated",
    }
}

/// How the authorities of a cluster are made, which all that runs there trusts.
fn authorities(site: &Site, cluster: &Cluster) -> Vec<(&'static str, String)> {
    let plan = &cluster.certificates;
    let algorithm = match plan.algorithm {
        Algorithm::EcdsaP256 => "ecdsa-p256",
        Algorithm::EcdsaP384 => "ecdsa-p384",
    };
    let keys = match plan.authority_keys {
        AuthorityKeys::Machines => "machines",
        AuthorityKeys::Vault => "vault",
    };
    let kinds = plan.authorities().into_iter().map(|kind| kind.as_str().to_owned());
    let generations = kinds.chain([SERVICE_ACCOUNT.to_owned()]);
    let generations = generations.map(|purpose| format!("{purpose}:{}", site.generation(&purpose)));
    vec![
        ("pki.algorithm", algorithm.to_owned()),
        ("pki.root", if plan.root { "yes" } else { "no" }.to_owned()),
        ("pki.authority_keys", keys.to_owned()),
        // An authority more, such as a root, has a line of its own.
        ("rotate", list(generations.filter(|it| !it.starts_with("root")))),
    ]
}
