//! The inner step of Muon: matrices move along the nearest orthogonal matrix of their momentum, everything else by AdamW.
//!
//! For a matrix `(rows, columns)` with gradient `g`, after clipping by the norm of the whole gradient:
//!
//! 1. `m = μ·m + (1 − μ)·g`, and Nesterov's `u = μ·m + (1 − μ)·g`.
//! 2. `X = u / max(‖u‖, 1e-7)`, transposed if it has more rows than columns.
//! 3. Five times: `A = X·Xᵀ`, `B = b·A + c·A·A`, `X = a·X + B·X`, with `(a, b, c) = (3.4445, −4.7750, 2.0315)`.
//! 4. `p = (1 − η·λ)·p − η·√max(1, rows/columns)·X`, transposed back.
//!
//! Every element of a matrix product is the one chain of fused multiply-adds of [`model::gemm`]; everything else is
//! rounded operation by operation in the order written here, and norms are summed in f64: the same bits for every
//! instruction set and any number of threads.
//!
//! AdamW updates the embedding (which is also the output matrix) and the norms, as the author of Muon advises.
//! Queries, keys and values are three matrices.
//!
//! Sources: Muon, Keller Jordan and others, 2024, with its repository's `zeropower_via_newtonschulz5` and scale
//! `√max(1, rows/columns)`; weight decay as in arXiv 2502.16982, section 2.2, whose scale `0.2·√max(rows, columns)`
//! we do not use: instead the learning rate of matrices is a multiple of AdamW's. Both sources multiply in bf16; we
//! multiply in f32, which every machine can reproduce.

use model::Layout;
use model::gemm::{Packing, Product, Start, View, multiply};
use model::instructions::Checked;

use crate::inner::{HyperParameters, Rates, narrow, norm, powers, rates, update};

/// Newton–Schulz iterations.
const ITERATIONS: usize = 5;
/// Coefficients of `X`, `A·X` and `A·A·X`: chosen by the author so that small singular values grow fastest.
const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];
/// Smallest divisor: a smaller norm is replaced by this.
const NORM_MIN: f64 = 1e-7;

/// The constants of Muon, for matrices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatrixParameters {
    /// Factor by which the momentum decays per step, usually 0.95.
    pub momentum: f32,
    /// Learning rate of matrices, as a multiple of that of everything else.
    pub rate: f32,
}

/// How matrix products are computed; affects the time only, not the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backend {
    /// Vector instructions.
    pub isa: Checked,
    /// Number of threads, the calling one included.
    pub threads: usize,
}

/// The state of Muon over one flat vector of parameters.
#[derive(Debug, Clone)]
pub struct Muon {
    hyper: HyperParameters,
    matrix: MatrixParameters,
    isa: Checked,
    groups: Vec<Group>,
    /// One value per parameter: the momentum of matrices, the first moment of other tensors.
    first: Vec<f32>,
    /// Second moments of tensors that are not matrices, one after the other.
    second: Vec<f32>,
    /// `beta1^steps` and `beta2^steps`.
    powers: (f64, f64),
    steps: u64,
}

impl Muon {
    /// Returns a fresh state for a model's parameters, with all the memory that steps need.
    ///
    /// # Panics
    /// When there are no threads.
    #[must_use]
    pub fn new(
        layout: &Layout,
        hyper: HyperParameters,
        matrix: MatrixParameters,
        backend: Backend,
    ) -> Self {
        assert!(backend.threads > 0, "a step needs at least one thread");
        let groups = groups(tensors(layout), backend.threads);
        let second = groups.iter().map(|group| group.second_length).sum();
        Self {
            hyper,
            matrix,
            isa: backend.isa,
            groups,
            first: vec![0.0; layout.parameter_count()],
            second: vec![0.0; second],
            powers: (1.0, 1.0),
            steps: 0,
        }
    }

    /// Resets to the fresh state, without allocating.
    pub fn reset(&mut self) {
        self.first.fill(0.0);
        self.second.fill(0.0);
        self.powers = (1.0, 1.0);
        self.steps = 0;
    }

    /// Continues after so many steps, and returns the moments of that time to be filled in, as
    /// [`moments`](Self::moments) returned them.
    pub fn resume(&mut self, steps: u32) -> (&mut [f32], &mut [f32]) {
        self.powers = powers(self.hyper, steps);
        self.steps = steps.into();
        (&mut self.first, &mut self.second)
    }

