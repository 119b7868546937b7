//! What this process has used, and the lines it reports.

use std::io::Write;

use measure::Progress;

/// Processor time in milliseconds and resident memory in bytes; zeros where /proc is not what Linux has.
pub(crate) fn usage() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name in parentheses and may hold spaces: count from its end.
    let ticks: u64 = stat
        .rsplit_once(')')
        .map(|(_, rest)| {
            rest.split_whitespace()
                .skip(11)
                .take(2)
                .filter_map(|field| field.parse::<u64>().ok())
                .sum()
        })
        .unwrap_or(0);
    let pages: u64 = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0);
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    (ticks * 1_000 / per_second, pages * rustix::param::page_size() as u64)
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
