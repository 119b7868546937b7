//! What a doctor may count on: it names what is missing with its cure, and finds what has been damaged.

use stack::provision;

#[test]
fn what_was_provisioned_is_to_the_byte_what_was_published() {
    provision::ensure(true).expect("the servers' pieces");
    let wrong = provision::verify().expect("reading the cache");
    assert!(
        wrong.is_empty(),
        "{wrong:?} in {}; remove it, and the next start fetches it again",
        provision::home().display()
    );
}

#[test]
fn everything_needed_is_surveyed_and_whatever_is_missing_comes_with_its_cure() {
    let list = provision::survey();
    for what in [
        "java",
        "maven",
        "pip",
        "rustc",
        "cc",
        "make",
        "strace",
        "Kafka jars",
        "ClickHouse engine",
        "disk",
        "memory",
    ] {
        assert!(
            list.iter().any(|found| found.what == what),
            "{what} is not in the survey: {list:?}"
        );
    }
    for found in &list {
        let cured = found.cure.as_ref().is_some_and(|cure| !cure.is_empty());
        assert_eq!(
            found.version.is_none(),
            cured,
            "a cure exactly where something is missing: {found:?}"
        );
        assert!(!found.needed_for.is_empty(), "{found:?}");
    }
    let (provider, why) = provision::auto_provider();
    assert!(
        provider != stack::Provider::Auto && !why.is_empty(),
        "{provider}: {why}"
    );
    println!("auto is {provider}: {why}\n{list:#?}");
}
