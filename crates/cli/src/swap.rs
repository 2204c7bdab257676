//! `gleaner swap`: trades one token for another along the pools of the ledger.

use abi::{
    Erc20, GRAIN, SwapRouter, UNISWAP_V2_ROUTER, UNISWAP_V3_ROUTER, UniswapV2Router02, convert,
};
use alloy_primitives::{Address, U256};
use anyhow::{anyhow, ensure};
use ledger_client::{Ledger, Receipt};
use ledger_views::{
    Ask as _,
    markets::{self, Exact, PriceRatio, RouteView, TokenView},
};
use serde::Serialize;
use units::AccountId;

use crate::failure::{Hint as _, WrongUsage};
use crate::ledger;
use crate::market::{
    Approval, ApprovalDocument, ConfirmArgs, Limits, Sender, TokenDocument, TransactionDocument,
    amount, approvals, balance_text, balances, fee_text, is_number, moved, named, parse_bps,
    sending_time, wad_text,
};
use crate::options::{LedgerArgs, SignerArgs, checksummed, parse_payee};
use crate::output::{Output, lines};
use crate::shell;

const USAGE: &str = "write `gleaner swap 10 GRAIN BAR` to pay exactly 10 GRAIN, or `gleaner swap GRAIN 10 BAR` to receive exactly 10 BAR";

/// Gas that an approval needs at most, and a swap beside its pools.
const GAS_OF_TRANSACTION: u64 = 100_000;
/// Gas that one pool of a swap needs at most.
const GAS_OF_HOP: u64 = 300_000;
/// One basis point as a ratio times 1e18.
const WAD_OF_BPS: u64 = 100_000_000_000_000;
const BPS_OF_ALL: u64 = 10_000;

/// Printed below the flags.
const HELP: &str = "\
The amount stands before the token that it is exact for:
  gleaner swap 10 GRAIN BAR    pays exactly 10 GRAIN
  gleaner swap GRAIN 10 BAR    receives exactly 10 BAR

Tokens are symbols or addresses. The best route of up to three pools is shown with its price, price
impact and fees, the least that you get or the most that you pay, and the approvals that are needed;
then you are asked. A route uses pairs of Uniswap v2 only or pools of v3 only, so that the swap is
one transaction: it happens as shown, within the slippage, or not at all.";

/// Flags of `gleaner swap`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// AMOUNT FROM TO, or FROM AMOUNT TO
    #[arg(num_args = 3, required = true, value_names = ["AMOUNT", "FROM", "TO"])]
    words: Vec<String>,
    /// Who receives [default: the account that signs]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_payee)]
    recipient: Option<AccountId>,
    /// Let the route lead through this token, too, beside GRAIN, WGRAIN and assets; may be repeated. A deployed token can promise much and then refuse to move
    #[arg(long, value_name = "TOKEN")]
    via: Vec<String>,
    /// Price impact above which `--yes` does not send
    #[arg(long, value_name = "PERCENT", default_value = "15%", value_parser = parse_bps)]
    max_impact: u16,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// The result of `gleaner swap`; amounts in the smallest unit of their token, `fee` in that of GRAIN.
#[derive(Serialize)]
struct Document {
    dry_run: bool,
    /// `input` or `output`: which amount is exact.
    exact: &'static str,
    token_in: TokenDocument,
    token_out: TokenDocument,
    amount_in: String,
    amount_out: String,
    /// The most that can be paid.
    maximum_in: String,
    /// The least that can be received.
    minimum_out: String,
    /// Token out for one token in, in whole units, fees included.
    price: String,
    price_impact: Option<String>,
    fee_share: Option<String>,
    slippage_bps: u32,
    routes_quoted: usize,
    route: Vec<HopDocument>,
    approvals: Vec<ApprovalDocument>,
    account: Option<String>,
    recipient: Option<String>,
    balances: Option<Balances>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Done>,
}

#[derive(Serialize)]
struct HopDocument {
    version: &'static str,
    pool: String,
    fee_millionths: u32,
    token_in: TokenDocument,
    token_out: TokenDocument,
}

/// What the account has, and will have if it gets what is quoted, without network fees.
#[derive(Clone, Serialize)]
struct Balances {
    in_before: String,
    out_before: String,
    /// `null` if it has too little.
    in_after: Option<String>,
    out_after: String,
}

#[derive(Serialize)]
struct Done {
    paid: String,
    received: String,
    gas: u64,
    fee: String,
    in_balance: Option<String>,
    out_balance: Option<String>,
    /// What the router may still take of the token that was paid.
    allowance: Option<String>,
    transactions: Vec<TransactionDocument>,
}

