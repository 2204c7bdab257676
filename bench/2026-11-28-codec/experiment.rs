// The experiment behind experiment.txt: it stood in for compress.rs and decompress in the crate `compression` at commit 882f10c, and
// sent raw f32, so the bits of a value are counted, not sent. MODE 0: the largest, split at means. 1: all values rounded at random to
// multiples of CLIP rms. 2: drawn independently. 3: the largest, rounded at random between two levels. 6: drawn systematically.
// OUTER_DECAY is the aggregator's memory. Kept as it was, without the project's style.
use crate::*;
use crate::codec::*;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Debug, PartialEq)]
pub struct WithMemory { pub encoded: Vec<u8>, pub memory: Memory }
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> { Given(&'a [f32]), Between { before: &'a [f32], after: &'a [f32] } }
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompressError { #[error("l")] Lengths { given: usize, expected: usize }, #[error("r")] Range { index: usize } }

fn env(name: &str, default: f64) -> f64 { std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default) }
fn values(c: Change) -> Vec<f32> { match c { Change::Given(v) => v.to_vec(), Change::Between{before,after} => before.iter().zip(after).map(|(a,b)| a-b).collect() } }

static SEED: AtomicU64 = AtomicU64::new(1);
fn mix(mut z: u64) -> u64 { z = z.wrapping_add(0x9e3779b97f4a7c15); z=(z^(z>>30)).wrapping_mul(0xbf58476d1ce4e5b9); z=(z^(z>>27)).wrapping_mul(0x94d049bb133111eb); z^(z>>31) }

/// bits per value incl. sign; mode: 0 nearest mean-split; 1 stochastic between levels
fn quantize(v: &[f32], count: usize, bits: u32, mode: i32, seed: u64) -> (Vec<f32>, f64) {
    let n = v.len();
    let mut idx: Vec<usize> = (0..n).collect();
    idx.sort_by(|&a,&b| v[b].abs().partial_cmp(&v[a].abs()).unwrap().then(a.cmp(&b)));
    let mut out = vec![0.0f32; n];
    let cost_pos = |c: usize| { let p = c as f64 / n as f64; if c==n {0.0} else { let h = -(p*p.log2()+(1.0-p)*(1.0-p).log2()); h.min(1.0)*1.03*n as f64 } };
    match mode {
      0 => {
        idx.truncate(count);
        // mean splitting
        let mut groups = vec![idx.clone()];
        for _ in 1..bits { groups = groups.into_iter().flat_map(|g| { let m = g.iter().map(|&i| v[i].abs() as f64).sum::<f64>()/ (g.len().max(1) as f64); let (h,l): (Vec<_>,Vec<_>) = g.into_iter().partition(|&i| v[i].abs() as f64 > m); [l,h] }).collect(); }
        for g in groups { let m = (g.iter().map(|&i| v[i].abs() as f64).sum::<f64>()/ (g.len().max(1) as f64)) as f32; for i in g { out[i] = m.copysign(v[i]); } }
        (out, cost_pos(count) + count as f64 * bits as f64 + 16.0*(1<<(bits-1)) as f64)
      }
      // stochastic: all values between 0 and top level with clip; levels uniform n=2^(bits-1) -> values {0?}
      1 => { // dense sign+level, levels uniform in (0..clip*rms): unbiased below clip. magnitude levels 0..L-1
        let rms = (v.iter().map(|x| (*x as f64).powi(2)).sum::<f64>()/n as f64).sqrt();
        let top = env("CLIP", 3.0)*rms; let levels = ((1u32<<(bits-1))-1).max(1) as f64;
        for i in 0..n { let x = (v[i].abs() as f64 / top).min(1.0)*levels; let f = x.floor(); let u = (mix(seed ^ (i as u64).wrapping_mul(0x1234567)) >> 11) as f64 / (1u64<<53) as f64; let q = if u < x - f { f+1.0 } else { f }; out[i] = (q*top/levels) as f32; if v[i]<0.0 { out[i] = -out[i]; } }
        (out, n as f64*bits as f64+16.0)
      }
      2 => { // stochastic sparsification (ternary): keep with prob min(1, |v|/t) value sign*max(t,|v|->t..), expected count = count
        let mut t = v.iter().map(|x| x.abs() as f64).sum::<f64>() / count as f64;
        for _ in 0..30 { let big: f64 = v.iter().filter(|x| x.abs() as f64 >= t).count() as f64; let small: f64 = v.iter().filter(|x| (x.abs() as f64) < t).map(|x| x.abs() as f64).sum(); if count as f64 > big { t = small/(count as f64 - big); } }
        let mut c = 0; let mut bigs=0.0; let mut nb=0;
        for i in 0..n { if v[i].abs() as f64 >= t { bigs += v[i].abs() as f64; nb+=1; } }
        for i in 0..n { let a = v[i].abs() as f64; let u = (mix(seed ^ (i as u64).wrapping_mul(0x1234567)) >> 11) as f64 / (1u64<<53) as f64;
          if a >= t { out[i] = ((bigs/nb as f64) as f32).copysign(v[i]); c+=1; } else if u < a/t { out[i] = (t as f32).copysign(v[i]); c+=1; } }
        (out, cost_pos(c) + c as f64*2.0 + 32.0)
      }
      6 => { // systematic sampling, levels: t, then bits-many levels of bigs
        let a: Vec<f64> = v.iter().map(|x| x.abs() as f64).collect();
        let mut t = a.iter().sum::<f64>() / count as f64;
        for _ in 0..60 { let big = a.iter().filter(|x| **x >= t).count() as f64; let small: f64 = a.iter().filter(|x| **x < t).sum(); if count as f64 > big { t = small/(count as f64 - big); } }
        let u = (mix(seed) >> 11) as f64 / (1u64<<53) as f64;
        let bigs: Vec<usize> = (0..n).filter(|&i| a[i] >= t).collect();
        let mut level = vec![t; n];
        let scale = if bits == 1 { a.iter().sum::<f64>() / (t*count as f64) } else { 1.0 };
        if bits > 1 {
          let mut groups = vec![bigs.clone()];
          let want = (1usize << (bits-1)) - 1;
          while groups.len() < want { let mut k = groups.len()-1; let g = groups.remove(k); let m = g.iter().map(|&i| a[i]).sum::<f64>()/g.len().max(1) as f64; let (h,l): (Vec<_>,Vec<_>) = g.into_iter().partition(|&i| a[i] > m); groups.push(l); groups.push(h); }
          for g in groups { let m = g.iter().map(|&i| a[i]).sum::<f64>()/g.len().max(1) as f64; for i in g { level[i] = m; } }
        }
        let mut c = 0; let mut cum = u;
        for i in 0..n { let p = (a[i]/t).min(1.0); let before = cum.floor(); cum += p; if cum.floor() > before { out[i] = ((level[i]*scale) as f32).copysign(v[i]); c+=1; } }
        (out, cost_pos(c) + c as f64*bits as f64 + 16.0*(1<<(bits-1)) as f64)
      }
      3 => { // top-k chosen, then stochastic between two levels low=min chosen.. use {kth magnitude, mean of upper half}: sign + level stochastic around mean-split levels
        idx.truncate(count);
        let m = idx.iter().map(|&i| v[i].abs() as f64).sum::<f64>()/count as f64;
        let lo = { let g: Vec<f64> = idx.iter().map(|&i| v[i].abs() as f64).filter(|a| *a<=m).collect(); g.iter().sum::<f64>()/g.len().max(1) as f64 };
        let hi = { let g: Vec<f64> = idx.iter().map(|&i| v[i].abs() as f64).filter(|a| *a>m).collect(); if g.is_empty() {lo} else {g.iter().sum::<f64>()/g.len() as f64} };
        for &i in &idx { let a=v[i].abs() as f64; let u = (mix(seed ^ (i as u64).wrapping_mul(0x1234567)) >> 11) as f64 / (1u64<<53) as f64; let p = if hi>lo {((a-lo)/(hi-lo)).clamp(0.0,1.0)} else {0.0}; out[i] = ((if u<p {hi} else {lo}) as f32).copysign(v[i]); }
        (out, cost_pos(count) + count as f64*2.0 + 32.0)
      }
      _ => panic!(),
    }
}
pub static BITS_UP: AtomicU64 = AtomicU64::new(0);
fn all(v: &[f32], density: Density, bits: u32, mode: i32, seed: u64) -> (Vec<f32>, f64) {
    let mut out = Vec::new(); let mut cost = 0.0;
    for (k, c) in v.chunks(CHUNK).enumerate() { let count = (usize::from(density.per_chunk())*c.len()).div_ceil(CHUNK); let (o, b) = quantize(c, count, bits, mode, mix(seed.wrapping_add(k as u64 * 7919))); out.extend(o); cost += b; }
    (out, cost)
}
fn raw(v: &[f32]) -> Vec<u8> { v.iter().flat_map(|x| x.to_le_bytes()).collect() }
pub fn compress(change: Change<'_>, density: Density) -> Result<Vec<u8>, CompressError> {
    let v = values(change);
    let seed = u64::from(v.iter().take(1000).map(|x| x.to_bits()).fold(7u32, |a,b| a.rotate_left(5) ^ b));
    let warm = density.per_chunk() == 4096 && env("WARMKEEP", 1.0) == 1.0;
    let (bits, mode) = if warm { (2, 0) } else { (env("BITS", 2.0) as u32, env("MODE", 0.0) as i32) };
    let (o, b) = all(&v, density, bits, mode, seed);
    BITS_UP.fetch_add(b as u64, Ordering::Relaxed);
    Ok(raw(&o))
}
pub fn compress_with_memory(change: Change<'_>, memory: &Memory, density: Density) -> Result<WithMemory, CompressError> {
    let d = env("OUTER_DECAY", 0.0) as f32;
    let v: Vec<f32> = values(change).iter().zip(memory.values()).map(|(c, m)| d*m + c).collect();
    let (o, _) = all(&v, density, env("BITS_DOWN", 2.0) as u32, env("MODE_DOWN", 0.0) as i32, 99);
    let m: Vec<u8> = v.iter().zip(&o).flat_map(|(a,b)| bf16_from_f32(a-b).to_le_bytes()).collect();
    Ok(WithMemory { encoded: raw(&o), memory: Memory::from_bytes(&m, v.len()).unwrap() })
}
pub fn decompress(encoded: &[u8], n: usize, _d: Density) -> Result<Vec<f32>, DecodeError> { Ok(encoded.chunks(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect()) }
