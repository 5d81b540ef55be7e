//! Whether the machines have room for the pods that bpc has them run.
//!
//! What pods ask for is kept for them on their node, whether or not they use it, and the scheduler puts none where that
//! much is not left. Pods of the user's own manifests are not counted: where these may run is more than their text says.

use std::collections::BTreeSet;

use super::Resolver;
use super::machine::MachineDraft;
use super::offer::{Room, capacity, kept, memory_for, programs};
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::site::{AddOn, Cluster, EtcdTopology, Role, Workload};
use crate::value::{Cpu, Size};

/// Pods of a control plane, and the thousandths of a processor that kubeadm has them ask for (its
/// `phases/controlplane/manifests.go`); they ask for no memory.
const CONTROL_PLANE: [(&str, u32); 3] =
    [("kube-apiserver", 250), ("kube-controller-manager", 200), ("kube-scheduler", 100)];
/// The same of a stacked etcd (`phases/etcd/local.go`).
const ETCD: Room = Room { cpu: Cpu::milli(100), memory: Size::mib(100) };
/// The same of each pod of the cluster's DNS, and how many there are (`phases/addons/dns/manifests.go`, `constants.go`).
const DNS: (Room, usize) = (Room { cpu: Cpu::milli(100), memory: Size::mib(70) }, 2);

/// A node, and what is on it.
struct Node<'a> {
    draft: &'a MachineDraft,
    /// What it offers to pods.
    offer: Room,
    /// What these ask for.
    asked: Vec<(&'static str, Room)>,
}

impl<'a> Node<'a> {
    fn new(draft: &'a MachineDraft, cluster: &Cluster) -> Self {
        let machine = &draft.machine;
        let capacity = capacity(machine.memory);
        let offer = Room { cpu: Cpu::milli(machine.cpus * 1000), memory: capacity }
            .without(kept(&cluster.kubeadm.kubelet, capacity));
        Self { draft, offer, asked: Vec::new() }
    }

    fn total(&self) -> Room {
        self.asked.iter().fold(Room::default(), |sum, (_, room)| sum.and(*room))
    }

    /// Whether pods without tolerations are kept away, or those that tolerate a control plane's own taint.
    fn takes(&self, tolerant: bool) -> bool {
        match &self.draft.machine.taints {
            Some(taints) => {
                let mut hard = taints.iter().filter(|taint| taint.effect != "PreferNoSchedule");
                let is_own = |taint: &crate::site::Taint| {
                    taint.key == "node-role.kubernetes.io/control-plane" && taint.effect == "NoSchedule"
                };
                hard.all(|taint| tolerant && is_own(taint))
            }
            None => tolerant || self.draft.machine.role == Role::Worker,
        }
    }
}

/// A pod that any node may run that takes it.
struct Floating {
    name: &'static str,
    room: Room,
    /// Whether it tolerates the taint of control planes.
    tolerant: bool,
    /// What asks for it.
    path: Path,
}

