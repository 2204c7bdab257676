use std::time::Duration;

use transport::{BindError, ConnectError, CoordinatorEndpoint, Dial, Event, Limits, LostCause};
use units::DeviceId;

use crate::{
    COORDINATOR_SECRET, Coordinator, WORKER_SECRET, Worker, coordinator, expect_disconnected,
    guarded, loopback, message, pair, worker,
};

/// Limits that detect a silent peer quickly.
const IMPATIENT: Limits =
    Limits { idle: Duration::from_secs(1), answer: Duration::from_secs(2), ..Limits::USUAL };

#[test]
fn a_killed_worker_is_noticed() {
    let (mine, theirs) = (runtime(), runtime());
    let coordinator = mine.block_on(coordinator(IMPATIENT));
    let worker = theirs.block_on(worker(&coordinator, IMPATIENT));
    let device = worker.device();
    let connected = mine.block_on(guarded(coordinator.next_event()));
    assert_eq!(connected, Some(Event::Connected { device }));
    // As when a process is killed: the socket is gone and nothing was sent.
    std::mem::forget(worker);
    theirs.shutdown_background();
    mine.block_on(guarded(async {
        assert_eq!(
            expect_disconnected(&coordinator, device).await,
            "timeout: the peer did not answer"
        );
        coordinator.close().await;
    }));
}

#[test]
fn a_killed_coordinator_is_noticed() {
    let (mine, theirs) = (runtime(), runtime());
    let coordinator = theirs.block_on(coordinator(IMPATIENT));
    let worker = mine.block_on(worker(&coordinator, IMPATIENT));
    std::mem::forget(coordinator);
    theirs.shutdown_background();
    mine.block_on(guarded(async {
        let lost = worker.recv().await.unwrap_err();
        assert_eq!(lost.reason, "timeout: the peer did not answer");
        assert_eq!(lost.cause, LostCause::Other);
        worker.close().await;
    }));
}

