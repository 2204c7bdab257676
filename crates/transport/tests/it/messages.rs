use transport::{Limits, SendError, TO_COORDINATOR_SIZE_MAX, TO_WORKER_SIZE_MAX};

use crate::{expect_disconnected, guarded, message, pair};

#[tokio::test]
async fn messages_arrive_in_order_both_ways() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let device = worker.device();
        for text in ["one", "", "three"] {
            worker.send(&text.to_owned()).await.unwrap();
            coordinator.send(&device, &format!("re: {text}")).unwrap();
        }
        for text in ["one", "", "three"] {
            assert_eq!(coordinator.next_event().await, message(device, text));
            assert_eq!(worker.recv().await.unwrap(), format!("re: {text}"));
        }
        worker.close().await;
        assert_eq!(expect_disconnected(&coordinator, device).await, "left");
        assert!(coordinator.connected().is_empty());
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_longest_message_passes_and_one_byte_more_is_refused() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let device = worker.device();
        // Postcard writes the length before a string: 3 bytes from 2^14, 4 bytes from 2^21.
        let up = "u".repeat(TO_COORDINATOR_SIZE_MAX - 3);
        worker.send(&up).await.unwrap();
        assert_eq!(coordinator.next_event().await, message(device, &up));
        let down = "d".repeat(TO_WORKER_SIZE_MAX - 4);
        coordinator.send(&device, &down).unwrap();
        assert_eq!(worker.recv().await.unwrap(), down);

        let refused = worker.send(&(up + "!")).await;
        assert!(
            matches!(refused, Err(SendError::TooLarge { size_max: TO_COORDINATOR_SIZE_MAX, .. })),
            "{refused:?}"
        );
        let refused = coordinator.send(&device, &(down + "!"));
        assert!(
            matches!(refused, Err(SendError::TooLarge { size_max: TO_WORKER_SIZE_MAX, .. })),
            "{refused:?}"
        );

        worker.send(&"still connected".to_owned()).await.unwrap();
        assert_eq!(coordinator.next_event().await, message(device, "still connected"));
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn last_messages_of_a_worker_arrive() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let device = worker.device();
        for index in 0..50 {
            worker.send(&index.to_string()).await.unwrap();
        }
        let reading = async {
            for index in 0..50 {
                assert_eq!(coordinator.next_event().await, message(device, &index.to_string()));
            }
            expect_disconnected(&coordinator, device).await
        };
        let ((), reason) = tokio::join!(worker.close(), reading);
        assert_eq!(reason, "left");
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn last_messages_of_the_coordinator_arrive() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let device = worker.device();
        for index in 0..50 {
            coordinator.send(&device, &index.to_string()).unwrap();
        }
        let reading = async {
            for index in 0..50 {
                assert_eq!(worker.recv().await.unwrap(), index.to_string());
            }
            worker.recv().await.unwrap_err().reason
        };
        let ((), reason) = tokio::join!(coordinator.close(), reading);
        assert_eq!(reason, "the coordinator has finished");
        assert!(matches!(worker.send(&String::new()).await, Err(SendError::NotConnected { .. })));
        worker.close().await;
    })
    .await;
}

#[tokio::test]
async fn disconnecting_a_device_delivers_what_was_said_before() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let device = worker.device();
        coordinator.send(&device, &"you are expelled".to_owned()).unwrap();
        coordinator.disconnect(&device);
        assert!(matches!(
            coordinator.send(&device, &String::new()),
            Err(SendError::NotConnected { .. })
        ));
        assert_eq!(worker.recv().await.unwrap(), "you are expelled");
        assert_eq!(worker.recv().await.unwrap_err().reason, "the coordinator has finished");
        expect_disconnected(&coordinator, device).await;
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_takes_no_messages_is_disconnected_not_waited_for() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let device = worker.device();
        let text = "x".repeat(32 << 10);
        let mut sent = 0;
        let refused = loop {
            match coordinator.send(&device, &text) {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
            assert!(sent < 4096, "the queue has no bound");
            tokio::task::yield_now().await;
        };
        assert!(matches!(refused, SendError::Slow { .. }), "{refused:?}");
        let reason = expect_disconnected(&coordinator, device).await;
        assert!(!reason.is_empty());
        assert!(!matches!(coordinator.send(&device, &text), Ok(())));
        // Delivered messages can still be read, then the stream ends.
        while worker.recv().await.is_ok() {}
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn closing_with_unread_events_does_not_hang() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        worker.send(&"never read".to_owned()).await.unwrap();
        let ((), lost) = tokio::join!(coordinator.close(), worker.recv());
        assert!(lost.is_err());
        worker.close().await;
    })
    .await;
}

#[tokio::test]
async fn sending_to_an_unknown_device_is_an_error() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let stranger = coordinator.device();
        let refused = coordinator.send(&stranger, &String::new());
        assert!(
            matches!(refused, Err(SendError::NotConnected { device }) if device == stranger),
            "{refused:?}"
        );
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}
