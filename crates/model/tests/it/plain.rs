//! The model again in f64, written for reading: loops over elements, no blocks, no vectors, math of the standard library.

use model::{Config, Layout};

type Matrix = Vec<Vec<f64>>;

/// Parameters by name, as matrices; norms have one row.
struct Weights<'a> {
    config: &'a Config,
    params: &'a [f64],
    layout: Layout,
}

impl Weights<'_> {
    fn named(&self, name: &str) -> Matrix {
        let full = format!("model.{name}.weight");
        let tensor = self.layout.tensors().iter().find(|t| t.name == full).unwrap();
        let columns = *tensor.shape.last().unwrap();
        self.params[tensor.range.clone()].chunks(columns).map(<[f64]>::to_vec).collect()
    }
}

/// Returns the mean loss in nats over sequences of one context each.
pub(crate) fn loss(config: &Config, params: &[f64], tokens: &[u8], targets: &[u8]) -> f64 {
    let weights = Weights { config, params, layout: Layout::new(config) };
    let sequences = tokens.chunks(config.context).zip(targets.chunks(config.context));
    let total: f64 =
        sequences.map(|(tokens, targets)| sequence_loss(&weights, tokens, targets)).sum();
    total / float(tokens.len())
}

fn sequence_loss(weights: &Weights<'_>, tokens: &[u8], targets: &[u8]) -> f64 {
    let embedding = weights.named("embed_tokens");
    let mut x: Matrix = tokens.iter().map(|t| embedding[usize::from(*t)].clone()).collect();
    for layer in 0..weights.config.layers {
        let named = |name: &str| weights.named(&format!("layers.{layer}.{name}"));
        let normed = norm(&x, &named("input_layernorm")[0]);
        let [q, k, v, o] =
            ["q_proj", "k_proj", "v_proj", "o_proj"].map(|n| named(&format!("self_attn.{n}")));
        let attended = attention(
            weights.config,
            [&project(&normed, &q), &project(&normed, &k), &project(&normed, &v)],
        );
        x = add(&x, &project(&attended, &o));
        let normed = norm(&x, &named("post_attention_layernorm")[0]);
        let gate = project(&normed, &named("mlp.gate_proj"));
        let up = project(&normed, &named("mlp.up_proj"));
        let hidden: Matrix = gate
            .iter()
            .zip(&up)
            .map(|(g, u)| g.iter().zip(u).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect())
            .collect();
        x = add(&x, &project(&hidden, &named("mlp.down_proj")));
    }
    let logits = project(&norm(&x, &weights.named("norm")[0]), &embedding);
    let losses = logits.iter().zip(targets).map(|(row, target)| {
        row.iter().map(|v| v.exp()).sum::<f64>().ln() - row[usize::from(*target)]
    });
    losses.sum()
}

fn attention(config: &Config, [q, k, v]: [&Matrix; 3]) -> Matrix {
    let width = config.width / config.heads;
    let mut out = vec![vec![0.0; config.width]; q.len()];
    for head in 0..config.heads {
        let part = |m: &Matrix, t: usize| m[t][head * width..][..width].to_vec();
        for (t, out) in out.iter_mut().enumerate() {
            let query = turn(&part(q, t), t);
            let scores: Vec<f64> = (0..=t)
                .map(|s| dot(&query, &turn(&part(k, s), s)) / float(width).sqrt())
                .map(f64::exp)
                .collect();
            let total: f64 = scores.iter().sum();
            for (s, score) in scores.iter().enumerate() {
                for (i, value) in part(v, s).iter().enumerate() {
                    out[head * width + i] += score / total * value;
                }
            }
        }
    }
    out
}

fn turn(head: &[f64], position: usize) -> Vec<f64> {
    let pairs = head.len() / 2;
    let mut out = head.to_vec();
    for i in 0..pairs {
        let angle = float(position) * 10_000_f64.powf(-float(i) / float(pairs));
        out[i] = head[i] * angle.cos() - head[i + pairs] * angle.sin();
        out[i + pairs] = head[i + pairs] * angle.cos() + head[i] * angle.sin();
    }
    out
}

fn norm(x: &Matrix, gain: &[f64]) -> Matrix {
    let row = |row: &Vec<f64>| {
        let scale = 1.0 / (dot(row, row) / float(row.len()) + 1e-5).sqrt();
        row.iter().zip(gain).map(|(x, gain)| x * scale * gain).collect()
    };
    x.iter().map(row).collect()
}

fn project(x: &Matrix, weight: &Matrix) -> Matrix {
    x.iter().map(|row| weight.iter().map(|w| dot(row, w)).collect()).collect()
}

fn add(a: &Matrix, b: &Matrix) -> Matrix {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn float(value: usize) -> f64 {
    f64::from(u32::try_from(value).unwrap())
}