impl Resolver<'_> {
    /// Compares what pods ask for with what the nodes have.
    pub(super) fn room(&mut self, cluster: &Cluster, machines: &[MachineDraft]) {
        let is_node = |draft: &&MachineDraft| matches!(draft.machine.role, Role::ControlPlane | Role::Worker);
        // Without one nothing runs, which has been said.
        if !machines.iter().any(|draft| draft.machine.role == Role::ControlPlane) {
            return;
        }
        let mut nodes: Vec<Node<'_>> =
            machines.iter().filter(is_node).map(|draft| Node::new(draft, cluster)).collect();
        stay(cluster, &mut nodes);
        let mut groups = BTreeSet::new();
        for node in nodes.iter().filter(|node| !node.offer.holds(node.total())) {
            if groups.insert(node.draft.path.clone()) {
                self.no_room_for_what_stays(cluster, node);
            }
        }
        if groups.is_empty() {
            self.float(cluster, &mut nodes);
        }
        let tight = |node: &&Node<'_>| {
            let left = node.offer.memory.saturating_sub(programs(node.draft.machine.memory));
            node.total().memory > left
        };
        for node in nodes.iter().filter(tight) {
            if groups.insert(node.draft.path.clone()) {
                self.tight(cluster, node);
            }
        }
    }

    /// Puts every pod that may run on several nodes on the one that has the most memory left, the largest first.
    fn float(&mut self, cluster: &Cluster, nodes: &mut [Node<'_>]) {
        let has_workers = nodes.iter().any(|node| node.draft.machine.role == Role::Worker);
        for pod in self.floating_pods(cluster) {
            // Without workers add-ons run as soon as somebody lets them.
            if !pod.tolerant && !has_workers {
                continue;
            }
            let takes = nodes.iter_mut().filter(|node| node.takes(pod.tolerant));
            let mut takes: Vec<&mut Node<'_>> = takes.collect();
            let is_taken = !takes.is_empty();
            let left = |node: &Node<'_>| node.offer.without(node.total());
            takes.retain(|node| left(node).holds(pod.room));
            // Of several that have as much, the first.
            match takes.into_iter().rev().max_by_key(|node| left(node).memory) {
                Some(node) => node.asked.push((pod.name, pod.room)),
                None if is_taken => {
                    self.no_room(cluster, &pod);
                    break;
                }
                None => {
                    let message = format!("no machine takes the pods of {}: all have taints", pod.name);
                    self.report(
                        Diagnostic::new(Code::AddOn, Place::Value(pod.path), message)
                            .help("add workers without `taints`"),
                    );
                    break;
                }
            }
        }
    }

    fn floating_pods(&self, cluster: &Cluster) -> Vec<Floating> {
        let path = Path::root().key("kubernetes");
        let dns = || Floating { name: "the cluster's DNS", room: DNS.0, tolerant: true, path: path.clone() };
        let mut pods: Vec<Floating> = (0..DNS.1).map(|_| dns()).collect();
        let written = self.blueprint.kubernetes.iter().flat_map(|it| it.addons.iter().enumerate());
        let written: Vec<_> = written.collect();
        for (workload, resources) in &cluster.resources {
            let addon = match workload {
                Workload::MetalLbController => Some(crate::model::AddOn::Metallb),
                Workload::MetricsServer => Some(crate::model::AddOn::MetricsServer),
                Workload::LocalPath => Some(crate::model::AddOn::LocalPath),
                Workload::CalicoControllers => None,
                Workload::Flannel | Workload::CalicoNode | Workload::MetalLbSpeaker | Workload::Ingress => {
                    continue;
                }
            };
            let index = written.iter().find(|(_, it)| Some(**it) == addon).map(|(index, _)| *index);
            pods.push(Floating {
                name: workload.as_str(),
                room: Room { cpu: resources.cpu, memory: resources.memory },
                tolerant: addon.is_none(),
                path: index.map_or_else(|| path.clone(), |index| path.key("addons").index(index)),
            });
        }
        pods.sort_by_key(|pod| std::cmp::Reverse((pod.room.memory, pod.room.cpu)));
        pods
    }

    /// What is on a node whatever else is.
    fn no_room_for_what_stays(&mut self, cluster: &Cluster, node: &Node<'_>) {
        let (total, machine) = (node.total(), &node.draft.machine);
        let by_memory = total.memory > node.offer.memory;
        let (key, message) = if by_memory {
            let message = format!(
                "the pods of {} ask for {} of memory, and of its {} they can have {}",
                machine.name,
                mib(total.memory),
                machine.memory,
                mib(node.offer.memory)
            );
            ("memory", message)
        } else {
            let message = format!(
                "the pods of {} ask for {}m of processor time, and they can have {}m",
                machine.name,
                total.cpu.as_milli(),
                node.offer.cpu.as_milli()
            );
            ("cpus", message)
        };
        let help = if by_memory {
            let kept = kept(&cluster.kubeadm.kubelet, capacity(machine.memory)).memory;
            format!("write `memory: {}` or more", memory_for(total.memory.saturating_add(kept)))
        } else {
            let kept = Cpu::milli(machine.cpus * 1000).saturating_sub(node.offer.cpu);
            format!("write `cpus: {}` or more", total.cpu.saturating_add(kept).as_milli().div_ceil(1000))
        };
        self.report(
            Diagnostic::new(Code::NodeRoom, self.place_of(node, key), message)
                .note(asked(node, by_memory))
                .help(help)
                .maybe_help(smaller(cluster, node, by_memory)),
        );
    }

    fn no_room(&mut self, cluster: &Cluster, pod: &Floating) {
        let message = format!(
            "no machine has room for a pod of {}, which asks for {} of memory and {}m of processor time",
            pod.name,
            mib(pod.room.memory),
            pod.room.cpu.as_milli()
        );
        let place = if cluster.addons.is_empty() {
            Place::Key(pod.path.clone())
        } else {
            Place::Value(pod.path.clone())
        };
        self.report(
            Diagnostic::new(Code::NodeRoom, place, message)
                .note("what other pods ask for is kept for these, used or not")
                .help("give the workers more memory or processors, or add one"),
        );
    }

    fn tight(&mut self, cluster: &Cluster, node: &Node<'_>) {
        let machine = &node.draft.machine;
        let total = node.total().memory;
        let own = programs(machine.memory);
        let message = format!(
            "the pods of {} ask for {} of its {}, and its own programs want about {}",
            machine.name,
            mib(total),
            machine.memory,
            mib(own)
        );
        let kept = kept(&cluster.kubeadm.kubelet, capacity(machine.memory)).memory;
        // A larger machine spends more on itself.
        let mut memory = machine.memory.in_steps_of(Size::mib(256));
        while capacity(memory).saturating_sub(kept).saturating_sub(programs(memory)) < total {
            memory = memory.saturating_add(Size::mib(256));
        }
        self.report(
            Diagnostic::new(Code::NodeTight, self.place_of(node, "memory"), message)
                .note(asked(node, true))
                .note("when its memory runs short, pods are evicted")
                .help(format!("write `memory: {memory}` or more")),
        );
    }

    /// Where the blueprint says how much of it a machine has, or else the machine.
    fn place_of(&self, node: &Node<'_>, key: &str) -> Place {
        let path = node.draft.path.key(key);
        if self.document.has(&path) { Place::Value(path) } else { Place::Key(node.draft.path.clone()) }
    }
}

