//! herd: a thousand clients lose their server in the same moment, and how they come back, by how they wait. Nothing here takes time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use feed::backoff::{Backoff, Jitter};
use measure::Teller;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::run::{Figures, Run};

const CLIENTS: usize = 1_000;
/// The server is back then, and takes so many connections in each slot; the others fail, and cost it nothing.
const BACK_MS: u64 = 3_000;
const SLOT_MS: u64 = 100;
const TAKES: u64 = 20;
const MIN: Duration = Duration::from_millis(250);
const MAX: Duration = Duration::from_secs(10);
/// The chart ends here.
const SHOWN_MS: u64 = 6_000;

const WAYS: [(&str, Option<Jitter>); 3] = [
    ("none", None),
    ("equal", Some(Jitter::Equal)),
    ("full", Some(Jitter::Full)),
];

/// What came of them.
struct Outcome {
    /// Attempts in each slot, from the loss on.
    slots: Vec<u64>,
    attempts: u64,
    /// When 99 of 100 were connected.
    connected_ms: u64,
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let seeds = run.pick(15, 5, 1);
    let mut teller = Teller::new(seeds as usize);
    let mut figures = Figures::default();
    for seed in 1..=seeds {
        teller.step(&format!("seed {seed} of {seeds}"));
        for (name, jitter) in WAYS {
            let outcome = outage(jitter, seed);
            let after = &outcome.slots[(BACK_MS / SLOT_MS) as usize..];
            let arm = format!("jitter={name} at_ms=all");
            let most = after.iter().copied().max().unwrap_or(0);
            figures.add(&arm, "most", most as f64, CLIENTS as u64);
            figures.add(
                &arm,
                "attempts",
                outcome.attempts as f64 / CLIENTS as f64,
                CLIENTS as u64,
            );
            figures.add(&arm, "connected", outcome.connected_ms as f64, CLIENTS as u64);
            for (slot, count) in (0..).step_by(SLOT_MS as usize).zip(&outcome.slots) {
                if (0..SHOWN_MS).contains(&slot) {
                    figures.add(
                        &format!("jitter={name} at_ms={slot}"),
                        "arrivals",
                        *count as f64,
                        *count,
                    );
                }
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn outage(jitter: Option<Jitter>, seed: u64) -> Outcome {
    let mut random = StdRng::seed_from_u64(seed);
    let mut clients: Vec<Backoff> = (0..CLIENTS)
        .map(|_| Backoff::new(MIN, MAX, jitter.unwrap_or(Jitter::Full)))
        .collect();
    let mut wait = |client: &mut Backoff| {
        let bound = client.bound();
        let drawn = client.next(&mut random);
        (if jitter.is_some() { drawn } else { bound }).as_millis() as u64
    };
    // All were connected for long, and lose the server at 0.
    let mut due: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    for (number, client) in clients.iter_mut().enumerate() {
        due.push(Reverse((wait(client), number)));
    }
    let mut outcome = Outcome {
        slots: vec![0; (SHOWN_MS / SLOT_MS) as usize],
        attempts: 0,
        connected_ms: 0,
    };
    let (mut connected, mut taken) = (0, (0, 0));
    while let Some(Reverse((now, number))) = due.pop() {
        let slot = now / SLOT_MS;
        if slot as usize >= outcome.slots.len() {
            outcome.slots.resize(slot as usize + 1, 0);
        }
        outcome.slots[slot as usize] += 1;
        outcome.attempts += 1;
        if taken.0 != slot {
            taken = (slot, 0);
        }
        if now >= BACK_MS && taken.1 < TAKES {
            taken.1 += 1;
            connected += 1;
            if connected * 100 == CLIENTS * 99 {
                outcome.connected_ms = now;
            }
        } else {
            // The distance that the feed keeps between two attempts.
            let next = now + wait(&mut clients[number]).max(200);
            due.push(Reverse((next, number)));
        }
    }
    outcome
}
