//! What this machine has used and what it allows: memory, switches, files, threads. Read from /proc; other systems have none.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Address space, used or not.
    pub(crate) virtual_: f64,
    /// In memory now.
    pub(crate) resident: f64,
    /// The same, with pages that several processes share divided among them.
    pub(crate) proportional: f64,
}

/// The memory of a process, `self` or an id; `None` where /proc does not say.
pub(crate) fn memory(of: &str) -> Option<Memory> {
    let place = Path::new("/proc").join(of);
    let status = fs::read_to_string(place.join("status")).ok()?;
    let rollup = fs::read_to_string(place.join("smaps_rollup")).ok()?;
    Some(Memory {
        virtual_: number(&status, "VmSize:")?,
        resident: number(&rollup, "Rss:")?,
        proportional: number(&rollup, "Pss:")?,
    })
}

/// What the kernel holds for all processes together: stacks of threads in the kernel, and tables of pages, in KiB.
pub(crate) fn of_the_kernel() -> Option<f64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    Some(number(&text, "KernelStack:")? + number(&text, "PageTables:")?)
}

/// Switches of all threads of this process so far: of those that waited, and of those that were made to.
pub(crate) fn switches() -> Option<(f64, f64)> {
    let mut sum = (0.0, 0.0);
    for thread in fs::read_dir("/proc/self/task").ok()?.flatten() {
        let status = fs::read_to_string(thread.path().join("status")).ok()?;
        sum.0 += number(&status, "voluntary_ctxt_switches:")?;
        sum.1 += number(&status, "nonvoluntary_ctxt_switches:")?;
    }
    Some(sum)
}

/// The number behind a name at the beginning of a line.
fn number(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Lets this process have as many open files as the machine allows it.
pub(crate) fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // What is not allowed shows when the files are opened.
    let _ = setrlimit(Resource::Nofile, all);
}

/// How many files this process may have open.
pub(crate) fn files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many threads may be tried without harm to anybody else: a quarter of each limit, and 64 KiB of free memory for each.
pub(crate) fn threads() -> u64 {
    let of_file = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let mut least = getrlimit(Resource::Nproc).current.unwrap_or(u64::MAX) / 4;
    for path in [
        "/proc/sys/kernel/threads-max",
        "/proc/sys/kernel/pid_max",
        "/sys/fs/cgroup/pids.max",
    ] {
        least = least.min(of_file(path).map_or(u64::MAX, |limit| limit / 4));
    }
    // Each has two mappings, its stack and the guard below it.
    least = least.min(of_file("/proc/sys/vm/max_map_count").map_or(u64::MAX, |limit| limit / 6));
    let free = fs::read_to_string("/proc/meminfo").ok();
    let free = free.and_then(|text| number(&text, "MemAvailable:"));
    least.min(free.map_or(1_000, |kib| kib as u64 / 64))
}
