//! Small types that are checked once, where they are made, and trusted from there on.

mod cpu;
mod duration;
mod mac;
mod name;
mod range;
mod secret;
mod size;
mod uuid;

pub use cpu::{Cpu, NotACpu};
pub use duration::{Duration, NotADuration};
pub use mac::Mac;
pub use name::{is_dns_label, is_dns_name};
pub use range::{AddressRange, NotARange};
pub use secret::Secret;
pub use size::{NotASize, Size};
pub use uuid::Uuid;
