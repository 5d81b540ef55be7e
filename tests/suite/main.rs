//! The integration tests: one binary, one module for each thing that is tested.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in the functions that its cases share"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read and write files, and learn from the environment where the programs are"
)]
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

mod support;

mod addons;
mod architecture;
mod bootstrap;
mod built;
mod bundle;
mod cli;
mod cloud_init;
mod commands;
mod day2;
mod diagnostics;
mod documents;
mod dropins;
mod etcd;
mod failover;
mod gateway;
mod golden;
mod haproxy;
mod installer;
mod iso9660;
mod justfile;
mod kubeadm;
mod netplan;
mod node;
mod ovf;
mod pacemaker;
mod packages;
mod pki;
mod plan;
mod releases;
mod reproducible;
mod schema;
mod scripts;
mod shell;
mod stages;
mod virtualbox;
mod vmdk;
mod writer;
mod yaml;
