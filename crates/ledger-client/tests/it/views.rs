//! The same ledger, asked in its own process and over HTTP: every view says the same.

use abi::{ASSETS, Assets, DEVICES, GRAIN, TRAINING_RUNS, TrainingRuns, asset_address, convert};
use alloy_primitives::{Address, U256};
use ledger_client::{Announcement, Ledger, NewAsset};
use ledger_views::{
    Ask, Head, Page, ViewError, Window,
    accounts::{self, AccountView, Code},
    assets::{self, AssetView, Powers},
    devices::{self, Link},
    ready,
    referees::{self, RefereesView},
    runs::{self, AuditView, LoggedEvent, OpenRound, RunDetails, RunEvent, RunView, SeatView},
};
use training_run::{Effect, Terms};
use units::{AccountId, Digest, Wei};

use crate::{
    node::{CONTRACT, Running, any_port, key, signed, take_seat},
    runs::terms,
    stub::{signer, someone},
};

/// All that views say of a ledger.
#[derive(Debug, PartialEq)]
struct Said {
    head: Head,
    asset_count: u64,
    assets: Vec<Page<AssetView>>,
    asset: AssetView,
    grain_supply: U256,
    balances: Vec<U256>,
    accounts: Vec<AccountView>,
    links: Vec<Link>,
    run_count: u64,
    runs: Page<RunView>,
    run: RunView,
    details: RunDetails,
    terms: Terms,
    seats: Vec<SeatView>,
    audits: Vec<AuditView>,
    open_rounds: Vec<OpenRound>,
    referees: RefereesView,
    required: Wei,
    events: Vec<LoggedEvent>,
}

async fn all<A: Ask>(ledger: &A) -> Result<Said, ViewError<A::Error>> {
    let head = ledger.head().await?;
    let asset = assets::asset(ledger, 2).await?;
    let mut accounts = Vec::new();
    let used = [signer().address(), GRAIN, ASSETS, DEVICES, TRAINING_RUNS, CONTRACT];
    for address in used.into_iter().chain([asset_address(1), asset_address(9), Address::ZERO]) {
        accounts.push(accounts::account(ledger, &convert::account(address)).await?);
    }
    let mut links = Vec::new();
    for number in [1, 2, 3] {
        links.push(devices::link(ledger, &key(number).device()).await?);
    }
    let window = |newest, items| Window { newest, items };
    let mut pages = Vec::new();
    for window in [window(None, 2), window(Some(1), 2), window(Some(2), 1), window(Some(0), 1)] {
        pages.push(assets::list(ledger, window).await?);
    }
    Ok(Said {
        head,
        asset_count: assets::count(ledger).await?,
        assets: pages,
        grain_supply: assets::grain_supply(ledger).await?,
        balances: assets::balances(
            ledger,
            &asset.address,
            &[someone(), convert::account(signer().address())],
        )
        .await?,
        asset,
        accounts,
        links,
        run_count: runs::count(ledger).await?,
        runs: runs::list(ledger, Window::first(25)).await?,
        run: runs::run(ledger, 1).await?,
        details: runs::details(ledger, 1).await?,
        terms: runs::terms(ledger, 1).await?,
        seats: runs::seats(ledger, 1).await?,
        audits: runs::audits(ledger, 1).await?,
        open_rounds: runs::open_rounds(ledger, 1).await?,
        referees: referees::referees(ledger).await?,
        required: runs::required_deposit(ledger, &terms()).await?,
        events: runs::events(ledger, 1, 0..=head.height).await?,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_to_ask_give_the_same_views() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), any_port()).await;
    let ledger = running.ledger().await;
    let middle = live(&ledger).await;

    let local = running.node.local().unwrap();
    let here = ready(all(&local)).unwrap();
    assert_eq!(all(&ledger).await.unwrap(), here);
    check(&here);

    let past = ready(all(&running.node.local_at(middle).unwrap().unwrap())).unwrap();
    assert_eq!(all(&ledger.at(middle)).await.unwrap(), past);
    assert_eq!(past.head.height, middle);
    assert!(past.audits.is_empty() && !here.audits.is_empty());
    assert_eq!((past.open_rounds[0].is_drawn, here.open_rounds[0].is_drawn), (false, true));
    assert_eq!(here.referees.members, [convert::device(running.node.key())]);

    // What does not exist is refused in the same words.
    let refused = ready(assets::asset(&local, 3)).unwrap_err();
    let far = assets::asset(&ledger, 3).await.unwrap_err();
    let expected = Assets::NoSuchAsset { number: 3 };
    assert_eq!(refused.refusal::<Assets::NoSuchAsset>(), Some(expected));
    assert_eq!(far.to_string(), refused.to_string());
    let refused = ready(runs::details(&local, 2)).unwrap_err();
    let far = runs::details(&ledger, 2).await.unwrap_err();
    assert_eq!(
        refused.refusal::<TrainingRuns::NoSuchRun>(),
        Some(TrainingRuns::NoSuchRun { run: 2 })
    );
    assert_eq!(far.to_string(), refused.to_string());
    running.stop().await;
}

