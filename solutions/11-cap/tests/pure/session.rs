//! Task 5: a dashboard's session over replicas that lag. Time is paused; the replicas are channels.

use std::time::Duration;

use quorum::{Behind, Positions, Replica, Router, Session, SessionError};
use tokio::sync::watch;
use tokio::time::Instant;

const WITHIN: Duration = Duration::from_secs(2);

fn at(positions: &[(u32, i64)]) -> Positions {
    positions.iter().copied().collect()
}

fn replicas<const N: usize>(positions: [&[(u32, i64)]; N]) -> ([watch::Sender<Positions>; N], Router) {
    let channels = positions.map(|positions| watch::channel(at(positions)));
    let named = |(n, (_, applied)): (usize, &(_, watch::Receiver<Positions>))| Replica {
        name: format!("replica-{n}"),
        applied: applied.clone(),
    };
    let router = Router::new(channels.iter().enumerate().map(named).collect());
    (channels.map(|(sender, _)| sender), router)
}

fn session(wrote: &[(u32, i64)]) -> Session {
    let mut session = Session::default();
    wrote
        .iter()
        .for_each(|(partition, offset)| session.wrote(*partition, *offset));
    session
}

fn chosen(chosen: Result<&Replica, Behind>) -> String {
    chosen
        .unwrap_or_else(|behind| panic!("nobody is chosen: {behind}"))
        .name
        .clone()
}

#[test]
fn a_session_travels_as_text_and_other_text_is_refused() {
    assert_eq!(Session::of_token(""), Ok(Session::default()));
    for text in ["0", "0:1:2", "0:-1", "0:1,0:2", "0:1,", "x:1", "-1:4"] {
        assert_eq!(
            Session::of_token(text).map_err(|error| error.to_string().contains(text)),
            Err(true),
            "{text:?}"
        );
    }
    let long = "9".repeat(1_000);
    let error: SessionError = Session::of_token(&long).expect_err("no session");
    assert!(
        error.to_string().len() < 300,
        "what comes from outside is not repeated whole: {error}"
    );
}

#[test]
fn task5_a_written_session_is_read_again() {
    let session = session(&[(3, 8), (0, 16)]);
    assert_eq!(session.token(), "0:17,3:9");
    assert_eq!(Session::of_token("0:17,3:9"), Ok(session));
}

#[test]
fn task5_a_replica_is_far_enough_when_it_has_every_partition_of_the_session() {
    let session = session(&[(0, 9), (1, 4)]);
    assert!(session.is_met_by(&at(&[(0, 10), (1, 5), (2, 0)])));
    assert!(
        !session.is_met_by(&at(&[(0, 9), (1, 5)])),
        "the record at offset 9 is there from position 10 on"
    );
    assert!(!session.is_met_by(&at(&[(0, 1_000)])), "partition 1 is at 0 there");
    assert!(
        Session::default().is_met_by(&at(&[])),
        "who has seen nothing needs nothing"
    );
}

#[test]
fn task5_what_is_needed_only_grows() {
    let mut session = session(&[(0, 9), (0, 3)]);
    session.saw(&at(&[(0, 4), (1, 7)]));
    assert_eq!(
        session.needs(),
        &at(&[(0, 10), (1, 7)]),
        "a position is already the offset behind the last one"
    );
}

#[tokio::test(start_paused = true)]
async fn task5_the_first_replica_that_is_far_enough_is_taken_at_once() {
    let (_senders, router) = replicas([&[(0, 9)], &[(0, 10)], &[(0, 99)]]);
    let started = Instant::now();
    assert_eq!(chosen(router.choose(&session(&[(0, 9)]), WITHIN).await), "replica-1");
    assert_eq!(
        chosen(router.choose(&Session::default(), WITHIN).await),
        "replica-0",
        "who needs nothing takes the first"
    );
    assert_eq!(started.elapsed(), Duration::ZERO, "nothing was waited for");
}

#[tokio::test(start_paused = true)]
async fn task5_if_none_is_far_enough_the_first_to_get_there_is_waited_for() {
    let (senders, router) = replicas([&[(0, 0)], &[(0, 0)]]);
    let moves = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        senders[0].send_replace(at(&[(0, 9)]));
        tokio::time::sleep(Duration::from_millis(300)).await;
        senders[1].send_replace(at(&[(0, 10)]));
        senders
    });
    let started = Instant::now();
    assert_eq!(chosen(router.choose(&session(&[(0, 9)]), WITHIN).await), "replica-1");
    assert_eq!(
        started.elapsed(),
        Duration::from_millis(600),
        "woken by the move itself, not by looking again"
    );
    drop(moves.await);
}

#[tokio::test(start_paused = true)]
async fn task5_waiting_is_bounded_and_says_what_is_missing() {
    let (_senders, router) = replicas([&[(0, 4), (1, 5)], &[(0, 9), (1, 3)]]);
    let behind = router
        .choose(&session(&[(0, 9), (1, 4)]), WITHIN)
        .await
        .expect_err("nobody gets there");
    let expected = Behind {
        waited: WITHIN,
        missing: 3,
    };
    assert_eq!(
        behind, expected,
        "replica-1 lacks 1 of partition 0 and 2 of partition 1"
    );
}

