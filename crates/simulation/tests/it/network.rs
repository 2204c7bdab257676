//! What coordinator and worker rely on, of the real network and of the one in memory alike.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};
use transport::{
    ConnectError, Dial, Event, FetchError, Limits, LostCause, PublishError, SendError,
    TO_COORDINATOR_SIZE_MAX, TO_WORKER_SIZE_MAX,
};
use units::Digest;

use crate::ground::{
    COORDINATOR_SECRET, Ground, IMPATIENT, MIB, connected, content, device, dial, down,
    expect_disconnected, said, secret, up,
};

/// Runs each test on both networks.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod iroh {
            use crate::ground::{Ground, guarded};
            $(#[tokio::test]
            async fn $name() {
                guarded(super::$name(&Ground::Iroh)).await;
            })*
        }

        mod memory {
            use crate::ground::{Ground, guarded};
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                guarded(super::$name(&Ground::memory(7))).await;
            })*
        }
    };
}

on_both! {
    messages_arrive_in_order_both_ways,
    the_longest_message_passes_and_one_byte_more_is_refused,
    last_messages_of_a_worker_arrive,
    last_messages_of_the_coordinator_arrive,
    a_worker_that_takes_no_messages_is_disconnected_not_waited_for,
    closing_with_unread_events_does_not_hang,
    sending_to_an_unknown_device_is_an_error,
    a_device_that_dials_again_replaces_itself,
    events_of_two_connections_of_a_device_do_not_mix,
    a_worker_that_is_dropped_is_disconnected,
    a_restarted_coordinator_is_found_on_its_old_port,
    a_port_in_use_is_named,
    nobody_at_the_address_is_an_error_in_bounded_time,
    a_coordinator_with_another_key_is_refused,
    a_dial_needs_an_address,
    blobs_are_transferred_both_ways_and_counted,
    what_is_not_served_is_not_found,
    a_larger_blob_than_expected_is_refused,
    only_what_is_retained_is_served,
    published_bytes_are_bounded_and_removal_frees_space,
    blobs_are_served_to_admitted_devices_only,
    many_fetches_at_a_time,
    a_fetch_ends_when_the_peer_goes,
    messages_of_many_devices_come_in_turn_and_in_order,
    a_stranger_does_not_stay,
}

async fn messages_arrive_in_order_both_ways(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    for text in ["one", "", "three"] {
        worker.send(&up(text)).await.unwrap();
        listener.send(&device(2), &down(text)).unwrap();
    }
    for text in ["one", "", "three"] {
        assert_eq!(listener.next_event().await, said(2, text));
        assert_eq!(worker.recv().await.unwrap(), down(text));
    }
    assert_eq!(listener.connected(), BTreeSet::from([device(2)]));
    worker.close().await;
    assert_eq!(expect_disconnected(listener.as_ref(), 2).await, "left");
    assert!(listener.connected().is_empty());
    listener.close().await;
    assert_eq!(listener.next_event().await, None);
}

async fn the_longest_message_passes_and_one_byte_more_is_refused(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    // Postcard writes the variant in one byte, and the length before the content: 3 bytes from 2^14, 4 bytes from 2^21.
    let longest_up = "u".repeat(TO_COORDINATOR_SIZE_MAX - 4);
    worker.send(&up(&longest_up)).await.unwrap();
    assert_eq!(listener.next_event().await, said(2, &longest_up));
    let longest_down = "d".repeat(TO_WORKER_SIZE_MAX - 5);
    listener.send(&device(2), &down(&longest_down)).unwrap();
    assert_eq!(worker.recv().await.unwrap(), down(&longest_down));

    let refused = worker.send(&up(&(longest_up + "!"))).await;
    assert!(
        matches!(refused, Err(SendError::TooLarge { size_max: TO_COORDINATOR_SIZE_MAX, .. })),
        "{refused:?}"
    );
    let refused = listener.send(&device(2), &down(&(longest_down + "!")));
    assert!(
        matches!(refused, Err(SendError::TooLarge { size_max: TO_WORKER_SIZE_MAX, .. })),
        "{refused:?}"
    );
    worker.send(&up("still connected")).await.unwrap();
    assert_eq!(listener.next_event().await, said(2, "still connected"));
    worker.close().await;
    listener.close().await;
}

