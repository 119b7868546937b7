//! What this process has used, and the lines it reports.

use std::io::Write;
use std::sync::Once;

use measure::{Progress, Unbuilt};

/// How a process ends that met a task of a lab which is not built yet: neither a cause in a sentence (1) nor a panic (101).
const UNBUILT: i32 = 3;

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

/// Has this process report a task of a lab that is not built yet, wherever it meets one, and end.
pub(crate) fn tell_of_what_is_unbuilt() {
    at_what_is_unbuilt(|unbuilt| {
        tracing::error!("{unbuilt}");
        report(&Progress::Unbuilt(unbuilt));
    });
}

/// The same for who reads sentences.
pub(crate) fn say_what_is_unbuilt() {
    at_what_is_unbuilt(|unbuilt| {
        let _ = writeln!(std::io::stderr(), "{unbuilt}");
    });
}

/// Has this process `tell` of a task of a lab that is not built yet, wherever it meets one, and end. Other panics stay as they are.
///
/// In the hook and not where threads are joined: a panic in a spawned task or in a callback of the client, which is caught there,
/// would only show as whatever then does not happen.
fn at_what_is_unbuilt(tell: impl Fn(Unbuilt) + Send + Sync + 'static) {
    static FIRST: Once = Once::new();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        match Unbuilt::of_panic(panic) {
            // Of threads that panic at once the first one ends the process, and the others wait for that.
            Some(unbuilt) => FIRST.call_once(|| {
                tell(unbuilt);
                std::process::exit(UNBUILT);
            }),
            None => usual(panic),
        }
    }));
}

/// Milliseconds since 1970-01-01 UTC, by the wall clock.
pub(crate) fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
