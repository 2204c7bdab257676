//! The outer step: combines many pseudo-gradients into one, and turns it into a change of the parameters.
//!
//! 1. Every update's norm is clipped to the median norm, so that a large update has no more influence.
//! 2. The clipped updates are combined by their geometric median, weighted by tokens; no weight counts more than
//!    twice the median.
//! 3. The result is a pseudo-gradient for Nesterov momentum, as in DiLoCo.
//!
//! Everything is computed in f64 in a fixed order, so anyone who has the updates gets the same bits. The order of the
//! updates is part of that: the caller sorts them by device.
//!
//! Robust aggregation complements audits and does not replace them: it bounds the effect of a dishonest update until
//! it is found, it does not find it.
//!
//! Sources: RFA (arXiv 1912.13445, algorithm 2, the smoothed Weiszfeld iteration), which does not clip first; DiLoCo
//! (arXiv 2311.08105, algorithm 1) for the Nesterov step.

/// Weiszfeld iterations. They cost little compared with the inner products, which are computed once.
const ITERATIONS: usize = 32;

/// Smallest distance, relative to the typical norm: an update that lies on the median would otherwise divide by zero.
const SMOOTHING: f64 = 1e-4;

/// Largest weight, as a multiple of the median weight.
const WEIGHT_CAP: f64 = 2.0;

/// Partial sums of an inner product, so that vectors of any width up to this compute the same result.
const LANES: usize = 16;

/// Many updates as one, robust against a dishonest minority; its values are computed when they are asked for.
#[derive(Clone, Debug)]
pub struct Combination<'a> {
    updates: &'a [&'a [f32]],
    factors: Vec<f64>,
}

impl<'a> Combination<'a> {
    /// Combines updates of equal length, weighted by `weights` (tokens behind each). The result does not depend on the number of
    /// threads.
    ///
    /// Two updates are both clipped to the smaller norm; an even number of updates to the lower of the two middle norms.
    /// An update of weight 0 is ignored. If there is no update, or all weights are 0, the result is zero.
    ///
    /// # Panics
    /// When lengths differ: the caller decodes all for the same model.
    #[must_use]
    pub fn new(updates: &'a [&'a [f32]], weights: &[u64], threads: usize) -> Self {
        assert_eq!(updates.len(), weights.len(), "every update needs a weight");
        if updates.is_empty() {
            return Self { updates, factors: Vec::new() };
        }
        let length = updates[0].len();
        assert!(
            updates.iter().all(|update| update.len() == length),
            "all updates must have the length of the model"
        );
        let mut products = inner_products(updates, threads);
        let scales = clip_scales(&products);
        for (row, scale) in products.iter_mut().zip(&scales) {
            row.iter_mut().zip(&scales).for_each(|(product, other)| *product *= scale * other);
        }
        let shares = geometric_median(&products, &capped(weights));
        let factors = shares.iter().zip(&scales).map(|(share, scale)| share * scale).collect();
        Self { updates, factors }
    }

    /// Writes the values from index `first` on to `values`: `Σ factorᵢ·updateᵢ`, summed in f64 in the given order, rounded to f32
    /// once.
    pub fn copy_to(&self, first: usize, values: &mut [f32]) {
        /// Number of values processed together, so that the sums stay in the L1 cache.
        const BLOCK: usize = 1024;
        for (block, out) in values.chunks_mut(BLOCK).enumerate() {
            let mut sums = [0.0_f64; BLOCK];
            for (update, factor) in self.updates.iter().zip(&self.factors) {
                let values = &update[first + block * BLOCK..][..out.len()];
                for (sum, &value) in sums.iter_mut().zip(values) {
                    *sum += factor * f64::from(value);
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "rounding to nearest is intended; a mean of f32 is in range"
                )]
                {
                    *out = sum as f32;
                }
            }
        }
    }
}

/// The rates of an outer step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OuterRates {
    /// Factor of every step; DiLoCo uses 0.7.
    pub learning_rate: f32,
    /// Factor by which the momentum decays; DiLoCo uses 0.9, and 0 is plain averaging.
    pub momentum: f32,
}

