//! What is owed after a gap, step by step, without a socket or a clock.

use std::time::Duration;

use market::{EventTime, Market, Side, Trade};
use tokio::time::Instant;

use super::{Gaps, Next, Verdict};
use crate::Origin;

const BTC: &str = "KRW-BTC";
const ETH: &str = "KRW-ETH";

fn market(code: &str) -> Market {
    code.parse().unwrap()
}

/// A trade whose id follows from its time, as the exchange's do.
fn trade(code: &str, millis: i64) -> Trade {
    Trade {
        market: market(code),
        sequential_id: millis as u64 * 10_000,
        event_time: EventTime::from_millis(millis),
        sent_time: EventTime::from_millis(millis),
        price: "1".parse().unwrap(),
        volume: "1".parse().unwrap(),
        side: Side::Bid,
    }
}

/// After a first connection that settled and saw these trades of BTC, and was lost.
fn after(times: &[i64]) -> Gaps {
    let mut gaps = Gaps::new(&[market(BTC), market(ETH)], Duration::from_millis(1000));
    gaps.subscribed(0);
    gaps.settle();
    for &time in times {
        assert_eq!(
            gaps.judge(&trade(BTC, time), false, time),
            Verdict::New(Origin::Realtime)
        );
    }
    gaps.lost();
    gaps.subscribed(0);
    gaps
}

/// The cursor of the next page of BTC.
fn next(gaps: &mut Gaps) -> Option<u64> {
    match gaps.next(Instant::now()) {
        Next::Page { market: asked, cursor } if asked == market(BTC) => cursor,
        other => panic!("not a page of BTC: {other:?}"),
    }
}

fn times(trades: &[Trade]) -> Vec<i64> {
    trades.iter().map(|trade| trade.event_time.millis()).collect()
}

#[test]
fn a_quiet_market_whose_newest_trade_is_known_owes_nothing() {
    let mut gaps = after(&[10_000]);
    gaps.judge(&trade(ETH, 15_000), false, 15_000);
    gaps.lost();
    gaps.subscribed(0);
    // The pending of the first loss is still open: its clock stood at 10,000, so that a trade of then may have been missed.
    assert_eq!(gaps.judge(&trade(BTC, 10_000), true, 0), Verdict::Repeat);
    assert_eq!(
        gaps.repairing(),
        1,
        "a known trade as recent as the loss proves nothing"
    );

    let mut gaps = after(&[10_000]);
    gaps.settle();
    assert!(gaps.page(market(BTC), &[]).unwrap().finished);
    gaps.finished(market(BTC));
    assert!(gaps.page(market(ETH), &[]).unwrap().finished);
    gaps.finished(market(ETH));
    gaps.judge(&trade(ETH, 15_000), false, 15_000);
    gaps.lost();
    gaps.subscribed(0);
    assert_eq!(gaps.judge(&trade(BTC, 10_000), true, 0), Verdict::Repeat);
    assert_eq!(
        gaps.repairing(),
        0,
        "the newest trade is known and five seconds older than the loss"
    );
}

#[test]
fn a_repair_leaves_out_what_is_known_and_stops_before_the_overlap() {
    let mut gaps = after(&[10_000, 10_800]);
    assert_eq!(gaps.judge(&trade(BTC, 12_000), true, 0), Verdict::New(Origin::Snapshot));
    assert_eq!(next(&mut gaps), None, "the history is read from its newest trade");
    let page = [12_000, 11_500, 10_800, 10_700, 10_000, 9_799].map(|time| trade(BTC, time));
    let read = gaps.page(market(BTC), &page).unwrap();
    assert!(read.finished, "9,799 is older than the overlap before 10,800");
    assert_eq!(read.repeats, 3);
    assert_eq!(
        times(&gaps.take_held(market(BTC))),
        [10_700, 11_500],
        "oldest first, and the late one that was missed"
    );
    gaps.finished(market(BTC));
    assert_eq!(gaps.repairing(), 0);
}

#[test]
fn what_the_socket_brings_meanwhile_is_handed_over_once() {
    let mut gaps = after(&[10_000]);
    gaps.judge(&trade(BTC, 12_000), true, 0);
    assert_eq!(next(&mut gaps), None);
    // While the page is under way the socket brings 11,900 late, and 12,100.
    assert_eq!(
        gaps.judge(&trade(BTC, 11_900), false, 0),
        Verdict::New(Origin::Realtime)
    );
    assert_eq!(
        gaps.judge(&trade(BTC, 12_100), false, 0),
        Verdict::New(Origin::Realtime)
    );
    let page = [12_100, 12_050, 12_000, 11_900, 11_800].map(|time| trade(BTC, time));
    gaps.page(market(BTC), &page).unwrap();
    assert_eq!(times(&gaps.take_held(market(BTC))), [11_800, 12_050]);
    // And what the page brought first, the socket brings later.
    assert_eq!(gaps.judge(&trade(BTC, 12_050), false, 0), Verdict::Repeat);
    assert_eq!(
        gaps.judge(&trade(BTC, 12_200), false, 0),
        Verdict::New(Origin::Realtime)
    );
}

