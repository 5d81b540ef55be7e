//! The gateway's configuration: judged by the programs that read it, and at work in network namespaces.

mod syntax;