async fn last_messages_of_a_worker_arrive(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    for index in 0..50 {
        worker.send(&up(&index.to_string())).await.unwrap();
    }
    let reading = async {
        for index in 0..50 {
            assert_eq!(listener.next_event().await, said(2, &index.to_string()));
        }
        expect_disconnected(listener.as_ref(), 2).await
    };
    let ((), reason) = tokio::join!(worker.close(), reading);
    assert_eq!(reason, "left");
    listener.close().await;
}

async fn last_messages_of_the_coordinator_arrive(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    for index in 0..50 {
        listener.send(&device(2), &down(&index.to_string())).unwrap();
    }
    let reading = async {
        for index in 0..50 {
            assert_eq!(worker.recv().await.unwrap(), down(&index.to_string()));
        }
        worker.recv().await.unwrap_err()
    };
    let ((), lost) = tokio::join!(listener.close(), reading);
    assert_eq!(lost.reason, "the coordinator has finished");
    assert_eq!(lost.cause, LostCause::Other);
    assert!(matches!(worker.send(&up("")).await, Err(SendError::NotConnected { .. })));
    worker.close().await;
}

async fn a_worker_that_takes_no_messages_is_disconnected_not_waited_for(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    let text = down(&"x".repeat(32 << 10));
    let mut sent = 0;
    let refused = loop {
        match listener.send(&device(2), &text) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 4096, "the queue has no bound");
        tokio::task::yield_now().await;
    };
    assert!(matches!(refused, SendError::Slow { .. }), "{refused:?}");
    assert!(!expect_disconnected(listener.as_ref(), 2).await.is_empty());
    assert!(!matches!(listener.send(&device(2), &text), Ok(())));
    // Delivered messages can still be read, then the stream ends.
    while worker.recv().await.is_ok() {}
    worker.close().await;
    listener.close().await;
}

async fn closing_with_unread_events_does_not_hang(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    worker.send(&up("never read")).await.unwrap();
    let ((), lost) = tokio::join!(listener.close(), worker.recv());
    assert!(lost.is_err());
    worker.close().await;
}

async fn sending_to_an_unknown_device_is_an_error(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    let stranger = listener.device();
    let refused = listener.send(&stranger, &down(""));
    assert!(
        matches!(refused, Err(SendError::NotConnected { device }) if device == stranger),
        "{refused:?}"
    );
    worker.close().await;
    listener.close().await;
}

async fn a_device_that_dials_again_replaces_itself(ground: &Ground) {
    let (listener, old) = ground.pair(Limits::USUAL).await;
    let new = ground.connect(2, listener.as_ref(), Limits::USUAL).await;
    assert!(!expect_disconnected(listener.as_ref(), 2).await.is_empty());
    assert_eq!(listener.next_event().await, connected(2));
    // Nobody connected again on this side, so the key is used twice.
    assert_eq!(old.recv().await.unwrap_err().cause, LostCause::Replaced);

    listener.send(&device(2), &down("for the new one")).unwrap();
    assert_eq!(new.recv().await.unwrap(), down("for the new one"));
    let digest = new.publish(vec![5; 100]).await.unwrap();
    assert_eq!(listener.fetch_from(&device(2), &digest, 100).await.unwrap(), vec![5; 100]);
    old.close().await;
    new.close().await;
    expect_disconnected(listener.as_ref(), 2).await;
    listener.close().await;
}

