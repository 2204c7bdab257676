//! A Wayland compositor made with another implementation of the protocol.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use sensors::{EventKind, Seen, Sense};
use wayland_protocols::ext::idle_notify::v1::server::ext_idle_notification_v1::{
    self, ExtIdleNotificationV1,
};
use wayland_protocols::ext::idle_notify::v1::server::ext_idle_notifier_v1::{
    self, ExtIdleNotifierV1,
};
use wayland_server::protocol::wl_seat::{self, WlSeat};
use wayland_server::{
    Client, DataInit, Dispatch, Display, DisplayHandle, GlobalDispatch, ListeningSocket, New,
};

use crate::tree::Tree;

/// What the compositor is told to do.
#[derive(Clone, Copy, Debug)]
enum Order {
    Idle,
    Resume,
}

/// What the compositor has been asked for: notices that heed programs which keep the display awake, and those that do not.
#[derive(Debug, Default)]
struct Compositor {
    heeding: Vec<ExtIdleNotificationV1>,
    input: Vec<ExtIdleNotificationV1>,
}

impl GlobalDispatch<WlSeat, ()> for Compositor {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        new: New<WlSeat>,
        _: &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(new, ()).capabilities(wl_seat::Capability::Keyboard);
    }
}

impl Dispatch<WlSeat, ()> for Compositor {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &WlSeat,
        _: wl_seat::Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
    }
}

impl GlobalDispatch<ExtIdleNotifierV1, ()> for Compositor {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        new: New<ExtIdleNotifierV1>,
        _: &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(new, ());
    }
}

impl Dispatch<ExtIdleNotifierV1, ()> for Compositor {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &ExtIdleNotifierV1,
        request: ext_idle_notifier_v1::Request,
        _: &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        match request {
            ext_idle_notifier_v1::Request::GetIdleNotification { id, timeout, .. } => {
                assert_eq!(timeout, 2_000);
                state.heeding.push(init.init(id, ()));
            }
            ext_idle_notifier_v1::Request::GetInputIdleNotification { id, timeout, .. } => {
                assert_eq!(timeout, 200);
                state.input.push(init.init(id, ()));
            }
            _ => {}
        }
    }
}

impl Dispatch<ExtIdleNotificationV1, ()> for Compositor {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ExtIdleNotificationV1,
        _: ext_idle_notification_v1::Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
    }
}

/// Plays the compositor until told to stop, or until the test is over.
fn play(
    socket: ListeningSocket,
    has_notifier: bool,
    orders: Receiver<Order>,
    asked: Sender<()>,
    ends: &AtomicBool,
) {
    let mut display = Display::<Compositor>::new().unwrap();
    let mut handle = display.handle();
    handle.create_global::<Compositor, WlSeat, ()>(7, ());
    if has_notifier {
        handle.create_global::<Compositor, ExtIdleNotifierV1, ()>(2, ());
    }
    let mut state = Compositor::default();
    let mut is_told = false;
    while !ends.load(Ordering::Relaxed) {
        if let Some(stream) = socket.accept().unwrap() {
            let stream: UnixStream = stream;
            handle.insert_client(stream, Arc::new(())).unwrap();
        }
        display.dispatch_clients(&mut state).unwrap();
        if state.input.len() == 1 && state.heeding.len() == 1 && !is_told {
            is_told = true;
            asked.send(()).unwrap();
        }
        for order in orders.try_iter() {
            for notice in state.input.iter().chain(&state.heeding) {
                match order {
                    Order::Idle => notice.idled(),
                    Order::Resume => notice.resumed(),
                }
            }
        }
        display.flush_clients().unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
}

struct Played {
    tree: Tree,
    orders: Sender<Order>,
    asked: Receiver<()>,
    ends: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Played {
    fn begin(has_notifier: bool) -> Self {
        let tree = Tree::new();
        tree.write(
            "proc/net/unix",
            "Num\n0: 00000002 00000000 00010000 0001 01 1 /run/user/1000/wayland-0\n",
        );
        tree.write("run/user/1000/.keep", "");
        let path = tree.options().root.join("run/user/1000/wayland-0");
        let socket = ListeningSocket::bind_absolute(path).unwrap();
        let ((orders, received), (told, asked)) = (channel(), channel());
        let ends = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ends);
        let thread = std::thread::spawn(move || play(socket, has_notifier, received, told, &until));
        Self { tree, orders, asked, ends, thread: Some(thread) }
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let played = self.thread.take().unwrap().join();
        assert!(std::thread::panicking() || played.is_ok(), "the compositor failed");
    }
}

#[test]
fn input_of_a_compositor_is_told_and_its_idle_seats_are_known() {
    let played = Played::begin(true);
    let mut sensors = played.tree.sensors();
    let (told, events) = channel();
    let _watcher = sensors.watch(move |event| drop(told.send(event))).unwrap();
    played.asked.recv_timeout(Duration::from_secs(60)).unwrap();
    for _ in 0..3 {
        played.orders.send(Order::Idle).unwrap();
        played.orders.send(Order::Resume).unwrap();
        let event = loop {
            let event = events.recv_timeout(Duration::from_secs(60)).unwrap();
            if event.kind == EventKind::Input {
                break event;
            }
        };
        assert!(event.source.ends_with("wayland-0"), "{event:?}");
    }
    // The compositor answers once a second.
    let readings = loop {
        let readings = sensors.read(sensors::now());
        match readings.input.seen {
            Seen::Known(_) => break readings,
            Seen::Unknown(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert_eq!(readings.full_screen.seen, Seen::Known(None));
}

#[test]
fn a_compositor_without_the_protocol_is_unknown() {
    let played = Played::begin(false);
    let mut sensors = played.tree.sensors();
    let _watcher = sensors.watch(|_| {}).unwrap();
    loop {
        let Seen::Unknown(reason) = sensors.read(sensors::now()).input.seen else {
            panic!("known");
        };
        if reason.contains("ext-idle-notify-v1") {
            assert!(reason.contains("group `input`"), "{reason}");
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
