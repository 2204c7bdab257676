//! OpenZeppelin 5 `ERC4626`, with offsets 0, 3 and 6.

use abi::{Shares, Vault};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolValue};

use crate::{
    draws::Draws,
    scene::{ACTOR, OWNER, Odd, Scene, TOKENS, USERS},
};

const MODES: [u8; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

pub(crate) fn new(folder: &str, draws: Draws) -> Scene {
    let mut scene = Scene::new(draws, next, describe);
    let asset = TOKENS[0];
    let decimals = scene.draws.of(&[0, 6, 18, 250]);
    scene.prepare(OWNER, asset, Odd::setDecimalsCall { decimals }.abi_encode());
    let offset: u8 = scene.draws.of(&[0, 3, 6]);
    let arguments = (asset, U256::from(offset)).abi_encode();
    scene.subject = scene.deploy((folder, "vault"), &arguments, b"\xefvault");
    // Address, decimals, offset: what the contract keeps in its code.
    let word = U256::from_be_bytes(asset.into_word().0);
    let terms = word | (U256::from(decimals) << 160) | (U256::from(offset) << 168);
    scene.own_bits(5, terms);
    scene.endow();
    watch(&mut scene);
    scene
}

fn watch(scene: &mut Scene) {
    let subject = scene.subject;
    scene.watch(subject, &Shares::nameCall {});
    scene.watch(subject, &Shares::symbolCall {});
    scene.watch(subject, &Shares::decimalsCall {});
    scene.watch(subject, &Shares::totalSupplyCall {});
    scene.watch(subject, &Vault::assetCall {});
    scene.watch(subject, &Vault::totalAssetsCall {});
    scene.watch(subject, &Vault::maxDepositCall { receiver: USERS[0] });
    scene.watch(subject, &Vault::maxMintCall { receiver: USERS[0] });
    for amount in [U256::from(7), U256::from(1) << 90, U256::MAX] {
        scene.watch(subject, &Vault::convertToSharesCall { assets: amount });
        scene.watch(subject, &Vault::convertToAssetsCall { shares: amount });
        scene.watch(subject, &Vault::previewDepositCall { assets: amount });
        scene.watch(subject, &Vault::previewMintCall { shares: amount });
        scene.watch(subject, &Vault::previewWithdrawCall { assets: amount });
        scene.watch(subject, &Vault::previewRedeemCall { shares: amount });
    }
    for account in [USERS[0], USERS[1], USERS[2], ACTOR] {
        scene.watch(subject, &Shares::balanceOfCall { account });
        scene.watch(subject, &Vault::maxWithdrawCall { owner: account });
        scene.watch(subject, &Vault::maxRedeemCall { owner: account });
        for spender in [USERS[1], ACTOR] {
            scene.watch(subject, &Shares::allowanceCall { owner: account, spender });
        }
    }
    scene.watch_tokens();
}

fn next(scene: &mut Scene) -> (Address, Address, Vec<u8>) {
    let (subject, user) = (scene.subject, scene.user());
    if scene.draws.one_in(6) {
        let callback = call_of(scene, ACTOR);
        return scene.change_token(&MODES, callback);
    }
    let input = call_of(scene, user);
    scene.by(user, subject, input)
}

fn call_of(scene: &mut Scene, user: Address) -> Vec<u8> {
    let subject = scene.subject;
    let owner = if scene.draws.one_in(3) { scene.user() } else { user };
    let receiver = if scene.draws.one_in(30) { Address::ZERO } else { scene.user() };
    let shares = scene.ask(subject, &Shares::balanceOfCall { account: owner });
    let assets = scene.ask(subject, &Vault::maxWithdrawCall { owner });
    let near = scene.draws.one_in(2);
    let shares = if near { scene.draws.near(shares) } else { scene.draws.amount() };
    let assets = if near { scene.draws.near(assets) } else { scene.draws.amount() };
    match scene.draws.below(14) {
        0..3 => Vault::depositCall { assets: scene.draws.amount(), receiver }.abi_encode(),
        3 | 4 => Vault::mintCall { shares: scene.draws.amount(), receiver }.abi_encode(),
        5 | 6 => Vault::withdrawCall { assets, receiver, owner }.abi_encode(),
        7..9 => Vault::redeemCall { shares, receiver, owner }.abi_encode(),
        9 => Shares::transferCall { to: receiver, value: shares }.abi_encode(),
        10 => Shares::transferFromCall { from: owner, to: receiver, value: shares }.abi_encode(),
        11 | 12 => {
            let value = if scene.draws.one_in(3) { U256::MAX } else { scene.draws.amount() };
            Shares::approveCall { spender: receiver, value }.abi_encode()
        }
        _ => Vault::convertToAssetsCall { shares }.abi_encode(),
    }
}

fn describe(input: &[u8]) -> Option<String> {
    abi::Module::named("Vault")?.decode_call(input).map(|call| call.to_string())
}
