//! What a worker gives up before it talks to anybody: files, and where projects may lead it.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calculator::Calculator;
use sandbox::{Kernel, Places};
use transport::{Network, Pace, Paced, PublicOnly, is_public};
use worker::InProcess;

use super::Args;
use crate::output::Output;

/// Folder of the round that was interrupted, in a worker's folder.
#[cfg(target_os = "linux")]
const UNFINISHED: &str = "unfinished";

/// What programs read to look names up, check certificates and know the machine.
const READ: [&str; 12] = [
    "/etc",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share",
    "/usr/local/share/ca-certificates",
    "/lib",
    "/lib64",
    "/var/lib/ca-certificates",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/proc",
    "/sys",
];

/// What loads a program; without them none starts.
const LOADERS: [&str; 5] = [
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-linux-riscv64-lp64d.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
];

/// Leaves this process with its folder and what it reads, and says what is missing. Call it before the first other thread runs.
pub(super) fn confine(args: &Args, folder: &Path, output: &Output) {
    if args.in_process {
        output.say(
            "--in-process: texts and parameters of strangers are computed in the process that has the device's key and the network",
        );
    }
    let mut written = vec![folder.to_owned(), PathBuf::from("/dev/null")];
    if let Some(shared) = &args.accomplices {
        // A folder that does not exist can't be named; if it can't be made, its use says so.
        let _ = std::fs::create_dir_all(shared);
        written.push(shared.clone());
    }
    let certificates = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(crate::shell::variable);
    let mut read: Vec<PathBuf> = READ.map(PathBuf::from).to_vec();
    read.extend(["/dev/urandom", "/dev/random"].map(PathBuf::from));
    read.extend(certificates.into_iter().flatten().map(PathBuf::from));
    let mut executed = LOADERS.map(PathBuf::from).to_vec();
    executed.extend(std::env::current_exe().ok());
    let report = sandbox::confine_files(&Places { written, read, executed }, Kernel::THIS);
    if report.is_whole() {
        tracing::info!(%report, "protections of the worker");
    } else {
        output.say(&format!("this machine's owner is not fully protected; {report}"));
    }
}

/// Returns what computes rounds.
#[cfg(target_os = "linux")]
pub(super) fn calculator(args: &Args, folder: &Path) -> Arc<dyn Calculator> {
    if args.in_process {
        return Arc::new(InProcess);
    }
    let unfinished = calculator::Unfinished::new(folder.join(UNFINISHED), args.disk_max());
    let arguments = crate::compute::arguments;
    Arc::new(calculator::Child::new(arguments, args.memory_max(), Some(unfinished)))
}

/// Returns what computes rounds.
#[cfg(not(target_os = "linux"))]
pub(super) fn calculator(_args: &Args, _folder: &Path) -> Arc<dyn Calculator> {
    Arc::new(InProcess)
}

/// Returns the network on which coordinators are reached. A project may lead a worker into a private network only if the owner's
/// own ledger is in one.
pub(crate) async fn network(rpc: &str, pace: Pace) -> Arc<dyn Network> {
    let network = Paced(pace);
    if is_private(rpc).await { Arc::new(network) } else { Arc::new(PublicOnly(network)) }
}

/// Whether a node's address is in a private network or on this machine. One that is not known is not.
async fn is_private(rpc: &str) -> bool {
    let Some(host) = host(rpc) else { return false };
    let found = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, 0)],
        Err(_) => {
            tokio::net::lookup_host((host, 0)).await.map(Iterator::collect).unwrap_or_default()
        }
    };
    !found.is_empty() && found.iter().all(|address| !is_public(address.ip()))
}

/// Returns the host of a URL.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit('@').next()?;
    if let Some(rest) = place.strip_prefix('[') {
        return rest.split(']').next();
    }
    place.split(':').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_private_ledger_leads_into_private_networks() {
        for private in [
            "http://127.0.0.1:8545",
            "http://192.168.1.7:8545/path",
            "https://user:secret@10.1.2.3",
            "http://[::1]:8545",
            "http://[fd00::7]:1/",
            "http://localhost:8545",
        ] {
            assert!(is_private(private).await, "{private}");
        }
        for public in ["https://203.0.114.7", "http://[2600::1]:8545", "nonsense", "http://"] {
            assert!(!is_private(public).await, "{public}");
        }
    }
}
