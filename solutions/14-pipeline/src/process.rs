//! What this process has used, and the lines it reports.

use std::io::Write;

use measure::Progress;

/// Processor time in milliseconds and resident memory in bytes; zeros where /proc is not what Linux has.
pub(crate) fn usage() -> (u64, u64) {
    let cpu = measure::cpu_of(std::process::id());
    let pages: u64 = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0);
    let millis = u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX);
    (millis, pages * rustix::param::page_size() as u64)
}

/// Writes one line; `false` when nobody reads any more.
pub(crate) fn report(progress: &Progress) -> bool {
    let Ok(mut line) = serde_json::to_vec(progress) else {
        return true;
    };
    line.push(b'\n');
    std::io::stdout().lock().write_all(&line).is_ok()
}

/// Milliseconds since 1970-01-01 UTC, by the wall clock.
pub(crate) fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
