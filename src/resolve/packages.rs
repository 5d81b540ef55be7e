//! `packages:`, of every machine and of a group: their names, and what apt does not install beside them.

use super::Resolver;
use super::failover::role;
use super::machine::names;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{FailoverChoice, MachineGroup, Role};
use crate::site::TimeDaemon;

/// What a machine has, and the packages that apt refuses beside it, in every release or in the one that is named: measured
/// on the lists of Debian 12 and 13, with what they depend on. A line of a time daemon has the packages that bring it, since
/// each of these daemons is refused beside any other.
const RIVALS: &str = include_str!("packages/rivals.txt");

/// What an image must bring, and what it is for.
const OF_IMAGE: [(&str, &str); 6] = [
    ("cloud-init", "which reads the seed"),
    ("netplan.io", "which configures the network"),
    ("sudo", "by which the user becomes root"),
    ("systemd", "which runs everything on a machine"),
    ("systemd-resolved", "which looks names up"),
    ("systemd-sysv", "which starts a machine"),
];

/// What machines have on which Pacemaker moves the floating address.
const OF_PACEMAKER: [&str; 3] = ["crmsh", "iputils-ping", "pacemaker"];

/// What bastions have.
const OF_BASTIONS: [&str; 1] = ["iputils-ping"];

/// A package of the blueprint and its place.
type Placed<'a> = (&'a str, Path);

fn placed<'a>(packages: &'a [String], section: &Path) -> impl Iterator<Item = Placed<'a>> + use<'a> {
    let path = section.key("packages");
    packages.iter().enumerate().map(move |(index, name)| (name.as_str(), path.index(index)))
}