#[tokio::test]
async fn a_quiet_connection_stays() {
    guarded(async {
        let (coordinator, worker) = pair(IMPATIENT).await;
        // Longer than the idle limit of the side that would close the connection.
        let quiet = tokio::time::timeout(IMPATIENT.idle * 3, coordinator.next_event()).await;
        assert!(quiet.is_err(), "keep-alive packets must keep the connection: {quiet:?}");
        worker.send(&"hello".to_owned()).await.unwrap();
        assert_eq!(coordinator.next_event().await, message(worker.device(), "hello"));
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_restarted_coordinator_is_found_on_its_old_port() {
    guarded(async {
        let (first, old) = pair(Limits::USUAL).await;
        let address = first.addresses()[0];
        let (lost, ()) = tokio::join!(old.recv(), first.close());
        assert!(lost.is_err());
        drop(first);
        let dial =
            Dial { secret: WORKER_SECRET, coordinator: first_key(), addresses: vec![address] };

        // The endpoint's own tasks release the socket, on a busy machine a little after it is closed.
        let second = loop {
            match Coordinator::bind(COORDINATOR_SECRET, address, Limits::USUAL).await {
                Ok(second) => break second,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let new = Worker::connect(dial, Limits::USUAL).await.unwrap();
        assert_eq!(second.next_event().await, Some(Event::Connected { device: new.device() }));
        new.send(&"back".to_owned()).await.unwrap();
        assert_eq!(second.next_event().await, message(new.device(), "back"));
        old.close().await;
        new.close().await;
        second.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_device_that_dials_again_replaces_itself() {
    guarded(async {
        let (coordinator, old) = pair(Limits::USUAL).await;
        let device = old.device();
        let new = worker(&coordinator, Limits::USUAL).await;
        let reason = expect_disconnected(&coordinator, device).await;
        assert!(!reason.is_empty());
        assert_eq!(coordinator.next_event().await, Some(Event::Connected { device }));
        // Nobody connected again on this side, so the key is used twice.
        assert_eq!(old.recv().await.unwrap_err().cause, LostCause::Replaced);

        coordinator.send(&device, &"for the new one".to_owned()).unwrap();
        assert_eq!(new.recv().await.unwrap(), "for the new one");
        let digest = new.publish(vec![5; 100]).await.unwrap();
        assert_eq!(coordinator.fetch_from(&device, &digest, 100).await.unwrap(), vec![5; 100]);
        old.close().await;
        new.close().await;
        expect_disconnected(&coordinator, device).await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn events_of_two_connections_of_a_device_do_not_mix() {
    guarded(async {
        let (coordinator, old) = pair(Limits::USUAL).await;
        let device = old.device();
        // More than the device's event queue holds: the old session is still busy when the new one arrives.
        let sent = 100;
        let sending = async {
            for index in 0..sent {
                old.send(&index.to_string()).await.unwrap();
            }
            worker(&coordinator, Limits::USUAL).await
        };
        let new = sending.await;
        let mut said = 0;
        while let Some(Event::Message { .. }) = coordinator.next_event().await {
            said += 1;
        }
        // This was the end of the old session, and its last messages were lost.
        assert!((16..=sent).contains(&said), "{said}");
        assert_eq!(coordinator.next_event().await, Some(Event::Connected { device }));
        new.send(&"new".to_owned()).await.unwrap();
        assert_eq!(coordinator.next_event().await, message(device, "new"));
        old.close().await;
        new.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_is_dropped_takes_its_tasks_along() {
    guarded(async {
        let (coordinator, worker) = pair(IMPATIENT).await;
        let device = worker.device();
        drop(worker);
        expect_disconnected(&coordinator, device).await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    guarded(async {
        let first = coordinator(Limits::USUAL).await;
        let address = first.addresses()[0];
        let error: BindError =
            Coordinator::bind([3; 32], address, Limits::USUAL).await.unwrap_err();
        assert_eq!(error.address, address);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        first.close().await;
    })
    .await;
}

#[test]
fn a_dial_that_is_given_up_ends_at_once() {
    let runtime = runtime();
    #[expect(clippy::disallowed_methods, reason = "that a dial ends early is what is tested")]
    let started = std::time::Instant::now();
    runtime.block_on(async {
        // A socket that never answers.
        let silent = std::net::UdpSocket::bind(loopback(0)).unwrap();
        let addresses = vec![silent.local_addr().unwrap()];
        let dial = Dial { secret: WORKER_SECRET, coordinator: first_key(), addresses };
        let dialling = Worker::connect(dial, Limits::USUAL);
        let given_up = tokio::time::timeout(Duration::from_millis(200), dialling).await;
        assert!(given_up.is_err(), "nobody can answer");
    });
    drop(runtime);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn nobody_at_the_address_is_an_error_in_bounded_time() {
    guarded(async {
        let first = coordinator(Limits::USUAL).await;
        let addresses = first.addresses();
        first.close().await;
        let dial = Dial { secret: WORKER_SECRET, coordinator: first_key(), addresses: addresses.clone() };
        let error = Worker::connect(dial, IMPATIENT).await.unwrap_err();
        assert!(matches!(&error, ConnectError::Unreachable { addresses: tried, .. } if *tried == addresses), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_coordinator_with_another_key_is_refused() {
    guarded(async {
        let impostor =
            CoordinatorEndpoint::<String, String>::bind([9; 32], loopback(0), Limits::USUAL)
                .await
                .unwrap();
        let dial = Dial {
            secret: WORKER_SECRET,
            coordinator: first_key(),
            addresses: impostor.addresses(),
        };
        let error = Worker::connect(dial, IMPATIENT).await.unwrap_err();
        assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
        impostor.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_dial_needs_an_address_and_a_key() {
    let dial = Dial { secret: WORKER_SECRET, coordinator: first_key(), addresses: Vec::new() };
    assert!(matches!(Worker::connect(dial, IMPATIENT).await, Err(ConnectError::NoAddress { .. })));
    let mut no_point = [0; 32];
    no_point[0] = 2;
    let dial = Dial {
        secret: WORKER_SECRET,
        coordinator: DeviceId::from_bytes(no_point),
        addresses: vec![loopback(9)],
    };
    assert!(matches!(Worker::connect(dial, IMPATIENT).await, Err(ConnectError::BadKey { .. })));
}

/// Returns the coordinator's key, for tests in which it does not run.
fn first_key() -> DeviceId {
    DeviceId::from_bytes(*iroh::SecretKey::from_bytes(&COORDINATOR_SECRET).public().as_bytes())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}
