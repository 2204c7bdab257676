//! Synthetix `StakingRewards`.

use abi::StakingRewards as Rewards;
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolValue};

use crate::{
    draws::Draws,
    scene::{ACTOR, DISTRIBUTOR, OWNER, Odd, Scene, TOKENS, USERS},
};

/// All habits of the token.
const MODES: [u8; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

pub(crate) fn new(folder: &str, draws: Draws) -> Scene {
    let mut scene = Scene::new(draws, next, describe);
    let [staking, mut reward] = TOKENS;
    scene.is_one_token = scene.draws.one_in(4);
    if scene.is_one_token {
        reward = staking;
    }
    let arguments = (OWNER, DISTRIBUTOR, reward, staking).abi_encode();
    scene.subject = scene.deploy((folder, "staking_rewards"), &arguments, b"\xefstaking rewards");
    if scene.is_one_token {
        // `pays_stakes`, beside `paused` and the reward token.
        scene.own_bits(5, U256::from(1) << 168);
    }
    scene.endow();
    watch(&mut scene);
    scene
}

fn watch(scene: &mut Scene) {
    let subject = scene.subject;
    scene.watch(subject, &Rewards::ownerCall {});
    scene.watch(subject, &Rewards::nominatedOwnerCall {});
    scene.watch(subject, &Rewards::rewardsDistributionCall {});
    scene.watch(subject, &Rewards::lastPauseTimeCall {});
    scene.watch(subject, &Rewards::pausedCall {});
    scene.watch(subject, &Rewards::rewardsTokenCall {});
    scene.watch(subject, &Rewards::stakingTokenCall {});
    scene.watch(subject, &Rewards::periodFinishCall {});
    scene.watch(subject, &Rewards::rewardRateCall {});
    scene.watch(subject, &Rewards::rewardsDurationCall {});
    scene.watch(subject, &Rewards::lastUpdateTimeCall {});
    scene.watch(subject, &Rewards::rewardPerTokenStoredCall {});
    scene.watch(subject, &Rewards::totalSupplyCall {});
    scene.watch(subject, &Rewards::lastTimeRewardApplicableCall {});
    scene.watch(subject, &Rewards::rewardPerTokenCall {});
    scene.watch(subject, &Rewards::getRewardForDurationCall {});
    for account in [USERS[0], USERS[1], USERS[2], ACTOR] {
        scene.watch(subject, &Rewards::balanceOfCall { account });
        scene.watch(subject, &Rewards::earnedCall { account });
        scene.watch(subject, &Rewards::rewardsCall { account });
        scene.watch(subject, &Rewards::userRewardPerTokenPaidCall { account });
    }
    scene.watch_tokens();
}

fn next(scene: &mut Scene) -> (Address, Address, Vec<u8>) {
    let (subject, user) = (scene.subject, scene.user());
    match scene.draws.below(20) {
        0..13 => {
            let input = call_of(scene, user);
            scene.by(user, subject, input)
        }
        13 | 14 => notify(scene),
        15 | 16 if !scene.is_one_token => {
            let callback = call_of(scene, ACTOR);
            scene.change_token(&MODES, callback)
        }
        _ => administer(scene),
    }
}

/// Returns a call that anybody may make.
fn call_of(scene: &mut Scene, user: Address) -> Vec<u8> {
    let subject = scene.subject;
    let staked = scene.ask(subject, &Rewards::balanceOfCall { account: user });
    match scene.draws.below(12) {
        0..5 => Rewards::stakeCall { amount: scene.draws.amount() }.abi_encode(),
        5..8 => {
            let near = scene.draws.one_in(2);
            let amount = if near { scene.draws.near(staked) } else { scene.draws.amount() };
            Rewards::withdrawCall { amount }.abi_encode()
        }
        8 | 9 => Rewards::getRewardCall {}.abi_encode(),
        10 => Rewards::exitCall {}.abi_encode(),
        _ => Rewards::earnedCall { account: user }.abi_encode(),
    }
}

/// Funds the contract, or announces what it holds, more, or anything. Where stakes are of the same token, an announcement is always funded: others are
/// refused natively, and paid out of stakes by the original.
fn notify(scene: &mut Scene) -> (Address, Address, Vec<u8>) {
    let subject = scene.subject;
    let token = if scene.is_one_token { TOKENS[0] } else { TOKENS[1] };
    if scene.is_one_token {
        let free = unpromised(scene, token);
        if !free.is_zero() && scene.draws.one_in(2) {
            let part = U256::from(1 + scene.draws.below(3));
            let reward = free / part;
            return (DISTRIBUTOR, subject, Rewards::notifyRewardAmountCall { reward }.abi_encode());
        }
    }
    if scene.is_one_token || scene.draws.one_in(2) {
        let value = scene.draws.amount();
        return (DISTRIBUTOR, token, Odd::transferCall { to: subject, value }.abi_encode());
    }
    let held = scene.ask(token, &Odd::balanceOfCall { account: subject });
    let reward = match scene.draws.below(4) {
        0 => scene.draws.amount(),
        1 => held / U256::from(3),
        _ => scene.draws.near(held),
    };
    let from = if scene.draws.one_in(8) { USERS[0] } else { DISTRIBUTOR };
    (from, subject, Rewards::notifyRewardAmountCall { reward }.abi_encode())
}

/// Returns what the contract holds beside stakes and promised rewards.
fn unpromised(scene: &mut Scene, token: Address) -> U256 {
    let subject = scene.subject;
    let mut free = scene.ask(token, &Odd::balanceOfCall { account: subject });
    let finish = scene.ask(subject, &Rewards::periodFinishCall {});
    let rate = scene.ask(subject, &Rewards::rewardRateCall {});
    let remaining = finish.saturating_sub(scene.time());
    free = free.saturating_sub(scene.ask(subject, &Rewards::totalSupplyCall {}));
    free = free.saturating_sub(remaining.saturating_mul(rate));
    for account in [USERS[0], USERS[1], USERS[2], ACTOR] {
        free = free.saturating_sub(scene.ask(subject, &Rewards::earnedCall { account }));
    }
    free
}

fn administer(scene: &mut Scene) -> (Address, Address, Vec<u8>) {
    let subject = scene.subject;
    let owner = Address::from_word(scene.ask(subject, &Rewards::ownerCall {}).into());
    let from = if scene.draws.one_in(6) { USERS[1] } else { owner };
    let input = match scene.draws.below(10) {
        0..3 => {
            let duration = match scene.draws.below(6) {
                0 => scene.draws.amount(),
                1 => U256::from(scene.draws.below(2)),
                _ => U256::from(1 + scene.draws.below(1_000_000)),
            };
            Rewards::setRewardsDurationCall { duration }.abi_encode()
        }
        3 | 4 => Rewards::setPausedCall { isPaused: scene.draws.one_in(3) }.abi_encode(),
        5 | 6 => {
            let token_address = scene.draws.of(&[TOKENS[0], TOKENS[1], USERS[0]]);
            let held = scene.ask(token_address, &Odd::balanceOfCall { account: subject });
            let token_amount = scene.draws.near(held);
            Rewards::recoverERC20Call { tokenAddress: token_address, tokenAmount: token_amount }
                .abi_encode()
        }
        7 => {
            let distribution = if scene.draws.one_in(4) { USERS[2] } else { DISTRIBUTOR };
            Rewards::setRewardsDistributionCall { distribution }.abi_encode()
        }
        8 => {
            let new_owner = scene.draws.of(&[OWNER, USERS[1], Address::ZERO]);
            Rewards::nominateNewOwnerCall { newOwner: new_owner }.abi_encode()
        }
        _ => {
            let nominated = scene.ask(subject, &Rewards::nominatedOwnerCall {});
            let nominated = Address::from_word(nominated.into());
            let from = scene.draws.of(&[OWNER, nominated, nominated]);
            return (from, subject, Rewards::acceptOwnershipCall {}.abi_encode());
        }
    };
    (from, subject, input)
}

fn describe(input: &[u8]) -> Option<String> {
    abi::Module::named("StakingRewards")?.decode_call(input).map(|call| call.to_string())
}
