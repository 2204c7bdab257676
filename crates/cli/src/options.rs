//! Shared flags, and parsers of their values.

use std::net::SocketAddr;
use std::path::PathBuf;

use abi::convert;
use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use model::instructions::Isa;
use units::{AccountId, Wei};
use wallet::Wallet;

use crate::failure::Hint as _;
use crate::password::PasswordArgs;
use crate::paths;

/// Default address of a node.
pub(crate) const RPC_DEFAULT: &str = "http://127.0.0.1:8545";

/// The environment variable with the address of the ledger's node.
pub(crate) const RPC_VARIABLE: &str = "GLEANER_RPC";

/// Flags of commands that talk to a ledger.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LedgerArgs {
    /// Address of the ledger's node
    #[arg(long, value_name = "URL", env = RPC_VARIABLE, default_value = RPC_DEFAULT, value_parser = parse_url)]
    pub(crate) rpc: String,
}

/// Flags of commands that compute.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct IsaArgs {
    /// Vector instructions: scalar, avx2, avx512, neon; they affect the time, never the result [default: the widest
    /// available]
    #[arg(long, value_name = "NAME", env = "GLEANER_ISA")]
    isa: Option<Isa>,
}

impl IsaArgs {
    /// Returns the given instructions, or the widest.
    ///
    /// # Errors
    /// When this processor lacks the given instructions.
    pub(crate) fn choose(self) -> anyhow::Result<Isa> {
        match self.isa {
            None => Ok(Isa::detect()),
            Some(isa) if isa.is_available() => Ok(isa),
            Some(isa) => Err(anyhow::anyhow!("this processor has no {isa} instructions"))
                .hint(format!("--isa {}", Isa::detect())),
        }
    }
}

/// Flags of commands that read a wallet.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WalletArgs {
    /// Folder of the accounts' keys [default: wallet in gleaner's data folder]
    #[arg(long, value_name = "DIR", env = "GLEANER_WALLET")]
    wallet: Option<PathBuf>,
}

impl WalletArgs {
    /// Returns the wallet and its folder.
    ///
    /// # Errors
    /// When no folder is known.
    pub(crate) fn open(&self) -> anyhow::Result<Wallet> {
        Ok(Wallet::at(paths::or_home(self.wallet.clone(), "wallet")?))
    }

    /// Returns `accounts`, or all of the wallet if there are none.
    ///
    /// # Errors
    /// When the wallet has none either.
    pub(crate) fn these_or_all(&self, accounts: &[AccountId]) -> anyhow::Result<Vec<AccountId>> {
        if !accounts.is_empty() {
            return Ok(accounts.to_vec());
        }
        let accounts: Vec<_> =
            self.open()?.accounts()?.into_iter().map(|account| account.id).collect();
        if accounts.is_empty() { no_account() } else { Ok(accounts) }
    }
}

/// Flags of commands that sign and send transactions as an account.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SignerArgs {
    #[command(flatten)]
    wallet: WalletArgs,
    /// Account that signs [default: the only one in the wallet]
    #[arg(long, value_name = "ADDRESS", env = "GLEANER_ACCOUNT", value_parser = parse_account)]
    account: Option<AccountId>,
    #[command(flatten)]
    password: PasswordArgs,
    /// The most that one transaction may cost in network fees: what a node asks for above it is not signed
    #[arg(long, value_name = "GRAIN", env = "GLEANER_MAX_FEE", default_value = "1", value_parser = parse_grain)]
    pub(crate) max_fee: Wei,
}

impl SignerArgs {
    /// Returns the account that signs, without unlocking it.
    ///
    /// # Errors
    /// When none is given, and the wallet does not have exactly one.
    pub(crate) fn account(&self) -> anyhow::Result<AccountId> {
        match self.account {
            Some(account) => Ok(account),
            None => only_account(&self.wallet.open()?),
        }
    }

