//! Attacks of the review on the listener of commit 6f1cecb. Every test passes when its attack succeeds. `run.sh` copies this file into
//! `crates/transport/tests/it` of that commit.

use iroh::{
    Endpoint, EndpointAddr, EndpointId, RelayMode, SecretKey,
    endpoint::{Connection, presets},
};
use transport::{Dial, Event, Limits, WorkerEndpoint};

use crate::{Coordinator, content, coordinator, guarded, loopback, pair};

/// Connections for blobs need no greeting.
const BLOBS: &[u8] = b"gleaner/blobs/1";

/// Connections that the coordinator accepts in all.
const CONNECTIONS_MAX: usize = 1024;

async fn stranger(key: u8) -> Endpoint {
    Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .secret_key(SecretKey::from_bytes(&[key; 32]))
        .clear_ip_transports()
        .bind_addr(loopback(0))
        .unwrap()
        .bind()
        .await
        .unwrap()
}

async fn dial(endpoint: &Endpoint, coordinator: &Coordinator) -> Option<Connection> {
    let id = EndpointId::from_bytes(coordinator.device().as_bytes()).unwrap();
    let address = EndpointAddr::new(id).with_ip_addr(coordinator.addresses()[0]);
    endpoint.connect(address, BLOBS).await.ok()
}

/// One key, which has no seat, opens connections until nobody else can.
#[tokio::test]
async fn a14_one_key_takes_every_connection() {
    let coordinator = coordinator(Limits::USUAL).await;
    let greedy = stranger(66).await;
    let mut held = Vec::new();
    while held.len() < CONNECTIONS_MAX {
        match dial(&greedy, &coordinator).await {
            Some(connection) => held.push(connection),
            None => break,
        }
    }
    let dial = Dial {
        secret: [2; 32],
        coordinator: coordinator.device(),
        addresses: coordinator.addresses(),
    };
    let limits = Limits { answer: std::time::Duration::from_secs(2), ..Limits::USUAL };
    let honest = WorkerEndpoint::<String, String>::connect(dial, limits).await;
    let why = honest.as_ref().err().map(ToString::to_string).unwrap_or_default();
    println!("a14: one key holds {} connections; a worker's dial: {why}", held.len());
    assert!(honest.is_err());
}

#[tokio::test]
async fn a14_blobs_are_served_to_strangers() {
    guarded(async {
        let (coordinator, _worker) = pair(Limits::USUAL).await;
        let digest = coordinator.publish(content(5_000, 1)).await.unwrap();
        let dial = Dial {
            secret: [9; 32],
            coordinator: coordinator.device(),
            addresses: coordinator.addresses(),
        };
        let anybody = WorkerEndpoint::<String, String>::connect(dial, Limits::USUAL).await.unwrap();
        let fetched = anybody.fetch(&digest, 5_000).await;
        println!("a14: a device that the run does not know fetched {} bytes", fetched.as_ref().unwrap().len());
        assert_eq!(fetched.unwrap(), content(5_000, 1));
    })
    .await;
}

/// All devices share one queue of events, first come, first served.
#[tokio::test]
async fn a14_a_flood_of_one_device_delays_the_others() {
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
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            quiet.send(&"one word".to_owned()).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let mut before = 0;
            while coordinator.next_event().await
                != crate::message(quiet.device(), "one word")
            {
                before += 1;
            }
            before
        };
        let before = tokio::select! {
            () = flooding => panic!("the loud device was disconnected"),
            before = asking => before,
        };
        println!("a14: {before} messages of a loud device came before one of a quiet device");
        assert!(before > 100, "{before}");
    })
    .await;
}