async fn events_of_two_connections_of_a_device_do_not_mix(ground: &Ground) {
    let (listener, old) = ground.pair(Limits::USUAL).await;
    // More than the device's event queue holds: the old session is still busy when the new one arrives.
    let sent = 100;
    for index in 0..sent {
        old.send(&up(&index.to_string())).await.unwrap();
    }
    let new = ground.connect(2, listener.as_ref(), Limits::USUAL).await;
    let mut heard = 0;
    while let Some(Event::Message { .. }) = listener.next_event().await {
        heard += 1;
    }
    // This was the end of the old session, and its last messages were lost.
    assert!((16..=sent).contains(&heard), "{heard}");
    assert_eq!(listener.next_event().await, connected(2));
    new.send(&up("new")).await.unwrap();
    assert_eq!(listener.next_event().await, said(2, "new"));
    old.close().await;
    new.close().await;
    listener.close().await;
}

async fn a_worker_that_is_dropped_is_disconnected(ground: &Ground) {
    let (listener, worker) = ground.pair(IMPATIENT).await;
    drop(worker);
    expect_disconnected(listener.as_ref(), 2).await;
    listener.close().await;
}

async fn a_restarted_coordinator_is_found_on_its_old_port(ground: &Ground) {
    let (first, old) = ground.pair(Limits::USUAL).await;
    let (address, calling) = (first.addresses()[0], dial(2, first.as_ref()));
    let (lost, ()) = tokio::join!(old.recv(), first.close());
    assert!(lost.is_err());
    drop(first);
    // The endpoint's own tasks release the socket, on a busy machine a little after it is closed.
    let network = ground.network(1);
    let second = loop {
        match network.listen(COORDINATOR_SECRET, address, Limits::USUAL).await {
            Ok(second) => break second,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let new = ground.network(2).connect(calling, Limits::USUAL).await.unwrap();
    assert_eq!(second.next_event().await, connected(2));
    new.send(&up("back")).await.unwrap();
    assert_eq!(second.next_event().await, said(2, "back"));
    old.close().await;
    new.close().await;
    second.close().await;
}

async fn a_port_in_use_is_named(ground: &Ground) {
    let first = ground.listen(Limits::USUAL).await;
    let address = first.addresses()[0];
    let error = ground.network(1).listen([3; 32], address, Limits::USUAL).await.unwrap_err();
    assert_eq!(error.address, address);
    first.close().await;
}

async fn nobody_at_the_address_is_an_error_in_bounded_time(ground: &Ground) {
    let first = ground.listen(Limits::USUAL).await;
    let (addresses, calling) = (first.addresses(), dial(2, first.as_ref()));
    first.close().await;
    drop(first);
    let error = ground.network(2).connect(calling, IMPATIENT).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::Unreachable { addresses: tried, .. } if *tried == addresses),
        "{error}"
    );
}

async fn a_coordinator_with_another_key_is_refused(ground: &Ground) {
    let impostor = ground.listen(Limits::USUAL).await;
    let calling = Dial { coordinator: device(9), ..dial(2, impostor.as_ref()) };
    let error = ground.network(2).connect(calling, IMPATIENT).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    impostor.close().await;
}

async fn a_dial_needs_an_address(ground: &Ground) {
    let calling = Dial { secret: secret(2), coordinator: device(1), addresses: Vec::new() };
    let error = ground.network(2).connect(calling, IMPATIENT).await.unwrap_err();
    assert!(matches!(error, ConnectError::NoAddress { .. }), "{error}");
}

async fn blobs_are_transferred_both_ways_and_counted(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    for size in [0, 1, 65_537, 300_000] {
        let (rising, falling) = (content(size, 1), content(size, 2));
        let before = listener.traffic();
        let digest = worker.publish(rising.clone()).await.unwrap();
        assert_eq!(listener.fetch_from(&device(2), &digest, MIB).await.unwrap(), rising);
        let digest = listener.publish(falling.clone()).await.unwrap();
        assert_eq!(worker.fetch(&digest, MIB).await.unwrap(), falling);
        let after = listener.traffic();
        let payload = u64::try_from(size).unwrap();
        assert!(payload <= after.evidence.received - before.evidence.received);
        assert!(payload <= after.blobs.sent - before.blobs.sent);
    }
    worker.close().await;
    listener.close().await;
}

