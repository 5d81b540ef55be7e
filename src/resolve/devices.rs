//! What is in `/dev` of a machine before LVM puts something there, as far as a volume group could be called so.

/// The kernel's devices (its admin-guide/devices.txt), and what systemd and udev add.
const DEVICES: &str = "autofs block bsg btrfs-control bus cdrom char console core cpu cuse disk dri dvd fd full fuse hpet \
    hugepages hwrng initctl input kmsg kvm log loop-control mapper mcelog mem mqueue net null nvram port ppp psaux ptmx pts \
    random rfkill rtc shm snapshot snd stderr stdin stdout tty uhid uinput urandom vboxguest vboxuser vfio vhost-net \
    watchdog zero";

/// Those that have a number behind.
const NUMBERED: &str = "dm- fb hidraw i2c- loop md nvme ptp rtc sg sr tpm tty usbmon vcs watchdog";

/// Those that have a letter behind, and the number of a partition or none.
const LETTERED: &str = "hd sd vd";

/// Whether something else than a volume group is called so.
pub(super) fn is_device(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    let behind = |kinds: &'static str| kinds.split(' ').filter_map(|kind| name.strip_prefix(kind));
    DEVICES.split(' ').any(|device| device == name)
        || behind(NUMBERED).any(|rest| !rest.is_empty() && digits(rest))
        || behind(LETTERED)
            .any(|rest| rest.strip_prefix(|c: char| c.is_ascii_lowercase()).is_some_and(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_called_as_no_device() {
        for device in ["log", "net", "disk", "shm", "sda", "sdb1", "loop0", "tty1", "dm-0", "null"] {
            assert!(is_device(device), "{device}");
        }
        for group in
            ["vg0", "logs", "data", "sd", "sdata", "loops", "loop", "dm-", "net1", "system", "ubuntu-vg"]
        {
            assert!(!is_device(group), "{group}");
        }
    }
}
