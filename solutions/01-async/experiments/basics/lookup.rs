//! lookup: finding a market by its code: going through the list against asking a map, and what the map costs to make.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use measure::Teller;

use crate::run::{Figures, Run, thread_cpu};

/// Of so many passes the quickest counts: what disturbs one makes it slower and never quicker.
const PASSES: usize = 5;

/// A market as the exchange's list of them has it.
#[derive(Clone)]
struct Listed {
    code: String,
    name: String,
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let rounds = run.pick(11, 5, 1);
    let looks = run.pick(100_000, 50_000, 1_000);
    let mut teller = Teller::new(rounds);
    let mut figures = Figures::default();
    for _ in 0..rounds {
        teller.step("lists and maps of 5 to 855 markets");
        for markets in [5usize, 50, 250, 855] {
            let list: Vec<Listed> = (0..markets)
                .map(|nth| Listed {
                    code: format!("KRW-{:03X}{nth}", nth * 37 % 4096),
                    name: format!("market {nth}"),
                })
                .collect();
            let build = || list.iter().map(|each| (each.code.clone(), each.clone()));
            let (mut map, mut built) = (HashMap::<String, Listed>::new(), Duration::MAX);
            for _ in 0..PASSES {
                let before = thread_cpu();
                map = black_box(build().collect());
                built = built.min(thread_cpu() - before);
            }
            // Markets in turns, in another order than that of the list.
            let wanted: Vec<&str> = (0..looks).map(|nth| list[nth * 7 % markets].code.as_str()).collect();
            let mut found = [0usize; 2];
            let (mut scanned, mut asked) = (Duration::MAX, Duration::MAX);
            for _ in 0..PASSES {
                let before = thread_cpu();
                for code in &wanted {
                    let there = list.iter().find(|each| each.code == *black_box(code));
                    found[0] += there.map_or(0, |each| each.name.len());
                }
                scanned = scanned.min(thread_cpu() - before);
                let before = thread_cpu();
                for code in &wanted {
                    found[1] += map.get(*black_box(code)).map_or(0, |each| each.name.len());
                }
                asked = asked.min(thread_cpu() - before);
            }
            anyhow::ensure!(
                found[0] == found[1] && found[0] > 0,
                "list and map do not find the same"
            );
            let each = |nanos: u128| nanos as f64 / looks as f64;
            figures.add(
                &format!("way=list markets={markets}"),
                "time",
                each(scanned.as_nanos()),
                looks as u64,
            );
            figures.add(
                &format!("way=map markets={markets}"),
                "time",
                each(asked.as_nanos()),
                looks as u64,
            );
            figures.add(
                &format!("way=map markets={markets}"),
                "build",
                built.as_nanos() as f64 / 1e3,
                1,
            );
        }
    }
    figures.tell(&teller);
    Ok(())
}
