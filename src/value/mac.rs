//! Ethernet addresses.

use std::fmt;

use sha2::{Digest, Sha256};

/// An Ethernet address of a virtual network adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mac([u8; 6]);

impl Mac {
    /// The address of one adapter: VirtualBox's own prefix 08:00:27 and 24 bits that depend on nothing but its
    /// blueprint, machine and segment, so that no other machine's address moves when one is added.
    #[must_use]
    pub fn derive(blueprint: &str, machine: &str, segment: &str) -> Self {
        let digest = Sha256::digest(format!("bpc mac/{blueprint}/{machine}/{segment}"));
        let [a, b, c, ..] = digest.0;
        Self([0x08, 0x00, 0x27, a, b, c])
    }
}

/// Lower case with colons, as netplan and dnsmasq take it: `08:00:27:0a:1b:2c`.
impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.map(|byte| format!("{byte:02x}"));
        f.write_str(&bytes.join(":"))
    }
}
