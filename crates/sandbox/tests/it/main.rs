//! Attempts to get out, each by a real process: it succeeds when nothing was taken, and fails when something was. What this kernel
//! does not have, the report must say.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

use std::{
    fs,
    net::{IpAddr, TcpListener, UdpSocket},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output},
};

use tempfile::TempDir;

/// The parts of a report in which it says that a kernel lacks something.
const LACKS_FILES: &str = "not in force: files";
const LACKS_PORTS: &str = "not in force: TCP ports";
const LACKS_SIGNALS: &str = "not in force: signals";
const LACKS_CALLS: &str = "not in force: system calls";

/// Attempts something in a process of its own. `None` when it ended by a signal.
fn attempt(how: &str, folder: &Path, what: &str, target: &str) -> (Option<bool>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attempt"));
    let Output { status, stderr, .. } =
        command.arg(how).arg(folder).args([what, target]).output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    let succeeded = match status.code() {
        Some(0) => Some(true),
        Some(3) => Some(false),
        Some(code) => panic!("{how} {what} {target}: status {code}: {text}"),
        None => None,
    };
    (succeeded, text)
}

/// What may be attempted on a machine: its home folder, network, programs and other processes.
struct Field {
    folder: TempDir,
    home: PathBuf,
    own: PathBuf,
    listener: TcpListener,
    datagrams: UdpSocket,
    _local: UnixListener,
    other: Child,
}

impl Drop for Field {
    fn drop(&mut self) {
        self.other.kill().unwrap();
        self.other.wait().unwrap();
    }
}

impl Field {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (home, own) = (folder.path().join("home"), folder.path().join("worker"));
        for each in [&home, &own] {
            fs::create_dir(each).unwrap();
            fs::write(each.join("letter"), b"dear").unwrap();
        }
        let any = IpAddr::from([0, 0, 0, 0]);
        let listener = TcpListener::bind((any, 0)).unwrap();
        let datagrams = UdpSocket::bind((any, 0)).unwrap();
        let local = UnixListener::bind(folder.path().join("socket")).unwrap();
        let other = Command::new("sleep").arg("600").spawn().unwrap();
        Self { folder, home, own, listener, datagrams, _local: local, other }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Returns the addresses under which this machine is reached: loopback, and that in its network if it has one.
    fn addresses() -> Vec<IpAddr> {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        // Nothing is sent: only the route is looked up.
        let outward = UdpSocket::bind("0.0.0.0:0").unwrap();
        let own = outward.connect("192.0.2.1:9").and_then(|()| outward.local_addr());
        let own = own.map(|address| address.ip()).ok().filter(|ip| !ip.is_loopback());
        [loopback].into_iter().chain(own).collect()
    }

    /// Returns all that a process that computes must not be able to do, and what the report says where the kernel can't prevent it.
    fn forbidden(&self) -> Vec<(&'static str, String, &'static str)> {
        let (home, own) = (&self.home.display(), &self.own.display());
        let mut all = vec![
            ("read", format!("{home}/letter"), LACKS_FILES),
            ("list", format!("{home}"), LACKS_FILES),
            ("write", format!("{home}/planted"), LACKS_FILES),
            ("remove", format!("{home}/letter"), LACKS_FILES),
            ("read", format!("{own}/letter"), LACKS_FILES),
            ("read", "/etc/passwd".to_owned(), LACKS_FILES),
            ("read", "/proc/self/environ".to_owned(), LACKS_FILES),
            ("start", "/bin/sh".to_owned(), LACKS_FILES),
            ("unix", self.path("socket"), LACKS_CALLS),
            ("listen", "0.0.0.0:0".to_owned(), LACKS_PORTS),
            ("program", String::new(), LACKS_CALLS),
            ("trace", self.other.id().to_string(), LACKS_FILES),
            // Last: it ends the other process.
            ("kill", self.other.id().to_string(), LACKS_SIGNALS),
        ];
        let tcp = self.listener.local_addr().unwrap().port();
        let udp = self.datagrams.local_addr().unwrap().port();
        for ip in Self::addresses() {
            all.insert(0, ("tcp", format!("{ip}:{tcp}"), LACKS_PORTS));
            all.insert(0, ("udp", format!("{ip}:{udp}"), LACKS_CALLS));
        }
        all
    }
}

#[test]
fn a_process_that_computes_reaches_nothing() {
    let field = Field::new();
    for (what, target, lacks) in field.forbidden() {
        let (succeeded, text) = attempt("computing", &field.own, what, &target);
        if succeeded == Some(true) {
            assert!(text.contains(LACKS_CALLS) && text.contains(lacks), "{text}");
        }
    }
    assert_eq!(fs::read(field.home.join("letter")).unwrap(), b"dear");
    assert!(!field.home.join("planted").exists());
}

