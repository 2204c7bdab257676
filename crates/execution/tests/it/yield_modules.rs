//! Replays what the bytecode of `StakingRewards`, `MasterChef` and `ERC4626` answered to random calls (`testdata/yield`) with the native modules.

use crate::recorded::replay;

#[test]
fn rewards_answer_as_recorded() {
    assert_eq!(replay(include_str!("../../../../testdata/yield/rewards.txt")), 1_200);
}

#[test]
fn farms_answer_as_recorded() {
    assert_eq!(replay(include_str!("../../../../testdata/yield/chef.txt")), 1_200);
}

#[test]
fn vaults_answer_as_recorded() {
    assert_eq!(replay(include_str!("../../../../testdata/yield/vault.txt")), 1_200);
}
