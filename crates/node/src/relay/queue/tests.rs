use super::*;
use crate::{producer, relay::statement::Way};
use alloy_primitives::{Address, Bytes};
use std::time::Duration;
use tokio::sync::oneshot::{Receiver, channel, error::TryRecvError};

type Outcome = Receiver<Result<B256, StatementError>>;

fn accepted(device: u8, text: u8, client: [u8; 4]) -> Accepted {
    let statement = Statement {
        to: Address::ZERO,
        data: Bytes::from(vec![device, text]),
        author: Author::Device(B256::repeat_byte(device)),
        way: Way::Batch,
        is_gift: false,
    };
    let share = Share::of(&statement, client.into());
    Accepted { statement, share, gas: 1, height: 1 }
}

fn push(queue: &mut Queue, accepted: Accepted) -> Result<Outcome, StatementError> {
    let (answer, outcome) = channel();
    queue.push(accepted, answer, producer::now()).map(|()| outcome)
}

fn devices(next: &[(Arrival, Accepted)]) -> Vec<u8> {
    next.iter().map(|(_, accepted)| accepted.statement.data[0]).collect()
}

#[test]
fn a_device_that_sends_much_waits_behind_one_that_sends_little() {
    let mut queue = Queue::default();
    for text in 0..4 {
        push(&mut queue, accepted(1, text, [10, 0, 0, 1])).unwrap();
    }
    let error = push(&mut queue, accepted(1, 9, [10, 0, 0, 1])).unwrap_err();
    assert!(error.to_string().starts_with("4 statements of this device wait already"), "{error}");
    push(&mut queue, accepted(2, 0, [10, 0, 0, 1])).unwrap();
    assert_eq!(devices(&queue.next(9)), [1, 2, 1, 1, 1]);
    assert_eq!(devices(&queue.next(2)), [1, 2]);
}

#[test]
fn many_devices_at_one_address_wait_behind_one_at_another() {
    let mut queue = Queue::default();
    for device in 1..=9 {
        push(&mut queue, accepted(device, 0, [10, 0, 0, 1])).unwrap();
    }
    push(&mut queue, accepted(20, 0, [10, 0, 0, 2])).unwrap();
    push(&mut queue, accepted(21, 0, [10, 0, 0, 2])).unwrap();
    assert_eq!(devices(&queue.next(4)), [1, 20, 2, 21]);
}

#[test]
fn the_queue_and_the_share_of_an_address_are_bounded() {
    let mut queue = Queue::default();
    let of = |number: usize, client| {
        let mut accepted = accepted(1, 1, client);
        accepted.statement.data = number.to_be_bytes().to_vec().into();
        accepted.share.author = Payer::Device(B256::left_padding_from(&number.to_be_bytes()));
        accepted
    };
    for number in 0..WAITING_PER_CLIENT_MAX {
        push(&mut queue, of(number, [10, 0, 0, 1])).unwrap();
    }
    let error = push(&mut queue, of(5_000, [10, 0, 0, 1])).unwrap_err();
    assert!(error.to_string().starts_with("1024 statements of this address"), "{error}");
    for number in WAITING_PER_CLIENT_MAX..WAITING_MAX {
        let client = u8::try_from(number / WAITING_PER_CLIENT_MAX).unwrap();
        push(&mut queue, of(number, [10, 0, 1, client])).unwrap();
    }
    let error = push(&mut queue, of(5_000, [10, 0, 0, 9])).unwrap_err();
    assert!(error.to_string().starts_with("4096 statements of everyone"), "{error}");
}

#[test]
fn the_same_statement_waits_once_and_all_who_sent_it_are_told() {
    let mut queue = Queue::default();
    let mut first = push(&mut queue, accepted(1, 1, [10, 0, 0, 1])).unwrap();
    let mut second = push(&mut queue, accepted(1, 1, [10, 0, 0, 2])).unwrap();
    assert_eq!(queue.next(9).len(), 1);
    assert_eq!(first.try_recv().unwrap_err(), TryRecvError::Empty);
    let (arrival, sent) = queue.next(1).remove(0);
    let hash = B256::repeat_byte(5);
    queue.answer(arrival, &Ok(hash));
    assert_eq!(first.try_recv().unwrap().unwrap(), hash);
    assert_eq!(second.try_recv().unwrap().unwrap(), hash);
    assert!(queue.is_empty());
    // Until it is in a block, it is the same transaction still.
    let mut third = push(&mut queue, accepted(1, 1, [10, 0, 0, 3])).unwrap();
    assert_eq!(third.try_recv().unwrap().unwrap(), hash);
    queue.settle(&sent, false, producer::now());
    push(&mut queue, accepted(1, 1, [10, 0, 0, 3])).unwrap();
    assert_eq!(queue.next(9).len(), 1);
}

