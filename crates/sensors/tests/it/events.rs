//! What is told at once.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use sensors::{Event, EventKind, Metered, Options, Seen, Sense, Sensors, Watcher};

use crate::tree::Tree;

/// On a machine with little else to do an event comes within a millisecond; after so long it never will.
const NEVER: Duration = Duration::from_secs(60);

fn watch(sensors: &Sensors) -> (Watcher, Receiver<Event>) {
    let (told, events) = channel();
    let watcher = sensors.watch(move |event| drop(told.send(event))).unwrap();
    (watcher, events)
}

/// Waits for an event of a kind.
#[track_caller]
fn wait(events: &Receiver<Event>, kind: EventKind) -> Event {
    loop {
        let event = events.recv_timeout(NEVER).unwrap();
        if event.kind == kind {
            return event;
        }
    }
}

/// Makes a pipe that looks like an input device, and opens it for writing.
fn device(tree: &Tree, name: &str, events: &str) -> File {
    tree.write(&format!("sys/class/input/{name}/device/capabilities/ev"), events);
    tree.write("dev/input/.keep", "");
    let path = tree.options().root.join("dev/input").join(name);
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
    // Opened for both, a pipe needs no reader to be opened; and it stays open when the reader closes.
    OpenOptions::new().read(true).write(true).custom_flags(0o4000).open(path).unwrap()
}

#[test]
fn a_key_of_an_input_device_is_told_and_noted() {
    let tree = Tree::new();
    let mut keyboard = device(&tree, "event3", "120013\n");
    let mut sensors = tree.sensors();
    let (_watcher, events) = watch(&sensors);
    for _ in 0..3 {
        keyboard.write_all(&[1; 24]).unwrap();
        let event = wait(&events, EventKind::Input);
        assert_eq!(event.source, "/dev/input/event3");
        let Seen::Known(input) = sensors.read(sensors::now()).input.seen else { panic!("unknown") };
        assert!(event.at <= input.last.unwrap());
    }
}

#[test]
fn a_device_that_is_plugged_in_later_is_listened_to() {
    let tree = Tree::new();
    tree.write("dev/input/.keep", "");
    let (_watcher, events) = watch(&tree.sensors());
    let mut mouse = device(&tree, "event4", "17\n");
    mouse.write_all(&[1; 24]).unwrap();
    assert_eq!(wait(&events, EventKind::Input).source, "/dev/input/event4");
}

#[test]
fn input_devices_make_a_display_known_if_all_may_be_read() {
    let tree = Tree::new();
    tree.write(
        "proc/net/unix",
        "Num\n0: 00000002 00000000 00010000 0001 01 1 /tmp/.X11-unix/X4321\n",
    );
    let _keyboard = device(&tree, "event3", "120013\n");
    let mut sensors = tree.sensors();
    let (watcher, _events) = watch(&sensors);
    assert!(matches!(sensors.read(sensors::now()).input.seen, Seen::Known(_)));
    drop(watcher);
    // A button of the case alone says nothing of keyboard and pointer.
    tree.write("sys/class/input/event3/device/capabilities/ev", "3\n");
    let (_watcher, _events) = watch(&sensors);
    let Seen::Unknown(reason) = sensors.read(sensors::now()).input.seen else { panic!("known") };
    assert!(reason.contains("display :4321"), "{reason}");
}

#[test]
fn a_device_that_never_rests_is_not_listened_to() {
    let tree = Tree::new();
    tree.write("sys/class/input/event9/device/properties", "40\n");
    let mut sensor = device(&tree, "event9", "9\n");
    let mut keyboard = device(&tree, "event3", "120013\n");
    let (_watcher, events) = watch(&tree.sensors());
    sensor.write_all(&[1; 24]).unwrap();
    keyboard.write_all(&[1; 24]).unwrap();
    assert_eq!(wait(&events, EventKind::Input).source, "/dev/input/event3");
}

