//! `Juries`: drawn by weight, they decide in place of a house that does not vote.
//!
//! The hash of the block in which a case begins draws its seats: no transaction of that block can know it. If nobody has drawn them within the 256 blocks for which a hash is known, the next call begins
//! anew with a later block. Until all seats are drawn, no weight changes: whoever knows the hash could otherwise choose what it falls on.

pub(crate) mod proven;

use abi::{
    JURIES,
    Juries::{self, JuriesCalls as Calls},
    STAKE_HOUSE, Votes, WORK_HOUSE,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolValue as _};
use governance::jury::{
    self, JURORS_MAX, JuryError, Panel, Seats, Stratum, Tree, Verdict, WAITING_SECONDS,
};
use native_kit::{
    Call, Failure, Function, Host, emit,
    slots::{Array, Layout as _, Mapping, Value},
    storage,
};

use crate::{openzeppelin::answer, parameters::only_governor};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Juries::jurorOfCall::SELECTOR),
    Function::view(Juries::weightOfCall::SELECTOR),
    Function::view(Juries::panelOfCall::SELECTOR),
    Function::view(Juries::seatsOfCall::SELECTOR),
    Function::view(Juries::verdictOfCall::SELECTOR),
    Function::nonpayable(Juries::registerCall::SELECTOR),
    Function::nonpayable(Juries::resignCall::SELECTOR),
    Function::nonpayable(Juries::admitCall::SELECTOR),
    Function::nonpayable(Juries::summonCall::SELECTOR),
    Function::nonpayable(Juries::drawCall::SELECTOR),
    Function::nonpayable(Juries::commitCall::SELECTOR),
    Function::nonpayable(Juries::showCall::SELECTOR),
];

/// Seats drawn in one call: bounds its gas.
const SEATS_PER_CALL: u32 = 67;
/// Largest weight, so that the sum of all fits.
const WEIGHT_MAX: u128 = u128::MAX / JURORS_MAX as u128;
/// Blocks for which a hash is known.
const HASHES_KNOWN: u64 = 256;

/// Smallest deposit with which an account registers, in wei: whoever wants to take all places needs so much for each, for 30 days.
const DEPOSIT_MIN: u128 = 10_000_000_000_000_000_000;

storage! {
    struct Storage {
        /// Of each stratum here and below: how many numbers were given.
        counts: Mapping<u8, Value<u32>>,
        /// The Fenwick tree, by node.
        nodes: Mapping<u8, Mapping<U256, Value<u128>>>,
        /// Accounts by number.
        accounts: Mapping<u8, Mapping<U256, Value<Address>>>,
        /// Numbers that nobody has any more.
        free: Mapping<u8, Array<Value<u32>>>,
        jurors: Mapping<u8, Mapping<Address, StoredJuror>>,
        cases: Mapping<U256, StoredCase>,
        seats: Mapping<U256, Mapping<Address, StoredSeats>>,
        /// Cases whose seats are not all drawn.
        drawing: Value<u32>,
    }
}

storage! {
    struct StoredJuror {
        weight: Value<u128>,
        /// 0 if it is not registered.
        admitted_from: Value<u64>,
        /// Its place in the tree, from 1 on; 0 until it is admitted.
        number: Value<u32>,
    }
}

storage! {
    struct StoredCase {
        height: Value<u64>,
        drawn_at: Value<u64>,
        seats_drawn: Value<u32>,
        yes: Value<u32>,
        no: Value<u32>,
    }
}

storage! {
    struct StoredSeats {
        deposit: Value<u128>,
        count: Value<u32>,
        is_shown: Value<bool>,
        commitment: Value<B256>,
    }
}

