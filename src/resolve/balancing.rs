//! What is balanced behind the floating address: `stats`, `api`, `ingress` and `services` of `load_balancer:`.

use std::ops::RangeInclusive;

use super::Resolver;
use super::network::NetworkDraft;
use super::servers::Surroundings;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{Balancing, HeldBy, Ingress, LoadBalancer};
use crate::site::{
    API_FRONTEND, API_PORT, Check, CheckKind, FloatingAddress, Frontend, LoadBalancing, Machine, Mode, Role,
    Server, Stats,
};
use crate::value::Duration;

/// The default port of the statistics page.
const STATS_PORT: u16 = 8404;
/// The default number of concurrent connections. Each takes about 33 kB (`maxconn` in HAProxy's configuration manual),
/// so that API and ingress, 6000 connections, leave room on a machine of 512 MiB.
const MAX_CONNECTIONS: u32 = 2000;
/// How long a connection may be silent: `kubectl logs -f` and watches are, for hours.
const IDLE: Duration = Duration::hours(24);
/// The same where requests are balanced: what waits longer between two of them can connect again.
const IDLE_HTTP: Duration = Duration::seconds(60);
/// The longest is 24 days: HAProxy counts milliseconds in 31 bits.
const IDLE_RANGE: RangeInclusive<Duration> = Duration::seconds(1)..=Duration::hours(24 * 24);
const INTERVAL: Duration = Duration::seconds(2);
const INTERVAL_RANGE: RangeInclusive<Duration> = Duration::millis(100)..=Duration::hours(1);

/// Names that HAProxy's configuration has already.
const NAMES: [&str; 5] = ["alive", "ingress-http", "ingress-https", API_FRONTEND, "stats"];

/// A port of the floating address, and who has it.
struct Taken {
    port: u16,
    by: String,
    place: Option<Place>,
}

/// A frontend before its limits and checks are known.
struct Wanted<'a> {
    name: &'a str,
    port: u16,
    mode: Mode,
    servers: Vec<Server>,
    clients: &'a [Role],
    from: Vec<String>,
}

