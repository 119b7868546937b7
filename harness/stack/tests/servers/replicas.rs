//! ClickHouse servers that replicate.

use stack::Replicas;

use super::*;

#[tokio::test]
async fn a_row_that_one_replica_took_comes_to_the_other() {
    if wanted().provider != Provider::Local {
        not_tested("only local processes have a ZooKeeper");
        return;
    }
    let _turn = TURN.lock().await;
    let replicas = Replicas::own(2).await.expect("two servers and a ZooKeeper");
    let [one, other] = replicas.nodes() else {
        panic!("two were asked for, not {}", replicas.nodes().len())
    };
    for node in [one, other] {
        let create = "CREATE TABLE t (n UInt64) ENGINE = ReplicatedMergeTree('/tables/t', '{replica}') ORDER BY n";
        node.client().query(create).execute().await.expect("a table");
    }
    let insert = one.client().query("INSERT INTO t VALUES (7)").execute().await;
    insert.expect("a row");
    let (asked, mut rows) = (Instant::now(), 0);
    while rows == 0 && asked.elapsed() < Duration::from_secs(20) {
        let count = other.client().query("SELECT count() FROM t").fetch_one().await;
        rows = count.expect("a count");
    }
    assert_eq!(rows, 1u64, "read {}", other.server().log().display());
    let pids = [replicas.keeper(), one.server(), other.server()].map(stack::Server::pid);
    drop(replicas);
    for pid in pids
        .into_iter()
        .flatten()
        .filter_map(|pid| Pid::from_raw(pid.cast_signed()))
    {
        assert!(test_kill_process(pid).is_err(), "process {pid:?} is left behind");
    }
}