async fn what_is_not_served_is_not_found(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    let unknown = Digest::from_bytes([7; 32]);
    let missing = listener.fetch_from(&device(2), &unknown, MIB).await;
    assert!(
        matches!(missing, Err(FetchError::NotFound { digest }) if digest == unknown),
        "{missing:?}"
    );
    let missing = worker.fetch(&unknown, MIB).await;
    assert!(
        matches!(missing, Err(FetchError::NotFound { digest }) if digest == unknown),
        "{missing:?}"
    );
    let missing = listener.fetch_from(&listener.device(), &unknown, MIB).await;
    assert!(matches!(missing, Err(FetchError::NotConnected { .. })), "{missing:?}");
    worker.close().await;
    listener.close().await;
}

async fn a_larger_blob_than_expected_is_refused(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    let size = 2 * MIB;
    let digest = worker.publish(content(usize::try_from(size).unwrap(), 4)).await.unwrap();
    let refused = listener.fetch_from(&device(2), &digest, size - 1).await;
    assert!(
        matches!(refused, Err(FetchError::TooLarge { size: claimed, size_max, .. })
            if claimed == size && size_max == size - 1),
        "{refused:?}"
    );
    assert!(listener.fetch_from(&device(2), &digest, size).await.is_ok());
    worker.close().await;
    listener.close().await;
}

async fn only_what_is_retained_is_served(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    let mut digests = Vec::new();
    for salt in 0..2 {
        digests.push(listener.publish(content(5000, salt)).await.unwrap());
    }
    listener.retain(&BTreeSet::from([digests[0]]));
    assert_eq!(worker.fetch(&digests[0], MIB).await.unwrap(), content(5000, 0));
    let missing = worker.fetch(&digests[1], MIB).await;
    assert!(matches!(missing, Err(FetchError::NotFound { .. })), "{missing:?}");
    worker.close().await;
    listener.close().await;
}

async fn published_bytes_are_bounded_and_removal_frees_space(ground: &Ground) {
    let limits = Limits { published_size_max: 10_000, ..Limits::USUAL };
    let (listener, worker) = ground.pair(limits).await;
    let first = worker.publish(content(6000, 0)).await.unwrap();
    let again = worker.publish(content(6000, 0)).await;
    let full = worker.publish(content(4001, 1)).await;
    assert!(
        matches!(full, Err(PublishError::Full { adding: 4001, held: 6000, size_max: 10_000 })),
        "{full:?}"
    );
    assert_eq!(again.unwrap(), first, "the same content needs no more space");
    worker.publish(content(4000, 2)).await.unwrap();
    worker.retain(&BTreeSet::new());
    worker.publish(content(10_000, 4)).await.unwrap();
    worker.close().await;
    listener.close().await;
}

async fn blobs_are_served_to_admitted_devices_only(ground: &Ground) {
    let listener = ground.listen(Limits::USUAL).await;
    let worker = ground.connect(2, listener.as_ref(), Limits::USUAL).await;
    let digest = listener.publish(content(5000, 1)).await.unwrap();
    let open = listener.publish_openly(content(700, 2)).await.unwrap();
    assert_eq!(worker.fetch(&open, 5000).await.unwrap(), content(700, 2));
    // Without taking part, and from any machine.
    let (other, calling) = (ground.network(3), dial(3, listener.as_ref()));
    let fetched = other.fetch_once(calling.clone(), Limits::USUAL, &open, 5000).await;
    assert_eq!(fetched.unwrap(), content(700, 2));
    let refused = other.fetch_once(calling, Limits::USUAL, &digest, 5000).await;
    assert!(refused.unwrap_err().to_string().contains("does not serve"));
    let refused = worker.fetch(&digest, 5000).await;
    assert!(matches!(refused, Err(FetchError::NotFound { .. })), "{refused:?}");
    listener.admit(&device(2));
    assert_eq!(worker.fetch(&digest, 5000).await.unwrap(), content(5000, 1));
    listener.retain_admitted(&BTreeSet::from([device(2)]));
    assert_eq!(worker.fetch(&digest, 5000).await.unwrap(), content(5000, 1));
    listener.retain_admitted(&BTreeSet::new());
    listener.retain(&BTreeSet::from([digest]));
    assert_eq!(worker.fetch(&open, 5000).await.unwrap(), content(700, 2));
    let refused = worker.fetch(&digest, 5000).await;
    assert!(matches!(refused, Err(FetchError::NotFound { .. })), "{refused:?}");
    worker.close().await;
    listener.close().await;
}

