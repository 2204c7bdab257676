//! A real X server, where there is one to start (Xvfb); where there is none, the sensors have to say that they reach no display.

use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use sensors::{Event, EventKind, Seen, Sense, Sensors};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, CreateWindowAux, InputFocus, PropMode, Window, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::tree::Tree;

/// After so long an event will never come.
const NEVER: Duration = Duration::from_secs(60);

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It is ours, and whatever its state, it is to end.
        let _ended = (self.0.kill(), self.0.wait());
    }
}

/// Starts an X server with a number of its own.
fn server(keys: Option<&std::path::Path>) -> Option<(Server, String)> {
    let mut command = Command::new("Xvfb");
    // It chooses a free number, and writes it to its output.
    command.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]);
    if let Some(keys) = keys {
        command.arg("-auth").arg(keys);
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut output = child.stdout.take()?;
    let server = Server(child);
    let mut number = String::new();
    while !number.ends_with('\n') {
        let mut byte = [0];
        std::io::Read::read_exact(&mut output, &mut byte).unwrap();
        number.push(char::from(byte[0]));
    }
    let name = format!(":{}", number.trim());
    Some((server, name))
}

fn tree(display: &str) -> Tree {
    let tree = Tree::new();
    let number = display.trim_start_matches(':');
    tree.write(
        "proc/net/unix",
        &format!("Num\n0: 00000002 00000000 00010000 0001 01 1 @/tmp/.X11-unix/X{number}\n"),
    );
    tree
}

#[track_caller]
fn wait(events: &Receiver<Event>) -> Event {
    loop {
        let event = events.recv_timeout(NEVER).unwrap();
        if event.kind == EventKind::Input {
            return event;
        }
    }
}

/// Reads until the display has been asked again, and a reading fits.
#[track_caller]
fn until(sensors: &mut Sensors, fits: impl Fn(&sensors::Readings) -> bool) {
    for _ in 0..12_000 {
        if fits(&sensors.read(sensors::now())) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("never: {:?}", sensors.read(sensors::now()));
}

/// A window as large as the screen, of a program with a name.
fn window(connection: &RustConnection, name: &str) -> Window {
    let screen = &connection.setup().roots[0];
    let window = connection.generate_id().unwrap();
    let (width, height) = (screen.width_in_pixels, screen.height_in_pixels);
    connection
        .create_window(
            0,
            window,
            screen.root,
            0,
            0,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            screen.root_visual,
            &CreateWindowAux::new(),
        )
        .unwrap();
    let class = format!("{name}\0{name}\0");
    connection
        .change_property8(
            PropMode::REPLACE,
            window,
            AtomEnum::WM_CLASS,
            AtomEnum::STRING,
            class.as_bytes(),
        )
        .unwrap();
    connection.map_window(window).unwrap();
    connection.sync().unwrap();
    window
}

#[test]
fn keys_pointer_and_full_screens_of_a_display_are_seen() {
    let Some((_server, name)) = server(None) else {
        // Nothing listens there: the sensors must not call such a machine idle.
        let tree = tree(":4322");
        let mut sensors = tree.sensors();
        let _watcher = sensors.watch(|_| {}).unwrap();
        until(
            &mut sensors,
            |readings| matches!(&readings.input.seen, Seen::Unknown(reason) if reason.contains("cannot be reached")),
        );
        return;
    };
    let (connection, _) = RustConnection::connect(Some(&name)).unwrap();
    let tree = tree(&name);
    let mut sensors = tree.sensors();
    let (told, events) = channel();
    let _watcher = sensors.watch(move |event| drop(told.send(event))).unwrap();
    until(&mut sensors, |readings| {
        matches!(readings.input.seen, Seen::Known(_))
            && readings.full_screen.seen == Seen::Known(None)
    });
    let root = connection.setup().roots[0].root;
    // Key press, button press, motion.
    for (kind, detail) in [(2, 38), (4, 1), (6, 0)] {
        connection.xtest_fake_input(kind, detail, 0, root, 9, 9, 0).unwrap();
        connection.sync().unwrap();
        assert_eq!(wait(&events).source, format!("display {name}"));
    }
    let film = window(&connection, "player");
    connection.set_input_focus(InputFocus::POINTER_ROOT, film, 0_u32).unwrap();
    connection.sync().unwrap();
    until(&mut sensors, |readings| readings.full_screen.seen == Seen::Known(Some("player".into())));
    // With a window manager, what it says counts.
    let atom =
        |name: &str| connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
    let (clients, state) = (atom("_NET_CLIENT_LIST"), atom("_NET_WM_STATE"));
    connection
        .change_property32(PropMode::REPLACE, root, clients, AtomEnum::WINDOW, &[film])
        .unwrap();
    connection.sync().unwrap();
    until(&mut sensors, |readings| readings.full_screen.seen == Seen::Known(None));
    let full = [atom("_NET_WM_STATE_FULLSCREEN")];
    connection.change_property32(PropMode::REPLACE, film, state, AtomEnum::ATOM, &full).unwrap();
    connection.sync().unwrap();
    until(&mut sensors, |readings| readings.full_screen.seen == Seen::Known(Some("player".into())));
}

#[test]
fn a_display_with_a_key_is_seen_by_whoever_may_read_the_key() {
    let tree = Tree::new();
    let key = "0123456789abcdef";
    let mut entry = vec![1, 0];
    for part in ["", "", "MIT-MAGIC-COOKIE-1", key] {
        entry.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
        entry.extend(part.as_bytes());
    }
    let file = tree.options().root.join("keys");
    std::fs::write(&file, entry).unwrap();
    // Without a server to start there is nothing that could refuse; the other test says what is told then.
    let Some((_server, name)) = server(Some(&file)) else { return };
    assert!(RustConnection::connect(Some(&name)).is_err(), "the server lets everybody in");
    tree.write(
        "proc/net/unix",
        &format!("Num\n0: 00000002 00000000 00010000 0001 01 1 @/tmp/.X11-unix/X{}\n", &name[1..]),
    );
    let mut sensors = tree.sensors();
    let watcher = sensors.watch(|_| {}).unwrap();
    until(
        &mut sensors,
        |readings| matches!(&readings.input.seen, Seen::Unknown(reason) if reason.contains("cannot be reached")),
    );
    drop(watcher);
    tree.process(900, "Xorg", 0);
    tree.write("proc/900/cmdline", "/usr/lib/xorg/Xorg\0-displayfd\x003\0-auth\0/keys\0");
    let _watcher = sensors.watch(|_| {}).unwrap();
    until(&mut sensors, |readings| matches!(readings.input.seen, Seen::Known(_)));
}
