//! `Juries`: drawn by weight, they decide in place of a house that does not vote.
//!
//! The hash of the block in which a case begins draws its seats: no transaction of that block can know it. If nobody has drawn them within the 256 blocks for which a hash is known, the next call begins
//! anew with a later block. Until all seats are drawn, no weight changes: whoever knows the hash could otherwise choose what it falls on.

use abi::{
    GOVERNOR, JURIES,
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
    slots::{Layout as _, Mapping, Value},
    storage,
};

use crate::openzeppelin::answer;

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

storage! {
    struct Storage {
        counts: Mapping<u8, Value<u32>>,
        /// Of a stratum: the Fenwick tree, by node.
        nodes: Mapping<u8, Mapping<U256, Value<u128>>>,
        /// Of a stratum: accounts by number.
        accounts: Mapping<u8, Mapping<U256, Value<Address>>>,
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
        admitted_from: Value<u64>,
        number: Value<u32>,
        is_admitted: Value<bool>,
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
        weight: Value<u128>,
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
            let Seats { count, weight, commitment, is_shown } = slots.load(host)?;
            let (has_committed, has_shown) = (commitment != [0; 32], is_shown);
            let seats = Juries::seatsOfReturn {
                count,
                weight,
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
    let held = held(host, stratum, account)?;
    if held == 0 {
        return Err(Failure::revert(&Juries::NoWeight { account }));
    }
    let slots = stored().jurors.of(host, stratum.number())?.of(host, account)?;
    let before = slots.weight.get(host)?;
    if slots.number.get(host)? == 0 {
        let number = jury::append(&mut Slots { host, stratum: stratum.number() })?;
        let full = || Failure::revert(&Juries::Full { max: JURORS_MAX });
        let number = number.ok_or_else(full)?;
        slots.number.set(host, number)?;
        let accounts = stored().accounts.of(host, stratum.number())?;
        accounts.of(host, U256::from(number))?.set(host, account)?;
    }
    if held > before {
        leave_tree(host, stratum, slots)?;
        let from = host.timestamp().saturating_add(WAITING_SECONDS);
        slots.admitted_from.set(host, from)?;
        slots.weight.set(host, held)?;
    } else {
        lower(host, stratum, slots, held)?;
    }
    let admitted_from = slots.admitted_from.get(host)?;
    emit(
        host,
        &Juries::Registered {
            stratum: named(stratum),
            account,
            weight: held,
            admittedFrom: admitted_from,
        },
    )
}

fn resign(host: &mut dyn Host, stratum: Stratum) -> Result<(), Failure> {
    check_nothing_is_drawn(host)?;
    let account = host.caller();
    let slots = registered(host, stratum, account)?;
    leave_tree(host, stratum, slots)?;
    slots.weight.set(host, 0)?;
    slots.admitted_from.set(host, 0)?;
    emit(host, &Juries::Resigned { stratum: named(stratum), account })
}

fn admit(host: &mut dyn Host, stratum: Stratum, account: Address) -> Result<(), Failure> {
    check_nothing_is_drawn(host)?;
    let slots = registered(host, stratum, account)?;
    let (from, current) = (slots.admitted_from.get(host)?, host.timestamp());
    if from == 0 {
        return Err(Failure::revert(&Juries::NotRegistered { account }));
    }
    if current < from {
        return Err(Failure::revert(&Juries::NotWaited { account, from, current }));
    }
    let weight = held(host, stratum, account)?.min(slots.weight.get(host)?);
    lower(host, stratum, slots, weight)?;
    if !slots.is_admitted.get(host)? {
        let number = slots.number.get(host)?;
        let mut tree = Slots { host, stratum: stratum.number() };
        jury::set_weight(&mut tree, number, (0, weight))?;
        slots.is_admitted.set(host, true)?;
    }
    emit(host, &Juries::Admitted { stratum: named(stratum), account, weight })
}

fn check_nothing_is_drawn(host: &mut dyn Host) -> Result<(), Failure> {
    match stored().drawing.get(host)? {
        0 => Ok(()),
        _ => Err(Failure::revert(&Juries::DrawGoesOn {})),
    }
}

fn registered(
    host: &mut dyn Host,
    stratum: Stratum,
    account: Address,
) -> Result<StoredJuror, Failure> {
    let slots = stored().jurors.of(host, stratum.number())?.of(host, account)?;
    if slots.number.get(host)? == 0 {
        return Err(Failure::revert(&Juries::NotRegistered { account }));
    }
    Ok(slots)
}

/// Lowers a juror's weight, in the tree too.
fn lower(
    host: &mut dyn Host,
    stratum: Stratum,
    slots: StoredJuror,
    weight: u128,
) -> Result<(), Failure> {
    let before = slots.weight.get(host)?;
    if slots.is_admitted.get(host)? {
        let number = slots.number.get(host)?;
        let mut tree = Slots { host, stratum: stratum.number() };
        jury::set_weight(&mut tree, number, (before, weight))?;
    }
    slots.weight.set(host, weight)
}

fn leave_tree(host: &mut dyn Host, stratum: Stratum, slots: StoredJuror) -> Result<(), Failure> {
    if slots.is_admitted.get(host)? {
        lower(host, stratum, slots, 0)?;
        slots.is_admitted.set(host, false)?;
    }
    Ok(())
}

fn summon(host: &mut dyn Host, id: U256) -> Result<(), Failure> {
    let caller = host.caller();
    if caller != GOVERNOR {
        return Err(Failure::revert(&Juries::NotGovernor { caller }));
    }
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
    let number = jury::draw(&mut Slots { host, stratum: stratum.number() }, word)?;
    let nobody = || Failure::Broken("a stratum with weight has nobody at a place of it".to_owned());
    let number = number.ok_or_else(nobody)?;
    let accounts = stored().accounts.of(host, stratum.number())?;
    let account = accounts.of(host, U256::from(number))?.get(host)?;
    let weight = stored().jurors.of(host, stratum.number())?.of(host, account)?.weight.get(host)?;
    let slots = stored().seats.of(host, id)?.of(host, account)?;
    let before = slots.load(host)?;
    // An account may be drawn from both strata: then it must keep the larger weight.
    let (count, weight) = (before.count.saturating_add(1), before.weight.max(weight));
    slots.count.set(host, count)?;
    slots.weight.set(host, weight)?;
    emit(host, &Juries::Seated { id, account, seats: count, weight })
}

fn commit(host: &mut dyn Host, id: U256, commitment: B256) -> Result<(), Failure> {
    let account = host.caller();
    let (panel, slots, mut seats) = sitting(host, id, account)?;
    let (weight, now) = (present(host, account)?, host.timestamp());
    let result = panel.commit(&mut seats, commitment.0, (weight, now));
    result.map_err(|error| refused(error, account))?;
    slots.commitment.set(host, commitment)?;
    emit(host, &Juries::Committed { id, account })
}

fn show(host: &mut dyn Host, call: &Juries::showCall) -> Result<(), Failure> {
    let Juries::showCall { id, isYes: is_yes, salt } = *call;
    let account = host.caller();
    let (mut panel, slots, mut seats) = sitting(host, id, account)?;
    let digest = host.keccak256(&(id, account, is_yes, salt).abi_encode())?;
    let (weight, now) = (present(host, account)?, host.timestamp());
    let result = panel.show(&mut seats, (digest.0, is_yes), (weight, now));
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

/// Returns the larger of what an account holds in the two houses.
fn present(host: &mut dyn Host, account: Address) -> Result<u128, Failure> {
    Ok(held(host, Stratum::Work, account)?.max(held(host, Stratum::Stake, account)?))
}

fn held(host: &mut dyn Host, stratum: Stratum, account: Address) -> Result<u128, Failure> {
    let house = match stratum {
        Stratum::Work => WORK_HOUSE,
        Stratum::Stake => STAKE_HOUSE,
    };
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
        isAdmitted: slots.is_admitted.get(host)?,
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
        JuryError::Lighter { has, drawn } => Failure::revert(&Juries::Lighter { has, drawn }),
        JuryError::Done => Failure::revert(&Juries::DoneAlready {}),
        JuryError::Otherwise => Failure::revert(&Juries::NotCommitted {}),
    }
}

impl StoredSeats {
    fn load(self, host: &mut dyn Host) -> Result<Seats, Failure> {
        Ok(Seats {
            count: self.count.get(host)?,
            weight: self.weight.get(host)?,
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
