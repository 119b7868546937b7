//! When a connection is asked whether it lives, and when it is given up.

use std::time::Duration;

use feed::pulse::{Beat, Pulse};
use tokio::time::{Instant, sleep_until};

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A PING every 10 s, dead after 15 s of silence; and when it was made.
fn pulse() -> (Pulse, Instant) {
    let now = Instant::now();
    (Pulse::new(s(10), s(15), now), now)
}

#[test]
fn task3_a_ping_is_due_when_the_last_one_is_old_enough() {
    let (mut pulse, at) = pulse();
    assert_eq!(pulse.beat(at + s(9), true), Beat::Fine);
    assert_eq!(
        pulse.beat(at + s(10), true),
        Beat::Ping,
        "exactly ping_every is old enough"
    );
    assert_eq!(
        pulse.beat(at + s(11), true),
        Beat::Ping,
        "and stays due until it is sent"
    );
    pulse.ping(at + s(11));
    pulse.heard(at + s(12));
    assert_eq!(
        pulse.beat(at + s(20), true),
        Beat::Fine,
        "the next one is due at 21 s: see Pulse::ping"
    );
    assert_eq!(pulse.beat(at + s(21), true), Beat::Ping);
}

#[test]
fn task3_a_ping_is_sent_to_a_busy_connection_too() {
    let (mut pulse, at) = pulse();
    pulse.heard(at + s(10));
    assert_eq!(
        pulse.beat(at + s(10), true),
        Beat::Ping,
        "the exchange counts what it hears from us, and a subscriber has nothing to say but PINGs"
    );
}

#[test]
fn task3_a_connection_is_dead_once_nothing_arrived_for_the_limit() {
    let (mut pulse, at) = pulse();
    pulse.ping(at + s(10));
    assert_eq!(pulse.beat(at + s(14), true), Beat::Fine);
    assert_eq!(
        pulse.beat(at + s(15), true),
        Beat::Dead(s(15)),
        "exactly the limit is long enough"
    );
    assert_eq!(
        pulse.beat(at + s(40), true),
        Beat::Dead(s(40)),
        "dead, and not in need of a PING, whatever else is due"
    );
}

#[test]
fn task3_what_we_send_says_nothing_about_the_other_side() {
    let (mut pulse, at) = pulse();
    for second in [3, 6, 9, 12] {
        pulse.ping(at + s(second));
    }
    assert_eq!(
        pulse.beat(at + s(15), true),
        Beat::Dead(s(15)),
        "four PINGs were sent and nothing came back: a half-open connection takes them all"
    );
}

#[test]
fn task3_whatever_arrives_is_a_sign_of_life() {
    let (mut pulse, at) = pulse();
    pulse.heard(at + s(14));
    pulse.ping(at + s(14));
    assert_eq!(pulse.beat(at + s(23), true), Beat::Fine, "silent for 9 s only");
    assert_eq!(pulse.beat(at + s(29), true), Beat::Dead(s(15)), "and for 15 s here");
}

#[test]
fn task3_while_we_do_not_read_silence_is_our_own_and_pings_go_on() {
    let (mut pulse, at) = pulse();
    assert_eq!(pulse.beat(at + s(5), false), Beat::Fine);
    assert_eq!(
        pulse.beat(at + s(10), false),
        Beat::Ping,
        "the exchange must see a live client"
    );
    pulse.ping(at + s(10));
    assert_eq!(
        pulse.beat(at + s(100), false),
        Beat::Ping,
        "silent for 100 s, and not dead: nobody read"
    );
    pulse.ping(at + s(100));
    assert_eq!(
        pulse.beat(at + s(109), true),
        Beat::Fine,
        "its silence counts from 100 s on"
    );
    assert_eq!(pulse.beat(at + s(115), true), Beat::Dead(s(15)));
}

#[test]
fn task3_a_pong_answers_its_ping_and_all_before_it() {
    let (mut pulse, at) = pulse();
    let pings: Vec<(u64, [u8; 8])> = (0..3).map(|n| pulse.ping(at + s(n))).collect();
    assert_eq!(
        pings.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [1, 2, 3],
        "numbered from 1 on"
    );
    assert!(!pulse.has_answered(1), "nothing was answered yet");
    pulse.pong(&pings[1].1);
    assert!(
        pulse.has_answered(1) && pulse.has_answered(2),
        "a server may answer the latest PING only"
    );
    assert!(!pulse.has_answered(3));
    pulse.pong(&pings[0].1);
    assert!(
        pulse.has_answered(2),
        "an old answer that comes late takes nothing back"
    );
}

#[test]
fn task3_a_pong_that_nobody_asked_for_answers_nothing() {
    let (mut pulse, at) = pulse();
    pulse.ping(at);
    pulse.pong(b"");
    pulse.pong(b"keepalive of the server's own");
    pulse.pong(&99u64.to_be_bytes());
    pulse.pong(&0u64.to_be_bytes());
    assert!(
        !pulse.has_answered(1),
        "none of these carries the number of a PING that was sent"
    );
    pulse.pong(&1u64.to_be_bytes());
    assert!(pulse.has_answered(1), "and this one does");
}

/// Hours pass in no time: the clock is paused, and goes on when everybody sleeps.
#[tokio::test(start_paused = true)]
async fn task3_a_quiet_connection_lives_on_its_pings_and_dies_within_the_limit_without_answers() {
    let (mut pulse, at) = pulse();
    let mut pings = 0;
    let gone = at + s(7_200);
    let died = loop {
        sleep_until(pulse.due()).await;
        let now = Instant::now();
        match pulse.beat(now, true) {
            Beat::Fine => panic!("something is due at {:?}; see Pulse::beat", now - at),
            Beat::Ping => {
                let (_, payload) = pulse.ping(now);
                pings += 1;
                if now < gone {
                    pulse.heard(now);
                    pulse.pong(&payload);
                }
            }
            Beat::Dead(_) => break now,
        }
        assert!(pings < 1_000, "it must die when nobody answers");
    };
    assert_eq!(
        pings,
        719 + 1,
        "a PING every ten seconds for two hours; the last one is not answered"
    );
    assert_eq!(died - at, s(7_190 + 15), "15 s after the last answer");
}
