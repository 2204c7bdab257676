"""Reference vectors for Muon in the `optimizer` crate: PyTorch in double precision.

Run in a virtual environment of its own:

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 numpy==2.4.6 safetensors==0.8.0
    venv/bin/python scripts/reference/muon.py testdata/muon/vectors.safetensors

Writes flat vectors in the order of a model's parameters (1 layer, width 8, hidden 20, vocabulary 16): `start`, `gradients` of four
steps, and `expected` after them. Matrices follow Keller Jordan's Muon with the Newton-Schulz iteration in f64 instead of bf16, the rest
`torch.optim.AdamW`. The script first holds the iteration against `torch.optim.Muon`, which computes it in bf16, and so loosely.
"""

import sys

import torch
from safetensors.torch import save_file

WIDTH, HIDDEN, VOCABULARY, STEPS = 8, 20, 16, 4
RATE, MATRIX_RATE, MOMENTUM, DECAY = 0.003, 6.0, 0.95, 0.1
SHAPES = [
    (VOCABULARY, WIDTH),  # embedding
    (WIDTH,),
    (WIDTH, WIDTH),
    (WIDTH, WIDTH),
    (WIDTH, WIDTH),
    (WIDTH, WIDTH),
    (WIDTH,),
    (HIDDEN, WIDTH),
    (HIDDEN, WIDTH),
    (WIDTH, HIDDEN),
    (WIDTH,),
]


def zeropower(matrix):
    """`zeropower_via_newtonschulz5` of Keller Jordan's repository, in the precision of its argument."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.mT if matrix.size(0) > matrix.size(1) else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if matrix.size(0) > matrix.size(1) else x


def muon_step(p, momentum):
    momentum.lerp_(p.grad, 1 - MOMENTUM)
    update = zeropower(p.grad.lerp(momentum, MOMENTUM))
    rate = RATE * MATRIX_RATE
    p.mul_(1 - rate * DECAY)
    p.add_(update, alpha=-rate * max(1, p.size(0) / p.size(1)) ** 0.5)


torch.manual_seed(20261123)
# Rounded to f32 first, so that both sides start from the same numbers.
start = [torch.randn(shape, dtype=torch.float32) * 0.3 for shape in SHAPES]
gradients = [[torch.randn(shape, dtype=torch.float32) * 0.05 for shape in SHAPES] for _ in range(STEPS)]
params = [torch.nn.Parameter(value.double()) for value in start]
is_matrix = [len(shape) == 2 and index > 0 for index, shape in enumerate(SHAPES)]
matrices = [p for p, matrix in zip(params, is_matrix) if matrix]
adamw = torch.optim.AdamW(
    [
        {"params": [params[0]], "weight_decay": DECAY},
        {"params": [p for p, matrix in zip(params[1:], is_matrix[1:]) if not matrix], "weight_decay": 0.0},
    ],
    lr=RATE,
    betas=(0.9, 0.95),
    eps=1e-8,
)
theirs = [torch.nn.Parameter(p.detach().clone()) for p in matrices]
torch_muon = torch.optim.Muon(
    theirs, lr=RATE * MATRIX_RATE, weight_decay=DECAY, momentum=MOMENTUM, nesterov=True, adjust_lr_fn="original"
)
momenta = [torch.zeros_like(p) for p in matrices]
for step in gradients:
    for p, g in zip(params, step):
        p.grad = g.double()
    for other, p in zip(theirs, matrices):
        other.grad = p.grad.clone()
    adamw.step()
    torch_muon.step()
    with torch.no_grad():
        for p, momentum in zip(matrices, momenta):
            muon_step(p, momentum)
worst = max((other - p).abs().max().item() for other, p in zip(theirs, matrices))
assert worst < 2e-3, f"torch.optim.Muon differs by {worst}"


def flat(tensors):
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).float()


save_file(
    {
        "start": flat(start),
        "gradients": torch.stack([flat(step) for step in gradients]),
        "expected": flat(params),
    },
    sys.argv[1],
    metadata={"torch": torch.__version__},
)
print(f"{flat(start).numel()} parameters, {STEPS} steps; torch.optim.Muon in bf16 differs by {worst:.2e} at most")
