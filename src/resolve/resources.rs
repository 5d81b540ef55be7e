//! `kubernetes: {resources: ...}`: what the pods of the network plugin and of add-ons ask for.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{self, WorkloadResources};
use crate::site::{AddOn, NetworkPlugin, Resources, Workload};
use crate::value::{Cpu, Size};

/// Amounts of memory that a pod may ask for or have.
const MEMORY: RangeInclusive<Size> = Size::mib(8)..=Size::gib(64);
/// The largest amount of processor time that a pod may ask for.
const CPU: Cpu = Cpu::milli(64_000);

/// What a pod asks for if nothing is said.
///
/// flannel's, Calico's (processor) and metrics-server's amounts are those of their own manifests. The others ask for
/// nothing there, so that they would be the first to go when a node lacks memory; these are small amounts. HAProxy's ingress
/// controller asks for 2048Mi in its manifest, with a limit of 2560Mi, more than a machine of 2 GiB offers. Its image gives two thirds of the limit to
/// HAProxy (`-m`) and one third to the controller (`GOMEMLIMIT`; `fs/var/lib/pebble/default/` of its source), and HAProxy lets in as many
/// connections as fit: 9700 with these 341 MiB, in 20 MiB as long as there are none (measured with HAProxy 3.0).
const fn usual(workload: Workload) -> Resources {
    let (cpu, memory, memory_limit) = match workload {
        Workload::Flannel => (100, 50, None),
        Workload::CalicoNode => (250, 128, None),
        Workload::Ingress => (100, 128, Some(Size::mib(512))),
        Workload::MetricsServer => (100, 200, None),
        Workload::CalicoControllers | Workload::MetalLbController => (25, 64, None),
        Workload::MetalLbSpeaker | Workload::LocalPath => (25, 32, None),
    };
    Resources { cpu: Cpu::milli(cpu), memory: Size::mib(memory), memory_limit }
}

/// Which pods a cluster has.
fn workloads(plugin: &NetworkPlugin, addons: &[AddOn]) -> Vec<Workload> {
    let mut all = match plugin {
        NetworkPlugin::Flannel => vec![Workload::Flannel],
        NetworkPlugin::Calico => vec![Workload::CalicoNode, Workload::CalicoControllers],
        NetworkPlugin::Manifest(_) => Vec::new(),
    };
    for addon in addons {
        match addon {
            AddOn::MetalLb(_) => all.extend([Workload::MetalLbController, Workload::MetalLbSpeaker]),
            AddOn::Ingress { .. } => all.push(Workload::Ingress),
            AddOn::MetricsServer => all.push(Workload::MetricsServer),
            AddOn::LocalPath => all.push(Workload::LocalPath),
        }
    }
    all
}

/// What is written for each.
const fn written(all: &WorkloadResources) -> [(Workload, Option<&model::Resources>); 8] {
    [
        (Workload::Flannel, all.flannel.as_ref()),
        (Workload::CalicoNode, all.calico_node.as_ref()),
        (Workload::CalicoControllers, all.calico_controllers.as_ref()),
        (Workload::MetalLbController, all.metallb_controller.as_ref()),
        (Workload::MetalLbSpeaker, all.metallb_speaker.as_ref()),
        (Workload::Ingress, all.ingress.as_ref()),
        (Workload::MetricsServer, all.metrics_server.as_ref()),
        (Workload::LocalPath, all.local_path.as_ref()),
    ]
}

impl Resolver<'_> {
    /// What the pods of this plugin and these add-ons ask for.
    pub(super) fn resources(
        &mut self,
        all: &WorkloadResources,
        plugin: &NetworkPlugin,
        addons: &[AddOn],
    ) -> BTreeMap<Workload, Resources> {
        let has = workloads(plugin, addons);
        let mut resources: BTreeMap<Workload, Resources> = has.iter().map(|it| (*it, usual(*it))).collect();
        for (workload, given) in written(all) {
            let Some(given) = given else { continue };
            let path = Path::root().key("kubernetes").key("resources").key(workload.as_str());
            if let Some(place) = resources.get_mut(&workload) {
                *place = self.resources_of(given, *place, &path);
            } else if !self.lacks_for_a_mistake(workload) {
                let message = format!("no pod of this cluster is for {}", workload.as_str());
                let names: Vec<&str> = has.iter().map(|it| it.as_str()).collect();
                let list = if names.is_empty() {
                    String::new()
                } else {
                    format!("; there are: {}", names.join(", "))
                };
                self.refuse_resources(Place::Key(path), message, format!("remove it{list}"));
            }
        }
        resources
    }

    /// Whether an add-on is not there because something else is wrong with it, which has been said.
    fn lacks_for_a_mistake(&self, workload: Workload) -> bool {
        let addon = match workload {
            Workload::MetalLbController | Workload::MetalLbSpeaker => model::AddOn::Metallb,
            Workload::Ingress => model::AddOn::Ingress,
            _ => return false,
        };
        self.blueprint.kubernetes.iter().any(|it| it.addons.contains(&addon))
    }

    fn resources_of(&mut self, given: &model::Resources, usual: Resources, path: &Path) -> Resources {
        let cpu = given.cpu.as_ref().and_then(|text| self.cpu(text, &path.key("cpu")));
        let mut size = |text: &Option<String>, key: &str| {
            text.as_ref().and_then(|text| self.size(text, &path.key(key), MEMORY))
        };
        let (memory, limit) = (size(&given.memory, "memory"), size(&given.memory_limit, "memory_limit"));
        let asked = memory.unwrap_or(usual.memory);
        // Who asks for more than the usual limit means that to be there.
        let limit = limit.or_else(|| usual.memory_limit.map(|usual| usual.max(asked)));
        if let Some(limit) = limit.filter(|limit| *limit < asked) {
            let message = format!("a pod that asks for {asked} of memory cannot have only {limit}");
            self.refuse_resources(
                Place::Value(path.key("memory_limit")),
                message,
                format!("write `memory_limit: {asked}` or more"),
            );
        }
        Resources { cpu: cpu.unwrap_or(usual.cpu), memory: asked, memory_limit: limit }
    }

    fn cpu(&mut self, text: &str, path: &Path) -> Option<Cpu> {
        let cpu = text.parse::<Cpu>().ok().filter(|cpu| *cpu <= CPU);
        if cpu.is_none() {
            let help = "write thousandths of a processor, `250m`, or whole ones in quotes, `\"2\"`, up to 64";
            let message = format!("`{text}` is not an amount of processor time");
            self.refuse_resources(Place::Value(path.clone()), message, help.to_owned());
        }
        cpu
    }

    fn refuse_resources(&mut self, place: Place, message: String, help: String) {
        self.report(Diagnostic::new(Code::Resources, place, message).help(help));
    }
}
