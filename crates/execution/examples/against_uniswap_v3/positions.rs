//! Random steps of the position manager.

use abi::{Erc20, NonfungiblePositionManager as Manager, UNISWAP_V3_POSITIONS, WRAPPED_GRAIN};
use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall as _, SolValue as _};

use crate::{
    steps::{ACCOUNT, ASSETS, Called, Generator, tick_of},
    twin::Ledger,
    world::{ACTORS, OWNER},
};

impl Generator {
    pub(crate) fn managed(&mut self, ledger: &mut Ledger) -> Called {
        let supply = ledger.read(UNISWAP_V3_POSITIONS, &Manager::totalSupplyCall {}.abi_encode());
        let supply = Manager::totalSupplyCall::abi_decode_returns(&supply.output);
        self.tokens = self.tokens.max(supply.map_or(0, |supply| supply.to()));
        let from = if self.draws.one_in(12) { OWNER } else { ACCOUNT };
        let (name, data) = match self.draws.below(20) {
            0..5 => ("nft mint", self.mint_call(ledger)),
            5 | 6 => ("nft increase", self.increase_call()),
            7 | 8 => ("nft decrease", self.decrease_call(ledger)),
            9 | 10 => ("nft collect", self.collect_call()),
            11 => {
                let call = Manager::burnCall { tokenId: self.token() };
                ("nft burn", call.abi_encode())
            }
            12 | 13 => ("nft move", self.move_call()),
            14 => ("nft look", self.look_call()),
            15 => ("nft permit", self.permit_call(ledger)),
            16 => ("nft pool", self.pool_call()),
            17 => ("nft forged", self.forged_call()),
            18 => ("nft close", self.close_call(ledger)),
            _ => {
                let mut data: Vec<Bytes> = Vec::new();
                for _ in 0..1 + self.draws.below(3) {
                    let call = match self.draws.below(8) {
                        0 => self.mint_call(ledger),
                        1 => self.increase_call(),
                        2 => self.decrease_call(ledger),
                        3 | 4 => self.collect_call(),
                        5 => Manager::unwrapWETH9Call {
                            amountMinimum: U256::ZERO,
                            recipient: ACCOUNT,
                        }
                        .abi_encode(),
                        6 => Manager::sweepTokenCall {
                            token: self.draws.of(&ASSETS),
                            amountMinimum: U256::ZERO,
                            recipient: ACCOUNT,
                        }
                        .abi_encode(),
                        _ => Manager::burnCall { tokenId: self.token() }.abi_encode(),
                    };
                    data.push(call.into());
                }
                data.push(Manager::refundETHCall {}.abi_encode().into());
                if self.draws.one_in(2) {
                    self.value = U256::from(self.draws.below(1 << 40));
                }
                ("nft multicall", Manager::multicallCall { data }.abi_encode())
            }
        };
        if self.draws.one_in(30) {
            let value = U256::from(self.draws.below(1_000_000));
            let token = self.draws.of(&[ASSETS[0], WRAPPED_GRAIN]);
            let call = Erc20::transferCall { to: UNISWAP_V3_POSITIONS, value };
            return ("to manager", ACCOUNT, token, call.abi_encode());
        }
        (name, from, UNISWAP_V3_POSITIONS, data)
    }

    /// Returns the number of a token: often one that exists.
    fn token(&mut self) -> U256 {
        U256::from(self.draws.below(self.tokens + 2))
    }

    fn least(&mut self) -> U256 {
        if self.draws.one_in(10) { self.draws.bits(60) } else { U256::ZERO }
    }

    fn in_time(&mut self) -> U256 {
        if self.draws.one_in(20) { U256::from(self.time - 1) } else { U256::MAX }
    }

    fn desired(&mut self) -> U256 {
        match self.draws.below(16) {
            0 => U256::ZERO,
            1 => U256::MAX,
            2 => self.draws.bits(200),
            _ => self.draws.bits(70),
        }
    }