fn stored() -> Storage {
    Storage::at(U256::ZERO, 0)
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    match call {
        Calls::jurorOf(call) => {
            let juror = juror_of(host, stratum(call.stratum)?, call.account)?;
            return Ok(Juries::jurorOfCall::abi_encode_returns(&juror));
        }
        Calls::weightOf(call) => {
            let mut tree = Slots { host, stratum: stratum(call.stratum)?.number() };
            let total = jury::total(&mut tree)?;
            return Ok(Juries::weightOfCall::abi_encode_returns(&total));
        }
        Calls::panelOf(call) => {
            return Ok(Juries::panelOfCall::abi_encode_returns(&panel_of(host, call.id)?));
        }
        Calls::seatsOf(call) => {
            let slots = stored().seats.of(host, call.id)?.of(host, call.account)?;
            let Seats { count, deposit, commitment, is_shown } = slots.load(host)?;
            let (has_committed, has_shown) = (commitment != [0; 32], is_shown);
            let seats = Juries::seatsOfReturn {
                count,
                deposit,
                hasCommitted: has_committed,
                hasShown: has_shown,
            };
            return Ok(Juries::seatsOfCall::abi_encode_returns(&seats));
        }
        Calls::verdictOf(call) => return Ok(answer(verdict(host, call.id)? as u8)),
        Calls::draw(call) => {
            return Ok(Juries::drawCall::abi_encode_returns(&draw(host, call.id)?));
        }
        Calls::register(call) => register(host, stratum(call.stratum)?)?,
        Calls::resign(call) => resign(host, stratum(call.stratum)?)?,
        Calls::admit(call) => admit(host, stratum(call.stratum)?, call.account)?,
        Calls::summon(call) => summon(host, call.id)?,
        Calls::commit(call) => commit(host, call.id, call.commitment)?,
        Calls::show(call) => show(host, &call)?,
    }
    Ok(Vec::new())
}

fn stratum(named: Juries::Stratum) -> Result<Stratum, Failure> {
    match named {
        Juries::Stratum::Work => Ok(Stratum::Work),
        Juries::Stratum::Stake => Ok(Stratum::Stake),
        Juries::Stratum::__Invalid => Err(Failure::bad_call()),
    }
}

fn named(stratum: Stratum) -> Juries::Stratum {
    match stratum {
        Stratum::Work => Juries::Stratum::Work,
        Stratum::Stake => Juries::Stratum::Stake,
    }
}

/// Registers the caller, or registers it anew: what it has no more is gone at once, what it has more waits.
fn register(host: &mut dyn Host, stratum: Stratum) -> Result<(), Failure> {
    check_nothing_is_drawn(host)?;
    let account = host.caller();
    let weight = held(host, stratum, account)?;
    if weight == 0 {
        return Err(Failure::revert(&Juries::NoWeight { account }));
    }
    let slots = stored().jurors.of(host, stratum.number())?.of(host, account)?;
    if weight > slots.weight.get(host)? {
        leave(host, stratum, slots)?;
        slots.weight.set(host, weight)?;
        let from = host.timestamp().saturating_add(WAITING_SECONDS);
        slots.admitted_from.set(host, from)?;
    } else {
        lower(host, stratum, slots, weight)?;
    }
    let (stratum, admitted_from) = (named(stratum), slots.admitted_from.get(host)?);
    emit(host, &Juries::Registered { stratum, account, weight, admittedFrom: admitted_from })
}

fn resign(host: &mut dyn Host, stratum: Stratum) -> Result<(), Failure> {
    check_nothing_is_drawn(host)?;
    let account = host.caller();
    let slots = registered(host, stratum, account)?;
    strike(host, stratum, (account, slots))
}

/// Takes an account off the list.
fn strike(
    host: &mut dyn Host,
    stratum: Stratum,
    (account, slots): (Address, StoredJuror),
) -> Result<(), Failure> {
    leave(host, stratum, slots)?;
    slots.weight.set(host, 0)?;
    slots.admitted_from.set(host, 0)?;
    emit(host, &Juries::Resigned { stratum: named(stratum), account })
}

fn admit(host: &mut dyn Host, stratum: Stratum, account: Address) -> Result<(), Failure> {
    check_nothing_is_drawn(host)?;
    let slots = registered(host, stratum, account)?;
    let (from, current) = (slots.admitted_from.get(host)?, host.timestamp());
    if current < from {
        return Err(Failure::revert(&Juries::NotWaited { account, from, current }));
    }
    let weight = held(host, stratum, account)?.min(slots.weight.get(host)?);
    if weight == 0 {
        return strike(host, stratum, (account, slots));
    }
    if slots.number.get(host)? > 0 {
        lower(host, stratum, slots, weight)?;
    } else {
        enter(host, stratum, (account, slots), weight)?;
    }
    emit(host, &Juries::Admitted { stratum: named(stratum), account, weight })
}

fn registered(
    host: &mut dyn Host,
    stratum: Stratum,
    account: Address,
) -> Result<StoredJuror, Failure> {
    let slots = stored().jurors.of(host, stratum.number())?.of(host, account)?;
    if slots.admitted_from.get(host)? == 0 {
        return Err(Failure::revert(&Juries::NotRegistered { account }));
    }
    Ok(slots)
}

