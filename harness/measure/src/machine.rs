//! The machine that a figure was taken on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What of a machine makes figures comparable, as far as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory, GiB, rounded down.
    pub memory_gib: u64,
    /// Operating system and architecture: `linux x86_64`.
    pub system: String,
}

impl Machine {
    /// This one. Where /proc is not what Linux has, the processor is unnamed and the memory 0.
    #[must_use]
    pub fn this() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = |line: &str| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim().to_owned());
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = |line: &str| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok();
        let kib: u64 = meminfo.lines().find_map(total).unwrap_or(0);
        Self {
            cpu: cpuinfo
                .lines()
                .find_map(model)
                .unwrap_or_else(|| "an unnamed processor".into()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gib: kib >> 20,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = if self.cores == 1 { "core" } else { "cores" };
        write!(
            f,
            "{}, {} {cores}, {} GiB, {}",
            self.cpu, self.cores, self.memory_gib, self.system
        )
    }
}
