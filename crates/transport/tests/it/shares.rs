//! Nobody takes what belongs to the others: connections, blobs, the queue of events.

use std::{collections::BTreeSet, time::Duration};

use iroh::endpoint::{Connection, ConnectionError};
use transport::{CoordinatorEndpoint, Dial, Event, FetchError, Limits, WorkerEndpoint};

use crate::{
    Coordinator, content, coordinator, expect_disconnected, guarded,
    hostile::{BLOBS, CONTROL, Stranger},
    loopback, message, pair, worker,
};

/// Few connections, so that a test can fill them.
const NARROW: Limits = Limits {
    connections_per_key_max: 4,
    strangers_per_address_max: 6,
    strangers_max: 9,
    answer: Duration::from_secs(5),
    ..Limits::USUAL
};

/// Returns why the coordinator closed the connection.
async fn reason(connection: &Connection) -> String {
    match connection.closed().await {
        ConnectionError::ApplicationClosed(close) => {
            String::from_utf8(close.reason.to_vec()).unwrap()
        }
        other => panic!("closed by {other}"),
    }
}

/// Returns whether the coordinator keeps the connection: then a wrong greeting has its own reason.
async fn is_kept(connection: &Connection) -> bool {
    let Ok((mut send, _receive)) = connection.open_bi().await else { return false };
    let _written = send.write_all(&[0, 0, 0, 1, 0]).await;
    let reason = reason(connection).await;
    reason == "peer announced a message of 1 bytes, more than 0"
}

/// Opens `count` connections that stay.
async fn hold(stranger: &Stranger, coordinator: &Coordinator, count: usize) -> Vec<Connection> {
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(stranger.dial(coordinator, BLOBS).await);
    }
    held
}

