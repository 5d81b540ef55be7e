//! `MetalLB`: services of type `LoadBalancer` get an address of a network of machines.

use super::Addon;
use super::kustomization::{Kustomization, UPSTREAM};
use super::pods;
use crate::bug::Bug;
use crate::format::yaml::Yaml;
use crate::site::{Cluster, Machine, Role, ServicePool, Site, Workload};

/// Its namespace.
const NAMESPACE: &str = "metallb-system";

/// The controller, and the speakers also on workers with taints: they answer for addresses there.
pub(super) fn addon(site: &Site, cluster: &Cluster, pools: &[ServicePool]) -> Result<Addon, Bug> {
    let kustomization = Kustomization {
        resources: vec![UPSTREAM],
        patches: vec![("controller.yaml", "Deployment"), ("speaker.yaml", "DaemonSet")],
        ..Kustomization::default()
    };
    let (controller, mut expected) = pods::resources_file(cluster, Workload::MetalLbController);
    let (asked, more) = pods::resources(cluster, Workload::MetalLbSpeaker);
    let tolerations = pods::tolerations(pools.iter().flat_map(|pool| answering(site, pool)));
    let tolerations = tolerations.into_iter().map(|it| pods::operation("tolerations/-", it));
    let speaker = Yaml::from([asked].into_iter().chain(tolerations).collect::<Vec<_>>());
    expected.extend(more);
    let version = site.download("metallb")?.version;
    Ok(Addon {
        name: "metallb",
        download: Some("metallb"),
        files: vec![
            ("kustomization.yaml", kustomization.document()),
            ("controller.yaml", controller),
            (
                "speaker.yaml",
                speaker.document(&[" What a speaker asks for, and the workers that it runs on."]),
            ),
        ],
        expected: ["controller", "speaker"]
            .map(|it| format!("/metallb/{it}:v{version}"))
            .into_iter()
            .chain(expected)
            .collect(),
        ready: ["deployment/controller", "daemonset/speaker"]
            .map(|it| format!("rollout status {it} --namespace {NAMESPACE}"))
            .to_vec(),
    })
}

/// What it gives away. Its controller judges these, so they have to wait until that answers.
pub(super) fn pools(site: &Site, pools: &[ServicePool]) -> Addon {
    let kustomization = Kustomization { resources: vec!["pools.yaml"], ..Kustomization::default() };
    let objects: Vec<String> =
        pools.iter().flat_map(|it| [pool(it), advertisement(site, it)]).map(|it| it.to_string()).collect();
    Addon {
        name: "metallb-pools",
        files: vec![("kustomization.yaml", kustomization.document()), ("pools.yaml", objects.join("---\n"))],
        ..Addon::default()
    }
}

fn pool(pool: &ServicePool) -> Yaml {
    let range = format!("{}-{}", pool.range.first, pool.range.last);
    object("IPAddressPool", pool, Yaml::map([("addresses", Yaml::seq([range.as_str()]))]))
}

/// The workers on the network of a pool.
fn answering<'a>(site: &'a Site, pool: &'a ServicePool) -> impl Iterator<Item = &'a Machine> {
    site.with_role(Role::Worker).filter(|machine| machine.on(&pool.network).is_some())
}

/// Only workers on that network answer for its addresses, and only there: `MetalLB` would choose a machine that is not on
/// it, and then nobody would answer.
fn advertisement(site: &Site, pool: &ServicePool) -> Yaml {
    let names: Vec<&str> = answering(site, pool).map(|machine| machine.name.as_str()).collect();
    let selector = Yaml::map([("matchExpressions", Yaml::seq([super::on_machines(&names)]))]);
    let spec = Yaml::map([
        ("ipAddressPools", Yaml::seq([pool.network.as_str()])),
        ("interfaces", Yaml::seq([pool.interface.as_str()])),
        ("nodeSelectors", Yaml::seq([selector])),
    ]);
    object("L2Advertisement", pool, spec)
}

fn object(kind: &str, pool: &ServicePool, spec: Yaml) -> Yaml {
    let metadata = Yaml::map([("name", pool.network.as_str().into()), ("namespace", NAMESPACE.into())]);
    Yaml::map([
        ("apiVersion", "metallb.io/v1beta1".into()),
        ("kind", kind.into()),
        ("metadata", metadata),
        ("spec", spec),
    ])
}