#[tokio::test(start_paused = true)]
async fn task5_moves_that_are_not_enough_do_not_begin_the_wait_anew() {
    let (senders, router) = replicas([&[(0, 0)]]);
    let moves = tokio::spawn(async move {
        for position in 1..100 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            senders[0].send_replace(at(&[(0, position)]));
        }
    });
    let session = session(&[(0, 1_000)]);
    let asked = tokio::time::timeout(Duration::from_secs(10), router.choose(&session, WITHIN)).await;
    let behind = asked
        .expect("2 s are the bound, whatever moves")
        .expect_err("not there");
    assert_eq!(behind.waited, WITHIN);
    moves.abort();
}

#[test]
fn task5_a_partition_that_was_seen_empty_needs_nothing() {
    let mut session = Session::default();
    session.saw(&at(&[(2, 0)]));
    assert!(
        session.is_met_by(&at(&[])),
        "a replica that has nothing of a partition is at 0 there"
    );
}

#[tokio::test(start_paused = true)]
async fn task5_without_time_to_wait_there_is_still_a_look() {
    let (_senders, router) = replicas([&[(0, 10)]]);
    let now = router.choose(&session(&[(0, 9)]), Duration::ZERO).await;
    assert_eq!(chosen(now), "replica-0");
}

#[tokio::test(start_paused = true)]
async fn task5_of_two_that_are_far_enough_the_first_is_taken_whichever_moved_last() {
    let ([_near, far], router) = replicas([&[(0, 10)], &[(0, 0)]]);
    far.send_replace(at(&[(0, 10)]));
    assert_eq!(
        chosen(router.choose(&session(&[(0, 9)]), WITHIN).await),
        "replica-0",
        "they stand in the order of preference"
    );
}

#[tokio::test(start_paused = true)]
async fn task5_who_is_refused_is_told_how_long_was_waited_and_not_how_long_the_bound_was() {
    let ([only], router) = replicas([&[(0, 0)]]);
    let goes = Duration::from_millis(100);
    let gone = tokio::spawn(async move {
        tokio::time::sleep(goes).await;
        drop(only);
    });
    let behind = router
        .choose(&session(&[(0, 9)]), WITHIN)
        .await
        .expect_err("nobody is left");
    assert_eq!(behind.waited, goes, "with the last replica the waiting ends");
    gone.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn task5_a_replica_that_is_gone_is_neither_chosen_nor_waited_for() {
    let ([gone, here], router) = replicas([&[(0, 50)], &[(0, 10)]]);
    drop(gone);
    assert_eq!(
        chosen(router.choose(&session(&[(0, 9)]), WITHIN).await),
        "replica-1",
        "replica-0 was far enough, and is gone"
    );
    let started = Instant::now();
    drop(here);
    let behind = router
        .choose(&session(&[(0, 9)]), WITHIN)
        .await
        .expect_err("nobody is left");
    assert_eq!(
        (behind.missing, started.elapsed()),
        (u64::MAX, Duration::ZERO),
        "nobody is left to wait for"
    );
}

#[tokio::test(start_paused = true)]
async fn task5_a_replica_that_goes_while_it_is_waited_for_leaves_the_others() {
    let ([first, second], router) = replicas([&[(0, 0)], &[(0, 0)]]);
    let moves = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(first);
        tokio::time::sleep(Duration::from_millis(100)).await;
        second.send_replace(at(&[(0, 10)]));
        second
    });
    assert_eq!(chosen(router.choose(&session(&[(0, 9)]), WITHIN).await), "replica-1");
    drop(moves.await);
}

#[tokio::test(start_paused = true)]
async fn task5_what_was_shown_is_what_the_replica_had_after_the_answer() {
    let (senders, router) = replicas([&[(0, 10)], &[(0, 12)]]);
    let mut session = Session::default();
    let query = async |replica: &Replica| {
        // It applies two more while it is asked, and they are in the answer.
        senders[0].send_replace(at(&[(0, 14)]));
        replica.name.clone()
    };
    assert_eq!(router.read(&mut session, WITHIN, query).await, Ok("replica-0".into()));
    assert_eq!(
        session.needs(),
        &at(&[(0, 14)]),
        "the answer may have held everything before 14"
    );
    senders[0].send_replace(at(&[(0, 15)]));
    let again = router
        .read(&mut session, WITHIN, async |replica: &Replica| replica.name.clone())
        .await;
    assert_eq!(again, Ok("replica-0".into()), "replica-1, at 12, would go back");
}

#[tokio::test(start_paused = true)]
async fn task5_a_read_that_nobody_can_answer_leaves_the_session_as_it_was() {
    let (_senders, router) = replicas([&[(0, 1)]]);
    let mut session = session(&[(0, 9)]);
    let before = session.clone();
    let answer = router
        .read(&mut session, WITHIN, async |_: &Replica| {
            panic!("asked a replica that is behind")
        })
        .await;
    assert!(matches!(answer, Err(Behind { missing: 9, .. })), "{answer:?}");
    assert_eq!(session, before);
}
