//! An attack of the review on the RPC server of commit 6f1cecb. The test passes when the attack succeeds. `run.sh` copies this file into
//! `crates/rpc/tests/it` of that commit.

use crate::support::{Served, any_port};
use rpc::Options;
use tokio::{io::AsyncReadExt, net::{TcpSocket, TcpStream}};

async fn connect_from(ip: [u8; 4], to: std::net::SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((ip, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// One client opens connections until nobody else is answered.
#[tokio::test]
async fn a14_one_client_takes_every_connection() {
    let served = Served::start().await;
    let handle = rpc::serve(served.node.clone(), any_port(), Options::STANDARD).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..Options::STANDARD.connections_max {
        held.push(connect_from([127, 0, 0, 2], handle.local_addr()).await);
    }
    let mut answer = String::new();
    let mut other = connect_from([127, 0, 0, 3], handle.local_addr()).await;
    let _ = other.read_to_string(&mut answer).await;
    println!("a14: one client holds {} connections; another: {}", held.len(), answer.lines().next().unwrap_or(""));
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}
