//! The gateway's configuration: judged by the programs that read it, and at work in network namespaces.

mod balancing;
mod dhcp;
mod dns;
mod firewall;
mod lab;
mod routes;
mod syntax;