#[tokio::test]
async fn a_flood_of_one_device_does_not_delay_the_others() {
    guarded(async {
        let (coordinator, quiet) = pair(Limits::USUAL).await;
        let dial = Dial {
            secret: [3; 32],
            coordinator: coordinator.device(),
            addresses: coordinator.addresses(),
        };
        let loud = WorkerEndpoint::<String, String>::connect(dial, Limits::USUAL).await.unwrap();
        let connected = Event::Connected { device: loud.device() };
        assert_eq!(coordinator.next_event().await, Some(connected));
        let flooding = async {
            for index in 0.. {
                if loud.send(&format!("{index} {}", "x".repeat(1000))).await.is_err() {
                    return;
                }
            }
        };
        let asking = async {
            // Its queue is full before the other device says a word.
            tokio::time::sleep(Duration::from_millis(300)).await;
            quiet.send(&"one word".to_owned()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            let (mut before, mut next) = (0, coordinator.next_event().await);
            while next != message(quiet.device(), "one word") {
                before += 1;
                next = coordinator.next_event().await;
            }
            before
        };
        let before = tokio::select! {
            () = flooding => panic!("the loud device was disconnected"),
            before = asking => before,
        };
        assert!(before <= 1, "{before} messages of the loud device came first");
        quiet.close().await;
        coordinator.close().await;
        loud.close().await;
    })
    .await;
}

#[tokio::test]
async fn messages_of_many_devices_come_in_turn_and_in_order() {
    guarded(async {
        let coordinator = coordinator(Limits::USUAL).await;
        let mut workers = Vec::new();
        for key in 1..=3 {
            let dial = Dial {
                secret: [10 + key; 32],
                coordinator: coordinator.device(),
                addresses: coordinator.addresses(),
            };
            let worker = WorkerEndpoint::<String, String>::connect(dial, Limits::USUAL).await;
            let worker = worker.unwrap();
            let connected = Event::Connected { device: worker.device() };
            assert_eq!(coordinator.next_event().await, Some(connected));
            workers.push(worker);
        }
        for worker in &workers {
            for index in 0..40 {
                worker.send(&index.to_string()).await.unwrap();
            }
        }
        let mut next = std::collections::BTreeMap::new();
        for _ in 0..120 {
            let Some(Event::Message { device, message }) = coordinator.next_event().await else {
                panic!("only messages are expected");
            };
            let index: &mut u32 = next.entry(device).or_default();
            assert_eq!(message, index.to_string(), "each device's messages keep their order");
            *index += 1;
        }
        assert!(next.values().all(|count| *count == 40));
        for worker in workers {
            let device = worker.device();
            worker.close().await;
            expect_disconnected(&coordinator, device).await;
        }
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn blobs_are_served_to_admitted_devices_only() {
    guarded(async {
        let coordinator = coordinator(Limits::USUAL).await;
        let worker = worker(&coordinator, Limits::USUAL).await;
        let digest = coordinator.publish(content(5000, 1)).await.unwrap();
        let open = coordinator.publish_openly(content(700, 2)).await.unwrap();
        assert_eq!(worker.fetch(&open, 5000).await.unwrap(), content(700, 2));
        // Without taking part, and from any machine.
        let dial = Dial {
            secret: [9; 32],
            coordinator: coordinator.device(),
            addresses: coordinator.addresses(),
        };
        let fetched = transport::fetch_once(dial.clone(), Limits::USUAL, &open, 5000).await;
        assert_eq!(fetched.unwrap(), content(700, 2));
        let refused = transport::fetch_once(dial, Limits::USUAL, &digest, 5000).await;
        assert!(refused.unwrap_err().to_string().contains("does not serve"));
        let refused = worker.fetch(&digest, 5000).await;
        assert!(matches!(refused, Err(FetchError::NotFound { .. })), "{refused:?}");
        coordinator.admit(&worker.device());
        assert_eq!(worker.fetch(&digest, 5000).await.unwrap(), content(5000, 1));
        coordinator.retain_admitted(&BTreeSet::from([worker.device()]));
        assert_eq!(worker.fetch(&digest, 5000).await.unwrap(), content(5000, 1));
        coordinator.retain_admitted(&BTreeSet::new());
        coordinator.retain(&BTreeSet::from([digest]));
        assert_eq!(worker.fetch(&open, 5000).await.unwrap(), content(700, 2));
        let refused = worker.fetch(&digest, 5000).await;
        assert!(matches!(refused, Err(FetchError::NotFound { .. })), "{refused:?}");
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_key_has_few_connections() {
    guarded(async {
        let coordinator = coordinator(NARROW).await;
        let greedy = Stranger::with([66; 32], [127, 0, 0, 1]).await;
        coordinator.admit(&greedy.device);
        let mut held = hold(&greedy, &coordinator, 4).await;
        let fifth = greedy.dial(&coordinator, BLOBS).await;
        assert_eq!(reason(&fifth).await, "this key has 4 connections already: close one of them");
        let other = Stranger::with([67; 32], [127, 0, 0, 1]).await;
        assert!(is_kept(&other.dial(&coordinator, CONTROL).await).await);
        // A closed connection makes room.
        held.pop().unwrap().close(0_u32.into(), b"");
        while !is_kept(&greedy.dial(&coordinator, CONTROL).await).await {}
        for stranger in [greedy, other] {
            stranger.endpoint.close().await;
        }
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn strangers_of_one_address_leave_room_for_the_others() {
    guarded(async {
        let coordinator = coordinator(NARROW).await;
        // Keys are free, so a machine may have any number.
        let crowd = [
            Stranger::with([66; 32], [127, 0, 0, 2]).await,
            Stranger::with([67; 32], [127, 0, 0, 2]).await,
        ];
        let held = [hold(&crowd[0], &coordinator, 3).await, hold(&crowd[1], &coordinator, 3).await];
        let seventh = Stranger::with([68; 32], [127, 0, 0, 2]).await;
        let connection = seventh.dial(&coordinator, BLOBS).await;
        let said = reason(&connection).await;
        assert!(said.starts_with("6 connections of devices without a seat come from"), "{said}");
        // Another address has its own share; a device with a seat has room on any address.
        let elsewhere = Stranger::with([69; 32], [127, 0, 0, 3]).await;
        assert!(is_kept(&elsewhere.dial(&coordinator, CONTROL).await).await);
        coordinator.admit(&seventh.device);
        assert!(is_kept(&seventh.dial(&coordinator, CONTROL).await).await);
        drop(held);
        for [first, second] in [crowd, [seventh, elsewhere]] {
            first.endpoint.close().await;
            second.endpoint.close().await;
        }
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn strangers_of_many_addresses_leave_room_for_devices_with_a_seat() {
    guarded(async {
        let coordinator = coordinator(NARROW).await;
        let mut crowd = Vec::new();
        for index in 0..3 {
            let stranger = Stranger::with([66 + index; 32], [127, 0, 0, 2 + index]).await;
            let held = hold(&stranger, &coordinator, 3).await;
            crowd.push((stranger, held));
        }
        let late = Stranger::with([80; 32], [127, 0, 0, 9]).await;
        let connection = late.dial(&coordinator, BLOBS).await;
        let said = reason(&connection).await;
        assert!(said.starts_with("9 devices without a seat are connected"), "{said}");
        coordinator.admit(&late.device);
        assert!(is_kept(&late.dial(&coordinator, CONTROL).await).await);
        for (stranger, _held) in crowd {
            stranger.endpoint.close().await;
        }
        late.endpoint.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_stranger_does_not_stay() {
    guarded(async {
        let limits = Limits { stranger: Duration::from_millis(400), ..Limits::USUAL };
        let (coordinator, seated) = pair(limits).await;
        let stranger = Stranger::with([66; 32], [127, 0, 0, 1]).await;
        let (connection, _send, _receive) = stranger.enter(&coordinator).await;
        assert_eq!(reason(&connection).await, "this device has no seat");
        expect_disconnected(&coordinator, stranger.device).await;
        // The device with a seat has been connected for longer.
        seated.send(&"still here".to_owned()).await.unwrap();
        assert_eq!(coordinator.next_event().await, message(seated.device(), "still here"));
        // Without its seat it goes, too.
        coordinator.retain_admitted(&BTreeSet::new());
        assert!(seated.recv().await.unwrap_err().reason.contains("this device has no seat"));
        seated.close().await;
        stranger.endpoint.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn many_handshakes_at_a_time_all_end() {
    guarded(async {
        // More than are begun for addresses that are not proven.
        let limits = Limits { strangers_per_address_max: 200, ..Limits::USUAL };
        let coordinator =
            CoordinatorEndpoint::<String, String>::bind([1; 32], loopback(0), limits).await;
        let coordinator = std::sync::Arc::new(coordinator.unwrap());
        let mut dials = tokio::task::JoinSet::new();
        for key in 0..60 {
            let coordinator = std::sync::Arc::clone(&coordinator);
            dials.spawn(async move {
                let stranger = Stranger::with([100 + key; 32], [127, 0, 0, 1]).await;
                let connection = stranger.dial(&coordinator, CONTROL).await;
                let is_kept = is_kept(&connection).await;
                stranger.endpoint.close().await;
                is_kept
            });
        }
        assert!(dials.join_all().await.into_iter().all(|is_kept| is_kept));
        std::sync::Arc::into_inner(coordinator).unwrap().close().await;
    })
    .await;
}