/// Gives an account a number, a free one first, and its weight.
fn enter(
    host: &mut dyn Host,
    stratum: Stratum,
    (account, slots): (Address, StoredJuror),
    weight: u128,
) -> Result<(), Failure> {
    let of = stratum.number();
    let free = stored().free.of(host, of)?;
    let number = match free.len(host)?.checked_sub(1) {
        Some(last) => {
            let none = || Failure::Broken("a free number is missing".to_owned());
            let slot = free.element(host, last)?.ok_or_else(none)?;
            let number = slot.get(host)?;
            slot.set(host, 0)?;
            free.pop(host)?;
            number
        }
        None => jury::append(&mut Slots { host, stratum: of })?
            .ok_or_else(|| Failure::revert(&Juries::Full { max: JURORS_MAX }))?,
    };
    slots.number.set(host, number)?;
    slots.weight.set(host, weight)?;
    stored().accounts.of(host, of)?.of(host, U256::from(number))?.set(host, account)?;
    jury::set_weight(&mut Slots { host, stratum: of }, number, (0, weight))
}

/// Lowers a juror's weight, in the tree too.
fn lower(
    host: &mut dyn Host,
    stratum: Stratum,
    slots: StoredJuror,
    weight: u128,
) -> Result<(), Failure> {
    let (number, before) = (slots.number.get(host)?, slots.weight.get(host)?);
    if number > 0 {
        let mut tree = Slots { host, stratum: stratum.number() };
        jury::set_weight(&mut tree, number, (before, weight))?;
    }
    slots.weight.set(host, weight)
}

/// Takes a juror out of the tree, if it is in there, and frees its number.
fn leave(host: &mut dyn Host, stratum: Stratum, slots: StoredJuror) -> Result<(), Failure> {
    let (of, number) = (stratum.number(), slots.number.get(host)?);
    if number == 0 {
        return Ok(());
    }
    lower(host, stratum, slots, 0)?;
    slots.number.set(host, 0)?;
    stored().accounts.of(host, of)?.of(host, U256::from(number))?.set(host, Address::ZERO)?;
    stored().free.of(host, of)?.push(host)?.set(host, number)
}

fn check_nothing_is_drawn(host: &mut dyn Host) -> Result<(), Failure> {
    match stored().drawing.get(host)? {
        0 => Ok(()),
        _ => Err(Failure::revert(&Juries::DrawGoesOn {})),
    }
}

fn summon(host: &mut dyn Host, id: U256) -> Result<(), Failure> {
    only_governor(host)?;
    let slots = stored().cases.of(host, id)?;
    if slots.height.get(host)? != 0 {
        return Err(Failure::revert(&Juries::SummonedAlready { id }));
    }
    if totals(host)? == [0, 0] {
        return Err(Failure::revert(&Juries::NobodyThere {}));
    }
    let drawing = stored().drawing.get(host)?.saturating_add(1);
    stored().drawing.set(host, drawing)?;
    begin(host, id, slots)
}

fn begin(host: &mut dyn Host, id: U256, slots: StoredCase) -> Result<(), Failure> {
    // Nobody knows the hash of this block yet.
    let height = host.height();
    slots.height.set(host, height)?;
    emit(host, &Juries::Summoned { id, height })
}

fn draw(host: &mut dyn Host, id: U256) -> Result<u32, Failure> {
    let slots = stored().cases.of(host, id)?;
    let height = slots.height.get(host)?;
    if height == 0 {
        return Err(Failure::revert(&Juries::NoCase { id }));
    }
    if host.height() <= height {
        let height = height.saturating_add(1);
        return Err(Failure::revert(&Juries::TooEarly { id, height }));
    }
    let mut drawn = slots.seats_drawn.get(host)?;
    if drawn == Panel::SIZE {
        return Err(Failure::revert(&Juries::Drawn { id }));
    }
    if host.height().saturating_sub(height) > HASHES_KNOWN {
        // Seats that were drawn by the older hash stay: it decided them.
        begin(host, id, slots)?;
        return Ok(drawn);
    }
    let hash = host.block_hash(height)?;
    let of_work = Panel::seats_of(Stratum::Work, totals(host)?);
    let last = drawn.saturating_add(SEATS_PER_CALL).min(Panel::SIZE);
    while drawn < last {
        let stratum = if drawn < of_work { Stratum::Work } else { Stratum::Stake };
        let word = host.keccak256(&(hash, id, U256::from(drawn)).abi_encode())?;
        seat(host, id, stratum, word.into())?;
        drawn = drawn.saturating_add(1);
    }
    slots.seats_drawn.set(host, drawn)?;
    if drawn == Panel::SIZE {
        let now = host.timestamp();
        slots.drawn_at.set(host, now)?;
        let drawing = stored().drawing.get(host)?.saturating_sub(1);
        stored().drawing.set(host, drawing)?;
    }
    Ok(drawn)
}

