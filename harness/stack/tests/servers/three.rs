//! Three brokers: one lost, a leader cut off.

use super::*;

#[tokio::test]
async fn three_brokers_survive_the_loss_of_one() {
    let _turn = TURN.lock().await;
    let stack = three().await;
    let kafka = stack.kafka();
    assert_eq!(kafka.brokers().len(), 3);
    assert!(
        kafka.controller().is_some_and(stack::Server::is_alive),
        "a dedicated controller"
    );
    let topic = unique("trades");
    kafka.create_topic(&topic, 3, &[]).await.expect("a topic");
    let place = write(kafka.bootstrap(), &topic, b"before").await;
    kafka.brokers()[usize::try_from(place.0).expect("a partition")]
        .kill()
        .await
        .expect("killing a broker");
    assert_eq!(read(kafka.bootstrap(), &topic, place), b"before");
    write(kafka.bootstrap(), &topic, b"meanwhile").await;
    for broker in kafka.brokers() {
        if !broker.is_alive() {
            broker.restart().await.expect("a restart");
        }
    }
    stack.stop().await.expect("stopping");
}

#[tokio::test]
async fn a_new_topic_is_known_to_each_broker_whichever_a_client_asks() {
    let _turn = TURN.lock().await;
    let stack = three().await;
    let kafka = stack.kafka();
    for _ in 0..5 {
        let topic = unique("trades");
        kafka.create_topic(&topic, 3, &[]).await.expect("a topic");
        let asked = kafka.bootstrap().split(',').map(|address| {
            let (address, topic) = (address.to_owned(), topic.clone());
            // Each at the same moment, by a client that knows no other broker yet.
            tokio::task::spawn_blocking(move || {
                let client: BaseConsumer = ClientConfig::new()
                    .set("bootstrap.servers", &address)
                    .create()
                    .expect("a client");
                let limit = Duration::from_secs(10);
                let answer = client.fetch_metadata(Some(&topic), limit).expect("an answer");
                let found = answer.topics().first().expect("a word on the topic");
                let with_a_leader = found.partitions().iter().filter(|p| p.leader() >= 0).count();
                assert_eq!(
                    (found.error(), with_a_leader),
                    (None, 3),
                    "{} at {address}",
                    answer.orig_broker_name()
                );
            })
        });
        for asked in asked.collect::<Vec<_>>() {
            asked.await.expect("a broker that knows the topic");
        }
    }
    stack.stop().await.expect("stopping");
}

#[tokio::test]
async fn a_leader_that_is_cut_off_is_replaced_and_still_answers_its_clients() {
    let _turn = TURN.lock().await;
    let stack = three().await;
    let kafka = stack.kafka();
    let topic = unique("trades");
    kafka.create_topic(&topic, 1, &[]).await.expect("a topic");
    let old = kafka.placed(&topic).await.expect("an answer")[0]
        .leader
        .expect("a leader");
    let broker = kafka.broker(old).expect("its handle");

    broker.cut().await.expect("cutting it off");
    // Of those who hear of it; the one that is cut off does not.
    until_placed(kafka, &topic, |p| {
        p.leader.is_some_and(|id| id != old) && p.in_sync.len() == 2
    })
    .await;
    let address = kafka
        .bootstrap()
        .split(',')
        .nth(usize::try_from(old - 1).expect("an id"));
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", address.expect("its address"))
        .set("acks", "1")
        .set("message.timeout.ms", "10000")
        .create()
        .expect("a producer");
    // For longer than it takes a broker to look for another way to the controller.
    let (began, mut first) = (Instant::now(), None);
    while began.elapsed() < Duration::from_secs(4) {
        let record = FutureRecord::<(), _>::to(&topic).payload("in vain");
        let acknowledged = producer.send(record, Duration::from_secs(10)).await;
        let delivery = acknowledged.expect("the old leader, which knows no better, acknowledges alone");
        first.get_or_insert(delivery.offset);
    }

    broker.heal().await.expect("joining it again");
    until_placed(kafka, &topic, |p| {
        p.leader.is_some_and(|id| id != old) && p.in_sync.len() == 3
    })
    .await;
    let place = write(kafka.bootstrap(), &topic, b"after").await;
    assert_eq!(
        first,
        Some(place.1),
        "what was written in vain is not all gone: the cut leader heard of the other one"
    );
    assert_eq!(read(kafka.bootstrap(), &topic, place), b"after");
    stack.stop().await.expect("stopping");
}