    /// Moves `params` one step against `gradient`. Returns the gradient's norm before clipping. On one thread nothing
    /// is allocated; additional threads are started at every step.
    ///
    /// # Panics
    /// When a length differs from that of the state.
    pub fn step(&mut self, params: &mut [f32], gradient: &[f32], learning_rate: f32) -> f32 {
        assert_eq!(params.len(), self.first.len(), "parameters must have the length of the state");
        assert_eq!(
            gradient.len(),
            self.first.len(),
            "the gradient must have the length of the state"
        );
        self.steps += 1;
        self.powers.0 *= f64::from(self.hyper.beta1);
        self.powers.1 *= f64::from(self.hyper.beta2);
        let norm = norm(gradient);
        let rates = rates(self.hyper, norm, self.powers, learning_rate);
        let factors = StepFactors { rates, hyper: self.hyper, matrix: self.matrix, isa: self.isa };
        let (mut params, mut gradient) = (params, gradient);
        let (mut first, mut second) = (&mut self.first[..], &mut self.second[..]);
        std::thread::scope(|scope| {
            let last = self.groups.len() - 1;
            for (index, group) in self.groups.iter_mut().enumerate() {
                let (here, second_here);
                (params, here) = cut(params, group.length);
                let (gradient_here, rest) = gradient.split_at(group.length);
                gradient = rest;
                let first_here;
                (first, first_here) = cut(first, group.length);
                (second, second_here) = cut(second, group.second_length);
                let mut work = move || {
                    group.step(here, gradient_here, (first_here, second_here), factors);
                };
                if index == last {
                    work();
                } else {
                    scope.spawn(work);
                }
            }
        });
        narrow(norm)
    }

    /// Returns two vectors: one value per parameter (the momentum of matrices, the first moment of other tensors),
    /// then the second moments of tensors that are not matrices.
    #[must_use]
    pub fn moments(&self) -> (&[f32], &[f32]) {
        (&self.first, &self.second)
    }
}

/// Splits `values` after `length` and returns the remainder, then the first part.
fn cut(values: &mut [f32], length: usize) -> (&mut [f32], &mut [f32]) {
    let (here, rest) = values.split_at_mut(length);
    (rest, here)
}

/// A tensor inside the flat vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tensor {
    Matrix { rows: usize, columns: usize },
    Plain { length: usize, is_decayed: bool },
}

impl Tensor {
    fn length(self) -> usize {
        match self {
            Self::Matrix { rows, columns } => rows * columns,
            Self::Plain { length, .. } => length,
        }
    }

    /// Returns about the number of multiply-adds, to balance work between threads.
    fn cost(self) -> usize {
        match self {
            Self::Matrix { rows, columns } => {
                let (short, long) = (rows.min(columns), rows.max(columns));
                ITERATIONS * short * short * (2 * long + short)
            }
            Self::Plain { length, .. } => 16 * length,
        }
    }
}

fn tensors(layout: &Layout) -> Vec<Tensor> {
    let tensor = |tensor: &model::Tensor| match tensor.shape[..] {
        [rows, columns] if !tensor.name.contains("embed_tokens") => {
            Tensor::Matrix { rows, columns }
        }
        _ => Tensor::Plain { length: tensor.range.len(), is_decayed: tensor.shape.len() == 2 },
    };
    layout.tensors().iter().map(tensor).collect()
}

/// Splits the tensors, in their order, into at most `count` groups of about equal cost.
fn groups(tensors: Vec<Tensor>, count: usize) -> Vec<Group> {
    let total: usize = tensors.iter().map(|tensor| tensor.cost()).sum();
    let mut parts: Vec<Vec<Tensor>> = vec![Vec::new()];
    let mut done = 0;
    for tensor in tensors {
        // A tensor belongs to the group in which its middle falls.
        if (done + tensor.cost() / 2) * count >= total * parts.len() && parts.len() < count {
            parts.push(Vec::new());
        }
        done += tensor.cost();
        parts.last_mut().expect("never empty").push(tensor);
    }
    parts.into_iter().map(Group::new).collect()
}

/// Neighbouring tensors, the work of one thread.
#[derive(Debug, Clone)]
struct Group {
    tensors: Vec<Tensor>,
    length: usize,
    second_length: usize,
    buffers: Buffers,
}

/// The factors of one step.
#[derive(Clone, Copy)]
struct StepFactors {
    rates: Rates,
    hyper: HyperParameters,
    matrix: MatrixParameters,
    isa: Checked,
}

impl Group {
    fn new(tensors: Vec<Tensor>) -> Self {
        let plain = tensors.iter().filter(|tensor| matches!(tensor, Tensor::Plain { .. }));
        Self {
            length: tensors.iter().map(|tensor| tensor.length()).sum(),
            second_length: plain.map(|tensor| tensor.length()).sum(),
            buffers: Buffers::new(&tensors),
            tensors,
        }
    }

    fn step(
        &mut self,
        params: &mut [f32],
        gradient: &[f32],
        (first, second): (&mut [f32], &mut [f32]),
        factors: StepFactors,
    ) {
        let (mut start, mut second_start) = (0, 0);
        for tensor in &self.tensors {
            let range = start..start + tensor.length();
            start = range.end;
            let (params, gradient) = (&mut params[range.clone()], &gradient[range.clone()]);
            let first = &mut first[range];
            match *tensor {
                Tensor::Matrix { rows, columns } => {
                    self.buffers.step((rows, columns), params, (gradient, first), factors);
                }
                Tensor::Plain { length, is_decayed } => {
                    let second = &mut second[second_start..][..length];
                    second_start += length;
                    let decay = if is_decayed { factors.hyper.weight_decay } else { 0.0 };
                    update((params, gradient), (first, second), factors.rates.decaying(decay));
                }
            }
        }
    }
}