/// A swap as it was found, before it is sent.
struct Plan {
    from: TokenView,
    to: TokenView,
    exact: Exact,
    route: RouteView,
    quoted: usize,
    figures: Option<markets::RouteFigures>,
    maximum_in: U256,
    minimum_out: U256,
    account: Option<AccountId>,
    recipient: Option<AccountId>,
    /// Of the account: of the token that is paid, and of the other.
    held: Option<[U256; 2]>,
    approvals: Vec<Approval>,
    /// Of GRAIN, if that is paid: what the network fees may need.
    kept: U256,
}

/// Runs `gleaner swap`.
///
/// # Errors
/// When no route trades the amount, the account has too little, nobody confirms, or the ledger refuses.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let slippage = args.limits.slippage_bps()?;
    let account = match args.signer.account() {
        Err(_) if args.confirm.send.dry_run => None,
        account => Some(account?),
    };
    let plan = shell::block_on_until_interrupted(plan(&args, account, slippage))?;
    if args.confirm.send.dry_run {
        return output.print(&plan.document(&args, slippage, None), &plan.text(&args));
    }
    plan.check_balance()?;
    plan.check_impact(&args)?;
    args.confirm.send.confirm(&plan.text(&args), output)?;
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let mut sender = Sender::new(&ledger, output);
        let receipt = plan.send(&args, &ledger, &mut sender).await?;
        let (done, text) = plan.done(&ledger, &receipt, &sender).await?;
        output.print(&plan.document(&args, slippage, Some(done)), &text)
    })
}