async fn many_fetches_at_a_time(ground: &Ground) {
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    let digest = listener.publish(content(200_000, 9)).await.unwrap();
    let worker: std::sync::Arc<dyn transport::Connection> = worker.into();
    // More than the streams a peer may open: the others wait.
    let mut fetches = JoinSet::new();
    for _ in 0..40 {
        let worker = std::sync::Arc::clone(&worker);
        fetches.spawn(async move { worker.fetch(&digest, MIB).await.unwrap().len() });
    }
    assert_eq!(fetches.join_all().await, vec![200_000; 40]);
    drop(worker);
    listener.close().await;
}

async fn a_fetch_ends_when_the_peer_goes(ground: &Ground) {
    let (listener, worker) = ground.pair(IMPATIENT).await;
    let digest = listener.publish(content(100, 0)).await.unwrap();
    listener.close().await;
    let lost = worker.fetch(&digest, MIB).await;
    assert!(matches!(lost, Err(FetchError::Lost { .. })), "{lost:?}");
    worker.close().await;
}

async fn messages_of_many_devices_come_in_turn_and_in_order(ground: &Ground) {
    let listener = ground.listen(Limits::USUAL).await;
    let mut workers = Vec::new();
    for machine in 2..5 {
        workers.push(ground.connect(machine, listener.as_ref(), Limits::USUAL).await);
        assert_eq!(listener.next_event().await, connected(machine));
    }
    for worker in &workers {
        for index in 0..40 {
            worker.send(&up(&index.to_string())).await.unwrap();
        }
    }
    // The queues of all are full before the first is read.
    sleep(Duration::from_millis(300)).await;
    let mut next = BTreeMap::new();
    for turn in 0..120 {
        let Some(Event::Message { device, message }) = listener.next_event().await else {
            panic!("only messages are expected");
        };
        let index: &mut u32 = next.entry(device).or_default();
        assert_eq!(message, up(&index.to_string()), "each device's messages keep their order");
        *index += 1;
        assert!(turn < 2 || next.len() == 3, "all have their turn");
    }
    for (machine, worker) in (2..).zip(workers) {
        worker.close().await;
        assert_eq!(expect_disconnected(listener.as_ref(), machine).await, "left");
    }
    listener.close().await;
}

async fn a_stranger_does_not_stay(ground: &Ground) {
    let limits = Limits { stranger: Duration::from_millis(400), ..Limits::USUAL };
    let (listener, seated) = ground.pair(limits).await;
    let stranger = ground.connect(3, listener.as_ref(), limits).await;
    assert_eq!(listener.next_event().await, connected(3));
    // A coordinator says again and again who takes part.
    let admitting = async {
        loop {
            listener.admit(&device(2));
            listener.retain_admitted(&BTreeSet::from([device(2)]));
            sleep(Duration::from_millis(100)).await;
        }
    };
    let leaving = tokio::time::timeout(Duration::from_secs(20), stranger.recv());
    let lost = tokio::select! {
        lost = leaving => lost.expect("a stranger stays").unwrap_err(),
        () = admitting => unreachable!("it goes on for ever"),
    };
    assert!(lost.reason.contains("this device has no seat"), "{lost}");
    expect_disconnected(listener.as_ref(), 3).await;
    // The device with a seat has been connected for longer.
    seated.send(&up("still here")).await.unwrap();
    assert_eq!(listener.next_event().await, said(2, "still here"));
    // Without its seat it goes, too.
    listener.retain_admitted(&BTreeSet::new());
    assert!(seated.recv().await.unwrap_err().reason.contains("this device has no seat"));
    seated.close().await;
    stranger.close().await;
    listener.close().await;
}
