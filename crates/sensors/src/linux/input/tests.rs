use super::*;
use crate::linux::notes::DisplaySeen;

const NOW: Milliseconds = Milliseconds(100_000);

fn seen(last: u64) -> Result<DisplaySeen, String> {
    let full_screen = Seen::Known(None);
    Ok(DisplaySeen { last: Some(Milliseconds(last)), full_screen, is_guest: false })
}

fn noted(displays: &[(&str, u64, Result<DisplaySeen, String>)]) -> Noted {
    let mut noted = Noted::default();
    for (name, at, state) in displays {
        let note = DisplayNote { at: Milliseconds(*at), state: state.clone() };
        noted.displays.insert((*name).into(), note);
    }
    noted
}

fn wayland() -> Display {
    Display::Wayland("/run/user/1000/wayland-0".into())
}

#[track_caller]
fn check(
    displays: &[Display],
    noted: &Noted,
    session: Option<&Session>,
    expected: Result<Option<u64>, &str>,
) {
    let terminal = Some((Milliseconds(50), "/dev/pts/0".into()));
    let (found, source) = combine(displays, noted, terminal, session, NOW);
    match (found, expected) {
        (Seen::Known(input), Ok(last)) => {
            assert_eq!(input.last, last.map(Milliseconds), "{source}");
        }
        (Seen::Unknown(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
        (found, expected) => panic!("{found:?} from {source}, expected {expected:?}"),
    }
}

#[test]
fn a_machine_with_terminals_only_is_known() {
    check(&[], &Noted::default(), None, Ok(Some(50)));
}

#[test]
fn a_display_that_is_not_seen_makes_input_unknown() {
    let display = [Display::X11(0)];
    check(&display, &Noted::default(), None, Err("has not answered yet"));
    check(&display, &noted(&[(":0", 99_000, Err("refused".into()))]), None, Err("refused"));
    check(&display, &noted(&[(":0", 94_000, seen(70))]), None, Err("has not answered for 6 s"));
    check(&display, &noted(&[(":0", 99_000, seen(70))]), None, Ok(Some(70)));
    let both = [Display::X11(0), wayland()];
    check(&both, &noted(&[(":0", 99_000, seen(70))]), None, Err("wayland-0"));
}

#[test]
fn a_guest_sees_only_a_part_so_its_host_has_to_be_seen() {
    let guest = DisplaySeen { is_guest: true, ..seen(70).unwrap() };
    let notes = noted(&[(":0", 99_000, Ok(guest)), ("/run/user/1000/wayland-0", 99_000, seen(80))]);
    check(&[Display::X11(0)], &notes, None, Err("guest"));
    check(&[Display::X11(0), wayland()], &notes, None, Ok(Some(80)));
}

#[test]
fn input_devices_cover_a_display_only_if_all_are_heard() {
    let display = [wayland()];
    let mut noted = Noted::default();
    noted.devices.heard.insert("/dev/input/event0".into());
    noted.input = Some((Milliseconds(90_000), "/dev/input/event0".into()));
    check(&display, &noted, None, Ok(Some(90_000)));
    noted.devices.refused.insert("/dev/input/event1".into());
    check(&display, &noted, None, Err("group `input`"));
}

#[test]
fn a_session_manager_covers_a_display_if_it_answers() {
    let display = [wayland()];
    let nothing = Noted::default();
    check(&display, &nothing, Some(&Session::Active), Ok(Some(100_000)));
    check(&display, &nothing, Some(&Session::IdleSince(Milliseconds(60))), Ok(Some(60)));
    check(&display, &nothing, Some(&Session::Silent("no bus".into())), Err("no bus"));
}

#[test]
fn only_a_session_of_a_desktop_speaks_for_displays() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::new(folder.path());
    assert!(!has_desktop(&root));
    let sessions = folder.path().join("run/systemd/sessions");
    std::fs::create_dir_all(&sessions).unwrap();
    // Whoever opens this pipe to read waits for somebody who writes.
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, sessions.join("2.ref"), mode).unwrap();
    std::fs::write(sessions.join("2"), "UID=0\nTYPE=tty\nORIGINAL_TYPE=x11\n").unwrap();
    assert!(!has_desktop(&root));
    std::fs::write(sessions.join("c1"), "UID=1000\nTYPE=wayland\nCLASS=greeter\n").unwrap();
    assert!(has_desktop(&root));
}

#[test]
fn full_screen_is_known_only_where_every_display_says_so() {
    let film = DisplaySeen {
        last: None,
        full_screen: Seen::Known(Some("player".into())),
        is_guest: false,
    };
    let both = [Display::X11(0), Display::X11(1)];
    let notes = noted(&[(":0", 99_000, seen(1)), (":1", 99_000, Ok(film))]);
    assert_eq!(full_screen(&both, &notes, None, NOW).0, Seen::Known(Some("player".into())));
    let notes = noted(&[(":0", 99_000, seen(1))]);
    assert!(matches!(full_screen(&both, &notes, None, NOW).0, Seen::Unknown(_)));
    let idle = Session::IdleSince(Milliseconds(5));
    assert_eq!(full_screen(&both, &notes, Some(&idle), NOW).0, Seen::Known(None));
    assert_eq!(full_screen(&[], &Noted::default(), None, NOW).0, Seen::Known(None));
}