impl OuterRates {
    /// Nesterov momentum: adds a pseudo-gradient to the momentum, and replaces it by what to *subtract* from the parameters.
    ///
    /// `m = μ·m + g`, then `η·(g + μ·m)`, each operation rounded to f32 in this order.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn step(self, momentum: &mut [f32], pseudo_gradient: &mut [f32]) {
        assert_eq!(
            pseudo_gradient.len(),
            momentum.len(),
            "the pseudo-gradient must have the length of the momentum"
        );
        let Self { learning_rate, momentum: kept } = self;
        for (momentum, gradient) in momentum.iter_mut().zip(pseudo_gradient) {
            *momentum = kept * *momentum + *gradient;
            *gradient = learning_rate * (*gradient + kept * *momentum);
        }
    }
}

/// Returns the inner products of all pairs of updates.
fn inner_products(updates: &[&[f32]], threads: usize) -> Vec<Vec<f64>> {
    let pairs: Vec<(usize, usize)> =
        (0..updates.len()).flat_map(|row| (0..=row).map(move |column| (row, column))).collect();
    let mut products = vec![vec![0.0; updates.len()]; updates.len()];
    let of_pairs = |pairs: &[(usize, usize)]| -> Vec<f64> {
        pairs.iter().map(|&(row, column)| inner_product(updates[row], updates[column])).collect()
    };
    let found: Vec<f64> = std::thread::scope(|scope| {
        let parts = pairs.chunks(pairs.len().div_ceil(threads.max(1)).max(1));
        let threads: Vec<_> = parts.map(|pairs| scope.spawn(move || of_pairs(pairs))).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("products don't panic"))
            .collect()
    });
    for (&(row, column), product) in pairs.iter().zip(found) {
        products[row][column] = product;
        products[column][row] = product;
    }
    products
}

/// Returns the inner product: value `i` is added to partial sum `i mod LANES`, then the partial sums are added in order.
fn inner_product(left: &[f32], right: &[f32]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    let (left_whole, left_rest) = left.as_chunks::<LANES>();
    let (right_whole, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in left_whole.iter().zip(right_whole) {
        for lane in 0..LANES {
            sums[lane] += f64::from(left[lane]) * f64::from(right[lane]);
        }
    }
    for ((sum, &left), &right) in sums.iter_mut().zip(left_rest).zip(right_rest) {
        *sum += f64::from(left) * f64::from(right);
    }
    sums.iter().sum()
}

/// Returns the factor for each update so that no norm is above the median norm.
fn clip_scales(products: &[Vec<f64>]) -> Vec<f64> {
    let norms: Vec<f64> =
        products.iter().enumerate().map(|(index, row)| row[index].sqrt()).collect();
    let median = lower_median(&norms);
    norms.iter().map(|&norm| if norm > median { median / norm } else { 1.0 }).collect()
}

/// Returns the median, or the lower of the two middle values.
fn lower_median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

/// Returns the weights, none above twice the median.
fn capped(weights: &[u64]) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "token counts lie far below 2^53")]
    let weights: Vec<f64> = weights.iter().map(|&weight| weight as f64).collect();
    let cap = WEIGHT_CAP * lower_median(&weights);
    weights.iter().map(|weight| weight.min(cap)).collect()
}

/// Returns the weights of the updates in the point that minimises the weighted sum of distances to all, by smoothed
/// Weiszfeld iterations.
///
/// Works on inner products alone: for `z = Σ aᵢ·xᵢ`, `|z − xᵢ|² = aᵀGa − 2(Ga)ᵢ + Gᵢᵢ`.
fn geometric_median(products: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let mut shares = normalized(weights.to_vec());
    let squares: f64 = products.iter().enumerate().map(|(index, row)| row[index]).sum();
    #[expect(clippy::cast_precision_loss, reason = "there are at most a few hundred updates")]
    let typical_square = squares / products.len() as f64;
    let smallest = SMOOTHING * SMOOTHING * typical_square;
    if smallest == 0.0 {
        return shares;
    }
    for _ in 0..ITERATIONS {
        let with_point: Vec<f64> = products.iter().map(|row| dot(row, &shares)).collect();
        let point_square = dot(&with_point, &shares);
        let pulls = weights.iter().enumerate().map(|(index, weight)| {
            let square = point_square - 2.0 * with_point[index] + products[index][index];
            weight / square.max(smallest).sqrt()
        });
        shares = normalized(pulls.collect());
    }
    shares
}

/// Returns the values scaled to the sum 1, or zeros when their sum is zero.
fn normalized(mut values: Vec<f64>) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    if sum > 0.0 {
        values.iter_mut().for_each(|value| *value /= sum);
    }
    values
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

#[cfg(test)]
mod tests;
