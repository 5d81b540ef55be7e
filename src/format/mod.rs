//! Codecs that know nothing of clusters: each writes one format that other programs read.

pub mod cpio;
pub mod curtin;
pub mod iso9660;
pub mod ova;
pub mod pem;
pub mod preseed;
pub mod recipe;
pub mod shell;
pub mod terminal;
pub mod vmdk;
pub mod xml;
pub mod yaml;
