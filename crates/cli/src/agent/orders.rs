//! What the account says to this device: that it is revoked, and a policy. Asked from the ledger, and kept for when it does not answer.
//!
//! A policy only tightens what the machine's own file allows. One that can't be read stops the work: it may be a limit that a newer
//! program knows, and so does a damaged file, until the ledger answers. A version older than the one that is kept is that of a node behind the others, and is not taken.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use ::agent::Limits;

use super::daemon::{Wake, write};
use crate::devices::OrdersDocument;
use crate::options::RPC_VARIABLE;

/// Time between two questions to the ledger.
const ASK: Duration = Duration::from_secs(600);

/// Shortest time between two questions, whoever wants an answer.
const ASK_MIN: Duration = Duration::from_secs(5);

/// What the account says.
#[derive(Debug)]
pub(super) struct Orders {
    path: PathBuf,
    kept: OrdersDocument,
    /// Why what was kept is not known.
    lost: Option<String>,
    /// What the owner has to know: the node contradicts what is kept.
    notice: Option<String>,
}

impl Orders {
    /// Reads what was kept; nothing if that is of another account, or damaged.
    pub(super) fn open(path: PathBuf, account: &str) -> Self {
        let nothing =
            || OrdersDocument { account: account.to_owned(), revoked_at: None, policy: None };
        let read = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(nothing()),
            Err(error) => Err(error.to_string()),
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
        };
        let of_path = |error| format!("{}: {error}: the ledger is asked again", path.display());
        let (kept, lost) = match read {
            Ok(kept) => (kept, None),
            Err(error) => (nothing(), Some(of_path(error))),
        };
        let kept = if kept.account == account { kept } else { nothing() };
        Self { path, kept, lost, notice: None }
    }

    /// Returns the account; empty if there is none.
    pub(super) fn account(&self) -> &str {
        &self.kept.account
    }

    /// Takes the ledger's answer; returns whether it says something new.
    pub(super) fn hear(&mut self, heard: OrdersDocument) -> bool {
        let mut heard = heard;
        if heard.account != self.kept.account {
            return false;
        }
        let was_lost = self.lost.take().is_some();
        let version = |orders: &OrdersDocument| orders.policy.as_ref().map_or(0, |it| it.version);
        self.notice = None;
        if version(&heard) < version(&self.kept) {
            self.notice = Some(format!(
                "the node says policy version {}, and {} holds version {}, which stays in force: if this is another ledger than before, end the agent and remove the file",
                version(&heard),
                self.path.display(),
                version(&self.kept)
            ));
            heard.policy.clone_from(&self.kept.policy);
        }
        if heard == self.kept && !was_lost {
            return false;
        }
        self.kept = heard;
        let written = serde_json::to_vec(&self.kept)
            .map_err(Into::into)
            .and_then(|bytes| write(&self.path, &bytes));
        if let Err(error) = written {
            tracing::warn!("{}: can't be written: {error}", self.path.display());
        }
        true
    }

    /// Returns the owner's limits, tightened by the policy.
    ///
    /// # Errors
    /// Why the policy can't be read.
    pub(super) fn tighten(&self, own: &Limits) -> Result<Limits, String> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        match &self.kept.policy {
            None => Ok(own.clone()),
            Some(policy) => match Limits::parse_policy(&policy.text) {
                Ok(limits) => Ok(own.tightened_by(&limits)),
                Err(error) => Err(format!("version {}: {error}", policy.version)),
            },
        }
    }

    /// Returns why the account does not accept this device, if it has revoked it.
    pub(super) fn revoked(&self, device: &str) -> Option<String> {
        self.kept.revoked_at?;
        let account = &self.kept.account;
        Some(format!("{account} has revoked device {device}"))
    }

    /// Says what the owner has to know.
    pub(super) fn notice(&self) -> Option<&String> {
        self.notice.as_ref()
    }

    /// Returns the version of the policy in force, if there is one.
    pub(super) fn policy_version(&self) -> Option<u64> {
        let policy = self.kept.policy.as_ref().filter(|policy| !policy.text.is_empty());
        policy.map(|policy| policy.version)
    }
}

