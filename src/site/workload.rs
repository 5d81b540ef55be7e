//! Pods of the network plugin and of add-ons, and what they ask for.

use crate::value::{Cpu, Size};

/// What pods are for, whose resources the blueprint may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// flannel, on every node.
    Flannel,
    /// Calico, on every node.
    CalicoNode,
    /// Calico's controllers, once.
    CalicoControllers,
    /// `MetalLB`'s controller, once.
    MetalLbController,
    /// `MetalLB`'s speaker, on every node.
    MetalLbSpeaker,
    /// HAProxy's ingress controller, on each of its machines.
    Ingress,
    /// metrics-server, once.
    MetricsServer,
    /// local-path-provisioner, once.
    LocalPath,
}

impl Workload {
    /// The word in the blueprint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flannel => "flannel",
            Self::CalicoNode => "calico-node",
            Self::CalicoControllers => "calico-controllers",
            Self::MetalLbController => "metallb-controller",
            Self::MetalLbSpeaker => "metallb-speaker",
            Self::Ingress => "ingress",
            Self::MetricsServer => "metrics-server",
            Self::LocalPath => "local-path",
        }
    }
}

/// What one pod asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// The processor time that is kept for it.
    pub cpu: Cpu,
    /// The memory that is kept for it.
    pub memory: Size,
    /// The memory that it may have, if there is an end to it.
    pub memory_limit: Option<Size>,
}
