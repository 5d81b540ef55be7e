//! From what the user wrote to what is so: every default, name, address and check.
//!
//! Each file takes one section and reports all that is wrong with it; what could be understood goes on, so that one
//! run shows the mistakes of all sections. Addresses are given in the order of the blueprint and never taken back:
//! a machine or a network that is added at the end changes nobody else's values.

mod access;
mod addons;
mod address;
mod balancing;
mod certificates;
mod cidr;
mod cluster;
mod derived;
mod devices;
mod disk;
mod downloads;
mod etcd;
mod failover;
mod fencing;
mod gateway;
mod image;
mod interface;
mod kubeadm;
mod kubernetes;
mod labels;
mod load_balancer;
mod machine;
mod manifests;
mod names;
mod network;
mod node_ports;
mod offer;
mod packages;
mod ports;
mod ranges;
mod releases;
mod resources;
mod roles;
mod room;
mod runtime;
mod servers;
mod ssh;
mod storage;
mod volume;

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Path, Place, has_errors};
use crate::model::Blueprint;
use crate::site::{FloatingAddress, LoadBalancing, Site};
use crate::source::{Document, Reason};

pub(crate) use derived::without_derived;
pub(crate) use manifests::named_files;

/// Files that a blueprint names, by their paths: what is in them, or why they cannot be read.
pub(crate) type NamedFiles = BTreeMap<String, Result<String, Reason>>;

/// Decides everything; `None` if the blueprint has errors.
pub(crate) fn resolve(
    blueprint: &Blueprint,
    document: &Document,
    named: &NamedFiles,
    allowed: &[String],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Site> {
    let mut resolver = Resolver { blueprint, document, named, allowed, diagnostics: Vec::new() };
    let site = resolver.site();
    if let Some(site) = &site {
        resolver.rotate(site);
        resolver.answered(site);
    }
    let failed = has_errors(&resolver.diagnostics);
    diagnostics.append(&mut resolver.diagnostics);
    site.filter(|_| !failed)
}

/// The blueprint and what has been said about it.
struct Resolver<'a> {
    blueprint: &'a Blueprint,
    document: &'a Document,
    named: &'a NamedFiles,
    /// Folders in which it may have files written.
    allowed: &'a [String],
    diagnostics: Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn site(&mut self) -> Option<Site> {
        self.version();
        self.names();
        let epoch = self.epoch();
        let image = self.image();
        let access = self.access();
        let mut networks = self.networks();
        let mut machines = self.machines(&networks);
        self.packages_together();
        self.networks_over_nat(&machines, &networks);
        self.storage(&mut machines, image.as_ref());
        self.role_networks(&machines, &networks);
        let floating = self.floating(&machines, &mut networks);
        let (floating, failover) = floating.unzip();
        let floating: Vec<FloatingAddress> = floating.into_iter().collect();
        let cluster = self.cluster(epoch, &machines, &networks);
        if let Some(cluster) = &cluster {
            self.room(cluster, &machines);
        }
        let downloads = self.downloads(cluster.as_ref());
        let mut machines = self.addresses(machines, &mut networks);
        if let Some(floating) = floating.first().filter(|_| failover == Some(None)) {
            load_balancer::keep(floating, &mut machines);
        }
        let kubernetes = cluster.map(|cluster| self.finish_cluster(cluster, &machines, &floating));
        let balancing = self.balancing(&machines, &networks, &floating);
        let load_balancing = failover.zip(balancing);
        let load_balancing =
            load_balancing.map(|(failover, balancing)| LoadBalancing { failover, ..balancing });
        self.published_ways(&machines, &networks);
        self.full_names(&machines, &floating);
        let networks = self.finish_networks(networks, &machines);
        let forwarders = self.forwarders(&networks, &machines);
        let user = access.as_ref().map(|access| access.user.as_str()).unwrap_or_default();
        let ssh = self.ssh(epoch, user, &machines);
        let access = access?;
        Some(Site {
            name: self.blueprint.name.clone(),
            domain: self.blueprint.domain.clone(),
            epoch: epoch?,
            image: image?,
            virtualbox: self.virtualbox(),
            user: access.user,
            ssh_keys: access.ssh_keys,
            timezone: access.timezone,
            locale: access.locale,
            ntp: access.ntp,
            forwarders,
            networks,
            machines,
            floating,
            load_balancing,
            ssh: ssh?,
            kubernetes,
            downloads,
            generations: self.blueprint.rotate.iter().map(|(name, number)| (name.clone(), *number)).collect(),
        })
    }

    fn version(&mut self) {
        let version = self.blueprint.blueprint;
        if version != 1 {
            self.report(
                Diagnostic::new(
                    Code::Version,
                    Place::Value(Path::root().key("blueprint")),
                    format!("this is a blueprint of version {version}; this bpc reads version 1"),
                )
                .help("write `blueprint: 1`, or use the bpc that this blueprint was written for"),
            );
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}