    fn mint_call(&mut self, ledger: &mut Ledger) -> Vec<u8> {
        let (_, pool) = self.pool();
        let (lower, upper) = self.ticks(ledger, pool);
        let (token0, token1) = match self.draws.below(30) {
            0 => (pool.assets.1, pool.assets.0),
            1 => (pool.assets.0, pool.assets.0),
            _ => pool.assets,
        };
        let recipient = self.draws.of(&[ACCOUNT, ACCOUNT, ACTORS[0], OWNER, Address::ZERO]);
        let params = Manager::MintParams {
            token0,
            token1,
            fee: pool.fee,
            tickLower: tick_of(lower),
            tickUpper: tick_of(upper),
            amount0Desired: self.desired(),
            amount1Desired: self.desired(),
            amount0Min: self.least(),
            amount1Min: self.least(),
            recipient,
            deadline: self.in_time(),
        };
        Manager::mintCall { params }.abi_encode()
    }

    fn increase_call(&mut self) -> Vec<u8> {
        let params = Manager::IncreaseLiquidityParams {
            tokenId: self.token(),
            amount0Desired: self.desired(),
            amount1Desired: self.desired(),
            amount0Min: self.least(),
            amount1Min: self.least(),
            deadline: self.in_time(),
        };
        Manager::increaseLiquidityCall { params }.abi_encode()
    }

    fn decrease_call(&mut self, ledger: &mut Ledger) -> Vec<u8> {
        let token = self.token();
        let call = Manager::positionsCall { tokenId: token }.abi_encode();
        let output = ledger.read(UNISWAP_V3_POSITIONS, &call).output;
        let held = Manager::positionsCall::abi_decode_returns(&output).map_or(0, |it| it.liquidity);
        let liquidity = match self.draws.below(8) {
            0 => 0,
            1 => held.saturating_add(1),
            2 => u128::from(self.draws.below(1_000)),
            3..6 => held,
            _ => held / 2 + 1,
        };
        let params = Manager::DecreaseLiquidityParams {
            tokenId: token,
            liquidity,
            amount0Min: self.least(),
            amount1Min: self.least(),
            deadline: self.in_time(),
        };
        Manager::decreaseLiquidityCall { params }.abi_encode()
    }

    fn collect_call(&mut self) -> Vec<u8> {
        let most = |generator: &mut Self| match generator.draws.below(6) {
            0 => 0,
            1 => u128::from(generator.draws.below(1_000)),
            _ => u128::MAX,
        };
        let (amount0, amount1) = (most(self), most(self));
        let recipient = self.draws.of(&[ACCOUNT, ACTORS[0], Address::ZERO]);
        let params = Manager::CollectParams {
            tokenId: self.token(),
            recipient,
            amount0Max: amount0,
            amount1Max: amount1,
        };
        Manager::collectCall { params }.abi_encode()
    }

    fn move_call(&mut self) -> Vec<u8> {
        let who = [ACCOUNT, ACTORS[0], OWNER, Address::ZERO, ASSETS[0]];
        let (one, other) = (self.draws.of(&who), self.draws.of(&who));
        let token = self.token();
        match self.draws.below(6) {
            0 => Manager::approveCall { to: one, tokenId: token }.abi_encode(),
            1 => Manager::setApprovalForAllCall { operator: one, approved: self.draws.one_in(2) }
                .abi_encode(),
            2 | 3 => {
                let from = if self.draws.one_in(3) { one } else { ACCOUNT };
                Manager::transferFromCall { from, to: other, tokenId: token }.abi_encode()
            }
            4 => Manager::safeTransferFrom_0Call { from: ACCOUNT, to: other, tokenId: token }
                .abi_encode(),
            _ => Manager::safeTransferFrom_1Call {
                from: ACCOUNT,
                to: other,
                tokenId: token,
                _data: Bytes::from_static(b"data"),
            }
            .abi_encode(),
        }
    }

    fn look_call(&mut self) -> Vec<u8> {
        let (token, index) = (self.token(), U256::from(self.draws.below(5)));
        let who = self.draws.of(&[ACCOUNT, ACTORS[0], OWNER, Address::ZERO]);
        match self.draws.below(13) {
            0 => Manager::ownerOfCall { tokenId: token }.abi_encode(),
            1 => Manager::balanceOfCall { owner: who }.abi_encode(),
            2 => Manager::tokenByIndexCall { index }.abi_encode(),
            3 => Manager::tokenOfOwnerByIndexCall { owner: who, index }.abi_encode(),
            4 => Manager::getApprovedCall { tokenId: token }.abi_encode(),
            5 => Manager::isApprovedForAllCall { owner: ACCOUNT, operator: who }.abi_encode(),
            6 => Manager::totalSupplyCall {}.abi_encode(),
            7 => Manager::nameCall {}.abi_encode(),
            8 => Manager::symbolCall {}.abi_encode(),
            9 => {
                let id =
                    self.draws.of(&[0x01ff_c9a7_u32, 0x80ac_58cd, 0x5b5e_139f, 0x780e_9d63, 7]);
                Manager::supportsInterfaceCall { interfaceId: FixedBytes(id.to_be_bytes()) }
                    .abi_encode()
            }
            10 => Manager::DOMAIN_SEPARATORCall {}.abi_encode(),
            11 => Manager::PERMIT_TYPEHASHCall {}.abi_encode(),
            _ => Manager::positionsCall { tokenId: token }.abi_encode(),
        }
    }

