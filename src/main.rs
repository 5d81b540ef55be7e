//! The `bpc` command.

fn main() {}