    /// Unlocks the key of [`Self::account`]; may ask for the password.
    ///
    /// # Errors
    /// When the account does not exist or the password is wrong.
    pub(crate) fn unlock(&self) -> anyhow::Result<PrivateKeySigner> {
        let account = self.account()?;
        let password = self.password.existing(&checksummed(&account))?;
        self.wallet.open()?.unlock(&account, &password).hint("gleaner wallet list")
    }
}

fn only_account(wallet: &Wallet) -> anyhow::Result<AccountId> {
    match &wallet.accounts()?[..] {
        [] => no_account(),
        [account] => Ok(account.id),
        accounts => Err(anyhow::anyhow!(
            "the wallet has {} accounts: choose one with --account ADDRESS",
            accounts.len()
        ))
        .hint("gleaner wallet list"),
    }
}

fn no_account<T>() -> anyhow::Result<T> {
    Err(anyhow::anyhow!("the wallet has no account")).hint("gleaner wallet new")
}

/// Parses an address; one with letters of both cases must have a valid checksum (EIP-55).
///
/// # Errors
/// A text for clap.
pub(crate) fn parse_account(text: &str) -> Result<AccountId, String> {
    let digits = text.strip_prefix("0x").ok_or("an address starts with 0x")?;
    let account: AccountId =
        text.parse().map_err(|_| "an address is 0x and 40 hexadecimal digits".to_owned())?;
    let is_mixed = digits.contains(|digit: char| digit.is_ascii_uppercase())
        && digits.contains(|digit: char| digit.is_ascii_lowercase());
    if is_mixed && Address::parse_checksummed(text, None).is_err() {
        return Err("the checksum of this address is wrong: compare it with its source".to_owned());
    }
    Ok(account)
}

/// Parses the address of an account that can be paid: not that of a module or asset of the ledger, whose pay would be lost.
///
/// # Errors
/// A text for clap.
pub(crate) fn parse_payee(text: &str) -> Result<AccountId, String> {
    let account = parse_account(text)?;
    if account == AccountId::from_bytes([0; 20]) {
        return Err("nobody has the key of this account: give an account of a wallet".to_owned());
    }
    match abi::Module::at(&convert::address(account)) {
        None => Ok(account),
        Some(module) => Err(format!(
            "this is the address of the ledger's module {}, from which nobody can take pay: give an account of a wallet",
            module.name
        )),
    }
}

/// Parses the address of any account or contract, and checks its checksum if it has one.
pub(crate) fn parse_address(text: &str) -> Result<Address, String> {
    parse_account(text).map(convert::address)
}

/// Returns an account with its checksum in upper and lower case (EIP-55).
pub(crate) fn checksummed(account: &AccountId) -> String {
    convert::address(*account).to_checksum(None)
}

/// Parses a URL; `HOST:PORT` is accepted, too.
fn parse_url(text: &str) -> Result<String, String> {
    let refuse =
        || "write it as http://HOST:PORT, https://HOST or HOST:PORT, as localhost:8545".to_owned();
    let has_scheme = text.starts_with("http://") || text.starts_with("https://");
    let url = if has_scheme { text.to_owned() } else { format!("http://{text}") };
    let is_odd = |letter: char| letter.is_whitespace() || letter.is_control();
    let (host, port) = place_of(&url).ok_or_else(refuse)?;
    let is_port = port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| 0 < port));
    // What has no scheme is short for the place alone.
    let is_whole = has_scheme || !text.contains('/') && port.is_some();
    if host.is_empty() || url.chars().any(is_odd) || (port.is_some() && !is_port) || !is_whole {
        return Err(refuse());
    }
    Ok(url)
}

/// Returns host and port of a URL.
fn place_of(url: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit('@').next()?;
    let Some(inside) = place.strip_prefix('[') else {
        let parts = place.split_once(':');
        return Some(parts.map_or((place, None), |(host, port)| (host, Some(port))));
    };
    let (host, after) = inside.split_once(']')?;
    match after.strip_prefix(':') {
        None if after.is_empty() => Some((host, None)),
        port => Some((host, Some(port?))),
    }
}

