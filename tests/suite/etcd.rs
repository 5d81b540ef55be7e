//! etcd as a service: judged by systemd and by etcd, and at work in network namespaces.

mod cluster;
mod lab;
mod restore;
mod stages;
mod unit;
