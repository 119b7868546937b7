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
    /// This one, by /proc, or by sysctl where there is none. Where neither says it, the processor is unnamed and the memory 0.
    #[must_use]
    pub fn this() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = |line: &str| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok();
        let kib: Option<u64> = meminfo.lines().find_map(total);
        let bytes = || sysctl("hw.memsize")?.parse::<u64>().ok();
        Self {
            cpu: processor(&cpuinfo)
                .or_else(|| sysctl("machdep.cpu.brand_string"))
                .unwrap_or_else(|| "an unnamed processor".into()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gib: kib.map(|kib| kib >> 20).or_else(|| Some(bytes()? >> 30)).unwrap_or(0),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

/// The name that /proc/cpuinfo gives; on ARM, where it gives none, who made the processor and which of theirs it is.
fn processor(cpuinfo: &str) -> Option<String> {
    let value = |name: &str| {
        let of = |line: &str| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        };
        cpuinfo.lines().find_map(of)
    };
    value("model name").or_else(|| Some(format!("ARM {} {}", value("CPU implementer")?, value("CPU part")?)))
}

/// What macOS says of itself; nothing on Linux, where /proc does.
fn sysctl(name: &str) -> Option<String> {
    if !cfg!(target_os = "macos") {
        return None;
    }
    let said = std::process::Command::new("sysctl").args(["-n", name]).output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?.trim().to_owned();
    (said.status.success() && !text.is_empty()).then_some(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_have_a_name_on_arm_too() {
        let intel = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: A processor @ 2.5 GHz\n";
        assert_eq!(processor(intel).unwrap(), "A processor @ 2.5 GHz");
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n";
        assert_eq!(processor(arm).unwrap(), "ARM 0x41 0xd0c");
        assert_eq!(processor("processor\t: 0\n"), None);
    }
}
