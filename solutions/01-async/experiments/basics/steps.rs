//! steps: how many steps the usual algorithms take for 10 and for 1,000 elements, counted.

use std::cell::Cell;

use measure::Teller;

use crate::run::{Figures, Run};

pub(crate) fn run(_: &Run) -> anyhow::Result<()> {
    let mut teller = Teller::new(1);
    teller.step("each algorithm, counted");
    let mut figures = Figures::default();
    for n in [10, 1_000] {
        let sorted: Vec<u64> = (0..n).collect();
        let shuffled = shuffled(n);
        for (work, input, steps) in [
            ("index", "any", 1.0),
            ("binary-search", "sorted", worst_search(&sorted)),
            ("scan", "any", scan(&shuffled)),
            ("sort", "shuffled", sort(shuffled.clone())),
            ("sort", "sorted", sort(sorted.clone())),
            ("bubble", "shuffled", bubble(shuffled.clone())),
            ("bubble", "sorted", bubble(sorted.clone())),
        ] {
            figures.add(&format!("work={work} input={input} n={n}"), "steps", steps, n);
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// Fisher and Yates, with a generator of its own: the count must be the same everywhere.
fn shuffled(n: u64) -> Vec<u64> {
    let mut out: Vec<u64> = (0..n).collect();
    let mut state = 7u64;
    for at in (1..out.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        out.swap(at, (state >> 33) as usize % (at + 1));
    }
    out
}

/// Elements looked at to find the one that takes most.
fn worst_search(sorted: &[u64]) -> f64 {
    let looks = |wanted: u64| {
        let looked = Cell::new(0u32);
        let (mut from, mut to) = (0, sorted.len());
        while from < to {
            looked.set(looked.get() + 1);
            let middle = from.midpoint(to);
            match sorted[middle].cmp(&wanted) {
                std::cmp::Ordering::Equal => break,
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        looked.get()
    };
    sorted
        .iter()
        .map(|wanted| f64::from(looks(*wanted)))
        .fold(0.0, f64::max)
}

/// Elements looked at when what is wanted stands last.
fn scan(all: &[u64]) -> f64 {
    let last = all.last().copied();
    let mut looked = 0u32;
    for each in all {
        looked += 1;
        if Some(*each) == last {
            break;
        }
    }
    f64::from(looked)
}

/// Comparisons of the standard library's stable sort.
fn sort(mut all: Vec<u64>) -> f64 {
    let compared = Cell::new(0u32);
    all.sort_by(|a, b| {
        compared.set(compared.get() + 1);
        a.cmp(b)
    });
    f64::from(compared.get())
}

/// Comparisons of a bubble sort that ends after a pass without a swap.
fn bubble(mut all: Vec<u64>) -> f64 {
    let mut compared = 0u32;
    for end in (1..all.len()).rev() {
        let mut swapped = false;
        for at in 0..end {
            compared += 1;
            if all[at] > all[at + 1] {
                all.swap(at, at + 1);
                swapped = true;
            }
        }
        if !swapped {
            break;
        }
    }
    f64::from(compared)
}
