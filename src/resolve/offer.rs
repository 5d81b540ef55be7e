//! What a node offers to pods, of what its machine has.

use serde_yaml::{Mapping, Value};

use crate::value::{Cpu, Size};

/// Processor time and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) cpu: Cpu,
    pub(super) memory: Size,
}

impl Room {
    pub(super) const fn and(self, other: Self) -> Self {
        Self { cpu: self.cpu.saturating_add(other.cpu), memory: self.memory.saturating_add(other.memory) }
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(other.cpu), memory: self.memory.saturating_sub(other.memory) }
    }

    pub(super) fn holds(self, other: Self) -> bool {
        self.cpu >= other.cpu && self.memory >= other.memory
    }
}

/// What a kernel takes of a machine's memory beside its share of it, and that share's divisor.
///
/// `MemTotal` of Debian 13's kernel (6.12, amd64) in machines of 512, 768, 1024, 2048, 4096 and 8192 MiB: 464, 715, 967, 1974,
/// 3922 and 7948 MiB (measured; the cloud kernel differs by less than one). So it takes 48, 53, 57, 74, 174 and 244.
const KERNEL: (Size, u64) = (Size::mib(48), 32);

/// The memory below which a kubelet evicts pods, and so offers none of it (`evictionHard`, "Node-pressure Eviction").
const EVICTION: Size = Size::mib(100);

/// What a machine with this memory has once its kernel runs.
pub(super) fn capacity(memory: Size) -> Size {
    memory.saturating_sub(KERNEL.0).saturating_sub(Size::bytes_of(memory.bytes() / KERNEL.1))
}

/// The memory of a machine that has this capacity, in steps of 256 MiB.
pub(super) fn memory_for(capacity: Size) -> Size {
    let needed = capacity.saturating_add(KERNEL.0).bytes();
    Size::bytes_of(needed / (KERNEL.1 - 1) * KERNEL.1 + KERNEL.1).in_steps_of(Size::mib(256))
}

/// What a kubelet with this configuration keeps of its node for itself and the system ("Reserve Compute Resources for System
/// Daemons").
pub(super) fn kept(kubelet: &Mapping, capacity: Size) -> Room {
    let of = |key: &str, name: &str| kubelet.get(key).and_then(|value| value.get(name));
    let reserved = ["kubeReserved", "systemReserved"].map(|key| Room {
        cpu: of(key, "cpu").and_then(cpu).unwrap_or_default(),
        memory: of(key, "memory").and_then(|value| memory(value, capacity)).unwrap_or_default(),
    });
    let eviction = match kubelet.get("evictionHard") {
        None => EVICTION,
        // Given any threshold, a kubelet has no others.
        Some(_) => of("evictionHard", "memory.available")
            .and_then(|value| memory(value, capacity))
            .unwrap_or_default(),
    };
    let eviction = Room { memory: eviction, ..Room::default() };
    reserved.into_iter().fold(eviction, Room::and)
}

/// What a machine's own programs (kubelet, runtime, systemd) take of its memory and no pod asks for, as Google reckons it for its
/// nodes ("Plan GKE Standard node sizes"): 255 MiB below 1 GiB, else parts of the first 4 GiB, the next 4, the next 8, and so on.
pub(super) fn programs(memory: Size) -> Size {
    if memory < Size::gib(1) {
        return Size::mib(255);
    }
    let steps = [(4, 25), (4, 20), (8, 10), (112, 6), (u64::MAX >> 30, 2)];
    let mut left = memory.as_mib();
    let mut taken = 0;
    for (gib, percent) in steps {
        let part = left.min(gib << 10);
        taken += part * percent / 100;
        left -= part;
    }
    Size::mib(taken)
}

/// An amount of memory in Kubernetes' notation, or a part of what there is; `None` if it is neither.
fn memory(value: &Value, whole: Size) -> Option<Size> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if let Some(percent) = text.strip_suffix('%') {
        return Some(Size::bytes_of(whole.bytes() / 100 * percent.parse::<u64>().ok()?.min(100)));
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit: u64 = match unit {
        "" => 1,
        "k" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    Some(Size::bytes_of(number.parse::<u64>().ok()?.checked_mul(unit)?))
}

fn cpu(value: &Value) -> Option<Cpu> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept_by(kubelet: &str) -> (u32, u64) {
        let room = kept(&serde_yaml::from_str(kubelet).unwrap(), Size::gib(2));
        (room.cpu.as_milli(), room.memory.as_mib())
    }

    #[test]
    fn a_kernel_takes_no_less_than_was_measured() {
        for (memory, measured) in
            [(512, 463), (768, 715), (1024, 967), (2048, 1973), (4096, 3922), (8192, 7947)]
        {
            let capacity = capacity(Size::mib(memory)).as_mib();
            assert!((measured - 64..=measured).contains(&capacity), "{capacity} of {memory}");
        }
    }

    #[test]
    fn enough_memory_is_enough() {
        for wanted in [1, 300, 1000, 2048, 5000] {
            let memory = memory_for(Size::mib(wanted));
            assert!(capacity(memory) >= Size::mib(wanted), "{memory} for {wanted}");
            assert!(capacity(memory.saturating_sub(Size::mib(257))) < Size::mib(wanted), "{memory}");
        }
    }

    #[test]
    fn a_kubelet_keeps_what_it_is_told() {
        assert_eq!(kept_by("{}"), (0, 100));
        assert_eq!(kept_by("evictionHard: {memory.available: 5%}"), (0, 102));
        assert_eq!(kept_by("evictionHard: {nodefs.available: 5%}"), (0, 0));
        assert_eq!(
            kept_by("{kubeReserved: {cpu: 250m, memory: 300Mi}, systemReserved: {cpu: 1, memory: 1Gi}}"),
            (1250, 1424)
        );
        assert_eq!(kept_by("kubeReserved: {cpu: [], memory: many}"), (0, 100));
    }

    #[test]
    fn larger_machines_spend_more_on_themselves() {
        let of = |memory: u64| programs(Size::gib(memory)).as_mib();
        assert_eq!(programs(Size::mib(512)), Size::mib(255));
        assert_eq!([of(2), of(4), of(8), of(16)], [512, 1024, 1843, 2662]);
    }
}