/// Puts the pods on their nodes that have no choice: those of kubeadm, of the network plugin, and those of add-ons that are on each of
/// certain machines.
fn stay(cluster: &Cluster, nodes: &mut [Node<'_>]) {
    let room = |workload: Workload| {
        let resources = cluster.resources.get(&workload)?;
        Some((workload.as_str(), Room { cpu: resources.cpu, memory: resources.memory }))
    };
    let ingress: BTreeSet<&str> = cluster
        .addons
        .iter()
        .flat_map(|addon| match addon {
            AddOn::Ingress { machines, .. } => machines.as_slice(),
            _ => &[],
        })
        .map(String::as_str)
        .collect();
    for node in nodes {
        let machine = &node.draft.machine;
        if machine.role == Role::ControlPlane {
            let cpu = |milli| Room { cpu: Cpu::milli(milli), memory: Size::default() };
            node.asked.extend(CONTROL_PLANE.map(|(name, milli)| (name, cpu(milli))));
            if cluster.etcd == EtcdTopology::Stacked {
                node.asked.push(("etcd", ETCD));
            }
        }
        node.asked.extend(room(Workload::Flannel));
        node.asked.extend(room(Workload::CalicoNode));
        // It tolerates the taints of workers that a pool is for, and those of control planes.
        if machine.role == Role::Worker || node.takes(true) {
            node.asked.extend(room(Workload::MetalLbSpeaker));
        }
        if ingress.contains(machine.name.as_str()) {
            node.asked.extend(room(Workload::Ingress));
        }
    }
}

/// What the pods of a node ask for, as a list.
fn asked(node: &Node<'_>, memory: bool) -> String {
    let amount = |room: &Room| if memory { mib(room.memory) } else { room.cpu.to_string() };
    let of = |(name, room): &(&str, Room)| format!("{name} {}", amount(room));
    let is_something = |(_, room): &&(&str, Room)| {
        if memory { room.memory > Size::default() } else { room.cpu > Cpu::default() }
    };
    let list: Vec<String> = node.asked.iter().filter(is_something).map(of).collect();
    let kept = if memory { "; the rest is the kernel's and the kubelet's" } else { "" };
    format!("they are: {}{kept}", list.join(", "))
}

/// How the largest of a node's pods is made smaller, if the blueprint can.
fn smaller(cluster: &Cluster, node: &Node<'_>, memory: bool) -> Option<String> {
    let (name, _) = node
        .asked
        .iter()
        .max_by_key(|(_, room)| if memory { room.memory.bytes() } else { u64::from(room.cpu.as_milli()) })?;
    let workload = cluster.resources.keys().find(|it| it.as_str() == *name)?;
    let key = if memory { "memory" } else { "cpu" };
    Some(format!("or let the largest ask for less: `kubernetes.resources.{}.{key}`", workload.as_str()))
}

fn mib(size: Size) -> String {
    format!("{} MiB", size.bytes().div_ceil(1 << 20))
}
