"""The canonical training step in PyTorch, from the weights and batches that `gleaner bench train --save-start DIR` wrote.

    python scripts/reference/pytorch_step.py DIR --mode eager --threads 1 --steps 10

Llama as `crates/model` computes it: RMSNorm (epsilon 1e-5), rotary positions in halves, causal attention, SwiGLU, tied embedding; AdamW
with decay on matrices only and clipping by the norm of the whole gradient. Modes: `eager` in f32, `compile` with torch.compile, `bf16`
with autocast. Prints one JSON document. Like `gleaner bench`, it throws one step away, starts over, and times every step after that.
"""

import argparse
import json
import resource
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("start", type=Path)
parser.add_argument("--mode", choices=["eager", "compile", "bf16"], default="eager")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--steps", type=int, default=10)
arguments = parser.parse_args()

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

torch.set_num_threads(arguments.threads)
config = json.loads((arguments.start / "config.json").read_text())
WIDTH, HEADS, LAYERS = config["hidden_size"], config["num_attention_heads"], config["num_hidden_layers"]
CONTEXT = config["max_position_embeddings"]
HEAD_WIDTH = WIDTH // HEADS


def angles():
    pairs = torch.arange(0, HEAD_WIDTH, 2, dtype=torch.float64)
    turns = torch.outer(torch.arange(CONTEXT, dtype=torch.float64), 10000.0 ** (-pairs / HEAD_WIDTH))
    turns = torch.cat([turns, turns], dim=-1)
    return turns.cos().float(), turns.sin().float()


COSINES, SINES = angles()


def rotate(x):
    low, high = x.chunk(2, dim=-1)
    return x * COSINES + torch.cat([-high, low], dim=-1) * SINES


def norm(x, gain):
    return F.rms_norm(x, (WIDTH,), gain, 1e-5)


def loss_of(params, tokens, targets):
    embedding = params["model.embed_tokens.weight"]
    x = F.embedding(tokens, embedding)
    for layer in range(LAYERS):
        p = lambda name: params[f"model.layers.{layer}.{name}.weight"]
        normed = norm(x, p("input_layernorm"))
        heads = lambda name: F.linear(normed, p(f"self_attn.{name}")).unflatten(-1, (HEADS, HEAD_WIDTH)).transpose(1, 2)
        q, k, v = rotate(heads("q_proj")), rotate(heads("k_proj")), heads("v_proj")
        # Under autocast the rotation is f32, values are bf16.
        attended = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v, is_causal=True)
        x = x + F.linear(attended.transpose(1, 2).flatten(2), p("self_attn.o_proj"))
        normed = norm(x, p("post_attention_layernorm"))
        hidden = F.silu(F.linear(normed, p("mlp.gate_proj"))) * F.linear(normed, p("mlp.up_proj"))
        x = x + F.linear(hidden, p("mlp.down_proj"))
    logits = F.linear(norm(x, params["model.norm.weight"]), embedding)
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


def fresh():
    params = load_file(arguments.start / "model.safetensors")
    params = {name: value.clone().requires_grad_() for name, value in params.items()}
    groups = [
        {"params": [p for p in params.values() if p.dim() == 2], "weight_decay": 0.1},
        {"params": [p for p in params.values() if p.dim() == 1], "weight_decay": 0.0},
    ]
    return params, torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8, fused=True)


windows = torch.frombuffer(bytearray((arguments.start / "batches.bin").read_bytes()), dtype=torch.uint8)
windows = windows.view(-1, CONTEXT + 1).long()
batch = int((arguments.start / "batch").read_text())
batches = windows.view(-1, batch, CONTEXT + 1)
compute = torch.compile(loss_of) if arguments.mode == "compile" else loss_of


def step(params, optimizer, index):
    window = batches[index % len(batches)]
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=arguments.mode == "bf16"):
        loss = compute(params, window[:, :-1], window[:, 1:])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(list(params.values()), 1.0)
    optimizer.step()
    return loss.item()


began = time.perf_counter()
params, optimizer = fresh()
step(params, optimizer, 0)
first_seconds = time.perf_counter() - began
params, optimizer = fresh()
losses, seconds, cpu_seconds = [], [], []
for index in range(arguments.steps):
    wall, cpu = time.perf_counter(), time.process_time()
    losses.append(step(params, optimizer, index))
    seconds.append(time.perf_counter() - wall)
    cpu_seconds.append(time.process_time() - cpu)

print(
    json.dumps(
        {
            "torch": torch.__version__,
            "mode": arguments.mode,
            "threads": arguments.threads,
            "steps": arguments.steps,
            "first_seconds": first_seconds,
            "ms_per_step": {"best": min(seconds) * 1e3, "median": sorted(seconds)[(len(seconds) - 1) // 2] * 1e3},
            "cpu_ms_per_step": sum(cpu_seconds) / len(cpu_seconds) * 1e3,
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "losses": losses,
        }
    )
)
