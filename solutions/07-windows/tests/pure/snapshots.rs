//! What a written state must be to be believed.

use windows::SnapshotError;

use super::{Owned, session};

#[test]
fn task6_bytes_that_are_no_snapshot_of_this_operator_are_a_typed_error() {
    let mut operator = Owned::new(session(10, 5)).expect("valid");
    operator.on_event(&"k".to_string(), &1, 0, |_| ()).expect("in time");
    let good = operator.snapshot().expect("encodable");
    for end in 0..good.len() {
        let cut = Owned::restore(session(10, 5), &good[..end]);
        assert!(matches!(cut, Err(SnapshotError::Garbage(_))), "cut to {end} bytes");
    }
    for at in 0..good.len() {
        let mut bent = good.clone();
        bent[at] ^= 0x10;
        assert!(Owned::restore(session(10, 5), &bent).is_err(), "byte {at} bent");
    }
    let other = Owned::restore(session(11, 5), &good);
    assert_eq!(other.err(), Some(SnapshotError::OtherConfiguration));
    assert!(Owned::restore(session(10, 5), &good).is_ok());
}