impl Resolver<'_> {
    /// What the machines that hold the address serve; nothing if control planes do.
    pub(super) fn balancing(
        &mut self,
        machines: &[Machine],
        networks: &[NetworkDraft],
        floating: &[FloatingAddress],
    ) -> Option<LoadBalancing> {
        let blueprint = self.blueprint;
        let written = blueprint.load_balancer.as_ref()?;
        let path = Path::root().key("load_balancer");
        let mut frontends = Vec::new();
        match written.held_by {
            HeldBy::ControlPlane => self.nothing_balances(written, &path),
            HeldBy::LoadBalancer => {
                let surroundings = Surroundings::new(blueprint, machines, networks, floating);
                let mut taken = vec![Taken { port: 22, by: "ssh of the machine".to_owned(), place: None }];
                frontends.extend(self.api(written, &surroundings, &mut taken));
                if let Some(ingress) = &written.ingress {
                    frontends.extend(self.ingress(ingress, &surroundings, &mut taken));
                }
                frontends.extend(self.services(written, &surroundings, &mut taken));
                self.stats(written, &surroundings);
            }
        }
        let stats = written.stats.clone().unwrap_or_default();
        Some(LoadBalancing {
            failover: None,
            frontends,
            stats: Stats { port: stats.port.unwrap_or(STATS_PORT), network: stats.network },
            origin: self.document.origin(&path),
        })
    }

    /// Only machines of the role load-balancer have HAProxy.
    fn nothing_balances(&mut self, written: &LoadBalancer, path: &Path) {
        let keys = [
            ("stats", written.stats.is_some()),
            ("api", written.api.is_some()),
            ("ingress", written.ingress.is_some()),
            ("services", !written.services.is_empty()),
        ];
        for (key, _) in keys.into_iter().filter(|(_, given)| *given) {
            let message = format!("`{key}` is HAProxy's work, and control planes hold the address");
            let help = format!("remove `{key}`, or let machines of the role load-balancer hold it");
            self.unread(path.key(key), message, help);
        }
    }

    fn unread(&mut self, path: Path, message: impl Into<String>, help: impl Into<String>) {
        self.report(Diagnostic::new(Code::BalancingSettings, Place::Key(path), message).help(help));
    }

    /// The API of every control plane.
    fn api(
        &mut self,
        written: &LoadBalancer,
        surroundings: &Surroundings<'_>,
        taken: &mut Vec<Taken>,
    ) -> Option<Frontend> {
        let path = Path::root().key("load_balancer").key("api");
        let planes = surroundings.with_role(Role::ControlPlane);
        if planes.is_empty() {
            if written.api.is_some() {
                let message = "there is no API to balance: no machine has the role control-plane";
                self.unread(path, message, "remove `api`, or add control planes");
            }
            return None;
        }
        let anonymous = self.blueprint.kubernetes.as_ref()?.anonymous_auth.unwrap_or(true);
        taken.push(Taken { port: API_PORT, by: "the Kubernetes API".to_owned(), place: None });
        let server = |plane: &&Machine| surroundings.server(plane, API_PORT);
        if let Some(away) = planes.iter().find(|plane| server(plane).is_none()) {
            self.out_of_reach(away, Place::Key(Path::root().key("load_balancer")));
        }
        let wanted = Wanted {
            name: API_FRONTEND,
            port: API_PORT,
            mode: Mode::Tcp,
            servers: planes.iter().filter_map(server).collect(),
            clients: &[Role::ControlPlane, Role::Worker, Role::Bastion],
            from: Vec::new(),
        };
        let balancing = written.api.clone().unwrap_or_default();
        if balancing.check.path.is_some() {
            let message = "the API has a check of its own, which asks whether it is ready";
            self.unread(path.key("check").key("path"), message, "remove `path`");
        }
        let mut frontend = self.frontend(wanted, &balancing, &path);
        frontend.check.kind = if anonymous { CheckKind::ApiReady } else { CheckKind::Connect };
        Some(frontend)
    }

    fn ingress(
        &mut self,
        written: &Ingress,
        surroundings: &Surroundings<'_>,
        taken: &mut Vec<Taken>,
    ) -> [Frontend; 2] {
        let path = Path::root().key("load_balancer").key("ingress");
        if written.https.check.path.is_some() {
            let message = "port 443 speaks TLS, so its check asks for no path";
            let help = "remove `path`; a connection is enough there, and `http` may ask for one";
            self.unread(path.key("https").key("check").key("path"), message, help);
        }
        let machines = self.targets(&written.to, &path.key("to"), surroundings);
        let from = self.sources(&written.from, &path.key("from"), surroundings);
        let ports = [
            ("ingress-http", 80, written.http_port, "http", &written.http),
            ("ingress-https", 443, written.https_port, "https", &written.https),
        ];
        ports.map(|(name, port, target, key, balancing)| {
            let place = Some(Place::Key(path.clone()));
            taken.push(Taken { port, by: "`ingress`".to_owned(), place });
            let to = target.unwrap_or(port);
            let wanted = Wanted {
                name,
                port,
                mode: Mode::Tcp,
                servers: machines.iter().filter_map(|machine| surroundings.server(machine, to)).collect(),
                clients: &[Role::Worker, Role::Bastion],
                from: from.clone(),
            };
            self.frontend(wanted, balancing, &path.key(key))
        })
    }

    fn services(
        &mut self,
        written: &LoadBalancer,
        surroundings: &Surroundings<'_>,
        taken: &mut Vec<Taken>,
    ) -> Vec<Frontend> {
        let mut frontends = Vec::new();
        for (name, service) in &written.services {
            let path = Path::root().key("load_balancer").key("services").key(name);
            self.service_name(name, &path);
            self.port(service.port, &path.key("port"), taken);
            taken.push(Taken {
                port: service.port,
                by: format!("service '{name}'"),
                place: Some(Place::Value(path.key("port"))),
            });
            let to = service.target_port.unwrap_or(service.port);
            let machines = self.targets(&service.to, &path.key("to"), surroundings);
            let wanted = Wanted {
                name,
                port: service.port,
                mode: service.mode,
                servers: machines.iter().filter_map(|machine| surroundings.server(machine, to)).collect(),
                clients: &[Role::Bastion],
                from: self.sources(&service.from, &path.key("from"), surroundings),
            };
            frontends.push(self.frontend(wanted, &service.balancing, &path.key("balancing")));
        }
        frontends
    }

    fn service_name(&mut self, name: &str, path: &Path) {
        self.label(name, "a service's name", Place::Key(path.clone()));
        if NAMES.contains(&name) {
            let message = format!("bpc itself calls something `{name}`");
            self.report(
                Diagnostic::new(Code::BalancedPort, Place::Key(path.clone()), message)
                    .help(format!("another name, for instance `my-{name}`")),
            );
        }
    }

    /// Reports a port of the floating address that something else has.
    fn port(&mut self, port: u16, path: &Path, taken: &[Taken]) {
        let Some(first) = taken.iter().find(|first| first.port == port) else { return };
        let mut near = (port.saturating_add(8000)..=u16::MAX).chain(1024..=u16::MAX);
        let free = near.find(|free| taken.iter().all(|taken| taken.port != *free)).unwrap_or(port);
        let message = format!("port {port} is taken by {}", first.by);
        let mut diagnostic = Diagnostic::new(Code::BalancedPort, Place::Value(path.clone()), message);
        if let Some(place) = &first.place {
            diagnostic = diagnostic.other(place.clone(), "taken here");
        }
        self.report(diagnostic.help(format!("another port, for instance {free}")));
    }

    /// The page is on addresses of the machines themselves, where ssh is.
    fn stats(&mut self, written: &LoadBalancer, surroundings: &Surroundings<'_>) {
        let Some(stats) = &written.stats else { return };
        let path = Path::root().key("load_balancer").key("stats");
        let ssh = [Taken { port: 22, by: "ssh of the machine".to_owned(), place: None }];
        if let Some(port) = stats.port {
            self.port(port, &path.key("port"), &ssh);
        }
        if let Some(network) = &stats.network {
            self.stats_network(network, &path.key("network"), surroundings);
        }
    }

    fn frontend(&mut self, wanted: Wanted<'_>, written: &Balancing, path: &Path) -> Frontend {
        let idle = if wanted.mode == Mode::Http { IDLE_HTTP } else { IDLE };
        let check = path.key("check");
        Frontend {
            name: wanted.name.to_owned(),
            port: wanted.port,
            mode: wanted.mode,
            servers: wanted.servers,
            max_connections: written.max_connections.unwrap_or(MAX_CONNECTIONS),
            idle_timeout: self
                .duration(
                    written.idle_timeout.as_deref(),
                    &path.key("idle_timeout"),
                    IDLE_RANGE,
                    Code::BalancingValue,
                )
                .unwrap_or(idle),
            check: Check {
                kind: self.check_kind(written.check.path.as_deref(), &check.key("path")),
                interval: self
                    .duration(
                        written.check.interval.as_deref(),
                        &check.key("interval"),
                        INTERVAL_RANGE,
                        Code::BalancingValue,
                    )
                    .unwrap_or(INTERVAL),
                fall: written.check.fall.unwrap_or(3),
                rise: written.check.rise.unwrap_or(2),
            },
            clients: wanted.clients.to_vec(),
            from: wanted.from,
        }
    }

    /// A path as it stands in a request, without what HAProxy's configuration would need quotes for.
    fn check_kind(&mut self, written: Option<&str>, path: &Path) -> CheckKind {
        let Some(text) = written else { return CheckKind::Connect };
        let plain = |c: u8| c.is_ascii_alphanumeric() || b"/-._~!*+,;=:@%?&".contains(&c);
        if !text.starts_with('/') || !text.bytes().all(plain) {
            let message = format!("`{text}` cannot be asked for");
            self.report(
                Diagnostic::new(Code::BalancingValue, Place::Value(path.clone()), message)
                    .help("a path that starts with `/`, other characters as `%20`: `/healthz`"),
            );
        }
        CheckKind::Http(text.to_owned())
    }

    /// A span of time within a range; `None` if none is written, or one that is not good.
    pub(super) fn duration(
        &mut self,
        written: Option<&str>,
        path: &Path,
        range: RangeInclusive<Duration>,
        code: Code,
    ) -> Option<Duration> {
        let text = written?;
        let parsed = text.parse::<Duration>();
        if let Some(found) = parsed.ok().filter(|found| range.contains(found)) {
            return Some(found);
        }
        let (message, help) = match parsed {
            Ok(_) => {
                (format!("{text} is out of range"), format!("from {} to {}", range.start(), range.end()))
            }
            Err(_) => (
                format!("`{text}` is not a span of time"),
                "write a whole number and a unit: `500ms`, `2s`, `1m`, `24h`".to_owned(),
            ),
        };
        self.report(Diagnostic::new(code, Place::Value(path.clone()), message).help(help));
        None
    }
}
