"""Reference vectors for the `model` crate: Llama of the transformers library, in double precision.

Run in a virtual environment of its own:

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 transformers==5.23.0 numpy==2.4.6
    venv/bin/python scripts/reference/transformer.py testdata/transformer

Writes `model.safetensors` and `config.json` as that library saves a model, and `expected.safetensors`: tokens, targets, logits, mean
loss and the gradient of every parameter.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

BATCH, CONTEXT, VOCABULARY = 2, 56, 32

folder = Path(sys.argv[1])
torch.manual_seed(20261123)
config = LlamaConfig(
    vocab_size=VOCABULARY,
    hidden_size=24,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=3,
    num_key_value_heads=3,
    max_position_embeddings=CONTEXT,
    rms_norm_eps=1e-5,
    tie_word_embeddings=True,
    bos_token_id=None,
    eos_token_id=None,
    attn_implementation="eager",
)
model = LlamaForCausalLM(config)
with torch.no_grad():
    for name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        # Large enough that attention is uneven and every gradient is well above rounding.
        parameter.copy_(1 + 0.2 * noise if "norm" in name else 0.3 * noise)
model.save_pretrained(folder)
(folder / "generation_config.json").unlink(missing_ok=True)

model = model.double()
tokens = torch.randint(0, VOCABULARY, (BATCH, CONTEXT))
targets = torch.randint(0, VOCABULARY, (BATCH, CONTEXT))
logits = model(input_ids=tokens).logits
loss = torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), targets.reshape(-1))
loss.backward()

expected = {
    "tokens": tokens.to(torch.uint8),
    "targets": targets.to(torch.uint8),
    "logits": logits.detach().float(),
    "loss": loss.detach().reshape(1).float(),
}
for name, parameter in model.named_parameters():
    expected["gradient/" + name] = parameter.grad.float()
save_file(expected, folder / "expected.safetensors", metadata={"torch": torch.__version__})
print(f"loss {loss.item():.6f}, {sum(p.numel() for p in model.parameters())} parameters")
