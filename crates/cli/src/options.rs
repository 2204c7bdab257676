//! Flags that several commands share, and how their values are read.

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

/// Where a node answers when no flag says otherwise.
pub(crate) const RPC_DEFAULT: &str = "http://127.0.0.1:8545";

/// Flags of commands that talk to a ledger.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LedgerArgs {
    /// Where the ledger's node answers
    #[arg(long, value_name = "URL", env = "GLEANER_RPC", default_value = RPC_DEFAULT, value_parser = parse_url)]
    pub(crate) rpc: String,
}

/// Flags of commands that compute.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct IsaArgs {
    /// Vector instructions to compute with: scalar, avx2, avx512, neon; they change the time, never the result [default: the widest here]
    #[arg(long, value_name = "NAME", env = "GLEANER_ISA")]
    isa: Option<Isa>,
}

impl IsaArgs {
    /// The instructions asked for, or the widest.
    ///
    /// # Errors
    /// When this processor lacks what was asked for.
    pub(crate) fn choose(self) -> anyhow::Result<Isa> {
        match self.isa {
            None => Ok(Isa::detect()),
            Some(isa) if isa.is_available() => Ok(isa),
            Some(isa) => Err(anyhow::anyhow!("this processor has no {isa} instructions"))
                .hint(format!("--isa {}", Isa::detect())),
        }
    }
}

/// Flags of commands that look into a wallet.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WalletArgs {
    /// Folder of the accounts' keys [default: wallet, where gleaner keeps its data]
    #[arg(long, value_name = "DIR", env = "GLEANER_WALLET")]
    wallet: Option<PathBuf>,
}

impl WalletArgs {
    /// The wallet and its folder.
    ///
    /// # Errors
    /// When no folder is known.
    pub(crate) fn open(&self) -> anyhow::Result<Wallet> {
        Ok(Wallet::at(paths::or_home(self.wallet.clone(), "wallet")?))
    }

    /// `accounts`, or all of the wallet if there are none.
    ///
    /// # Errors
    /// When there are none there either.
    pub(crate) fn these_or_all(&self, accounts: &[AccountId]) -> anyhow::Result<Vec<AccountId>> {
        if !accounts.is_empty() {
            return Ok(accounts.to_vec());
        }
        let accounts: Vec<_> =
            self.open()?.accounts()?.into_iter().map(|account| account.id).collect();
        if accounts.is_empty() { no_account() } else { Ok(accounts) }
    }
}

/// Flags of commands that sign as an account.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SignerArgs {
    #[command(flatten)]
    wallet: WalletArgs,
    /// Which account signs [default: the only one in the wallet]
    #[arg(long, value_name = "ADDRESS", env = "GLEANER_ACCOUNT", value_parser = parse_account)]
    account: Option<AccountId>,
    #[command(flatten)]
    password: PasswordArgs,
}

impl SignerArgs {
    /// Which account signs, without opening it.
    ///
    /// # Errors
    /// When none is named, and the wallet does not hold exactly one.
    pub(crate) fn account(&self) -> anyhow::Result<AccountId> {
        match self.account {
            Some(account) => Ok(account),
            None => only_account(&self.wallet.open()?),
        }
    }

    /// Opens the key of [`Self::account`]; may ask for the password.
    ///
    /// # Errors
    /// When the account is not there or the password does not fit.
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
            "the wallet has {} accounts: say which with --account ADDRESS",
            accounts.len()
        ))
        .hint("gleaner wallet list"),
    }
}

fn no_account<T>() -> anyhow::Result<T> {
    Err(anyhow::anyhow!("the wallet has no account")).hint("gleaner wallet new")
}

/// Reads an address; one with letters of both cases must carry a right checksum (EIP-55).
///
/// # Errors
/// In words, for clap.
pub(crate) fn parse_account(text: &str) -> Result<AccountId, String> {
    let digits = text.strip_prefix("0x").ok_or("an address starts with 0x")?;
    let account: AccountId =
        text.parse().map_err(|_| "an address is 0x and 40 hexadecimal digits".to_owned())?;
    let is_mixed = digits.contains(|digit: char| digit.is_ascii_uppercase())
        && digits.contains(|digit: char| digit.is_ascii_lowercase());
    if is_mixed && Address::parse_checksummed(text, None).is_err() {
        return Err(
            "the checksum of this address is wrong: compare it with where you have it from"
                .to_owned(),
        );
    }
    Ok(account)
}

/// Any account or contract, its checksum checked if it has one.
pub(crate) fn parse_address(text: &str) -> Result<Address, String> {
    parse_account(text).map(convert::address)
}

/// Returns an account as people compare it: with the letters in both cases that EIP-55 gives it.
pub(crate) fn checksummed(account: &AccountId) -> String {
    convert::address(*account).to_checksum(None)
}

/// Reads a URL; `HOST:PORT` is taken for one, too.
fn parse_url(text: &str) -> Result<String, String> {
    if text.starts_with("http://") {
        return Ok(text.to_owned());
    }
    let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(_)) if !text.contains('/') => Ok(format!("http://{text}")),
        _ => Err("write it as http://HOST:PORT or HOST:PORT, as localhost:8545".to_owned()),
    }
}

/// Reads where a server listens: `ADDRESS:PORT`, where the address may be `localhost`.
///
/// # Errors
/// In words, for clap.
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

/// Reads an amount of GRAIN, as `1.5`.
///
/// # Errors
/// In words, for clap.
pub(crate) fn parse_grain(text: &str) -> Result<Wei, String> {
    Wei::parse_grain(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_place_may_be_written_as_people_write_it() {
        let check = |text, expected: &str| assert_eq!(parse_url(text).unwrap(), expected);
        check("http://10.0.0.1:8545", "http://10.0.0.1:8545");
        check("localhost:8545", "http://localhost:8545");
        check("127.0.0.1:80", "http://127.0.0.1:80");
        for wrong in
            ["localhost", "https://localhost:8545", "ws://localhost:1", "host:port", "8545"]
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