impl Resolver<'_> {
    /// The packages of each machine of a group, each once, and what keeps its time.
    pub(super) fn group_packages(
        &mut self,
        written: &MachineGroup,
        path: &Path,
    ) -> (Vec<String>, TimeDaemon) {
        for (name, place) in placed(&written.packages, path) {
            self.package(name, &place);
        }
        let mut packages: Vec<String> = Vec::new();
        let blueprint = self.blueprint;
        for name in blueprint.system.packages.iter().chain(&written.packages) {
            if !packages.contains(name) {
                packages.push(name.clone());
            }
        }
        let own = packages.iter().find_map(|name| self.brings(name));
        (packages, own.unwrap_or(TimeDaemon::Timesyncd))
    }

    /// The name of a Debian package (Debian Policy, section 5.6.7) that can be on a machine.
    pub(super) fn package(&mut self, name: &str, path: &Path) {
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let valid = name.len() >= 2
            && name.bytes().next().is_some_and(fits)
            && name.bytes().all(|c| fits(c) || b"+-.".contains(&c));
        // With a hyphen at its end apt takes the package away, and says that all went well (apt-get(8), `install`).
        if !valid || name.ends_with('-') {
            let message = format!("`{name}` is not the name of a package");
            let help = if valid {
                "remove the `-` at the end: by this apt would be told to take the package away"
            } else {
                "lower-case letters, digits, `+`, `-` and `.`: `bind9-dnsutils`"
            };
            self.report(Diagnostic::new(Code::PackageName, Place::Value(path.clone()), message).help(help));
        }
        if let Some((needed, purpose)) = OF_IMAGE.iter().find(|(needed, _)| self.is_rival(name, needed)) {
            self.rival(name, path, &format!("{needed}, {purpose}"), "leave it out");
        }
    }

    /// Whatever is on one machine can be there together, and somebody tells the time daemon its servers.
    pub(super) fn packages_together(&mut self) {
        let blueprint = self.blueprint;
        let mut said: Vec<Path> = Vec::new();
        let everywhere = || placed(&blueprint.system.packages, &Path::root().key("system"));
        for (group, written) in &blueprint.machines {
            let all: Vec<Placed<'_>> = everywhere()
                .chain(placed(&written.packages, &Path::root().key("machines").key(group)))
                .collect();
            let daemons: Vec<(TimeDaemon, &Placed<'_>)> =
                all.iter().filter_map(|package| Some((self.brings(package.0)?, package))).collect();
            for (name, place) in &all {
                let other = self.beside(name, written, &daemons);
                let Some((what, help)) = other.filter(|_| !said.contains(place)) else { continue };
                said.push(place.clone());
                self.rival(name, place, &what, help);
            }
            let untold = daemons.first().filter(|_| !blueprint.system.ntp.is_empty());
            if let Some((_, (name, place))) = untold.filter(|(_, (_, place))| !said.contains(place)) {
                said.push(place.clone());
                self.untold(name, place);
            }
        }
    }

    /// What keeps a package off a machine of that group, and the way out.
    fn beside(
        &self,
        name: &str,
        written: &MachineGroup,
        daemons: &[(TimeDaemon, &Placed<'_>)],
    ) -> Option<(String, &'static str)> {
        let of_role: &[&str] = match written.role {
            Role::Bastion => &OF_BASTIONS,
            _ if self.has_pacemaker(written) => &OF_PACEMAKER,
            _ => &[],
        };
        if let Some(needed) = of_role.iter().find(|needed| self.is_rival(name, needed)) {
            return Some((format!("{needed}, which these machines have for their role"), "leave it out"));
        }
        let timesyncd = TimeDaemon::Timesyncd.package();
        let own = self.brings(name).or((name == timesyncd).then_some(TimeDaemon::Timesyncd));
        if let (Some(own), Some((first, (other, _)))) = (own, daemons.first())
            && own != *first
        {
            return Some((
                (*other).to_owned(),
                "a machine has one program that keeps its time: leave one out",
            ));
        }
        (daemons.is_empty() && self.is_rival(name, timesyncd))
            .then(|| (timesyncd.to_owned(), "add `chrony`, which then keeps the time in its place"))
    }

    /// Whether Pacemaker runs on the machines of that group.
    fn has_pacemaker(&self, written: &MachineGroup) -> bool {
        let holds = |group: &MachineGroup, balancer| group.role == role(balancer);
        self.blueprint.load_balancer.as_ref().is_some_and(|balancer| {
            let groups = self.blueprint.machines.iter().filter(|(_, group)| holds(group, balancer));
            let holders: usize = groups.map(|(name, group)| names(name, group.count).len()).sum();
            balancer.failover == FailoverChoice::Pacemaker && holds(written, balancer) && holders > 1
        })
    }

    /// The time daemon that a package is, or brings.
    fn brings(&self, name: &str) -> Option<TimeDaemon> {
        TimeDaemon::OTHERS.into_iter().find(|daemon| self.is_rival(name, daemon.package()))
    }

    /// Whether apt refuses a package beside what a machine needs (or, of a time daemon, whether it brings that).
    fn is_rival(&self, name: &str, needed: &str) -> bool {
        RIVALS.lines().filter_map(|line| line.split_once(": ")).any(|(head, packages)| {
            let (of, release) = head.split_once(' ').unwrap_or((head, ""));
            of == needed
                && (release.is_empty() || release == self.blueprint.image.release)
                && packages.split(' ').any(|package| package == name)
        })
    }

    fn rival(&mut self, name: &str, path: &Path, other: &str, help: &str) {
        let message = format!("`{name}` cannot be installed beside {other}");
        self.report(
            Diagnostic::new(Code::PackageConflict, Place::Value(path.clone()), message)
                .note("these packages conflict: apt would refuse to install both, or take away the one that is there")
                .help(help),
        );
    }

    fn untold(&mut self, name: &str, path: &Path) {
        let message =
            format!("`{name}` keeps the time, and nobody tells it the time servers of `system.ntp`");
        let ntp = Place::Key(Path::root().key("system").key("ntp"));
        self.report(
            Diagnostic::new(Code::PackageConflict, Place::Value(path.clone()), message)
                .other(ntp, "these are for systemd-timesyncd")
                .help("leave it out, or leave `ntp` out and configure it on the machine"),
        );
    }
}
