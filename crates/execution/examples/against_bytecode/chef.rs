//! Sushi `MasterChef` with its `SushiToken`; natively with a reserve that has been funded with more than is ever drawn.

use abi::MasterChef as Chef;
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolValue, sol};

use crate::{
    draws::Draws,
    scene::{ACTOR, Actor, DEPLOYER, OWNER, Odd, Scene, TOKENS, USERS, slots},
};

sol! {
    function transferOwnership(address newOwner) external;
}

const MODES: [u8; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const DEVELOPER: Address = Address::repeat_byte(0x0e);
/// Slots of a reserve: its owner, and what is undrawn.
const RESERVE_SLOTS: [u64; 2] = [5, 7];

pub(crate) fn new(folder: &str, draws: Draws) -> Scene {
    let mut scene = Scene::new(draws, next, describe);
    let sushi = scene.deploy((folder, "sushi_token"), &[], b"\xefreward reserve");
    for (slot, _) in slots(&scene.native, sushi) {
        scene.native.set_slot(sushi, slot, U256::ZERO);
    }
    let per_block = U256::from(scene.draws.number() >> scene.draws.below(60));
    let start = U256::from(90 + scene.draws.below(20));
    let bonus_end = U256::from(100 + scene.draws.below(400));
    let arguments = (sushi, DEVELOPER, per_block, start, bonus_end).abi_encode();
    scene.subject = scene.deploy((folder, "master_chef"), &arguments, b"\xefmaster chef");
    let chef = scene.subject;
    // Both tokens belong to the farm.
    let step = crate::recorded::Step {
        block: 1,
        time: 1,
        from: DEPLOYER,
        to: sushi,
        input: transferOwnershipCall { newOwner: chef }.abi_encode().into(),
    };
    assert!(scene.bytecode.call(&step).success, "the token belongs to its deployer");
    let owner = U256::from_be_bytes(chef.into_word().0);
    for (slot, word) in RESERVE_SLOTS.into_iter().zip([owner, U256::MAX >> 2]) {
        scene.native.set_slot(sushi, U256::from(slot), word);
    }
    let transfer = Chef::transferOwnershipCall { newOwner: OWNER }.abi_encode();
    scene.prepare(DEPLOYER, chef, transfer);
    scene.endow();
    scene.prepare(OWNER, ACTOR, Actor::setExchangeCall { token: TOKENS[1] }.abi_encode());
    let add = Chef::addCall { allocPoint: U256::from(10), lpToken: TOKENS[0], withUpdate: false };
    scene.prepare(OWNER, chef, add.abi_encode());
    watch(&mut scene, sushi);
    scene
}

fn watch(scene: &mut Scene, sushi: Address) {
    let subject = scene.subject;
    scene.watch(subject, &Chef::ownerCall {});
    scene.watch(subject, &Chef::sushiCall {});
    scene.watch(subject, &Chef::devaddrCall {});
    scene.watch(subject, &Chef::bonusEndBlockCall {});
    scene.watch(subject, &Chef::sushiPerBlockCall {});
    scene.watch(subject, &Chef::BONUS_MULTIPLIERCall {});
    scene.watch(subject, &Chef::migratorCall {});
    scene.watch(subject, &Chef::totalAllocPointCall {});
    scene.watch(subject, &Chef::startBlockCall {});
    scene.watch(subject, &Chef::poolLengthCall {});
    for (from, to) in [(0, 700), (90, 110), (600, 601), (9, 8)] {
        let (from, to) = (U256::from(from), U256::from(to));
        scene.watch(subject, &Chef::getMultiplierCall { from, to });
    }
    for pid in [0, 1, 2, 3, u64::MAX].map(U256::from) {
        scene.watch(subject, &Chef::poolInfoCall { pid });
        for user in [USERS[0], USERS[1], ACTOR] {
            scene.watch(subject, &Chef::userInfoCall { pid, user });
            scene.watch(subject, &Chef::pendingSushiCall { pid, user });
        }
    }
    for account in [USERS[0], USERS[1], USERS[2], ACTOR, DEVELOPER, subject] {
        scene.watch(sushi, &Odd::balanceOfCall { account });
    }
    scene.watch_tokens();
}

fn next(scene: &mut Scene) -> (Address, Address, Vec<u8>) {
    let (subject, user) = (scene.subject, scene.user());
    match scene.draws.below(20) {
        0..14 => {
            let input = call_of(scene, user);
            scene.by(user, subject, input)
        }
        14..17 => {
            // The original has no lock; a native farm refuses to be called back, except for views. Those that differ while a user leaves in an
            // emergency are of that user.
            let pid = U256::from(scene.draws.below(3));
            let callback = match scene.draws.below(3) {
                0 => Chef::poolInfoCall { pid }.abi_encode(),
                1 => Chef::totalAllocPointCall {}.abi_encode(),
                _ => Chef::pendingSushiCall { pid, user: OWNER }.abi_encode(),
            };
            scene.change_token(&MODES, callback)
        }
        _ => administer(scene),
    }
}

fn pool(scene: &mut Scene) -> U256 {
    let length = scene.ask(scene.subject, &Chef::poolLengthCall {}).saturating_to::<u64>();
    let beyond = u64::from(scene.draws.one_in(20));
    U256::from(scene.draws.below(length + beyond))
}

fn call_of(scene: &mut Scene, user: Address) -> Vec<u8> {
    let (subject, pid) = (scene.subject, pool(scene));
    let staked = scene.ask(subject, &Chef::userInfoCall { pid, user });
    match scene.draws.below(14) {
        0..6 => Chef::depositCall { pid, amount: scene.draws.amount() }.abi_encode(),
        6..10 => {
            let near = scene.draws.one_in(2);
            let amount = if near { scene.draws.near(staked) } else { scene.draws.amount() };
            Chef::withdrawCall { pid, amount }.abi_encode()
        }
        10 => Chef::emergencyWithdrawCall { pid }.abi_encode(),
        11 => Chef::updatePoolCall { pid }.abi_encode(),
        12 => Chef::massUpdatePoolsCall {}.abi_encode(),
        _ => Chef::pendingSushiCall { pid, user }.abi_encode(),
    }
}

fn administer(scene: &mut Scene) -> (Address, Address, Vec<u8>) {
    let (subject, pid) = (scene.subject, pool(scene));
    let owner = Address::from_word(scene.ask(subject, &Chef::ownerCall {}).into());
    let from = if scene.draws.one_in(8) { USERS[1] } else { owner };
    let with_update = scene.draws.one_in(2);
    let allocation = match scene.draws.below(8) {
        0 => scene.draws.amount(),
        _ => U256::from(scene.draws.below(30)),
    };
    let input = match scene.draws.below(13) {
        0..3 => {
            let lp_token = scene.draws.of(&[TOKENS[0], TOKENS[1], TOKENS[0], USERS[0]]);
            Chef::addCall { allocPoint: allocation, lpToken: lp_token, withUpdate: with_update }
                .abi_encode()
        }
        3..6 => Chef::setCall { pid, allocPoint: allocation, withUpdate: with_update }.abi_encode(),
        6 => {
            let new_migrator =
                scene.draws.of(&[ACTOR, ACTOR, ACTOR, ACTOR, Address::ZERO, USERS[0]]);
            Chef::setMigratorCall { newMigrator: new_migrator }.abi_encode()
        }
        7 | 12 => Chef::migrateCall { pid }.abi_encode(),
        8 => {
            let developer = Address::from_word(scene.ask(subject, &Chef::devaddrCall {}).into());
            let from = scene.draws.of(&[developer, developer, USERS[0]]);
            let new_developer = scene.draws.of(&[DEVELOPER, USERS[2], DEVELOPER]);
            return (from, subject, Chef::devCall { newDeveloper: new_developer }.abi_encode());
        }
        9 => {
            let new_owner = scene.draws.of(&[OWNER, USERS[1], OWNER, Address::ZERO]);
            Chef::transferOwnershipCall { newOwner: new_owner }.abi_encode()
        }
        10 if scene.draws.one_in(10) => Chef::renounceOwnershipCall {}.abi_encode(),
        10 if scene.draws.one_in(10) => {
            let new_developer = Address::ZERO;
            return (
                DEVELOPER,
                subject,
                Chef::devCall { newDeveloper: new_developer }.abi_encode(),
            );
        }
        _ => Chef::massUpdatePoolsCall {}.abi_encode(),
    };
    (from, subject, input)
}

fn describe(input: &[u8]) -> Option<String> {
    abi::Module::named("MasterChef")?.decode_call(input).map(|call| call.to_string())
}
