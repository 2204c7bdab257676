"""Typical use of web3.py. Arguments: RPC url, private key of a funded account, folder of probe.json."""

import asyncio
import json
import pathlib
import sys

from eth_account import Account
from eth_account.messages import encode_typed_data
from web3 import AsyncWeb3, HTTPProvider, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError, TransactionNotFound, Web3RPCError

url, key, folder = sys.argv[1:]
artifact = json.loads((pathlib.Path(folder) / "probe.json").read_text())
w3 = Web3(HTTPProvider(url))
account = Account.from_key(key)
receiver = Web3.to_checksum_address("0x00000000000000000000000000000000000c0de5")
assert w3.is_connected()
chain_id = w3.eth.chain_id


def mined(transaction):
    signed = account.sign_transaction(transaction)
    receipt = w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(signed.raw_transaction), poll_latency=0.02)
    assert receipt.status == 1
    return receipt


def own(**fields):
    return {"from": account.address, "nonce": w3.eth.get_transaction_count(account.address), "chainId": chain_id, **fields}


def transfer(**fields):
    base = w3.eth.get_block("latest").baseFeePerGas
    return own(to=receiver, gas=21000, maxFeePerGas=2 * base + 1, maxPriorityFeePerGas=1) | fields


# balance, transfer
before = w3.eth.get_balance(receiver)
mined(transfer(value=Web3.to_wei(1.5, "ether")))
assert w3.eth.get_balance(receiver) - before == Web3.to_wei(1.5, "ether")

# deploy, call, events by filter and from the past
factory = w3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
address = mined(factory.constructor(7).build_transaction(own())).contractAddress
probe = w3.eth.contract(address=address, abi=artifact["abi"])
assert probe.functions.value().call() == 7
event_filter = probe.events.Stored.create_filter(from_block="latest")
blocks = w3.eth.filter("latest")
for value in (41, 42):
    mined(probe.functions.store(value).build_transaction(own()))
assert [log.args.value for log in event_filter.get_new_entries()] == [41, 42]
assert len(blocks.get_new_entries()) == 2
assert w3.eth.uninstall_filter(blocks.filter_id)
past = probe.events.Stored.get_logs(from_block=0, argument_filters={"by": account.address})
assert [log.args.value for log in past] == [41, 42]


# by subscription
async def subscribed():
    async with AsyncWeb3(WebSocketProvider(url.replace("http", "ws"))) as socket:
        heads = await socket.eth.subscribe("newHeads")
        logs = await socket.eth.subscribe("logs", {"address": address})
        # The last transactions are in earlier blocks.
        await asyncio.to_thread(mined, probe.functions.store(43).build_transaction(own()))
        told = {}
        async for message in socket.socket.process_subscriptions():
            told[message["subscription"]] = message["result"]
            if len(told) == 2:
                break
        assert told[heads]["number"] == told[logs]["blockNumber"]
        assert int.from_bytes(told[logs]["data"]) == 43


asyncio.run(subscribed())

# a custom error, decoded
try:
    probe.functions.store(1001).call()
    raise AssertionError("it did not revert")
except ContractCustomError as error:
    data = bytes.fromhex(error.data[2:])
    too_large = Web3.keccak(text="TooLarge(uint256,uint256)")[:4]
    assert data[:4] == too_large and w3.codec.decode(["uint256", "uint256"], data[4:]) == (1001, 1000)

# permit
deadline = w3.eth.get_block("latest").timestamp + 3600
fields = [tuple(field.split()) for field in ("address owner", "address spender", "uint256 value", "uint256 nonce", "uint256 deadline")]
permit = encode_typed_data(
    {"name": "Probe", "version": "1", "chainId": chain_id, "verifyingContract": address},
    {"Permit": [{"type": kind, "name": name} for kind, name in fields]},
    {"owner": account.address, "spender": receiver, "value": 5, "nonce": 0, "deadline": deadline},
)
signed = account.sign_message(permit)
r, s = (part.to_bytes(32) for part in (signed.r, signed.s))
mined(probe.functions.permit(account.address, receiver, 5, deadline, signed.v, r, s).build_transaction(own()))
assert probe.functions.allowance(account.address, receiver).call() == 5

# batch
with w3.batch_requests() as batch:
    batch.add(w3.eth.get_block("latest"))
    batch.add(probe.functions.value())
    block, value = batch.execute()
assert block.number > 0 and value == 43

# fees
assert 21000 < probe.functions.store(1).estimate_gas({"from": account.address}) < 100000
assert w3.eth.gas_price > 0 and w3.eth.max_priority_fee >= 0
history = w3.eth.fee_history(4, "latest", [25, 75])
assert (len(history.baseFeePerGas), len(history.reward)) == (5, 4)

# replacement: two with one nonce wait after a gap; the one that pays more is included
nonce = w3.eth.get_transaction_count(account.address)
send = lambda transaction: w3.eth.send_raw_transaction(account.sign_transaction(transaction).raw_transaction)
waiting = transfer(nonce=nonce + 1, value=1)
replaced = send(waiting)
try:
    send(waiting | {"value": 2})
    raise AssertionError("it was taken")
except Web3RPCError as error:
    assert "underpriced" in str(error)
better = {"maxFeePerGas": 2 * waiting["maxFeePerGas"], "maxPriorityFeePerGas": 3}
replacing = send(waiting | better | {"value": 3})
mined(transfer(nonce=nonce, value=1))
assert w3.eth.wait_for_transaction_receipt(replacing).status == 1
try:
    w3.eth.get_transaction(replaced)
    raise AssertionError("it is still there")
except TransactionNotFound:
    pass

# a native module by its ABI
abi = [
    {"type": "function", "name": "count", "inputs": [], "outputs": [{"type": "uint64", "name": ""}], "stateMutability": "view"},
    {"type": "function", "name": "cancel", "inputs": [{"type": "uint64", "name": "run"}], "outputs": [], "stateMutability": "nonpayable"},
]
runs = w3.eth.contract(address=Web3.to_checksum_address("0x6c00000000000000000000000000000000000002"), abi=abi)
assert runs.functions.count().call() == 0
try:
    runs.functions.cancel(99).call()
    raise AssertionError("it did not revert")
except ContractCustomError as error:
    assert error.data[:10] == "0x" + Web3.keccak(text="NoSuchRun(uint64)")[:4].hex()

# GRAIN as an ERC-20
def function(name, inputs, output, mutability):
    return {"type": "function", "name": name, "inputs": [{"type": kind, "name": ""} for kind in inputs], "outputs": [{"type": output, "name": ""}], "stateMutability": mutability}


abi = [function("symbol", [], "string", "view"), function("balanceOf", ["address"], "uint256", "view"), function("transfer", ["address", "uint256"], "bool", "nonpayable")]
grain = w3.eth.contract(address=Web3.to_checksum_address("0x6c00000000000000000000000000000000000003"), abi=abi)
assert grain.functions.symbol().call() == "GRAIN"
holder = account.address
assert grain.functions.balanceOf(holder).call() == w3.eth.get_balance(holder)
before = w3.eth.get_balance(receiver)
mined(grain.functions.transfer(receiver, 5).build_transaction(own()))
assert w3.eth.get_balance(receiver) - before == 5

print("web3.py: all well")