/// Asks the ledger at once, now and then, and when `again` says so, in a process of its own: its memory is gone afterwards.
pub(super) fn ask(
    (account, device): (String, String),
    rpc: String,
    (again, every): (Receiver<()>, Option<Duration>),
    wake: Sender<Wake>,
) {
    std::thread::spawn(move || {
        let Ok(program) = std::env::current_exe() else { return };
        loop {
            let mut command = Command::new(&program);
            command
                .args(["devices", "orders", &account, &device, "--json"])
                .env(RPC_VARIABLE, &rpc);
            let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
            let heard = output.ok().and_then(|output| serde_json::from_slice(&output.stdout).ok());
            // A ledger that does not answer is asked again; what is kept holds meanwhile.
            if let Some(heard) = heard
                && wake.send(Wake::Heard(heard)).is_err()
            {
                return;
            }
            std::thread::sleep(ASK_MIN);
            if again.recv_timeout(every.unwrap_or(ASK)) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            while again.try_recv().is_ok() {}
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::PolicyDocument;

    fn said(version: u64, text: &str) -> OrdersDocument {
        let policy = PolicyDocument { version, since: 1, text: text.to_owned() };
        OrdersDocument { account: "0xa".to_owned(), revoked_at: None, policy: Some(policy) }
    }

    #[test]
    fn a_policy_tightens_is_kept_and_never_goes_back() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("orders.json");
        let own = Limits::parse("[machine]\ncores_percent = 40\n").unwrap();
        let cores = |orders: &Orders| orders.tighten(&own).unwrap().machine.cores_percent;
        let mut orders = Orders::open(path.clone(), "0xa");
        assert_eq!((cores(&orders), orders.policy_version()), (40, None));
        assert!(orders.hear(said(2, "[machine]\ncores_percent = 20\n")));
        assert!(!orders.hear(said(2, "[machine]\ncores_percent = 20\n")), "nothing new");
        assert_eq!((cores(&orders), orders.policy_version()), (20, Some(2)));
        // Nobody can raise a limit.
        assert!(orders.hear(said(3, "[machine]\ncores_percent = 100\n")));
        assert_eq!(cores(&orders), 40);
        assert!(orders.hear(said(4, "[machine]\ncores_percent = 10\n")));
        // A node that is behind, or lies.
        assert_eq!(orders.notice(), None);
        assert!(!orders.hear(said(3, "[machine]\ncores_percent = 100\n")));
        assert!(orders.notice().unwrap().contains("version 3"), "{:?}", orders.notice());
        assert!(!orders.hear(OrdersDocument { policy: None, ..said(4, "") }));
        // Without a ledger after a restart; but not for another account.
        assert_eq!(cores(&Orders::open(path.clone(), "0xa")), 10);
        assert_eq!(cores(&Orders::open(path, "0xb")), 40);
        assert!(orders.hear(said(5, "")));
        assert_eq!((cores(&orders), orders.policy_version()), (40, None));
    }

    #[test]
    fn a_policy_that_can_not_be_read_is_no_permission() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut orders = Orders::open(folder.path().join("orders.json"), "0xa");
        assert!(orders.hear(said(1, "[machine]\nquantum_percent = 1\n")));
        let error = orders.tighten(&Limits::default()).unwrap_err();
        assert!(error.contains("version 1") && error.contains("quantum_percent"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_no_permission_until_the_ledger_answers() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("orders.json");
        for damaged in ["", "{}", "\u{0}"] {
            std::fs::write(&path, damaged).unwrap();
            let mut orders = Orders::open(path.clone(), "0xa");
            let error = orders.tighten(&Limits::default()).unwrap_err();
            assert!(error.contains("orders.json"), "{error}");
            let nothing =
                OrdersDocument { account: "0xa".to_owned(), revoked_at: None, policy: None };
            assert!(orders.hear(nothing.clone()), "it has to be written again");
            orders.tighten(&Limits::default()).unwrap();
            assert!(!orders.hear(nothing));
            Orders::open(path.clone(), "0xa").tighten(&Limits::default()).unwrap();
        }
    }

    #[test]
    fn a_revocation_holds_until_the_account_takes_it_back() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("orders.json");
        let mut orders = Orders::open(path.clone(), "0xa");
        assert!(orders.hear(OrdersDocument { revoked_at: Some(9), ..said(1, "") }));
        let text = Orders::open(path, "0xa").revoked("ab12").unwrap();
        assert!(text.contains("0xa") && text.contains("ab12"), "{text}");
        assert!(orders.hear(said(1, "")));
        assert_eq!(orders.revoked("ab12"), None);
    }
}
