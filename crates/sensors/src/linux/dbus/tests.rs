use super::*;

/// An answer to call 2 with the given body, as a bus sends it: a signal before it, fields in another order.
fn messages(kind: u8, signature: &[u8], body: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    for (kind, serial, body) in [(4, None, &[][..]), (kind, Some(QUESTION), body)] {
        let mut fields = Vec::new();
        fields.extend([6, 1, b's', 0]);
        string(&mut fields, ":1.42");
        align(&mut fields, 8);
        fields.extend([8, 1, b'g', 0, u8::try_from(signature.len()).unwrap()]);
        fields.extend(signature);
        fields.push(0);
        if let Some(serial) = serial {
            align(&mut fields, 8);
            fields.extend([5, 1, b'u', 0]);
            fields.extend(serial.to_le_bytes());
        }
        let mut message = vec![b'l', kind, 1, 1];
        message.extend(size(body).to_le_bytes());
        message.extend(9_u32.to_le_bytes());
        message.extend(size(&fields).to_le_bytes());
        message.extend(fields);
        align(&mut message, 8);
        message.extend(body);
        all.extend(message);
    }
    all
}

#[track_caller]
fn check(kind: u8, signature: &[u8], body: &[u8], expected: Result<Value, &str>) {
    let found = answer(&mut messages(kind, signature, body).as_slice());
    assert_eq!(found.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
}

#[test]
fn flags_and_numbers_are_read() {
    check(2, b"v", b"\x01b\0\0\x01\0\0\0", Ok(Value::Flag(true)));
    check(2, b"v", b"\x01b\0\0\0\0\0\0", Ok(Value::Flag(false)));
    check(2, b"v", b"\x01u\0\0\x04\0\0\0", Ok(Value::Number(4)));
    check(2, b"v", b"\x01t\0\0\0\0\0\0\x07\0\0\0\x01\0\0\0", Ok(Value::Number((1 << 32) + 7)));
}

#[test]
fn other_values_and_errors_are_told() {
    check(2, b"v", b"\x01s\0\0\x01\0\0\0a\0", Err("the answer is malformed"));
    check(2, b"v", b"\x01u\0\0", Err("the answer is malformed"));
    check(2, b"", b"", Err("the answer is malformed"));
    check(3, b"s", b"\x06\0\0\0denied\0", Err("denied"));
}

#[test]
fn an_answer_that_is_cut_anywhere_is_an_error() {
    let whole = messages(2, b"v", b"\x01u\0\0\x04\0\0\0");
    for end in 0..whole.len() {
        assert!(answer(&mut whole[..end].as_ref()).is_err(), "{end}");
    }
}

#[test]
fn no_byte_of_an_answer_makes_a_panic() {
    let whole = messages(2, b"v", b"\x01u\0\0\x04\0\0\0");
    for at in 0..whole.len() {
        for value in [0, 1, 7, 127, 255] {
            let mut bent = whole.clone();
            bent[at] = value;
            let _either = answer(&mut bent.as_slice());
        }
    }
}

/// The bytes of the call that a reference implementation (libdbus, `dbus-send`) writes for the same arguments, but for the flag.
#[test]
fn a_call_is_written_as_specified() {
    let call = call(
        1,
        "org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus",
        "Hello",
        &[],
    );
    let mut expected = b"l\x01\x02\x01\0\0\0\0\x01\0\0\0\x6d\0\0\0".to_vec();
    expected.extend(b"\x01\x01o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0");
    expected.extend(b"\x02\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0");
    expected.extend(b"\x03\x01s\0\x05\0\0\0Hello\0\0\0");
    expected.extend(b"\x06\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0");
    assert_eq!(call, expected);
}

#[test]
fn a_bus_that_hangs_is_told_also_when_its_queue_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let bus =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    rustix::net::bind(&bus, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    // Room for two.
    rustix::net::listen(&bus, 1).unwrap();
    let asked = Property { service: "a.b", path: "/a/b", interface: "a.b", name: "C" };
    for _ in 0..4 {
        let error = property(&path, &asked).unwrap_err();
        assert!(error.contains("a.b C at") && error.contains("no answer in time"), "{error}");
    }
}