#[test]
fn a_repair_that_waits_its_turn_begins_behind_the_first_certainly_newer_trade() {
    let mut gaps = after(&[10_000]);
    gaps.judge(&trade(BTC, 12_000), true, 0);
    for time in [12_500, 13_000, 13_001, 13_500] {
        gaps.judge(&trade(BTC, time), false, 0);
    }
    assert_eq!(
        next(&mut gaps),
        Some(130_010_000),
        "13,001 is more than the overlap newer than the snapshot"
    );
    gaps.judge(&trade(BTC, 12_900), false, 0);
    let page = [13_000, 12_900, 12_700].map(|time| trade(BTC, time));
    gaps.page(market(BTC), &page).unwrap();
    assert_eq!(times(&gaps.take_held(market(BTC))), [12_700]);
    assert_eq!(
        next(&mut gaps),
        Some(127_000_000),
        "the next page begins where this one ended"
    );
}

#[test]
fn a_second_gap_waits_for_the_first_and_knows_what_it_found() {
    let mut gaps = after(&[10_000]);
    gaps.judge(&trade(BTC, 12_000), true, 0);
    gaps.lost();
    gaps.subscribed(0);
    gaps.judge(&trade(BTC, 12_600), true, 0);
    assert_eq!(next(&mut gaps), None);
    let page = [12_600, 12_300, 12_000, 11_500, 8_999].map(|time| trade(BTC, time));
    assert!(gaps.page(market(BTC), &page).unwrap().finished);
    assert_eq!(times(&gaps.take_held(market(BTC))), [11_500, 12_300]);
    gaps.finished(market(BTC));
    assert_eq!(gaps.repairing(), 1, "the second gap is not done");
    assert_eq!(next(&mut gaps), None);
    assert!(
        gaps.page(market(BTC), &page).unwrap().finished,
        "11,500 is known, 8,999 too old"
    );
    assert_eq!(times(&gaps.take_held(market(BTC))), [] as [i64; 0], "nothing twice");
}

#[test]
fn a_market_that_never_traded_is_read_to_its_beginning() {
    let mut gaps = after(&[]);
    assert_eq!(gaps.judge(&trade(BTC, 12_000), true, 0), Verdict::New(Origin::Snapshot));
    assert_eq!(next(&mut gaps), None);
    assert!(
        !gaps
            .page(market(BTC), &[trade(BTC, 12_000), trade(BTC, 5)])
            .unwrap()
            .finished
    );
    assert!(
        gaps.page(market(BTC), &[]).unwrap().finished,
        "an empty page is the beginning"
    );
    assert_eq!(times(&gaps.take_held(market(BTC))), [5]);
}

#[test]
fn a_market_without_a_snapshot_is_asked_for_once_snapshots_have_had_their_time() {
    let mut gaps = after(&[10_000]);
    assert_eq!(gaps.repairing(), 0);
    assert_eq!(
        gaps.judge(&trade(BTC, 12_000), false, 0),
        Verdict::New(Origin::Realtime)
    );
    gaps.settle();
    assert_eq!(
        gaps.repairing(),
        2,
        "BTC traded; that ETH did not is worth one empty page"
    );
    let page = [12_000, 11_000, 10_000, 8_000].map(|time| trade(BTC, time));
    gaps.page(market(BTC), &page).unwrap();
    assert_eq!(times(&gaps.take_held(market(BTC))), [11_000]);
}

#[test]
fn pages_that_cannot_be_are_refused_and_change_nothing() {
    let mut gaps = after(&[10_000]);
    gaps.judge(&trade(BTC, 12_000), true, 0);
    assert!(
        gaps.page(market(BTC), &[trade(ETH, 11_000)]).is_err(),
        "another market's trades"
    );
    gaps.page(market(BTC), &[trade(BTC, 11_500)]).unwrap();
    assert!(
        gaps.page(market(BTC), &[trade(BTC, 11_500)]).is_err(),
        "a page that ends at its own cursor would repeat for ever"
    );
    assert_eq!(times(&gaps.take_held(market(BTC))), [11_500]);
}

#[test]
fn a_market_that_fails_lets_the_others_go_first() {
    let mut gaps = after(&[10_000]);
    gaps.settle();
    let Next::Page { market: first, .. } = gaps.next(Instant::now()) else {
        panic!("nothing to repair")
    };
    assert_eq!(gaps.failed(first), 1);
    let later = Instant::now() + Duration::from_secs(5);
    gaps.postpone(first, later);
    let Next::Page { market: second, .. } = gaps.next(Instant::now()) else {
        panic!("nothing else to repair")
    };
    assert_ne!(first, second);
    gaps.page(second, &[]).unwrap();
    gaps.finished(second);
    assert_eq!(gaps.next(Instant::now()), Next::Wait(later));
    assert!(matches!(gaps.next(later), Next::Page { market, .. } if market == first));
    assert_eq!((gaps.failing(1), gaps.failing(2)), (1, 0));
}