/// Returns the weights of both strata.
fn totals(host: &mut dyn Host) -> Result<[u128; 2], Failure> {
    let [work, stake] = Stratum::ALL.map(Stratum::number);
    let work = jury::total(&mut Slots { host, stratum: work })?;
    Ok([work, jury::total(&mut Slots { host, stratum: stake })?])
}

/// Gives one seat to whoever the word falls on.
fn seat(host: &mut dyn Host, id: U256, stratum: Stratum, word: U256) -> Result<(), Failure> {
    let of = stratum.number();
    let number = jury::draw(&mut Slots { host, stratum: of }, word)?;
    let nobody = || Failure::Broken("a stratum with weight has nobody at a place of it".to_owned());
    let number = number.ok_or_else(nobody)?;
    let account = stored().accounts.of(host, of)?.of(host, U256::from(number))?.get(host)?;
    let slots = stored().seats.of(host, id)?.of(host, account)?;
    let seats = slots.load(host)?.count.saturating_add(1);
    slots.count.set(host, seats)?;
    // Voice can't be sold, and halves by itself; a deposit must still be there when its owner votes.
    if stratum == Stratum::Stake {
        let deposit = stored().jurors.of(host, of)?.of(host, account)?.weight.get(host)?;
        slots.deposit.set(host, deposit)?;
    }
    emit(host, &Juries::Seated { id, account, seats })
}

fn commit(host: &mut dyn Host, id: U256, commitment: B256) -> Result<(), Failure> {
    let account = host.caller();
    let (panel, slots, mut seats) = sitting(host, id, account)?;
    let (deposit, now) = (deposit_of(host, account)?, host.timestamp());
    let result = panel.commit(&mut seats, commitment.0, (deposit, now));
    result.map_err(|error| refused(error, account))?;
    slots.commitment.set(host, commitment)?;
    emit(host, &Juries::Committed { id, account })
}

fn show(host: &mut dyn Host, call: &Juries::showCall) -> Result<(), Failure> {
    let Juries::showCall { id, isYes: is_yes, salt } = *call;
    let account = host.caller();
    let (mut panel, slots, mut seats) = sitting(host, id, account)?;
    let digest = host.keccak256(&(id, account, is_yes, salt).abi_encode())?;
    let (deposit, now) = (deposit_of(host, account)?, host.timestamp());
    let result = panel.show(&mut seats, (digest.0, is_yes), (deposit, now));
    result.map_err(|error| refused(error, account))?;
    slots.is_shown.set(host, true)?;
    let case = stored().cases.of(host, id)?;
    case.yes.set(host, panel.yes)?;
    case.no.set(host, panel.no)?;
    emit(host, &Juries::Shown { id, account, isYes: is_yes, seats: seats.count })
}

fn sitting(
    host: &mut dyn Host,
    id: U256,
    account: Address,
) -> Result<(Panel, StoredSeats, Seats), Failure> {
    let panel = panel(host, id)?;
    let slots = stored().seats.of(host, id)?.of(host, account)?;
    let seats = slots.load(host)?;
    Ok((panel, slots, seats))
}

/// Returns the weight of an account in a stratum: what it holds, or 0 if that is too little to register with.
fn held(host: &mut dyn Host, stratum: Stratum, account: Address) -> Result<u128, Failure> {
    match stratum {
        Stratum::Work => balance(host, WORK_HOUSE, account),
        Stratum::Stake => {
            let deposit = deposit_of(host, account)?;
            Ok(if deposit < DEPOSIT_MIN { 0 } else { deposit })
        }
    }
}

fn deposit_of(host: &mut dyn Host, account: Address) -> Result<u128, Failure> {
    balance(host, STAKE_HOUSE, account)
}

fn balance(host: &mut dyn Host, house: Address, account: Address) -> Result<u128, Failure> {
    let call = Votes::balanceOfCall { account };
    let returned = host.call(&Call::reading(house, call.abi_encode()))?.returned()?;
    let held = Votes::balanceOfCall::abi_decode_returns(&returned)
        .map_err(|_| Failure::Broken(format!("{house} answers balanceOf otherwise")))?;
    Ok(u128::try_from(held).unwrap_or(u128::MAX).min(WEIGHT_MAX))
}

fn juror_of(
    host: &mut dyn Host,
    stratum: Stratum,
    account: Address,
) -> Result<Juries::Juror, Failure> {
    let slots = stored().jurors.of(host, stratum.number())?.of(host, account)?;
    Ok(Juries::Juror {
        weight: slots.weight.get(host)?.min(held(host, stratum, account)?),
        admittedFrom: slots.admitted_from.get(host)?,
        isAdmitted: slots.number.get(host)? > 0,
    })
}