/// A protection that this kernel has and that is not in force is a mistake of ours, which the report alone would hide.
#[test]
fn what_this_kernel_has_is_in_force() {
    let field = Field::new();
    let (_, text) = attempt("computing", &field.own, "threads", "");
    if Path::new("/proc/sys/kernel/seccomp/actions_avail").exists() {
        assert!(!text.contains(LACKS_CALLS), "{text}");
    }
    // The version of Landlock.
    const VERSION: libc::c_uint = 1;
    #[expect(unsafe_code, reason = "a system call without a safe wrapper")]
    // SAFETY: with this flag the call reads no memory.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0_usize, 0_usize, VERSION) };
    for (since, lacks) in [(1, LACKS_FILES), (4, LACKS_PORTS), (6, LACKS_SIGNALS)] {
        assert_eq!(text.contains(lacks), version < since, "Landlock {version}: {text}");
    }
}

/// Otherwise the test above would say nothing.
#[test]
fn without_confinement_everything_is_reached() {
    let field = Field::new();
    // `remove` takes what others read, so it comes last but for `kill`.
    let mut all = field.forbidden();
    all.sort_by_key(|(what, ..)| (*what == "kill", *what == "remove"));
    for (what, target, _) in all {
        // A tracer ends with its child, and some machines let nobody trace.
        if what == "trace" && is_tracing_forbidden() {
            continue;
        }
        let (succeeded, text) = attempt("free", &field.own, what, &target);
        assert_eq!(succeeded, Some(true), "{text}");
    }
}

/// Whether this machine lets no process trace another that it has not started.
fn is_tracing_forbidden() -> bool {
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    scope.trim() != "" && scope.trim() != "0"
}

#[test]
fn computing_goes_on() {
    let field = Field::new();
    let (succeeded, text) = attempt("computing", &field.own, "threads", "");
    assert_eq!(succeeded, Some(true), "{text}");
    let (succeeded, text) = attempt("computing", &field.own, "allocate", "32");
    assert_eq!(succeeded, Some(true), "{text}");
}

#[test]
fn memory_is_bounded() {
    let field = Field::new();
    let (succeeded, text) = attempt("computing", &field.own, "allocate", "80");
    assert_eq!(succeeded, Some(false), "64 MiB are allowed: {text}");
    assert_eq!(attempt("free", &field.own, "allocate", "80").0, Some(true));
}

#[test]
fn a_worker_keeps_its_folder_and_the_network() {
    let field = Field::new();
    let (home, own) = (field.home.display(), field.own.display());
    let port = field.listener.local_addr().unwrap().port();
    let allowed = [
        ("read", format!("{own}/letter")),
        ("write", format!("{own}/new")),
        ("remove", format!("{own}/new")),
        ("tcp", format!("127.0.0.1:{port}")),
        ("threads", String::new()),
    ];
    for (what, target) in allowed {
        let (succeeded, text) = attempt("worker", &field.own, what, &target);
        assert_eq!(succeeded, Some(true), "{text}");
    }
    let other = field.other.id().to_string();
    let forbidden = [
        ("read", format!("{home}/letter"), LACKS_FILES),
        ("write", format!("{home}/planted"), LACKS_FILES),
        ("read", format!("{own}/../home/letter"), LACKS_FILES),
        ("start", "/bin/sh".to_owned(), LACKS_FILES),
        ("trace", other.clone(), LACKS_FILES),
        ("kill", other, LACKS_SIGNALS),
    ];
    for (what, target, lacks) in forbidden {
        let (succeeded, text) = attempt("worker", &field.own, what, &target);
        assert!(succeeded == Some(false) || text.contains(lacks), "{text}");
    }
}

/// A kernel without Landlock and seccomp: what was asked for is not there, the report says so, and what there is holds.
#[test]
fn an_old_kernel_is_told() {
    let field = Field::new();
    let (succeeded, text) =
        attempt("old-kernel", &field.own, "read", &format!("{}/letter", field.home.display()));
    assert_eq!(succeeded, Some(false), "no descriptor is left for it: {text}");
    for lacks in [LACKS_FILES, LACKS_PORTS, LACKS_SIGNALS, LACKS_CALLS] {
        assert!(text.contains(lacks), "{text}");
    }
    assert!(text.contains("(needs Linux 5.13 or later with Landlock"), "{text}");
    let in_force = "in force: no new privileges, limits of memory and files, ends with its parent;";
    assert!(text.contains(in_force), "{text}");
    // The list of what is missing is true: a signal gets out.
    let other = field.other.id().to_string();
    assert_eq!(attempt("old-kernel", &field.own, "kill", &other).0, Some(true));
}

/// A process ends with the one that started it, however that ended.
#[test]
fn nothing_stays_when_the_parent_is_gone() {
    let mut parent = Command::new(env!("CARGO_BIN_EXE_attempt"));
    let mut parent = parent.args(["free", "/", "leave-child", "-"]);
    parent = parent.stdout(std::process::Stdio::piped());
    let Output { status, stdout, .. } = parent.output().unwrap();
    assert!(status.success());
    let pid: u32 = String::from_utf8(stdout).unwrap().trim().parse().unwrap();
    let path = format!("/proc/{pid}/stat");
    // The kernel signals it when its parent has ended; it may not have been removed yet.
    let is_gone = || {
        fs::read_to_string(&path)
            .map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "))
    };
    for _ in 0..2000 {
        if is_gone() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("process {pid} outlives its parent");
}
