//! keepalived moves the floating address: judged by keepalived, and at work in network namespaces.

mod checks;
mod lab;
mod moves;
mod syntax;
