//! The fuzz target's corpus and seeded mutations of it, on stable Rust and in every run of the tests.
#![allow(clippy::unwrap_used)]

#[path = "../../../fuzz/invariants.rs"]
mod invariants;

use std::path::Path;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/frame");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "the corpus in {} is not complete", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same mutations in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }
}

#[test]
fn the_corpus_keeps_the_invariants() {
    for bytes in corpus() {
        invariants::check(&bytes);
    }
}

#[test]
fn mutations_of_the_corpus_keep_the_invariants() {
    const ALPHABET: &[u8] = b"{}[]\",:\\0123456789.eE+-truefalsnu \n\x00\xff";
    let corpus = corpus();
    let mut random = Random(2026);
    for round in 0..100_000 {
        let mut bytes = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(5) {
                0 if !bytes.is_empty() => bytes[at] = ALPHABET[random.below(ALPHABET.len())],
                1 => bytes.insert(at, ALPHABET[random.below(ALPHABET.len())]),
                2 if !bytes.is_empty() => drop(bytes.remove(at)),
                3 => bytes.truncate(at),
                _ => {
                    let other = &corpus[random.below(corpus.len())];
                    let from = random.below(other.len());
                    bytes.splice(at..at, other[from..].iter().copied());
                }
            }
        }
        if std::panic::catch_unwind(|| invariants::check(&bytes)).is_err() {
            panic!(
                "round {round} broke an invariant; the bytes: {:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }
}
