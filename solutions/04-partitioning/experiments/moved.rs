//! moved: which keys another number of partitions moves, and how even the load is, by ways to place.

use exchange::source::catalog;
use measure::Teller;
use placement::{Partitioner, Ranges, Ring, hash64, jump, rendezvous};

use crate::run::{Figures, Run};

const POINTS: [u32; 4] = [1, 16, 128, 1_024];
const FROM: [u32; 4] = [3, 6, 12, 48];

/// A key, with what each way looks at.
struct Key {
    text: String,
    hash: u64,
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let (seeds, count) = run.pick((7, 100_000), (3, 20_000), (1, 1_000));
    let mut teller = Teller::new(seeds as usize);
    let mut figures = Figures::default();
    for seed in 1..=seeds {
        teller.step(&format!("{count} keys, set {seed}"));
        let keys = keys((0..count).map(|number| format!("KRW-C{seed}X{number}")));
        for from in FROM {
            for to in [from + 1, 2 * from] {
                each_way("made", &keys, seed, from, to, &mut figures)?;
            }
        }
    }
    // What the pipeline really has: few keys, once.
    let listed = catalog::listings(catalog::LISTED).unwrap_or_default();
    let listed = keys(listed.iter().map(|listing| listing.market.to_string()));
    for from in FROM {
        for to in [from + 1, 2 * from] {
            each_way("listed", &listed, 1, from, to, &mut figures)?;
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn keys(texts: impl Iterator<Item = String>) -> Vec<Key> {
    let mut keys: Vec<Key> = texts
        .map(|text| Key {
            hash: hash64(text.as_bytes()),
            text,
        })
        .collect();
    keys.sort_by(|one, other| one.text.cmp(&other.text));
    keys
}

fn each_way(of: &str, keys: &[Key], seed: u32, from: u32, to: u32, figures: &mut Figures) -> anyhow::Result<()> {
    let arm = |way: &str| format!("keys={of} way={way} from={from} to={to}");
    let modulo = |count: u32| {
        let place = move |key: &Key| Partitioner::Murmur2.partition(Some(key.text.as_bytes()), count as i32);
        places(keys, |key| place(key).unwrap_or_default() as u32)
    };
    tell(&arm("modulo"), modulo(from), modulo(to), to, figures);
    let jumped = |count| places(keys, |key| jump(key.hash, count).unwrap_or_default());
    tell(&arm("jump"), jumped(from), jumped(to), to, figures);
    // Other nodes for each set of keys: where their points lie is chance, too.
    let node = |number: u32| seed * 10_000 + number;
    let heaviest = |count: u32| {
        let nodes: Vec<u64> = (0..count).map(|number| node(number).into()).collect();
        places(keys, |key| rendezvous(key.hash, &nodes).unwrap_or_default() as u32)
    };
    tell(&arm("rendezvous"), heaviest(from), heaviest(to), to, figures);
    for points in POINTS {
        let ringed = |count: u32| {
            let mut ring = Ring::new(points);
            (0..count).for_each(|number| {
                ring.add(node(number));
            });
            places(keys, |key| ring.node(key.hash).unwrap_or_default() - node(0))
        };
        let arm = format!("{} points={points}", arm("ring"));
        tell(&arm, ringed(from), ringed(to), to, figures);
    }
    // Even ranges; then the fullest is split at its middle key, again and again.
    let mut ranges = Ranges::even(keys.iter().map(|key| (key.text.as_bytes(), 1)), from as usize);
    let before = ranges.clone();
    while ranges.shards() < to as usize {
        let mut members = vec![Vec::new(); ranges.shards()];
        for key in keys {
            members[ranges.shard(key.text.as_bytes())].push(key);
        }
        let fullest = members.iter().max_by_key(|keys| keys.len());
        let middle = fullest.and_then(|keys| keys.get(keys.len() / 2));
        let split = middle.and_then(|key| ranges.split(key.text.as_bytes()));
        ranges = split.ok_or_else(|| anyhow::anyhow!("{of}: too few keys for {to} ranges"))?;
    }
    // A range is known by its first key: those behind a new one keep theirs, though their number is another.
    let first = |ranges: &Ranges, key: &Key| match ranges.shard(key.text.as_bytes()) {
        0 => Vec::new(),
        shard => ranges.splits()[shard - 1].clone(),
    };
    let moved = keys.iter().filter(|key| first(&before, key) != first(&ranges, key));
    let arm = arm("ranges");
    figures.share(&arm, "moved", moved.count() as u64, keys.len() as u64);
    let after = places(keys, |key| ranges.shard(key.text.as_bytes()) as u32);
    skew(&arm, &after, to, figures);
    Ok(())
}

fn places(keys: &[Key], place: impl Fn(&Key) -> u32) -> Vec<u32> {
    keys.iter().map(place).collect()
}

fn tell(arm: &str, before: Vec<u32>, after: Vec<u32>, to: u32, figures: &mut Figures) {
    let moved = before.iter().zip(&after).filter(|(was, is)| was != is).count();
    figures.share(arm, "moved", moved as u64, before.len() as u64);
    skew(arm, &after, to, figures);
}

fn skew(arm: &str, places: &[u32], of: u32, figures: &mut Figures) {
    let mut loads = vec![0u32; of as usize];
    places.iter().for_each(|place| loads[*place as usize] += 1);
    let most = loads.into_iter().max().unwrap_or_default();
    let n = places.len() as u64;
    figures.add(arm, "skew", f64::from(most) * f64::from(of) / n.max(1) as f64, n);
}
