//! Limits as settings, and a user who cannot lift them.

use std::collections::BTreeMap;

use olap::{Limits, OlapError};

fn limits() -> Limits {
    Limits {
        read_rows: 1_000,
        read_bytes: 2_000,
        result_rows: 3_000,
        memory_bytes: 4_000,
        seconds: 5,
        threads: 6,
    }
}

#[track_caller]
fn settings() -> BTreeMap<&'static str, String> {
    let all = limits().settings().expect("no limit is 0");
    let count = all.len();
    let map: BTreeMap<_, _> = all.into_iter().collect();
    assert_eq!(map.len(), count, "each setting once; look at `Limits::settings`");
    map
}

#[test]
fn task6_each_limit_has_its_setting() {
    let settings = settings();
    for (name, value) in [
        ("max_rows_to_read", "1000"),
        ("max_bytes_to_read", "2000"),
        ("max_result_rows", "3000"),
        ("max_memory_usage", "4000"),
        ("max_execution_time", "5"),
        ("max_threads", "6"),
    ] {
        assert_eq!(
            settings.get(name).map(String::as_str),
            Some(value),
            "{name}; look at `Limits::settings`"
        );
    }
    assert_eq!(settings.len(), 10, "{settings:?}; look at `Limits::settings`");
}

#[test]
fn task6_beyond_a_limit_there_is_an_error_and_no_part_of_an_answer() {
    let settings = settings();
    for name in ["read_overflow_mode", "result_overflow_mode", "timeout_overflow_mode"] {
        assert_eq!(
            settings.get(name).map(String::as_str),
            Some("throw"),
            "{name}; look at `Limits::settings`"
        );
    }
}

#[test]
fn task6_nothing_is_written_and_no_query_changes_its_own_settings() {
    assert_eq!(
        settings().get("readonly").map(String::as_str),
        Some("1"),
        "2 lets a query lift its limits in a SETTINGS clause; look at `Limits::settings`"
    );
}

#[test]
fn task6_a_limit_of_nothing_is_none_and_is_refused() {
    type Change = fn(&mut Limits);
    let cases: [(Change, &str); 4] = [
        (|limits| limits.read_rows = 0, "max_rows_to_read"),
        (|limits| limits.result_rows = 0, "max_result_rows"),
        (|limits| (limits.seconds, limits.threads) = (0, 0), "max_execution_time"),
        (|limits| limits.threads = 0, "max_threads"),
    ];
    for (change, wanted) in cases {
        let mut limits = limits();
        change(&mut limits);
        match limits.settings() {
            Err(OlapError::Unlimited(name)) => assert_eq!(name, wanted, "the first; look at `Limits::settings`"),
            other => panic!("{wanted} of 0: {other:?}; look at `Limits::settings`"),
        }
    }
}

#[test]
fn task6_a_user_s_limits_are_constants_and_its_password_is_in_no_statement() {
    let hash = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
    let statements = limits().user("viewer", hash, "tickbook").expect("plain names, a hash");
    assert!(
        statements[0].starts_with("CREATE USER IF NOT EXISTS viewer IDENTIFIED WITH sha256_hash BY '"),
        "{statements:?}"
    );
    assert_eq!(
        statements[0].matches(" CONST").count(),
        10,
        "{statements:?}; it says all of `Limits::settings`"
    );
    assert_eq!(statements[1], "GRANT SELECT ON tickbook.* TO viewer");
    for (name, hash) in [
        ("viewer", "password"),
        ("a b", hash),
        ("viewer", &format!("{}' x", &hash[..61])),
    ] {
        assert!(limits().user(name, hash, "tickbook").is_err(), "{name:?} {hash:?}");
    }
}