/// Finds the route and everything that is shown about it.
async fn plan(args: &Args, account: Option<AccountId>, slippage: u32) -> anyhow::Result<Plan> {
    let (exact_word, from, to) = wanted(&args.words)?;
    let ledger = ledger::connect(&args.ledger).await?;
    let (from, to) = (named(&ledger, from).await?, named(&ledger, to).await?);
    ensure!(
        from.address != to.address,
        "both tokens are {} {}: name two different ones",
        from.symbol,
        checksummed(&from.address)
    );
    let exact = match exact_word {
        ExactWord::Input(text) => Exact::Input(amount(text, &from)?),
        ExactWord::Output(text) => Exact::Output(amount(text, &to)?),
    };
    // All quotes are of one block, so that they can be compared.
    let now = ledger.at(ledger.head().await?.height);
    let mut via = Vec::with_capacity(args.via.len());
    for name in &args.via {
        via.push(named(&ledger, name).await?.address);
    }
    let found = markets::routes(&now, (&from.address, &to.address), exact, &via).await?;
    let route = found.best.ok_or_else(|| no_route(&from, &to, exact, found.quoted));
    let route = route.hint("gleaner pool list")?;
    refuse_lost(args.recipient, &route)?;
    let (maximum_in, minimum_out) = match exact {
        Exact::Input(amount) => (amount, args.limits.least(route.amount_out)),
        Exact::Output(amount) => (args.limits.most(route.amount_in), amount),
    };
    let figures = markets::route_figures(&now, &route, exact, slippage).await;
    let mut plan = Plan {
        from,
        to,
        exact,
        route,
        quoted: found.quoted,
        figures,
        maximum_in,
        minimum_out,
        account,
        recipient: args.recipient.or(account),
        held: None,
        approvals: Vec::new(),
        kept: U256::ZERO,
    };
    if let Some(account) = account {
        plan.held = Some(balances(&ledger, &account, [&plan.from, &plan.to]).await?);
        let amounts = [(&plan.from, plan.maximum_in)];
        let spender = (plan.router(), "the router");
        plan.approvals = approvals(&ledger, &account, spender, &amounts, &args.confirm).await?;
        if convert::address(plan.from.address) == GRAIN {
            plan.kept = plan.fees_most(&ledger).await?;
        }
    }
    Ok(plan)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExactWord<'a> {
    Input(&'a str),
    Output(&'a str),
}

fn wanted(words: &[String]) -> anyhow::Result<(ExactWord<'_>, &str, &str)> {
    match words {
        [amount, from, to] if is_number(amount) => Ok((ExactWord::Input(amount), from, to)),
        [from, amount, to] if is_number(amount) => Ok((ExactWord::Output(amount), from, to)),
        _ => Err(WrongUsage(format!("{:?} is not understood: {USAGE}", words.join(" "))).into()),
    }
}

fn no_route(from: &TokenView, to: &TokenView, exact: Exact, quoted: usize) -> anyhow::Error {
    let (from_name, to_name) = (&from.symbol, &to.symbol);
    if quoted == 0 {
        return anyhow!(
            "no pools lead from {from_name} {} to {to_name} {}: create one, or name a deployed token that both have pools with as --via TOKEN",
            checksummed(&from.address),
            checksummed(&to.address)
        );
    }
    let amount = match exact {
        Exact::Input(amount) => format!("{} {from_name}", from.amount_text(amount)),
        Exact::Output(amount) => format!("{} {to_name}", to.amount_text(amount)),
    };
    anyhow!(
        "none of {quoted} routes from {from_name} to {to_name} can trade {amount}: their liquidity is too small for it, or the amount is; try another one"
    )
}

/// Refuses a recipient that is a pool or a token of the route: what it receives belongs to nobody, or to whoever takes it first.
fn refuse_lost(recipient: Option<AccountId>, route: &RouteView) -> anyhow::Result<()> {
    let Some(recipient) = recipient else { return Ok(()) };
    let is_part = |hop: &markets::Hop| {
        [hop.pool.address, hop.token_in.address, hop.token_out.address].contains(&recipient)
    };
    ensure!(
        !route.hops.iter().any(is_part),
        "the recipient {} is a pool or a token of the route, from which nobody could take it: give an account",
        checksummed(&recipient)
    );
    Ok(())
}

impl Plan {
    fn router(&self) -> Address {
        if self.route.is_ranged() { UNISWAP_V3_ROUTER } else { UNISWAP_V2_ROUTER }
    }

    fn check_balance(&self) -> anyhow::Result<()> {
        let (Some(account), Some([held, _])) = (self.account, self.held) else { return Ok(()) };
        let symbol = &self.from.symbol;
        ensure!(
            self.maximum_in <= held,
            "{} has {} {symbol}, and the swap may take {} {symbol}: nothing was sent",
            checksummed(&account),
            self.from.amount_text(held),
            self.from.amount_text(self.maximum_in)
        );
        ensure!(
            self.kept <= held.saturating_sub(self.maximum_in),
            "{} has {} {symbol}, the swap may take {} {symbol}, and {} {symbol} must be left for network fees: nothing was sent",
            checksummed(&account),
            self.from.amount_text(held),
            self.from.amount_text(self.maximum_in),
            self.from.amount_text(self.kept)
        );
        Ok(())
    }

    /// The most that the network fees of the approvals and the swap may take, in the smallest unit of GRAIN.
    async fn fees_most(&self, ledger: &Ledger) -> anyhow::Result<U256> {
        let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
        let of_hops = GAS_OF_HOP.saturating_mul(count(self.route.hops.len()));
        let of_approvals = GAS_OF_TRANSACTION.saturating_mul(count(self.approvals.len()));
        let gas = GAS_OF_TRANSACTION.saturating_add(of_hops).saturating_add(of_approvals);
        let price = U256::from(ledger.gas_price().await?.as_u128());
        // A transaction is paid for in advance, for twice the gas and at twice the price that are expected.
        Ok(price.saturating_mul(U256::from(gas.saturating_mul(4))))
    }

    /// # Errors
    /// With `--yes`, when the price impact is above `--max-impact` or unknown: nobody looks at the preview.
    fn check_impact(&self, args: &Args) -> anyhow::Result<()> {
        let most = U256::from(args.max_impact).saturating_mul(U256::from(WAD_OF_BPS));
        let is_all = u64::from(args.max_impact) >= BPS_OF_ALL;
        if !args.confirm.send.yes || is_all {
            return Ok(());
        }
        let most_text = wad_text(most);
        let problem = match &self.figures {
            None => "is unknown to the ledger's MarketLens".to_owned(),
            Some(figures) if most < figures.price_impact => {
                format!("is {}, above {most_text}", wad_text(figures.price_impact))
            }
            Some(_) => return Ok(()),
        };
        Err(anyhow!("the price impact {problem}: nothing was sent"))
            .hint("trade less, look at it without --yes, or allow more with --max-impact PERCENT, 100% for any")
    }

    /// What the account will have if the swap gives what is quoted.
    /// What of the bought token gets to the account itself.
    fn arrives(&self) -> U256 {
        if self.recipient == self.account { self.route.amount_out } else { U256::ZERO }
    }

    fn price(&self) -> String {
        let ratio = PriceRatio::of_amounts(self.route.amount_out, self.route.amount_in);
        let text = |ratio: PriceRatio| ratio.text(self.from.decimals, self.to.decimals);
        ratio.map_or_else(|| "none".to_owned(), text)
    }

    fn text(&self, args: &Args) -> String {
        let (from, to) = (&self.from, &self.to);
        let pay = |amount| format!("{} {}", from.amount_text(amount), from.symbol);
        let get = |amount| format!("{} {}", to.amount_text(amount), to.symbol);
        let mut rows = vec![
            ("pay", format!("{}  ({})", pay(self.route.amount_in), checksummed(&from.address))),
            ("receive", format!("{}  ({})", get(self.route.amount_out), checksummed(&to.address))),
        ];
        let mut label = "route";
        for hop in &self.route.hops {
            rows.push((label, hop_text(hop)));
            label = "";
        }
        rows.push(("price", format!("1 {} = {} {}", from.symbol, self.price(), to.symbol)));
        let figure = |figure: fn(&markets::RouteFigures) -> U256| {
            let unknown = || "unknown to the ledger's MarketLens".to_owned();
            self.figures.as_ref().map_or_else(unknown, |figures| wad_text(figure(figures)))
        };
        rows.push(("price impact", figure(|figures| figures.price_impact)));
        rows.push(("pool fees", figure(|figures| figures.fee_ratio)));
        let slippage = args.limits.slippage_text();
        rows.push(match self.exact {
            Exact::Input(_) => {
                ("at least", format!("{} (slippage {slippage})", get(self.minimum_out)))
            }
            Exact::Output(_) => {
                ("at most", format!("{} (slippage {slippage})", pay(self.maximum_in)))
            }
        });
        rows.extend(self.account_rows());
        lines(
            &rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect::<Vec<_>>(),
        )
    }

    fn account_rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = Vec::new();
        let Some(account) = self.account else { return rows };
        let mut label = "approve";
        for approval in &self.approvals {
            rows.push((label, approval.text()));
            label = "";
        }
        if self.approvals.is_empty() {
            rows.push((label, "nothing: the router may take enough already".to_owned()));
        }
        rows.push(("account", checksummed(&account)));
        if let Some(recipient) = self.recipient.filter(|recipient| *recipient != account) {
            rows.push(("recipient", checksummed(&recipient)));
        }
        let mut label = "balance";
        let tokens = [&self.from, &self.to];
        if let Some(held) = self.held {
            let changes = [(self.route.amount_in, U256::ZERO), (U256::ZERO, self.arrives())];
            for ((token, held), (spent, got)) in tokens.into_iter().zip(held).zip(changes) {
                rows.push((label, balance_text(token, held, spent, got)));
                label = "";
            }
        }
        rows
    }

    fn document(&self, args: &Args, slippage: u32, done: Option<Done>) -> Document {
        let text = |amount: U256| amount.to_string();
        let ratio = |figure: fn(&markets::RouteFigures) -> U256| {
            self.figures.as_ref().map(|figures| abi::amount_text(figure(figures), 18))
        };
        let hop = |hop: &markets::Hop| HopDocument {
            version: hop.pool.version(),
            pool: checksummed(&hop.pool.address),
            fee_millionths: hop.pool.fee_millionths(),
            token_in: (&hop.token_in).into(),
            token_out: (&hop.token_out).into(),
        };
        let balances = self.held.map(|[held_in, held_out]| Balances {
            in_before: text(held_in),
            out_before: text(held_out),
            in_after: held_in.checked_sub(self.route.amount_in).map(text),
            out_after: text(held_out.saturating_add(self.arrives())),
        });
        Document {
            dry_run: args.confirm.send.dry_run,
            exact: match self.exact {
                Exact::Input(_) => "input",
                Exact::Output(_) => "output",
            },
            token_in: (&self.from).into(),
            token_out: (&self.to).into(),
            amount_in: text(self.route.amount_in),
            amount_out: text(self.route.amount_out),
            maximum_in: text(self.maximum_in),
            minimum_out: text(self.minimum_out),
            price: self.price(),
            price_impact: ratio(|figures| figures.price_impact),
            fee_share: ratio(|figures| figures.fee_ratio),
            slippage_bps: slippage,
            routes_quoted: self.quoted,
            route: self.route.hops.iter().map(hop).collect(),
            approvals: self.approvals.iter().map(Approval::document).collect(),
            account: self.account.map(|account| checksummed(&account)),
            recipient: self.recipient.map(|recipient| checksummed(&recipient)),
            balances,
            done,
        }
    }

    /// Gives the approvals, and swaps.
    async fn send(
        &self,
        args: &Args,
        ledger: &Ledger,
        sender: &mut Sender<'_>,
    ) -> anyhow::Result<Receipt> {
        sender.approve(&self.approvals).await?;
        let deadline = args.limits.deadline(sending_time(ledger).await?);
        let to = self.recipient.or(self.account).ok_or_else(|| anyhow!("nobody receives"))?;
        let to = convert::address(to);
        let what = format!("swap {} for {}", self.from.symbol, self.to.symbol);
        let (tokens, path) = (self.route.tokens(), self.route.path(self.exact));
        let (maximum, minimum) = (self.maximum_in, self.minimum_out);
        let at = self.router();
        match (self.route.is_ranged(), self.exact) {
            (false, Exact::Input(amount)) => {
                let call = UniswapV2Router02::swapExactTokensForTokensCall {
                    amountIn: amount,
                    amountOutMin: minimum,
                    path: tokens,
                    to,
                    deadline,
                };
                sender.send(what, at, &call).await
            }
            (false, Exact::Output(amount)) => {
                let call = UniswapV2Router02::swapTokensForExactTokensCall {
                    amountOut: amount,
                    amountInMax: maximum,
                    path: tokens,
                    to,
                    deadline,
                };
                sender.send(what, at, &call).await
            }
            (true, Exact::Input(amount)) => {
                let params = SwapRouter::ExactInputParams {
                    path,
                    recipient: to,
                    deadline,
                    amountIn: amount,
                    amountOutMinimum: minimum,
                };
                sender.send(what, at, &SwapRouter::exactInputCall { params }).await
            }
            (true, Exact::Output(amount)) => {
                let params = SwapRouter::ExactOutputParams {
                    path,
                    recipient: to,
                    deadline,
                    amountOut: amount,
                    amountInMaximum: maximum,
                };
                sender.send(what, at, &SwapRouter::exactOutputCall { params }).await
            }
        }
    }

    /// What really moved, by the events of the swap.
    async fn done(
        &self,
        ledger: &Ledger,
        receipt: &Receipt,
        sender: &Sender<'_>,
    ) -> anyhow::Result<(Done, String)> {
        let parties = self.account.zip(self.recipient);
        let (account, recipient) = parties.ok_or_else(|| anyhow!("nobody swaps"))?;
        let paid = moved(receipt, &self.from.address, &account).sent;
        let received = moved(receipt, &self.to.address, &recipient).received;
        let held = balances(ledger, &account, [&self.from, &self.to]).await.ok();
        let (from, to) = (&self.from, &self.to);
        let mut rows = vec![
            ("paid", format!("{} {}", from.amount_text(paid), from.symbol)),
            ("received", format!("{} {}", to.amount_text(received), to.symbol)),
            ("fee", sender.fees_text()),
            ("block", format!("{}, transaction {}", receipt.height, receipt.hash)),
        ];
        if let Some([held_in, held_out]) = held {
            let (held_in, held_out) = (from.amount_text(held_in), to.amount_text(held_out));
            rows.push(("balance", format!("{held_in} {}", from.symbol)));
            rows.push(("", format!("{held_out} {}", to.symbol)));
        }
        let spender = self.router();
        let call = Erc20::allowanceCall { owner: convert::address(account), spender };
        let allowed = ledger.read(convert::address(from.address), &call).await.ok();
        if let Some(allowed) = allowed.filter(|allowed| !allowed.is_zero()) {
            let is_all = held.is_some_and(|[held, _]| held <= allowed);
            let left = if is_all { "everything".to_owned() } else { from.amount_text(allowed) };
            let of = if is_all { "of " } else { "" };
            let text = format!("{left} {of}{} stays allowed for {spender}", from.symbol);
            rows.push(("allowance", text));
        }
        let rows: Vec<_> =
            rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        let done = Done {
            paid: paid.to_string(),
            received: received.to_string(),
            gas: sender.gas(),
            fee: sender.fees().to_string(),
            in_balance: held.map(|[held, _]| held.to_string()),
            out_balance: held.map(|[_, held]| held.to_string()),
            allowance: allowed.map(|allowed| allowed.to_string()),
            transactions: sender.sent.clone(),
        };
        Ok((done, lines(&rows)))
    }
}

fn hop_text(hop: &markets::Hop) -> String {
    format!(
        "{} -> {} in {} {} (fee {})",
        hop.token_in.symbol,
        hop.token_out.symbol,
        hop.pool.version(),
        checksummed(&hop.pool.address),
        fee_text(hop.pool.fee_millionths())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_amount_stands_before_its_token() {
        let check = |text: &str, expected: Option<(ExactWord<'_>, &str, &str)>| {
            let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
            assert_eq!(wanted(&words).ok(), expected, "{text}");
        };
        check("10 GRAIN BAR", Some((ExactWord::Input("10"), "GRAIN", "BAR")));
        check("GRAIN 10 BAR", Some((ExactWord::Output("10"), "GRAIN", "BAR")));
        check("GRAIN BAR 10", None);
        check("GRAIN BAR BAZ", None);
        check("1e3 GRAIN BAR", None);
    }
}