/// Parses the address of a server: `ADDRESS:PORT`, where the address may be `localhost`.
///
/// # Errors
/// A sentence for clap.
pub(crate) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        "write it as ADDRESS:PORT, as 127.0.0.1:8545 or localhost:8545; or give --port PORT"
            .to_owned()
    })
}

/// Parses an amount of GRAIN, such as `1.5`.
///
/// # Errors
/// A text for clap.
pub(crate) fn parse_grain(text: &str) -> Result<Wei, String> {
    Wei::parse_grain(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_of_a_node_is_refused_before_it_is_written_anywhere() {
        let check = |text: &str, expected: &str| assert_eq!(parse_url(text).unwrap(), expected);
        check("localhost:8545", "http://localhost:8545");
        check("[::1]:8545", "http://[::1]:8545");
        for whole in [
            "http://localhost:8545",
            "https://ledger.example",
            "https://user:pass%24@ledger.example/path?x=1#y",
            "http://[fd00::7]",
            "http://[fd00::7]:1/",
        ] {
            check(whole, whole);
        }
        for wrong in [
            "",
            "x",
            "ftp://x",
            "http://",
            "https:///path",
            "http://:8545",
            "http://x:99999",
            "http://x:0",
            "http://x:",
            "http://x:80x",
            "http://[::1",
            "http://[::1]8545",
            "x/y:1",
            "http://x\nExecStartPre=/bin/true",
            "http://x y",
        ] {
            assert!(parse_url(wrong).unwrap_err().contains("HOST:PORT"), "{wrong}");
        }
    }

    #[test]
    fn a_mistyped_address_is_found_by_its_checksum() {
        let right = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        assert_eq!(parse_account(right).unwrap().to_string(), right.to_lowercase());
        parse_account(&right.to_lowercase()).unwrap();
        assert!(parse_account(&right.replace("Fd6", "fd6")).unwrap_err().contains("checksum"));
        assert!(parse_account(&right[..41]).unwrap_err().contains("40"));
        assert!(parse_account(&right[2..]).unwrap_err().contains("0x"));
        assert_eq!(checksummed(&parse_account(&right.to_lowercase()).unwrap()), right);
    }

    #[test]
    fn a_module_is_no_payee() {
        let asset = abi::asset_address(3).to_checksum(None);
        for module in [abi::TRAINING_RUNS.to_checksum(None), asset] {
            assert!(parse_payee(&module).unwrap_err().contains("module"), "{module}");
        }
        parse_payee("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266").unwrap();
        let zero = format!("0x{:040x}", 0);
        assert!(parse_payee(&zero).unwrap_err().contains("nobody has the key"));
    }

    #[test]
    fn a_place_may_be_written_as_people_write_it() {
        let check = |text, expected: &str| assert_eq!(parse_url(text).unwrap(), expected);
        check("http://10.0.0.1:8545", "http://10.0.0.1:8545");
        check("localhost:8545", "http://localhost:8545");
        check("127.0.0.1:80", "http://127.0.0.1:80");
        check("https://ledger.example", "https://ledger.example");
        for wrong in ["localhost", "ftp://localhost:8545", "ws://localhost:1", "host:port", "8545"]
        {
            assert!(parse_url(wrong).unwrap_err().contains("http://HOST:PORT"), "{wrong}");
        }
        let check = |text, expected: &str| {
            assert_eq!(parse_listen(text).unwrap(), expected.parse().unwrap());
        };
        check("localhost:8545", "127.0.0.1:8545");
        check("0.0.0.0:0", "0.0.0.0:0");
        check("[::1]:8545", "[::1]:8545");
        for wrong in ["localhost", "8545", "http://127.0.0.1:8545", "localhost:many"] {
            assert!(parse_listen(wrong).unwrap_err().contains("--port PORT"), "{wrong}");
        }
    }
}
