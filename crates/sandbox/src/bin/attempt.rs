//! For the tests of this crate: confines itself as asked, says what is in force, and attempts one thing.
//!
//! `attempt HOW FOLDER WHAT TARGET`: HOW is `free`, `computing`, `worker` or `old-kernel`; FOLDER is the worker's. The exit status is 0 when
//! the attempt succeeded and 3 when it was refused.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        fs,
        io::{self, Read as _, Write as _},
        net::{TcpListener, TcpStream, UdpSocket},
        os::unix::net::UnixStream,
        path::PathBuf,
        process::{Command, ExitCode, Stdio},
    };

    use sandbox::{Bounds, Kernel, Places, Report};

    const MIB: u64 = 1 << 20;

    pub(crate) fn main() -> ExitCode {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [how, folder, what, target] = &arguments[..] else { return ExitCode::from(2) };
        // Before anything is taken, so that only the attempt itself is refused.
        let mut said = io::stderr();
        let bounds = Bounds { memory: 64 * MIB, address_space: 4096 * MIB, file: MIB };
        let places = Places { written: vec![PathBuf::from(folder)], ..Places::default() };
        let report: Option<Report> = match how.as_str() {
            "computing" => Some(sandbox::confine_computing(bounds, Kernel::THIS)),
            "worker" => Some(sandbox::confine_files(&places, Kernel::THIS)),
            "old-kernel" => {
                let kernel = Kernel { has_landlock: false, has_seccomp: false };
                Some(sandbox::confine_computing(bounds, kernel))
            }
            _ => None,
        };
        let attempted = attempt(what, target);
        let shown = report.map(|report| report.to_string()).unwrap_or_default();
        let result = match &attempted {
            Ok(()) => "done".to_owned(),
            Err(error) => error.to_string(),
        };
        let _ = writeln!(said, "{shown}\n{what} {target}: {result}");
        ExitCode::from(if attempted.is_ok() { 0 } else { 3 })
    }

    fn attempt(what: &str, target: &str) -> io::Result<()> {
        match what {
            "read" => fs::read(target).map(drop),
            "list" => fs::read_dir(target).map(drop),
            "write" => fs::write(target, b"from inside"),
            "remove" => fs::remove_file(target),
            "tcp" => TcpStream::connect(target).map(drop),
            "listen" => TcpListener::bind(target).map(drop),
            "udp" => UdpSocket::bind("0.0.0.0:0")?.send_to(b"from inside", target).map(drop),
            "unix" => UnixStream::connect(target).map(drop),
            "start" => status(Command::new(target).arg("-c").arg("exit 0")),
            "trace" => trace(pid(target)?),
            "kill" => signal(pid(target)?),
            "program" => map_program(),
            "threads" => threads(),
            "leave-child" => leave_child(),
            "wait" => {
                let mut byte = [0];
                // A byte says that it is confined; then it waits for ever.
                io::stdout().write_all(&byte).and_then(|()| io::stdout().flush())?;
                io::stdin().read_exact(&mut byte)
            }
            "allocate" => allocate(target.parse().map_err(io::Error::other)?),
            _ => Err(io::Error::other("unknown attempt")),
        }
    }

    fn pid(target: &str) -> io::Result<i32> {
        target.parse().map_err(io::Error::other)
    }

    fn status(command: &mut Command) -> io::Result<()> {
        match command.status()?.success() {
            true => Ok(()),
            false => Err(io::Error::other("it failed")),
        }
    }

    fn signal(pid: i32) -> io::Result<()> {
        let pid = rustix::process::Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(rustix::process::kill_process(pid, rustix::process::Signal::TERM)?)
    }

    fn trace(pid: i32) -> io::Result<()> {
        let nothing = std::ptr::null_mut::<libc::c_void>();
        #[expect(unsafe_code, reason = "a system call without a safe wrapper")]
        // SAFETY: attaching to a process takes no address.
        let traced = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, nothing, nothing) };
        if traced == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Maps memory that could be executed.
    fn map_program() -> io::Result<()> {
        let (rights, kind) =
            (libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        #[expect(unsafe_code, reason = "a system call without a safe wrapper")]
        // SAFETY: a new mapping at an address of the kernel's choice; nobody uses it.
        let mapped = unsafe { libc::mmap(std::ptr::null_mut(), 4096, rights, kind, -1, 0) };
        if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// What computing needs must go on working.
    fn threads() -> io::Result<()> {
        let work = |part: u64| move || (0..1000).fold(part, |sum: u64, each| sum ^ each).min(1);
        let mut threads = Vec::new();
        for part in 0..8 {
            let named = std::thread::Builder::new().name(format!("part {part}"));
            threads.push(named.spawn(work(part))?);
        }
        for thread in threads {
            thread.join().map_err(|_| io::Error::other("a thread panicked"))?;
        }
        std::thread::scope(|scope| scope.spawn(work(1)).join().map(drop))
            .map_err(|_| io::Error::other("a thread panicked"))?;
        std::thread::sleep(std::time::Duration::from_millis(1));
        let buffer = vec![1_u8; 16 << 20];
        let sum: u64 = buffer.iter().map(|byte| u64::from(*byte)).sum();
        if sum == 16 << 20 { Ok(()) } else { Err(io::Error::other("memory was lost")) }
    }

    /// Starts a confined process, writes its number to stdout and ends without it.
    fn leave_child() -> io::Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["computing", "/", "wait", "-"]).stderr(Stdio::null());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut byte = [0];
        child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?.read_exact(&mut byte)?;
        io::stdout().write_all(child.id().to_string().as_bytes())?;
        // The pipe stays open, in nobody's hands but the child's parent's until it ends.
        std::mem::forget(child);
        Ok(())
    }

    fn allocate(mib: usize) -> io::Result<()> {
        let mut buffer: Vec<u8> = Vec::new();
        buffer.try_reserve_exact(mib << 20).map_err(io::Error::other)?;
        buffer.resize(mib << 20, 1);
        Ok(())
    }
}
