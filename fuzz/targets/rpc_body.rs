//! Bodies of JSON-RPC requests, over a real connection: the server answers each, and goes on.
#![no_main]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::OnceLock,
};

use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

fn address() -> SocketAddr {
    static SERVER: OnceLock<(Runtime, rpc::Handle)> = OnceLock::new();
    let (_, handle) = SERVER.get_or_init(|| {
        let runtime = Runtime::new().expect("a runtime");
        let node = gleaner_fuzz::node().clone();
        let serve = rpc::serve(node, ([127, 0, 0, 1], 0).into(), rpc::Options::STANDARD);
        let handle = runtime.block_on(serve).expect("a port");
        (runtime, handle)
    });
    handle.local_addr()
}

fuzz_target!(|body: &[u8]| {
    thread_local!(static STREAM: std::cell::RefCell<Option<BufReader<TcpStream>>> = const { std::cell::RefCell::new(None) });
    STREAM.with_borrow_mut(|kept| {
        let stream = kept.get_or_insert_with(|| BufReader::new(TcpStream::connect(address()).expect("it listens")));
        let head = format!(
            "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), body].concat()).expect("it reads");
        let (mut line, mut size) = (String::new(), 0);
        loop {
            line.clear();
            assert!(stream.read_line(&mut line).expect("it answers") > 0, "it answers");
            if line == "\r\n" {
                break;
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                size = text.trim().parse().expect("a size");
            }
        }
        stream.read_exact(&mut vec![0; size]).expect("the whole answer");
    });
});