#[test]
fn who_waits_is_told_when_the_node_stops() {
    let mut queue = Queue::default();
    let mut outcome = push(&mut queue, accepted(1, 1, [10, 0, 0, 1])).unwrap();
    queue.stop(&StatementError::Stopping);
    let error = outcome.try_recv().unwrap().unwrap_err();
    assert!(error.to_string().starts_with("the node is stopping"), "{error}");
    assert!(push(&mut queue, accepted(1, 2, [10, 0, 0, 1])).is_err());
}

#[test]
fn a_device_that_the_ledger_refuses_is_slowed() {
    let mut queue = Queue::default();
    push(&mut queue, accepted(1, 1, [10, 0, 0, 1])).unwrap();
    let (arrival, sent) = queue.next(1).remove(0);
    queue.answer(arrival, &Ok(B256::ZERO));
    queue.settle(&sent, true, producer::now());
    let error = push(&mut queue, accepted(1, 2, [10, 0, 0, 1])).unwrap_err();
    assert!(error.to_string().starts_with("too many statements"), "{error}");
    push(&mut queue, accepted(2, 2, [10, 0, 0, 1])).unwrap();
}

#[test]
fn an_ipv6_network_is_one_client() {
    let client = |text: &str| Client::of(text.parse().unwrap());
    assert_eq!(client("2001:db8::1"), client("2001:db8::2:1"));
    assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
    assert_eq!(client("::ffff:10.0.0.1"), client("10.0.0.1"));
    assert_ne!(client("10.0.0.2"), client("10.0.0.1"));
}

/// A statement that nobody pays for, of a device of this number.
fn gift(device: u16, client: [u8; 4]) -> Accepted {
    let [high, low] = device.to_be_bytes();
    let mut accepted = accepted(high, low, client);
    accepted.statement.data = Bytes::from(vec![9, high, low]);
    accepted.share.author = Payer::Device(B256::left_padding_from(&accepted.statement.data));
    accepted.share.is_gift = true;
    accepted
}

fn push_at(queue: &mut Queue, accepted: Accepted, now: Instant) -> Result<(), StatementError> {
    queue.push(accepted, channel().0, now)
}

#[test]
fn what_nobody_pays_for_takes_of_the_allowance_of_its_address() {
    let (mut queue, now) = (Queue::default(), producer::now());
    let [many, other] = [[10, 0, 0, 1], [10, 0, 0, 2]];
    let charge = |queue: &mut Queue, at| {
        (0..500).filter(|it| queue.charge(&gift(*it, many).share, at).is_ok()).count()
    };
    assert_eq!(charge(&mut queue, now), 128);
    let error = push_at(&mut queue, gift(500, many), now).unwrap_err();
    assert!(error.to_string().starts_with("too many statements"), "{error}");
    push_at(&mut queue, gift(500, other), now).unwrap();
    // Work goes on.
    push_at(&mut queue, accepted(7, 7, many), now).unwrap();
    // Later it has its allowance again, and no more.
    assert_eq!(charge(&mut queue, now + Duration::from_secs(36_000)), 128);
}

#[test]
fn gifts_of_very_many_addresses_are_few_and_hold_no_work_up() {
    let (mut queue, now) = (Queue::default(), producer::now());
    for number in 0..512 {
        let [high, low] = u16::to_be_bytes(number);
        push_at(&mut queue, gift(number, [10, high, low, 1]), now).unwrap();
    }
    let error = push_at(&mut queue, gift(999, [10, 9, 0, 1]), now).unwrap_err();
    assert!(error.to_string().starts_with("512 statements of everyone, for which"), "{error}");
    for device in 1..=3 {
        push_at(&mut queue, accepted(device, 200, [10, 10, 0, 1]), now).unwrap();
    }
    let next = queue.next(128);
    let work = next.iter().filter(|(_, accepted)| !accepted.share.is_gift).count();
    assert_eq!((next.len(), work), (GIFTS_AT_ONCE + 3, 3));
    // Nor are there more in the long run.
    let mut taken = 0;
    for client in 0..=255 {
        for number in 0..4 {
            let device = 1_000 + 4 * u16::from(client) + number;
            let share = gift(device, [10, 11, client, 1]).share;
            taken += usize::from(queue.charge(&share, now).is_ok());
        }
    }
    assert_eq!(taken, 1_024 - 512);
}

#[test]
fn few_gifts_of_one_address_wait() {
    let (mut queue, now) = (Queue::default(), producer::now());
    for number in 0..128 {
        push_at(&mut queue, gift(number, [10, 0, 0, 1]), now).unwrap();
    }
    let error = push_at(&mut queue, gift(999, [10, 0, 0, 1]), now).unwrap_err();
    assert!(error.to_string().starts_with("128 statements of this address, for which"), "{error}");
}
