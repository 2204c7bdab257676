//! The faults of the network in memory.

use std::{collections::BTreeSet, time::Duration};

use simulation::{
    Random,
    network::{Faults, MemoryNetwork, Quality},
};
use tokio::time::{Instant, sleep};
use transport::{Event, Limits, LostCause};
use units::Bps;

use crate::ground::{
    Ground, MIB, connected, content, device, dial, down, expect_disconnected, guarded, said, up,
};

const POOR: Quality = Quality {
    latency_min: Duration::from_millis(20),
    latency_max: Duration::from_millis(200),
    bytes_per_second: 200_000,
    ..Quality::GOOD
};

fn lossy() -> Quality {
    Quality { loss: Bps::new(3_000).unwrap(), ..POOR }
}

fn with(quality: Quality, seed: u64) -> (Ground, Faults) {
    let network = MemoryNetwork::new(quality, Random::new(seed));
    let faults = network.faults();
    (Ground::Memory(network), faults)
}

#[tokio::test(start_paused = true)]
async fn a_short_cut_delays_and_loses_nothing() {
    guarded(async {
        let (ground, faults) = with(Quality::GOOD, 1);
        let (listener, worker) = ground.pair(Limits::USUAL).await;
        faults.partition(BTreeSet::from([ground.host(2)]));
        let begun = Instant::now();
        worker.send(&up("one")).await.unwrap();
        listener.send(&device(2), &down("two")).unwrap();
        let healing = async {
            sleep(Limits::USUAL.idle / 2).await;
            faults.heal();
        };
        let ((), event, message) = tokio::join!(healing, listener.next_event(), worker.recv());
        assert_eq!((event, message.unwrap()), (said(2, "one"), down("two")));
        assert!(Limits::USUAL.idle / 2 < begun.elapsed());
        worker.close().await;
        assert_eq!(expect_disconnected(listener.as_ref(), 2).await, "left");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_cut_ends_connections_across_it_only() {
    guarded(async {
        let (ground, faults) = with(Quality::GOOD, 2);
        let (listener, near) = ground.pair(Limits::USUAL).await;
        let far = ground.connect(3, listener.as_ref(), Limits::USUAL).await;
        assert_eq!(listener.next_event().await, connected(3));
        listener.admit(&device(3));
        faults.partition(BTreeSet::from([ground.host(1), ground.host(2)]));
        let begun = Instant::now();
        assert_eq!(
            expect_disconnected(listener.as_ref(), 3).await,
            "timeout: the peer did not answer"
        );
        assert_eq!(begun.elapsed(), Limits::USUAL.idle);
        let lost = far.recv().await.unwrap_err();
        assert_eq!(
            (lost.cause, lost.reason.as_str()),
            (LostCause::Other, "timeout: the peer did not answer")
        );
        near.send(&up("here")).await.unwrap();
        assert_eq!(listener.next_event().await, said(2, "here"));
        // It comes back as soon as it can.
        let network = ground.network(3);
        let back = network.connect(dial(3, listener.as_ref()), Limits::USUAL);
        let healing = async {
            sleep(Duration::from_secs(3)).await;
            faults.heal();
        };
        let (back, ()) = tokio::join!(back, healing);
        let back = back.unwrap();
        assert_eq!(listener.next_event().await, connected(3));
        drop((back, near));
        listener.close().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crashed_machine_is_noticed_when_it_is_silent_for_too_long() {
    guarded(async {
        let (ground, faults) = with(Quality::GOOD, 3);
        let (listener, worker) = ground.pair(Limits::USUAL).await;
        faults.crash(ground.host(2));
        drop(worker);
        // It starts again before that: the new connection replaces the old one.
        let again = ground.connect(2, listener.as_ref(), Limits::USUAL).await;
        expect_disconnected(listener.as_ref(), 2).await;
        assert_eq!(listener.next_event().await, connected(2));
        faults.crash(ground.host(2));
        drop(again);
        let begun = Instant::now();
        assert_eq!(
            expect_disconnected(listener.as_ref(), 2).await,
            "timeout: the peer did not answer"
        );
        assert_eq!(begun.elapsed(), Limits::USUAL.idle);
        listener.close().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn broken_connections_end_at_once_on_both_sides() {
    guarded(async {
        let (ground, faults) = with(Quality::GOOD, 4);
        let (listener, worker) = ground.pair(Limits::USUAL).await;
        let begun = Instant::now();
        faults.break_connections(ground.host(2));
        expect_disconnected(listener.as_ref(), 2).await;
        assert!(worker.recv().await.is_err());
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let missing = worker.fetch(&units::Digest::ZERO, 1).await;
        assert!(missing.is_err());
        worker.close().await;
        listener.close().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_dial_is_not_answered() {
    guarded(async {
        let deaf = Quality { dials_lost: Bps::WHOLE, ..Quality::GOOD };
        let (ground, faults) = with(deaf, 5);
        let listener = ground.listen(Limits::USUAL).await;
        let begun = Instant::now();
        let network = ground.network(2);
        let lost = network.connect(dial(2, listener.as_ref()), Limits::USUAL).await;
        assert!(lost.unwrap_err().to_string().contains("no answer within 20 s"));
        assert_eq!(begun.elapsed(), Limits::USUAL.answer);
        faults.set_quality(Quality::GOOD);
        assert!(network.connect(dial(2, listener.as_ref()), Limits::USUAL).await.is_ok());
        listener.close().await;
    })
    .await;
}

/// Returns when each of fifty messages and a blob have arrived.
async fn arrivals(quality: Quality, seed: u64) -> Vec<Duration> {
    let (ground, _faults) = with(quality, seed);
    let begun = Instant::now();
    let (listener, worker) = ground.pair(Limits::USUAL).await;
    let mut arrivals = Vec::new();
    for index in 0..50 {
        worker.send(&up(&index.to_string())).await.unwrap();
    }
    for index in 0..50 {
        assert_eq!(listener.next_event().await, said(2, &index.to_string()));
        arrivals.push(begun.elapsed());
    }
    let digest = listener.publish(content(200_000, 1)).await.unwrap();
    assert_eq!(worker.fetch(&digest, MIB).await.unwrap(), content(200_000, 1));
    arrivals.push(begun.elapsed());
    worker.close().await;
    assert!(matches!(listener.next_event().await, Some(Event::Disconnected { .. })));
    listener.close().await;
    arrivals
}

#[tokio::test(start_paused = true)]
async fn loss_delays_and_the_seed_says_by_how_much() {
    guarded(async {
        let [clean, lost] = [arrivals(POOR, 6).await, arrivals(lossy(), 6).await];
        assert!(clean.iter().zip(&lost).filter(|(clean, lost)| clean < lost).count() > 40);
        assert_eq!(arrivals(lossy(), 6).await, lost);
        assert_ne!(arrivals(lossy(), 7).await, lost);
        // 200 kB at 200 kB a second.
        assert!(clean[50] - clean[49] >= Duration::from_secs(1), "{clean:?}");
        assert!(*lost.last().unwrap() < Duration::from_secs(30), "{lost:?}");
    })
    .await;
}
