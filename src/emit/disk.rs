//! The disks of a machine as images: all of them empty, its system disk too.
//!
//! bpc does not hold what is on a system disk: host scripts bring it in, and `bpc bundle --disk`. VirtualBox refuses a
//! disk without a file ("The given disk size 100 is not aligned": it takes mebibytes for bytes), so there is an empty one.

use crate::bug::Bug;
use crate::format::vmdk;
use crate::site::{Machine, Site};
use crate::value::Size;

/// The image of a disk of a machine.
pub(super) fn image(site: &Site, machine: &Machine, name: &str, capacity: Size) -> Result<Vec<u8>, Bug> {
    let uuid = site.disk_uuid(&machine.name, name).to_string();
    let mut image = Vec::new();
    let empty = vmdk::write(&mut image, &vmdk::Disk { capacity: capacity.bytes(), uuid }, []);
    empty.map_err(|error| Bug(format!("disk {name} of {}: {error}", machine.name)))?;
    Ok(image)
}