/// Returns a panel, none of whose seats can vote before all are drawn.
fn panel(host: &mut dyn Host, id: U256) -> Result<Panel, Failure> {
    let slots = stored().cases.of(host, id)?;
    let drawn_at = slots.drawn_at.get(host)?;
    if drawn_at == 0 {
        return Err(Failure::revert(&Juries::NoCase { id }));
    }
    Ok(Panel { drawn_at, yes: slots.yes.get(host)?, no: slots.no.get(host)? })
}

fn panel_of(host: &mut dyn Host, id: U256) -> Result<Juries::Panel, Failure> {
    let slots = stored().cases.of(host, id)?;
    let drawn_at = slots.drawn_at.get(host)?;
    let panel = Panel { drawn_at, yes: slots.yes.get(host)?, no: slots.no.get(host)? };
    let (commits_until, shows_until) = if drawn_at == 0 { (0, 0) } else { panel.ends() };
    Ok(Juries::Panel {
        height: slots.height.get(host)?,
        seatsDrawn: slots.seats_drawn.get(host)?,
        drawnAt: drawn_at,
        commitsUntil: commits_until,
        showsUntil: shows_until,
        yes: panel.yes,
        no: panel.no,
        verdict: verdict(host, id)?,
    })
}

fn verdict(host: &mut dyn Host, id: U256) -> Result<Juries::Verdict, Failure> {
    let slots = stored().cases.of(host, id)?;
    let drawn_at = slots.drawn_at.get_of(host, JURIES)?;
    if drawn_at == 0 {
        return Ok(Juries::Verdict::Open);
    }
    let (yes, no) = (slots.yes.get_of(host, JURIES)?, slots.no.get_of(host, JURIES)?);
    Ok(match (Panel { drawn_at, yes, no }).verdict(host.timestamp()) {
        Verdict::Open => Juries::Verdict::Open,
        Verdict::Yes => Juries::Verdict::Yes,
        Verdict::No => Juries::Verdict::No,
        Verdict::Absent => Juries::Verdict::Absent,
    })
}

fn refused(error: JuryError, account: Address) -> Failure {
    match error {
        JuryError::WrongPhase { now, commits_until, shows_until } => {
            Failure::revert(&Juries::WrongPhase {
                current: now,
                commitsUntil: commits_until,
                showsUntil: shows_until,
            })
        }
        JuryError::NoSeat => Failure::revert(&Juries::NoSeat { account }),
        JuryError::Withdrawn { has, drawn } => {
            Failure::revert(&Juries::DepositWithdrawn { has, drawn })
        }
        JuryError::Done => Failure::revert(&Juries::DoneAlready {}),
        JuryError::Otherwise => Failure::revert(&Juries::NotCommitted {}),
    }
}

impl StoredSeats {
    fn load(self, host: &mut dyn Host) -> Result<Seats, Failure> {
        Ok(Seats {
            count: self.count.get(host)?,
            deposit: self.deposit.get(host)?,
            commitment: self.commitment.get(host)?.0,
            is_shown: self.is_shown.get(host)?,
        })
    }
}

/// A stratum's weights in storage.
struct Slots<'a> {
    host: &'a mut dyn Host,
    stratum: u8,
}

impl Tree for Slots<'_> {
    type Failure = Failure;

    fn count(&mut self) -> Result<u32, Failure> {
        stored().counts.of(self.host, self.stratum)?.get(self.host)
    }

    fn node(&mut self, index: u32) -> Result<u128, Failure> {
        let nodes = stored().nodes.of(self.host, self.stratum)?;
        nodes.of(self.host, U256::from(index))?.get(self.host)
    }

    fn set_node(&mut self, index: u32, sum: u128) -> Result<(), Failure> {
        let nodes = stored().nodes.of(self.host, self.stratum)?;
        nodes.of(self.host, U256::from(index))?.set(self.host, sum)
    }

    fn set_count(&mut self, count: u32) -> Result<(), Failure> {
        stored().counts.of(self.host, self.stratum)?.set(self.host, count)
    }
}

/// Returns the place of an account of the stake stratum, for a test.
#[cfg(test)]
pub(crate) fn number_of(host: &mut dyn Host, account: Address) -> Result<u32, Failure> {
    let jurors = stored().jurors.of(host, Stratum::Stake.number())?;
    jurors.of(host, account)?.number.get(host)
}