/// Buffers for the Newton–Schulz iterations of one thread.
#[derive(Debug, Clone)]
struct Buffers {
    /// `X`, then its next iterate.
    x: Vec<f32>,
    next: Vec<f32>,
    /// `A = X·Xᵀ`.
    square: Vec<f32>,
    /// `A·A`, then `B`.
    polynomial: Vec<f32>,
    packing: Packing,
}

impl Buffers {
    fn new(tensors: &[Tensor]) -> Self {
        let matrices = tensors.iter().filter_map(|tensor| match *tensor {
            Tensor::Matrix { rows, columns } => Some((rows, columns)),
            Tensor::Plain { .. } => None,
        });
        let (mut size, mut square) = (0, 0);
        for (rows, columns) in matrices {
            size = size.max(rows * columns);
            square = square.max(rows.min(columns) * rows.min(columns));
        }
        Self {
            x: vec![0.0; size],
            next: vec![0.0; size],
            square: vec![0.0; square],
            polynomial: vec![0.0; square],
            packing: Packing::new(),
        }
    }

    /// Moves one matrix by one step.
    fn step(
        &mut self,
        (rows, columns): (usize, usize),
        params: &mut [f32],
        (gradient, momentum): (&[f32], &mut [f32]),
        StepFactors { rates, hyper, matrix, isa }: StepFactors,
    ) {
        let kept = matrix.momentum;
        for ((next, momentum), gradient) in self.next.iter_mut().zip(momentum).zip(gradient) {
            let gradient = gradient * rates.scale;
            *momentum = kept * *momentum + (1.0 - kept) * gradient;
            *next = kept * *momentum + (1.0 - kept) * gradient;
        }
        let (short, long) = (rows.min(columns), rows.max(columns));
        let size = short * long;
        let scale = narrow(1.0 / norm(&self.next[..size]).max(NORM_MIN));
        self.next[..size].iter_mut().for_each(|value| *value *= scale);
        let is_tall = rows > columns;
        if is_tall {
            transpose(&self.next[..size], columns, &mut self.x[..size]);
        } else {
            self.x[..size].copy_from_slice(&self.next[..size]);
        }
        for _ in 0..ITERATIONS {
            self.iterate(isa, short, long);
        }
        if is_tall {
            transpose(&self.x[..size], long, &mut self.next[..size]);
            std::mem::swap(&mut self.x, &mut self.next);
        }
        let rate = rates.learning_rate * matrix.rate;
        let shape = narrow((to_f64(rows) / to_f64(columns)).max(1.0).sqrt());
        let (left, rate) = (1.0 - rate * hyper.weight_decay, rate * shape);
        for (p, direction) in params.iter_mut().zip(&self.x) {
            *p = left * *p - rate * direction;
        }
    }

    /// Replaces `X` by `a·X + (b·A + c·A·A)·X` with `A = X·Xᵀ`, for `X` of `(short, long)`.
    fn iterate(&mut self, isa: Checked, short: usize, long: usize) {
        let Self { x, next, square, polynomial, packing } = self;
        let (x_now, next_now) = (&x[..short * long], &mut next[..short * long]);
        let (square, polynomial) = (&mut square[..short * short], &mut polynomial[..short * short]);
        let [a, b, c] = COEFFICIENTS;
        let x_view = View::rows(x_now, long);
        let product = Product {
            left: x_view,
            right: x_view.transposed(),
            rows: short,
            depth: long,
            columns: short,
            start: Start::Zero,
        };
        multiply(isa, product, square, short, packing);
        let view = View::rows(square, short);
        let product = Product { left: view, right: view, depth: short, ..product };
        multiply(isa, product, polynomial, short, packing);
        for (polynomial, square) in polynomial.iter_mut().zip(&*square) {
            *polynomial = b * square + c * *polynomial;
        }
        for (next, x) in next_now.iter_mut().zip(x_now) {
            *next = a * x;
        }
        let product = Product {
            left: View::rows(polynomial, short),
            right: x_view,
            rows: short,
            depth: short,
            columns: long,
            start: Start::Existing,
        };
        multiply(isa, product, next_now, long, packing);
        std::mem::swap(x, next);
    }
}

/// Transposes a matrix with `columns` columns.
fn transpose(values: &[f32], columns: usize, out: &mut [f32]) {
    let rows = values.len() / columns;
    for (row, values) in values.chunks_exact(columns).enumerate() {
        for (column, value) in values.iter().enumerate() {
            out[column * rows + row] = *value;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes are below 2^53")]
fn to_f64(size: usize) -> f64 {
    size as f64
}

#[cfg(test)]
mod tests;
