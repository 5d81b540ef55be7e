//! Codecs that know nothing of clusters: each writes one format that other programs read.

<<<<<<< HEAD
pub mod shell;
pub mod yaml;
=======
pub mod iso9660;
>>>>>>> iso