    /// Returns a call that takes everything out of a position and ends it.
    fn close_call(&mut self, ledger: &mut Ledger) -> Vec<u8> {
        let token = self.token();
        let call = Manager::positionsCall { tokenId: token }.abi_encode();
        let output = ledger.read(UNISWAP_V3_POSITIONS, &call).output;
        let held = Manager::positionsCall::abi_decode_returns(&output).map_or(0, |it| it.liquidity);
        let decrease = Manager::DecreaseLiquidityParams {
            tokenId: token,
            liquidity: held,
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            deadline: U256::MAX,
        };
        let collect = Manager::CollectParams {
            tokenId: token,
            recipient: ACCOUNT,
            amount0Max: u128::MAX,
            amount1Max: u128::MAX,
        };
        let data = vec![
            Manager::decreaseLiquidityCall { params: decrease }.abi_encode().into(),
            Manager::collectCall { params: collect }.abi_encode().into(),
            Manager::burnCall { tokenId: token }.abi_encode().into(),
        ];
        Manager::multicallCall { data }.abi_encode()
    }

    /// Returns a permit signed by the account, sometimes with something wrong.
    fn permit_call(&mut self, ledger: &mut Ledger) -> Vec<u8> {
        let (spender, token) = (self.draws.of(&[ACTORS[0], ACCOUNT, OWNER]), self.token());
        let deadline = self.in_time();
        let mut read = |call: Vec<u8>| ledger.read(UNISWAP_V3_POSITIONS, &call).output;
        let domain = read(Manager::DOMAIN_SEPARATORCall {}.abi_encode());
        let kind = read(Manager::PERMIT_TYPEHASHCall {}.abi_encode());
        let held = read(Manager::positionsCall { tokenId: token }.abi_encode());
        let nonce = Manager::positionsCall::abi_decode_returns(&held).map(|it| it.nonce);
        let nonce = U256::from(nonce.unwrap_or_default()) + U256::from(self.draws.one_in(6));
        let kind = B256::from_slice(&kind);
        let statement = keccak256((kind, spender, token, nonce, deadline).abi_encode());
        let digest = keccak256([&[0x19, 0x01], &domain[..], &statement[..]].concat());
        let key = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).expect("a key");
        let signature = key.sign_hash_sync(&digest).expect("it signs");
        let v = 27 + u8::from(signature.v());
        let (v, r) = match self.draws.below(8) {
            0 => (0, signature.r()),
            1 => (v, U256::ZERO),
            _ => (v, signature.r()),
        };
        Manager::permitCall {
            spender,
            tokenId: token,
            deadline,
            v,
            r: r.into(),
            s: signature.s().into(),
        }
        .abi_encode()
    }

    fn pool_call(&mut self) -> Vec<u8> {
        let (_, pool) = self.pool();
        let (token0, token1) = match self.draws.below(4) {
            0 => (ASSETS[0], ASSETS[4]),
            1 => (pool.assets.1, pool.assets.0),
            _ => pool.assets,
        };
        let price = self.price(0);
        Manager::createAndInitializePoolIfNecessaryCall {
            token0,
            token1,
            fee: pool.fee,
            sqrtPriceX96: price,
        }
        .abi_encode()
    }

    fn forged_call(&mut self) -> Vec<u8> {
        let (_, pool) = self.pool();
        let data = (pool.assets.0, pool.assets.1, pool.fee, ACCOUNT);
        Manager::uniswapV3MintCallbackCall {
            amount0Owed: U256::from(5),
            amount1Owed: U256::from(5),
            data: data.abi_encode_params().into(),
        }
        .abi_encode()
    }
}