#[test]
fn what_is_typed_at_a_terminal_is_told() {
    // A terminal of this machine, in the tree of a test: the kernel knows it by its file, not by its path.
    let tree = Tree::new();
    let terminal =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY)
            .unwrap();
    rustix::pty::grantpt(&terminal).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    tree.link("dev/pts/7", &name);
    let program =
        OpenOptions::new().read(true).write(true).custom_flags(0o400).open(&name).unwrap();
    let (_watcher, events) = watch(&tree.sensors());
    for _ in 0..3 {
        rustix::io::write(&terminal, b"a line\n").unwrap();
        let mut line = [0; 64];
        assert_eq!(rustix::io::read(&program, &mut line).unwrap(), 7);
        assert_eq!(wait(&events, EventKind::Input).source, "/dev/pts/7");
    }
}

#[test]
fn an_unplugged_adapter_is_told() {
    let tree = Tree::new();
    let supply = |name: &str, key: &str, value: &str| {
        tree.write(&format!("sys/class/power_supply/{name}/{key}"), value);
    };
    supply("AC", "type", "Mains");
    supply("AC", "online", "1");
    for (key, value) in [("type", "Battery"), ("capacity", "90"), ("status", "Full")] {
        supply("BAT0", key, value);
    }
    let mut sensors = tree.sensors();
    let (_watcher, events) = watch(&sensors);
    wait(&events, EventKind::Power);
    supply("AC", "online", "0");
    wait(&events, EventKind::Power);
    let Seen::Known(power) = sensors.read(sensors::now()).power.seen else { panic!("unknown") };
    assert!(!power.is_on_mains);
}

#[test]
fn a_display_that_refuses_is_unknown_with_its_reason() {
    let tree = Tree::new();
    tree.write(
        "proc/net/unix",
        "Num\n0: 00000002 00000000 00010000 0001 01 1 /run/user/77/wayland-3\n",
    );
    tree.write("run/user/77/.keep", "");
    let socket = tree.options().root.join("run/user/77/wayland-3");
    let listener = UnixListener::bind(socket).unwrap();
    let mut sensors = tree.sensors();
    let (_watcher, _events) = watch(&sensors);
    // A compositor that hangs up.
    drop(listener.accept().unwrap());
    loop {
        let Seen::Unknown(reason) = sensors.read(sensors::now()).input.seen else {
            panic!("known")
        };
        if reason.contains("cannot be watched") {
            break;
        }
        assert!(reason.contains("has not answered yet"), "{reason}");
        std::thread::yield_now();
    }
}

#[test]
fn an_exclusive_program_that_lives_for_a_moment_is_told_where_the_kernel_tells() {
    let folder = tempfile::tempdir().unwrap();
    let game = folder.path().join("gleaner-game");
    std::fs::copy("/bin/true", &game).unwrap();
    let options = Options {
        root: "/".into(),
        own_process: std::process::id(),
        disk: ".".into(),
        exclusive: vec!["gleaner-game".into()],
        metered: Metered::No,
    };
    let mut sensors = Sensors::new(options);
    let (_watcher, events) = watch(&sensors);
    // Until it is waited for, its name can be read.
    let mut child = std::process::Command::new(&game).spawn().unwrap();
    // Only services may listen to programs that begin, up to Linux 6.6; others search every two seconds.
    if rustix::process::geteuid().is_root() {
        assert_eq!(wait(&events, EventKind::Exclusive).source, "gleaner-game");
        let Seen::Known(names) = sensors.read(sensors::now()).exclusive.seen else {
            panic!("unknown")
        };
        assert_eq!(names, ["gleaner-game"]);
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_watcher_ends_when_it_is_dropped() {
    let tree = Tree::new();
    let (watcher, events) = watch(&tree.sensors());
    drop(watcher);
    // The callback is dropped with the last thread.
    loop {
        match events.recv_timeout(NEVER) {
            Ok(_) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
            Err(error) => panic!("{error}"),
        }
    }
}
