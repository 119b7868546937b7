//! What each stage of the pipeline costs per record, beside its floor: `./lab bench pipeline` runs it and shows the table.
//!
//! Each stage runs alone. Where a server takes part its processor time is told beside ours. Every way of doing a stage's
//! work is first seen to give the same result. Without `--bench` (that is, in tests) each way runs once, on little.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

mod kafka;
mod local;
mod minimal;
mod socket;
mod store;
mod trades;

use measure::{Cost, Counting};
use stack::{Provider, Sizing, Stack, StackSpec};
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static COUNTING: Counting = Counting;

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Rounds of each way.
    pub(crate) rounds: usize,
    /// By what the number of records is divided.
    pub(crate) divisor: u64,
}

impl Size {
    pub(crate) fn of(self, records: u64) -> u64 {
        (records / self.divisor).max(1_000)
    }
}

/// Servers as for a run at full speed, and a runtime to talk to them. Each part has its own: what one leaves to be merged or
/// cleaned would be on the account of the next.
pub(crate) fn servers() -> (Runtime, Stack) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let spec = StackSpec {
        provider: Provider::from_env().unwrap(),
        sizing: Sizing::Throughput,
        ..StackSpec::default()
    };
    let stack = runtime.block_on(Stack::start(spec)).unwrap();
    (runtime, stack)
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let measuring = words.iter().any(|word| word == "--bench");
    let only: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let size = match measuring {
        true => Size { rounds: 5, divisor: 1 },
        false => Size {
            rounds: 0,
            divisor: 200,
        },
    };
    type Part = fn(Size) -> Vec<Cost>;
    let parts: [(&str, Part); 5] = [
        ("local", local::costs),
        ("socket", socket::costs),
        ("kafka", kafka::costs),
        ("store", store::costs),
        ("minimal", minimal::costs),
    ];
    for (name, costs) in parts {
        if only.is_empty() || only.contains(&name) {
            // Each line as soon as it is known: the whole takes minutes.
            for cost in costs(size) {
                println!("{}", serde_json::to_string(&cost).unwrap());
            }
        }
    }
}
