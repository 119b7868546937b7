//! Negative controls of the candles: each way in which a row can be wrong is found, by column and number.

mod support;

use ledger::Verdict;
use market::{Amount, Decimal, EventTime, Interval};
use support::{base, fails};

#[test]
fn every_wrong_field_of_a_candle_is_found_by_name() {
    type Change = fn(&mut market::Candle);
    let changes: [(Change, &str); 7] = [
        (|c| c.open = "1".parse().unwrap(), "open"),
        (|c| c.high = "9999999".parse().unwrap(), "high"),
        (|c| c.low = "0.00000001".parse().unwrap(), "low"),
        (|c| c.close = "1".parse().unwrap(), "close"),
        (
            |c| c.volume = c.volume.checked_add(Decimal::from_units(1).unwrap()).unwrap(),
            "volume",
        ),
        (
            |c| c.quote_volume = c.quote_volume.checked_add(Amount::from_units(1).unwrap()).unwrap(),
            "quote_volume",
        ),
        (|c| c.trades += 1, "trades"),
    ];
    for (change, column) in changes {
        let mut run = base();
        let at = run.newest_candle(300);
        change(&mut run.candles[at]);
        let report = run.audit();
        fails(&report, "windows (topic → candles): 1 candle differing", None);
        assert_eq!(
            (report.candles.differing, report.candles.equal),
            (1, report.candles.expected - 1)
        );
        let example = &report.candles.examples[0];
        assert_eq!(example.columns, [column]);
        assert_eq!(example.found, Some(run.candles[at]));
    }
}

#[test]
fn a_missing_newest_version_is_stale_and_a_missing_candle_is_missing() {
    let mut run = base();
    let minute = run
        .candles
        .iter()
        .position(|candle| candle.interval == Interval::M1)
        .unwrap();
    let at = run.newest_candle(minute);
    let newest = run.candles.remove(at);
    let report = run.audit();
    fails(&report, "windows (topic → candles): 1 candle stale", None);
    let example = &report.candles.examples[0];
    assert_eq!(example.expected, Some(newest));
    assert!(example.columns.contains(&"kafka_offset".to_owned()), "{example:?}");

    run.candles
        .retain(|c| (c.market, c.interval, c.start) != (newest.market, newest.interval, newest.start));
    let report = run.audit();
    fails(&report, "1 candle missing", None);
    assert_eq!(
        (report.candles.examples[0].expected, report.candles.examples[0].found),
        (Some(newest), None)
    );
}

#[test]
fn a_candle_beyond_the_log_and_one_from_nothing_are_found() {
    let mut run = base();
    let at = run.newest_candle(100);
    run.candles[at].version.offset += 100_000;
    let report = run.audit();
    fails(&report, "1 candle differing", None);
    assert_eq!(report.candles.examples[0].columns, ["kafka_offset"]);

    let mut run = base();
    let mut candle = run.candles[0];
    candle.start = EventTime::from_millis(candle.start.millis() - 86_400_000);
    run.candles.push(candle);
    let report = run.audit();
    fails(&report, "1 candle in the table that no trade supports", None);
    assert_eq!(report.candles.examples[0].found, Some(candle));
}

#[test]
fn a_version_that_stands_twice_is_doubled_even_if_it_is_an_old_one() {
    for newest in [true, false] {
        let mut run = base();
        let minute = run
            .candles
            .iter()
            .position(|candle| candle.interval == Interval::M1)
            .unwrap();
        let at = if newest { run.newest_candle(minute) } else { minute };
        run.candles.push(run.candles[at]);
        let report = run.audit();
        fails(&report, "1 version of a candle more than once", None);
        assert_eq!(report.candles.doubled, 1);
    }
}

#[test]
fn a_trade_that_was_too_late_and_still_applied_makes_its_candle_differ() {
    let mut run = base();
    let tolerated = run.clone();
    assert!(
        run.audit().too_late > 0,
        "the generator makes trades too late for their candles"
    );
    // The pipeline forgets to drop: it works with a lateness that never ends, the audit with the one agreed on.
    run.terms.lateness_ms = i64::MAX / 4;
    run.pipe();
    run.terms = tolerated.terms;
    let report = run.audit();
    assert_eq!(report.verdict, Verdict::Fail);
    assert!(
        report
            .reasons
            .iter()
            .all(|reason| reason.starts_with("windows (topic → candles)")),
        "{:?}",
        report.reasons
    );
    assert!(report.candles.differing > 0);
    assert_eq!(report.lost, 0);
}
