//! What is owed after a gap, step by step, without a socket or a clock.

use std::time::Duration;

use feed::Origin;
use feed::gaps::{Gaps, Next, Verdict};
use market::{EventTime, Market, Side, Trade};
use tokio::time::Instant;

const BTC: &str = "KRW-BTC";
const ETH: &str = "KRW-ETH";

fn market(code: &str) -> Market {
    code.parse().unwrap()
}

/// A trade whose id follows from its time, as the exchange's do.
pub(crate) fn trade(code: &str, millis: i64) -> Trade {
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

/// On a first connection that has settled; trades are late by less than a second.
fn connected() -> Gaps {
    let mut gaps = Gaps::new(&[market(BTC), market(ETH)], Duration::from_millis(1000));
    gaps.subscribed(0);
    gaps.settle();
    gaps
}

/// The connection is lost, and another one subscribed.
fn lose(gaps: &mut Gaps) {
    gaps.lost();
    gaps.subscribed(0);
}

/// After a first connection that saw these trades of BTC, and was lost.
fn after(times: &[i64]) -> Gaps {
    let mut gaps = connected();
    for &time in times {
        assert_eq!(realtime(&mut gaps, BTC, time), Verdict::New(Origin::Realtime));
    }
    lose(&mut gaps);
    gaps
}

fn realtime(gaps: &mut Gaps, code: &str, time: i64) -> Verdict {
    gaps.judge(&trade(code, time), false, time)
}

fn snapshot(gaps: &mut Gaps, code: &str, time: i64) -> Verdict {
    gaps.judge(&trade(code, time), true, 0)
}

/// The cursor of the next page of BTC.
fn next(gaps: &mut Gaps) -> Option<u64> {
    match gaps.next(Instant::now()) {
        Next::Page { market: asked, cursor } if asked == market(BTC) => cursor,
        other => panic!("not a page of BTC: {other:?}"),
    }
}

/// A page of BTC, newest first.
fn page(gaps: &mut Gaps, times: &[i64]) -> feed::gaps::Page {
    let page: Vec<Trade> = times.iter().map(|time| trade(BTC, *time)).collect();
    gaps.page(market(BTC), &page).expect("a page that can be")
}

/// What is handed over of BTC's repair.
fn held(gaps: &mut Gaps) -> Vec<i64> {
    let held = gaps.take_held(market(BTC));
    held.iter().map(|trade| trade.event_time.millis()).collect()
}

#[test]
fn task5_a_snapshot_that_was_missed_is_new_and_asks_for_what_else_was() {
    let mut gaps = after(&[10_000]);
    assert_eq!(snapshot(&mut gaps, BTC, 12_000), Verdict::New(Origin::Snapshot));
    assert_eq!(gaps.repairing(), 1, "others may have been missed with it; see answered");
    assert_eq!(next(&mut gaps), None, "the history is read from its newest trade");
}

#[test]
fn task5_a_quiet_market_whose_newest_trade_is_known_and_old_owes_nothing() {
    let mut gaps = connected();
    realtime(&mut gaps, BTC, 10_000);
    realtime(&mut gaps, ETH, 15_000);
    lose(&mut gaps);
    assert_eq!(snapshot(&mut gaps, BTC, 10_000), Verdict::Repeat);
    assert_eq!(
        gaps.repairing(),
        0,
        "the newest trade is known, and five seconds older than the loss: nothing can have been missed"
    );
    gaps.settle();
    assert_eq!(
        gaps.repairing(),
        1,
        "ETH owes an answer, and BTC has given its own: it is not asked again; see answered"
    );
}

#[test]
fn task5_a_known_trade_as_recent_as_the_loss_proves_nothing() {
    for (lost_at, asked) in [(10_000, 1), (11_000, 1), (11_001, 0)] {
        let mut gaps = connected();
        realtime(&mut gaps, BTC, 10_000);
        realtime(&mut gaps, ETH, lost_at);
        lose(&mut gaps);
        assert_eq!(snapshot(&mut gaps, BTC, 10_000), Verdict::Repeat);
        assert_eq!(
            gaps.repairing(),
            asked,
            "lost at {lost_at}, and the newest trade is of 10000: another may have come up to 1000 late and be older than it"
        );
    }
}

#[test]
fn task5_an_answer_is_given_once() {
    let mut gaps = after(&[10_000]);
    snapshot(&mut gaps, BTC, 12_000);
    assert_eq!(
        snapshot(&mut gaps, BTC, 12_000),
        Verdict::Repeat,
        "it was handed over a moment ago; see knows"
    );
    gaps.settle();
    assert_eq!(gaps.repairing(), 2, "BTC by its snapshot, and ETH without one");
    gaps.finished(market(BTC));
    assert_eq!(gaps.repairing(), 1, "BTC owed one answer and not two; see answered");
}

#[test]
fn task5_what_was_handed_over_before_the_loss_is_known_after_it() {
    let mut gaps = after(&[10_000, 10_500]);
    realtime(&mut gaps, BTC, 11_000);
    for time in [10_000, 10_500, 11_000] {
        assert_eq!(
            snapshot(&mut gaps, BTC, time),
            Verdict::Repeat,
            "{time} was handed over; see knows"
        );
    }
}

#[test]
fn task5_a_trade_older_than_all_that_is_remembered_counts_as_known() {
    let mut gaps = after(&[10_000, 20_000]);
    assert_eq!(
        snapshot(&mut gaps, BTC, 18_999),
        Verdict::Repeat,
        "ids are remembered from 19000 on; what is older was handed over long ago"
    );
    let mut gaps = after(&[10_000, 20_000]);
    assert_eq!(
        snapshot(&mut gaps, BTC, 19_000),
        Verdict::New(Origin::Snapshot),
        "and this one was not"
    );
}

#[test]
fn task5_a_market_that_never_traded_is_asked_for_also_by_its_first_trade() {
    let mut gaps = after(&[]);
    assert_eq!(snapshot(&mut gaps, BTC, 12_000), Verdict::New(Origin::Snapshot));
    assert_eq!(gaps.repairing(), 1, "trades before it may have been missed");
}

#[test]
fn task5_a_repair_that_waits_its_turn_begins_behind_the_first_certainly_newer_trade() {
    let mut gaps = after(&[10_000]);
    snapshot(&mut gaps, BTC, 12_000);
    for time in [12_500, 13_000, 13_001, 13_500] {
        realtime(&mut gaps, BTC, time);
    }
    assert_eq!(
        next(&mut gaps),
        Some(130_010_000),
        "13,001 is the first that is more than the overlap newer than the snapshot; see remember_for_repair"
    );
}

#[test]
fn task5_a_repair_that_has_begun_keeps_its_place() {
    let mut gaps = after(&[10_000]);
    snapshot(&mut gaps, BTC, 12_000);
    assert_eq!(next(&mut gaps), None, "asked for the newest page; it is under way");
    realtime(&mut gaps, BTC, 13_001);
    assert_eq!(
        next(&mut gaps),
        None,
        "a cursor set now would skip what that page brings"
    );
}

#[test]
fn task6_a_repair_leaves_out_what_is_known_and_stops_before_the_overlap() {
    let mut gaps = after(&[10_000, 10_800]);
    snapshot(&mut gaps, BTC, 12_000);
    assert_eq!(next(&mut gaps), None);
    let read = page(&mut gaps, &[12_000, 11_500, 10_800, 10_700, 10_000, 9_799]);
    assert!(read.finished, "9,799 is older than the overlap before 10,800");
    assert_eq!(read.repeats, 3, "12,000, 10,800 and 10,000 were handed over");
    assert_eq!(
        held(&mut gaps),
        [10_700, 11_500],
        "oldest first; and the late one behind a known trade was missed, too"
    );
    gaps.finished(market(BTC));
    assert_eq!(gaps.repairing(), 0);
}

#[test]
fn task6_a_gap_of_several_pages_goes_on_where_the_last_one_ended() {
    let mut gaps = after(&[10_000]);
    snapshot(&mut gaps, BTC, 12_000);
    let read = page(&mut gaps, &[12_000, 11_900]);
    assert_eq!((read.finished, read.held), (false, 1), "10,000 is not reached");
    assert_eq!(
        next(&mut gaps),
        Some(119_000_000),
        "the next page begins where this one ended"
    );
    let read = page(&mut gaps, &[11_800, 11_700]);
    assert_eq!(
        (read.finished, read.held),
        (false, 3),
        "held back until the goal is reached"
    );
    assert!(page(&mut gaps, &[10_000, 8_000]).finished);
    assert_eq!(held(&mut gaps), [11_700, 11_800, 11_900]);
}

#[test]
fn task6_a_page_of_known_trades_ends_nothing() {
    let mut gaps = after(&[10_000, 10_100, 10_200]);
    snapshot(&mut gaps, BTC, 12_000);
    let read = page(&mut gaps, &[12_000, 10_200, 10_100]);
    assert_eq!(
        (read.finished, read.repeats),
        (false, 3),
        "one that came late may lie behind them"
    );
    assert_eq!(
        next(&mut gaps),
        Some(101_000_000),
        "and the cursor moves on all the same"
    );
    assert!(page(&mut gaps, &[10_050, 10_000, 9_199]).finished);
    assert_eq!(held(&mut gaps), [10_050]);
}

#[test]
fn task6_what_the_socket_brings_meanwhile_is_handed_over_once() {
    let mut gaps = after(&[10_000]);
    snapshot(&mut gaps, BTC, 12_000);
    assert_eq!(next(&mut gaps), None);
    // While the page is under way the socket brings 11,900 late, and 12,100.
    assert_eq!(realtime(&mut gaps, BTC, 11_900), Verdict::New(Origin::Realtime));
    assert_eq!(realtime(&mut gaps, BTC, 12_100), Verdict::New(Origin::Realtime));
    page(&mut gaps, &[12_100, 12_050, 12_000, 11_900, 11_800]);
    assert_eq!(held(&mut gaps), [11_800, 12_050]);
    // And what the page brought first, the socket brings later.
    assert_eq!(realtime(&mut gaps, BTC, 12_050), Verdict::Repeat, "see repaired");
    assert_eq!(realtime(&mut gaps, BTC, 12_200), Verdict::New(Origin::Realtime));
}

#[test]
fn task6_a_trade_that_the_socket_brings_long_after_the_repair_is_no_repeat_of_it() {
    let mut gaps = after(&[10_000]);
    snapshot(&mut gaps, BTC, 12_000);
    assert!(page(&mut gaps, &[11_500, 8_000]).finished);
    gaps.finished(market(BTC));
    assert_eq!(
        realtime(&mut gaps, BTC, 11_500),
        Verdict::Repeat,
        "the repair brought it"
    );
    // 10 s beyond the newest that was repaired nothing of it can still come, and its ids are forgotten.
    assert_eq!(realtime(&mut gaps, BTC, 30_000), Verdict::New(Origin::Realtime));
    assert_eq!(
        realtime(&mut gaps, BTC, 30_000),
        Verdict::New(Origin::Realtime),
        "repeats of the exchange's own pass"
    );
}

#[test]
fn task6_a_snapshot_of_what_was_repaired_is_a_repeat() {
    let mut gaps = after(&[10_000]);
    snapshot(&mut gaps, BTC, 12_000);
    page(&mut gaps, &[12_300, 12_000, 8_000]);
    lose(&mut gaps);
    assert_eq!(
        snapshot(&mut gaps, BTC, 12_300),
        Verdict::Repeat,
        "the page brought it, and it was handed over"
    );
}

#[test]
fn task6_a_second_gap_waits_for_the_first_and_knows_what_it_found() {
    let mut gaps = after(&[10_000]);
    snapshot(&mut gaps, BTC, 12_000);
    lose(&mut gaps);
    snapshot(&mut gaps, BTC, 12_600);
    assert_eq!(next(&mut gaps), None);
    let times = [12_600, 12_300, 12_000, 11_500, 8_999];
    assert!(page(&mut gaps, &times).finished);
    assert_eq!(held(&mut gaps), [11_500, 12_300]);
    gaps.finished(market(BTC));
    assert_eq!(gaps.repairing(), 1, "the second gap is not done");
    assert_eq!(next(&mut gaps), None);
    assert!(page(&mut gaps, &times).finished, "11,500 is known, 8,999 too old");
    assert_eq!(held(&mut gaps), [] as [i64; 0], "nothing twice; see remember");
}

#[test]
fn task6_a_market_that_never_traded_is_read_to_its_beginning() {
    let mut gaps = after(&[]);
    snapshot(&mut gaps, BTC, 12_000);
    assert!(!page(&mut gaps, &[12_000, 5]).finished, "5 may have one before it");
    assert!(page(&mut gaps, &[]).finished, "an empty page is the beginning");
    assert_eq!(held(&mut gaps), [5]);
}

#[test]
fn task6_a_market_that_had_not_traded_when_the_first_connection_was_lost_is_read_to_its_subscription() {
    let mut gaps = Gaps::new(&[market(BTC), market(ETH)], Duration::from_millis(1000));
    gaps.subscribed(50_000);
    realtime(&mut gaps, ETH, 50_200);
    // Before the snapshots have had their time: whether BTC traded earlier was never shown.
    lose(&mut gaps);
    gaps.judge(&trade(BTC, 51_000), true, 51_000);
    let read = page(&mut gaps, &[51_000, 49_000, 48_999]);
    assert!(
        read.finished,
        "complete from the first subscription on, less the span; see begin in answered"
    );
    assert_eq!(held(&mut gaps), [49_000]);
}

#[test]
fn task6_what_a_repair_brought_is_remembered_as_long_as_the_socket_may_bring_it() {
    let mut gaps = after(&[10_000]);
    snapshot(&mut gaps, BTC, 12_000);
    assert!(page(&mut gaps, &[23_000, 8_000]).finished);
    gaps.finished(market(BTC));
    assert_eq!(realtime(&mut gaps, BTC, 22_500), Verdict::New(Origin::Realtime));
    assert_eq!(
        realtime(&mut gaps, BTC, 23_000),
        Verdict::Repeat,
        "22,500 is long after the snapshot, but not after what the repair brought; see repaired_mark in merge"
    );
}

#[test]
fn task6_a_market_without_a_snapshot_is_asked_for_once_snapshots_have_had_their_time() {
    let mut gaps = after(&[10_000]);
    assert_eq!(gaps.repairing(), 0);
    assert_eq!(realtime(&mut gaps, BTC, 12_000), Verdict::New(Origin::Realtime));
    gaps.settle();
    assert_eq!(
        gaps.repairing(),
        2,
        "BTC traded; that ETH did not is worth one empty page"
    );
    page(&mut gaps, &[12_000, 11_000, 10_000, 8_000]);
    assert_eq!(
        held(&mut gaps),
        [11_000],
        "12,000 came by the socket while the answer was owed, and is known; see remember_for_repair"
    );
}

#[test]
fn task6_pages_that_cannot_be_are_refused_and_change_nothing() {
    let mut gaps = after(&[10_000]);
    snapshot(&mut gaps, BTC, 12_000);
    assert!(
        gaps.page(market(BTC), &[trade(ETH, 11_000)]).is_err(),
        "another market's trades"
    );
    page(&mut gaps, &[11_500]);
    assert!(
        gaps.page(market(BTC), &[trade(BTC, 11_500)]).is_err(),
        "a page that ends at its own cursor would repeat for ever"
    );
    assert_eq!(held(&mut gaps), [11_500]);
}

#[test]
fn task6_a_market_that_fails_lets_the_others_go_first() {
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