/// Fills a ledger; the height in the middle at which a closed round waits to be drawn.
async fn live(ledger: &Ledger) -> u64 {
    let issuer = ledger.account().unwrap();
    for (symbol, cap, pausable) in [("OAT", U256::MAX, false), ("RYE", U256::from(1_000), true)] {
        let powers =
            Powers { pausable, burnable: true, transferable: !pausable, renounceable: pausable };
        let asset = NewAsset {
            name: format!("Barley {symbol}"),
            symbol: symbol.to_owned(),
            decimals: 2,
            cap,
            uri: "https://example.invalid/a".to_owned(),
            issuer,
            powers,
        };
        ledger.create_asset(&asset).await.unwrap();
    }
    let second = convert::account(asset_address(2));
    ledger.mint_asset(&second, &issuer, U256::from(700)).await.unwrap();
    ledger.send_asset(&second, &someone(), U256::from(150)).await.unwrap();

    let deposit = terms().required_deposit().unwrap();
    let announcement =
        Announcement { coordinator: key(9).device(), endpoint: "127.0.0.1:9".to_owned() };
    let auditor = key(9).device();
    let opened = ledger.open_run(&terms(), ("a poem", &auditor), &announcement, deposit).await;
    let run = opened.unwrap().run;
    for number in [1, 2] {
        take_seat(ledger, run, &key(number), AccountId::from_bytes([number; 20])).await;
    }
    ledger.relay(&[signed(run, &key(1)), signed(run, &key(2))]).await.unwrap();
    let (state, update) = (Digest::from_bytes([7; 32]), Digest::from_bytes([8; 32]));
    let middle = ledger.advance(run, 0, (&state, &update)).await.unwrap().height;
    ledger.draw(run, 0).await.unwrap();
    middle
}

/// That the two don't agree on nothing.
fn check(said: &Said) {
    assert_eq!((said.asset_count, said.run_count), (2, 1));
    let numbers = |page: &Page<AssetView>| {
        let numbers: Vec<_> = page.items.iter().map(|asset| asset.number).collect();
        (numbers, page.newer, page.older)
    };
    let pages: Vec<_> = said.assets.iter().map(numbers).collect();
    assert_eq!(
        pages,
        [
            (vec![2, 1], None, None),
            (vec![1], Some(2), None),
            (vec![2], None, Some(1)),
            (vec![], None, None),
        ]
    );
    let asset = &said.asset;
    assert_eq!(
        (asset.symbol.as_str(), asset.cap, asset.decimals),
        ("RYE", Some(U256::from(1_000)), 2)
    );
    assert_eq!((asset.amount_text(asset.supply), asset.cap_text()), ("7".into(), "10".into()));
    assert_eq!(said.assets[1].items[0].cap, None);
    assert_eq!(said.balances, [U256::from(150), U256::from(550)]);
    let codes: Vec<_> = said.accounts.iter().map(|account| account.code).collect();
    let module = |name| Code::Module { name };
    assert_eq!(
        codes,
        [
            Code::None,
            module("GRAIN"),
            module("Assets"),
            module("Devices"),
            module("TrainingRuns"),
            Code::Contract { size: 5 },
            Code::Asset { number: 1 },
            Code::None,
            Code::None
        ]
    );
    assert!(said.accounts[0].nonce > 8 && !said.accounts[0].balance.is_zero());
    assert_eq!(said.links[0].account, Some(AccountId::from_bytes([1; 20])));
    assert_eq!(said.links[2], Link { account: None, nonce: 0 });
    assert_eq!(said.details.run, said.run);
    assert_eq!((said.seats.len(), said.audits.len()), (2, 2));
    let is_drawn = |logged: &LoggedEvent| {
        matches!(logged.event, RunEvent::Followed(Effect::Drawn { round: 0, .. }))
    };
    assert!(matches!(said.events[0].event, RunEvent::Opened { .. }), "{:?}", said.events[0]);
    assert_eq!(said.events.iter().filter(|event| is_drawn(event)).count(), 2);
}
